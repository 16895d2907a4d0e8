"""Figures go between the marks of a page, and nowhere else."""

from pathlib import Path

import pytest

from harness import page

PAGE = "# Title\n\n<!-- a: start -->\nold\n<!-- a: end -->\n\ntext\n<!-- b: start -->\nother\n<!-- b: end -->\nend\n"


def test_what_is_between_the_marks_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    written = tmp_path / "page.md"
    written.write_text(PAGE, encoding="utf-8")
    page.put(written, "new ≥ 1", "b")
    assert written.read_text(encoding="utf-8") == PAGE.replace("other", "new ≥ 1")
    page.put(written, "newer", "b")
    assert written.read_text(encoding="utf-8") == PAGE.replace("other", "newer")


@pytest.mark.parametrize("text", ["", "<!-- figures: start -->", "<!-- figures: end --><!-- figures: start -->"])
def test_a_page_without_the_marks_stays_as_it_is(tmp_path: Path, text: str) -> None:
    written = tmp_path / "page.md"
    written.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="no place"):
        page.put(written, "new")
    assert written.read_text(encoding="utf-8") == text
