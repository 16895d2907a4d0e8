"""First loads stream: one large one takes little memory, and many at once neither much more nor others' turn."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from benchmarks import markdown
from benchmarks.bookings import make_bookings
from benchmarks.peers.finwise import FinWise
from benchmarks.scale.memory import Watch
from benchmarks.scale.others import EVERY, TENANTS, Others
from benchmarks.scale.reader import RATE, Loaded, load
from benchmarks.scale.section import WAITS, Amount, Section, waits_row

NDJSON = {"Accept": "application/x-ndjson"}
BOOK, WARM = "book", "warm"
CONNECTIONS = 8


def measure(folder: Path, amount: Amount) -> Section:
    """One server with a large book; one load in each form, then many at once while others push."""
    section = Section(f"First loads stream: a book of {amount.many:,} bookings")
    server = FinWise(folder)
    try:
        server.start()
        for tenant, count in ((WARM, amount.few), (BOOK, amount.many)):
            server.create_tenant(tenant)
            section.expect("bookings accepted", server.push(tenant, make_bookings(count)).accepted, count)
        _start_anew(server)
        _one(server, amount, section)
        _many(server, amount, section)
    finally:
        server.stop()
    return section


def _start_anew(server: FinWise) -> None:
    """New processes, that have never held a push; each has loaded once, so that what is made but once is there."""
    server.stop()
    server.start()
    for _ in range(CONNECTIONS):
        server.load(WARM)
        server.connection.close()  # the next one may come to another process


def _one(server: FinWise, amount: Amount, section: Section) -> None:
    rows = []
    with Watch(server.pid) as watch:
        whole = server.load(BOOK)
    section.expect("bookings loaded", whole.bookings, amount.many)
    rows.append(_load_row("JSON", whole.size, whole.seconds, watch))
    with Watch(server.pid) as watch:
        lines = load(server.port, server.load_request(BOOK, NDJSON), rate=1e12)
    section.expect("lines loaded", lines.entities, amount.many)
    rows.append(_load_row("NDJSON", lines.size, lines.seconds, watch))
    titles = ["", "MB", "seconds", "MB/s", "growth of the process that grew most, MiB"]
    section.add("One load at a time, as fast as it comes:", titles, rows)


def _load_row(name: str, size: int, seconds: float, watch: Watch) -> list[str]:
    return [name, *map(markdown.shown, (size / 1e6, seconds, size / 1e6 / seconds, watch.growth))]


def _many(server: FinWise, amount: Amount, section: Section) -> None:
    others = Others(server)
    before = others.push_for(amount.seconds)
    request = server.load_request(BOOK, NDJSON)
    with Watch(server.pid) as watch, ThreadPoolExecutor(amount.loads) as readers:
        loads: list[Future[Loaded]] = [readers.submit(load, server.port, request) for _ in range(amount.loads)]
        during = others.push_until(lambda: all(each.done() for each in loads))
    loaded = [each.result() for each in loads]
    section.expect("loads that were whole", sum(each.entities == amount.many for each in loaded), amount.loads)
    section.expect_answered("small pushes", before)
    section.expect_answered("small pushes during loads", during)
    section.parts.append(_told(loaded, watch))
    about = f"{TENANTS} other tenants pushed a booking every {EVERY * 1e3:.0f} ms each:"
    section.add(about, WAITS, [waits_row("before", before), waits_row("during the loads", during)])


def _told(loaded: Sequence[Loaded], watch: Watch) -> str:
    seconds = [each.seconds for each in loaded]
    refused = sum(each.refused for each in loaded)
    return (
        f"{len(loaded)} loads at once, by readers of {RATE * 8 / 1e6:g} Mbit/s each, took {min(seconds):.0f} to "
        f"{max(seconds):.0f} s; their lines allow {loaded[0].size / RATE:.0f} s. They were told {refused} times to "
        f"come back later. The server's memory (RSS of all its processes) was {watch.before:.0f} MiB before and "
        f"{watch.most:.0f} MiB at most; the process that grew most grew by {watch.growth:.0f} MiB."
    )
