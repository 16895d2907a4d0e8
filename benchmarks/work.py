"""One round of one peer: the five measures, turn by turn, and whether the work was really done.

All servers of a round are up at once and take turns: a machine is now faster, now slower, for minutes, and of what is
measured one after the other within seconds the ratios hold all the same.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from statistics import median

from benchmarks import load, processes, syncs
from benchmarks.bookings import edited, make_bookings
from benchmarks.figures import Waits
from benchmarks.peer import Peer, Pulled

MAIN = "book"
CONNECTIONS = 8
WARM, WARM_SECONDS = "warm", 0.3  # an empty tenant that is asked for before each turn
SMALL = [f"book{number}" for number in range(CONNECTIONS)]
TURNS = 4  # that a measure is cut into
LOADS = 3  # first loads in each of two turns; the median counts
CHANGED = 100  # bookings of a delta
SYNCED = 200  # pushes of which the syncs are counted
MOST_PER_SECOND = 900  # small pushes that are made ready for each connection


@dataclass(frozen=True)
class Size:
    """How much work it is."""

    bookings: int = 10_000
    pulls: int = 200
    seconds: float = 10.0  # small pushes are sent for so long; polls for half of it


@dataclass
class Round:
    """What one round of the work gave."""

    figures: dict[str, float] = field(default_factory=dict)  # by the names of report.py
    failures: list[str] = field(default_factory=list)  # what was not as it should be, a sentence each

    def expect(self, what: str, found: float, wanted: float) -> None:
        """Notes a failure unless the two are equal."""
        if found != wanted:
            self.failures.append(f"{what}: {found:,g}, not {wanted:,g}")


def run(peer: Peer, size: Size, done: Round) -> Generator[None]:
    """All measures with a peer that was not started yet, up to the next turn each time.

    It is stopped and its folder removed in the end.
    """
    seconds = busy = 0.0
    try:
        _start(peer, done)
        turns = _measures(peer, size, done)
        more = next(turns, False)
        while more:
            yield
            processes.settle()
            _warm_up(peer)
            begun, others = time.perf_counter(), _others_seconds(peer)
            more = next(turns, False)
            seconds += time.perf_counter() - begun
            busy += _others_seconds(peer) - others
        done.figures["noise"] = max(busy, 0.0) / seconds
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        done.failures.append(f"{type(error).__name__}: {error}")
    finally:
        peer.stop()
        shutil.rmtree(peer.folder, ignore_errors=True)


def _warm_up(peer: Peer) -> None:
    """While it was others' turn, their code and data took the place of its own in the processor's caches."""
    load.closed(peer.port, [[peer.load_request(WARM)]] * CONNECTIONS, WARM_SECONDS, repeat=True)


def _measures(peer: Peer, size: Size, done: Round) -> Iterator[bool]:
    """Yields when it is others' turn; what is measured is made ready before that."""
    for measure in (_push, _load, _delta, _empty, _small):
        for _ in measure(peer, size, done):
            yield True
    _after(peer, done)
    _syncs(peer, done)
    loaded = sum(peer.load(tenant).bookings for tenant in SMALL)
    done.expect("bookings loaded after small pushes", loaded, done.figures["small_stored"])


def _others_seconds(peer: Peer) -> float:
    """Processor time that others than this process and the server have used."""
    return processes.machine_cpu_seconds() - time.process_time() - processes.cpu_seconds(peer.pid)


def _start(peer: Peer, done: Round) -> None:
    done.figures["start_s"] = peer.start()
    time.sleep(0.5)
    idle = processes.taken(peer.pid)
    done.figures |= {"processes": idle.processes, "idle_rss": idle.rss, "idle_pss": idle.pss}
    for tenant in (MAIN, WARM):
        peer.create_tenant(tenant)


def _push(peer: Peer, size: Size, done: Round) -> Iterator[None]:
    """M1: a whole book, in batches, over one connection."""
    bookings = make_bookings(size.bookings)
    yield
    used = processes.cpu_seconds(peer.pid)
    pushed = peer.push(MAIN, bookings)
    used = processes.cpu_seconds(peer.pid) - used
    done.expect("bookings accepted", pushed.accepted, size.bookings)
    done.figures |= {
        "push": size.bookings / pushed.seconds,
        "push_cpu": 1e6 * used / size.bookings,
        "push_cores": used / pushed.seconds,
    }


def _load(peer: Peer, size: Size, done: Round) -> Iterator[None]:
    """M2: a new device loads all of it."""
    loads: list[Pulled] = []
    packed: list[Pulled] = []
    for _ in range(2):
        yield
        loads += [peer.load(MAIN) for _ in range(LOADS)]
        packed += [peer.load(MAIN, gzipped=True) for _ in range(LOADS)]
    for loaded in loads:
        done.expect("bookings loaded", loaded.bookings, size.bookings)
    done.figures |= {
        "load": size.bookings / median(loaded.seconds for loaded in loads),
        "load_mb": loads[0].size / 1e6,
        "load_pages": loads[0].pages,
    }
    if all(loaded.gzipped for loaded in packed):
        done.expect("bookings loaded gzipped", packed[0].bookings, size.bookings)
        done.figures |= {
            "gzip": size.bookings / median(loaded.seconds for loaded in packed),
            "gzip_mb": packed[0].size / 1e6,
        }


def _delta(peer: Peer, size: Size, done: Round) -> Iterator[None]:
    """M3: what changed, 100 of all, again and again."""
    cursor = peer.cursor(MAIN)
    time.sleep(0.05)  # one peer's cursor is a time in ms
    changed = min(CHANGED, size.bookings)
    chosen = make_bookings(size.bookings)[:: size.bookings // changed][:changed]
    done.expect("changes accepted", peer.push(MAIN, edited(chosen)).accepted, changed)
    pulls = []
    for _ in range(TURNS):
        yield
        pulls += [peer.pull(MAIN, cursor) for _ in range(max(size.pulls // TURNS, 1))]
    done.expect("changes pulled", sum(pulled.bookings for pulled in pulls), changed * len(pulls))
    waits = Waits.of([pulled.seconds for pulled in pulls])
    done.figures |= {"delta": waits.p50, "delta_p99": waits.p99, "delta_kb": pulls[0].size / 1e3}


def _empty(peer: Peer, size: Size, done: Round) -> Iterator[None]:
    """M3: polls that find nothing."""
    cursor = peer.cursor(MAIN)
    done.expect("changes pulled when there are none", peer.pull(MAIN, cursor).bookings, 0)
    feeds = [[peer.since_request(MAIN, cursor)]] * CONNECTIONS
    polls = load.Load()
    for _ in range(TURNS):
        yield
        each = size.seconds / 2 / TURNS
        polls += load.closed(peer.port, feeds, each, repeat=True, wanted=lambda status: status in (200, 304))
    _expect_no_errors("polls", polls, done)
    done.figures |= {"empty": polls.per_second, "empty_p99": polls.summary.p99}


def _small(peer: Peer, size: Size, done: Round) -> Iterator[None]:
    """M4: one new booking a request, each connection to a tenant of its own."""
    for tenant in SMALL:
        peer.create_tenant(tenant)
    pushes, used = load.Load(), 0.0
    for turn in range(TURNS):
        feeds = _small_feeds(peer, int(size.seconds / TURNS * MOST_PER_SECOND), seed=10 + turn)
        yield
        before = processes.cpu_seconds(peer.pid)
        pushes += load.closed(peer.port, feeds, size.seconds / TURNS)
        used += processes.cpu_seconds(peer.pid) - before
    _expect_no_errors("small pushes", pushes, done)
    waits = pushes.summary
    done.figures |= {
        "small": pushes.per_second,
        "small_p50": waits.p50,
        "small_p99": waits.p99,
        "small_cpu": 1e6 * used / len(pushes.waits),
        "small_cores": used / pushes.seconds,
        "small_stored": len(pushes.waits) - pushes.errors,
    }


def _small_feeds(peer: Peer, each: int, seed: int) -> list[list[bytes]]:
    bookings = make_bookings(each * len(SMALL), seed)
    return [
        [peer.one_request(tenant, booking) for booking in bookings[at * each : (at + 1) * each]]
        for at, tenant in enumerate(SMALL)
    ]


def _after(peer: Peer, done: Round) -> None:
    """M5: what it takes of the machine."""
    after = processes.taken(peer.pid)
    disk = processes.bytes_below(peer.folder) / processes.MIB
    done.figures |= {"after_rss": after.rss, "after_pss": after.pss, "disk": disk}


def _syncs(peer: Peer, done: Round) -> None:
    """What a push has synced when it is answered, if that can be counted."""
    if not syncs.can_count():
        return
    tenant, bookings = "synced", make_bookings(SYNCED + 1, seed=3)
    peer.create_tenant(tenant)
    first, *requests = [peer.one_request(tenant, booking) for booking in bookings]
    peer.connection.send(first)
    counted = syncs.count(
        peer.pid, lambda: [peer.connection.send(each) for each in requests], peer.folder / "strace.txt"
    )
    if counted is not None:
        done.figures["syncs"] = counted / SYNCED


def _expect_no_errors(what: str, ran: load.Load, done: Round) -> None:
    if ran.errors:
        done.failures.append(f"{ran.errors:,} {what} failed: {ran.first_error}")
