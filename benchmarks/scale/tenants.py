"""Cost follows the change: a server with many tenants answers as fast as one with a single one, and takes no more."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

from benchmarks import load, markdown, processes
from benchmarks.bookings import make_bookings
from benchmarks.peers.finwise import FinWise
from benchmarks.scale.cost import compared, fill
from benchmarks.scale.section import Amount, Section

CONNECTIONS = 8


def measure(folder: Path, amount: Amount) -> Section:
    """Two servers, one with a tenant, one with many; the same of a tenant of the one and the other by turns."""
    section = Section(f"Cost follows the change: 1 tenant and {amount.tenants:,} tenants")
    few = FinWise(folder / "few")
    many = FinWise(folder / "many", FINWISE_TENANTS_PER_USER=str(amount.tenants + 1))
    try:
        few.start()
        many.start()
        books = [fill(server, "book", amount.few, section) for server in (few, many)]
        taken = [_row("with 1 tenant", many)]
        names = [f"tenant{number}" for number in range(1, amount.tenants)]
        for made, wanted in ((1, amount.tenants // 10), (amount.tenants // 10, amount.tenants)):
            _use(many, names[made - 1 : wanted - 1], section)
            taken.append(_row(f"{wanted:,} tenants made, a push to each", many))
        asks = [book.asks() for book in books]
        rows = [compared(name, [each[name] for each in asks], amount.repeats) for name in asks[0]]
        rows.append(_at_random(few, many, names, amount.repeats))
        taken += [_row("after all requests", many), _row("the server with 1 tenant, after all requests", few)]
    finally:
        few.stop()
        many.stop()
    titles = ["", "1 tenant: p50, ms", "p99", f"{amount.tenants:,} tenants: p50, ms", "p99", "ratio of p50"]
    section.add(f"{amount.repeats} requests of each kind to each server, one after the other, by turns.", titles, rows)
    section.add("What the server takes:", ["", "RSS, MiB", "PSS, MiB", "open files"], taken)
    return section


def _use(server: FinWise, names: list[str], section: Section) -> None:
    """Makes tenants, and pushes a booking to each."""
    made = load.closed(server.port, _dealt([server.create_request(name) for name in names]), math.inf)
    section.expect_answered("tenants", made)
    bookings = make_bookings(len(names), seed=5)
    requests = [server.one_request(name, booking) for name, booking in zip(names, bookings, strict=True)]
    section.expect_answered("pushes", load.closed(server.port, _dealt(requests), math.inf))


def _dealt(requests: list[bytes]) -> list[list[bytes]]:
    """Requests, dealt out to the connections."""
    return [dealt for number in range(CONNECTIONS) if (dealt := requests[number::CONNECTIONS])]


def _at_random(few: FinWise, many: FinWise, names: list[str], repeats: int) -> list[str]:
    """A push to the same tenant each time, against one to another tenant each time."""
    bookings = iter(make_bookings(4 * repeats, seed=6))
    chance = Random(7)

    def push(server: FinWise, tenant: str) -> float:
        pushed = server.push(tenant, [next(bookings)])
        if pushed.accepted != 1:
            raise RuntimeError("a push was not accepted")
        return pushed.seconds

    asks = [lambda: push(few, "book"), lambda: push(many, chance.choice(names))]
    return compared("push of one booking, to another tenant each time", asks, repeats)


def _row(name: str, server: FinWise) -> list[str]:
    taken = processes.taken(server.pid)
    return [name, markdown.shown(taken.rss), markdown.shown(taken.pss), f"{taken.descriptors:,}"]
