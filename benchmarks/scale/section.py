"""What a measure of scale gives: tables, and what was not as it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import markdown
from benchmarks.load import Load


@dataclass(frozen=True)
class Amount:
    """How much of everything. seconds: how long others push before something begins."""

    few: int = 1_000  # bookings of a small book
    many: int = 200_000  # bookings of a large one
    tenants: int = 10_000
    loads: int = 50  # first loads at once
    repeats: int = 300  # of each small request
    seconds: float = 15.0


@dataclass
class Section:
    """A section of the report."""

    title: str
    parts: list[str] = field(default_factory=list)  # paragraphs and tables
    failures: list[str] = field(default_factory=list)  # a sentence each

    def add(self, about: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table and what it is about."""
        self.parts.append(f"{about}\n\n{markdown.table(titles, rows)}")

    def expect(self, what: str, found: float, wanted: float) -> None:
        """Notes a failure unless the two are equal."""
        if found != wanted:
            self.failures.append(f"{self.title}: {what}: {found:,g}, not {wanted:,g}")

    def expect_answered(self, what: str, load: Load) -> None:
        """Notes a failure unless all requests were answered as wanted."""
        if load.errors:
            self.failures.append(f"{self.title}: {load.errors:,} {what} failed: {load.first_error}")

    @property
    def text(self) -> str:
        """All of it, as a page shows it."""
        failures = [f"FAILED: {failure}" for failure in self.failures]
        return "\n\n".join([f"**{self.title}**", *self.parts, *failures])


def waits_row(name: str, load: Load) -> list[str]:
    """How many requests there were, and how long they took: name, n, p50, p99, most; ms."""
    return [name, f"{len(load.waits):,}", *map(markdown.shown, load.summary)]


WAITS = ("", "requests", "p50, ms", "p99, ms", "most, ms")
