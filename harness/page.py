"""Figures in a page: what a command printed, between marks, so that nobody writes a number by hand."""

from __future__ import annotations

from pathlib import Path


def put(page: Path, text: str, mark: str = "figures") -> None:
    """Puts it between `<!-- mark: start -->` and `<!-- mark: end -->`. Raises ValueError where these are missing."""
    start, end = f"<!-- {mark}: start -->", f"<!-- {mark}: end -->"
    before, has_start, rest = page.read_text(encoding="utf-8").partition(start)
    _, has_end, after = rest.partition(end)
    if not (has_start and has_end):
        raise ValueError(f"{page} has no place for the figures: {start} … {end}")
    page.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8", newline="\n")
