"""Fair under load: one tenant's large import does not hold up the small pushes of others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.bookings import Booking, make_bookings
from benchmarks.peers.finwise import FinWise
from benchmarks.scale.others import EVERY, TENANTS, Others
from benchmarks.scale.section import WAITS, Amount, Section, waits_row

BATCHES = (500, 5_000)


def measure(folder: Path, amount: Amount) -> Section:
    """One server; imports in small and in large batches over one connection while others push."""
    section = Section(f"Fair under load: an import of {amount.many:,} bookings")
    server = FinWise(folder)
    bookings = make_bookings(amount.many)
    try:
        server.start()
        others = Others(server)
        before = others.push_for(amount.seconds)
        section.expect_answered("small pushes", before)
        rows = [waits_row("before", before)]
        rows += [_during(server, others, bookings, batch, section) for batch in BATCHES]
    finally:
        server.stop()
    about = f"{TENANTS} other tenants pushed a booking every {EVERY * 1e3:.0f} ms each:"
    section.add(about, WAITS, rows)
    return section


def _during(server: FinWise, others: Others, bookings: list[Booking], batch: int, section: Section) -> list[str]:
    tenant = f"import{batch}"
    server.create_tenant(tenant)
    batches = [bookings[at : at + batch] for at in range(0, len(bookings), batch)]
    requests = [server.push_request(tenant, each) for each in batches]
    with ThreadPoolExecutor(1) as importer:
        replies = importer.submit(lambda: [server.connection.send(request) for request in requests])
        pushed = others.push_until(replies.done)
    counts = [server.count_accepted(sent, reply) for sent, reply in zip(batches, replies.result(), strict=True)]
    section.expect(f"bookings imported in batches of {batch}", sum(counts), len(bookings))
    section.expect_answered("small pushes during an import", pushed)
    seconds = sum(reply.seconds for reply in replies.result())
    speed = f"{len(bookings) / seconds:,.0f} bookings/s"
    return waits_row(f"during an import in batches of {batch:,} ({seconds:.0f} s, {speed})", pushed)
