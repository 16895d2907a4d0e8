"""Cost follows the change: a delta, an empty poll and a small push cost the same in a large book as in a small one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import markdown
from benchmarks.bookings import edited, make_bookings
from benchmarks.figures import Waits
from benchmarks.peers.finwise import FinWise
from benchmarks.scale.section import Amount, Section

CHANGED = 100
Ask = Callable[[], float]  # sends a request: the seconds until its answer


def measure(folder: Path, amount: Amount) -> Section:
    """One server with both books; requests to the one and the other by turns."""
    section = Section(f"Cost follows the change: books of {amount.few:,} and {amount.many:,} bookings")
    server = FinWise(folder)
    try:
        server.start()
        books = [fill(server, f"book{count}", count, section) for count in (amount.few, amount.many)]
        asks = [book.asks() for book in books]
        rows = [compared(name, [each[name] for each in asks], amount.repeats) for name in asks[0]]
    finally:
        server.stop()
    titles = [
        "",
        f"{amount.few:,} bookings: p50, ms",
        "p99",
        f"{amount.many:,} bookings: p50, ms",
        "p99",
        "ratio of p50",
    ]
    section.add(f"{amount.repeats} requests of each kind to each, one after the other, by turns.", titles, rows)
    return section


class Book:
    """A tenant with bookings, of which 100 were edited after the cursor `before`."""

    def __init__(self, server: FinWise, tenant: str, before: str, after: str) -> None:
        self._server = server
        self._tenant = tenant
        self._before = before
        self._after = after
        self._bookings = iter(make_bookings(5_000, seed=4))

    def asks(self) -> dict[str, Ask]:
        """What is asked of it, pushes last: these lie after the cursors."""
        return {
            f"delta of {CHANGED}": lambda: self._pull(self._before, CHANGED),
            "empty poll": lambda: self._pull(self._after, 0),
            "push of one booking": self._push,
        }

    def _pull(self, cursor: str, wanted: int) -> float:
        pulled = self._server.pull(self._tenant, cursor)
        if pulled.bookings != wanted:
            raise RuntimeError(f"a pull gave {pulled.bookings} bookings, not {wanted}")
        return pulled.seconds

    def _push(self) -> float:
        pushed = self._server.push(self._tenant, [next(self._bookings)])
        if pushed.accepted != 1:
            raise RuntimeError("a push was not accepted")
        return pushed.seconds


def fill(server: FinWise, tenant: str, count: int, section: Section) -> Book:
    """Makes a tenant with so many bookings."""
    server.create_tenant(tenant)
    bookings = make_bookings(count)
    section.expect("bookings accepted", server.push(tenant, bookings).accepted, count)
    before = server.cursor(tenant)
    step = max(1, count // CHANGED)
    server.push(tenant, edited(bookings[::step][:CHANGED]))
    return Book(server, tenant, before, server.cursor(tenant))


def compared(name: str, asks: Sequence[Ask], repeats: int) -> list[str]:
    """A row: the waits of two who are asked by turns, and how many times as long the second takes."""
    seconds: list[list[float]] = [[] for _ in asks]
    for turn in range(repeats + repeats // 10):
        for ask, waited in zip(asks, seconds, strict=True):
            took = ask()
            if turn >= repeats // 10:  # the first ones warm up
                waited.append(took)
    waits = [Waits.of(waited) for waited in seconds]
    cells = [markdown.shown(figure) for each in waits for figure in (each.p50, each.p99)]
    return [name, *cells, markdown.shown(waits[1].p50 / waits[0].p50)]
