"""A server under attack after attack: what the household feels, what the workers take, and what remains afterwards."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx

from harness.server import Server
from proofs.strangers import vitals
from proofs.strangers.attacker import attacked
from proofs.strangers.attacks import ATTACKS, Victim
from proofs.strangers.household import KINDS, Household, Waits

MOST_MEMORY = 256  # MiB of a worker above what it takes idle
MOST_TIMES = 3  # the 99th percentile under attack, of the quiet one
FLOOR = 0.1  # seconds; less is not looked at: two processors that attackers share do not tell it from chance
TURNS = 3  # of an attack that misses a goal at first; the median counts
ELSEWHERE = 0.1  # of the processors that other programs may take in a round whose waits count

_QUIET_SECONDS, _ATTACK_SECONDS = 0.7, 2.0  # of a round, at scale 1
_SETTLED = 15.0  # seconds after which everything is as before
_LOOK = 0.3  # seconds
_MORE_DESCRIPTORS = 200  # of all workers than before: connections to files that wait for their next use


@dataclass
class Measured:
    """The rounds of one attack."""

    rounds: list[Waits] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)  # of the processors, that other programs took in each round
    memory: float = 0.0  # the most that a worker took above idle, MiB
    answered: Counter[str] = field(default_factory=Counter)

    @property
    def is_judged(self) -> bool:
        """Whether there is a round in which the machine was the server's."""
        return min(self.shares) <= ELSEWHERE

    def p99(self, kind: str) -> float:
        """Seconds: the median of the rounds that count, or of all if none does."""
        counting = [waits for waits, share in zip(self.rounds, self.shares, strict=True) if share <= ELSEWHERE]
        return statistics.median(waits.p99(kind) for waits in counting or self.rounds)

    def __str__(self) -> str:
        waits = ", ".join(f"{kind} {self.p99(kind) * 1000:.0f} ms" for kind in KINDS)
        answered = ", ".join(f"{what} {many}" for what, many in self.answered.most_common())
        note = "" if self.is_judged else f" (not judged: other programs took {min(self.shares):.0%} of the processors)"
        return f"{waits}{note}; {self.memory:.0f} MiB; strangers: {answered}"


class Siege:
    """A server, the household on it, and what was measured while it was quiet."""

    def __init__(self, server: Server, household: Household, victim: Victim, scale: float) -> None:
        self._server, self._household, self._victim = server, household, victim
        self._longer = max(1.0, scale)
        self._judges_waits = scale > 1  # CI's machine is shared: the short lane tells waits, the long one judges them
        self._workers = vitals.workers(server.process.pid)
        self._quiet: list[Waits] = []  # rounds that count, and the very first
        _wait_until(lambda: not self._is_slow())  # the first requests open files
        self._rest()
        self._idle = vitals.memory(self._workers)
        self._descriptors = vitals.descriptors(self._workers)

    def endure(self, name: str) -> tuple[Measured, list[str]]:
        """An attack, again if it misses a goal at first: what was measured, and what is wrong with it."""
        measured = Measured()
        remains: list[str] = []
        for _ in range(TURNS):
            self._rest()
            self._run_round(name, measured)
            remains += self._remains()
            if not list(self._waits_too_long(name, measured)):
                break
        misses = list(self._waits_too_long(name, measured)) if measured.is_judged else []
        if measured.memory > MOST_MEMORY:
            misses.append(f"a worker took {measured.memory:.0f} MiB above idle")
        return measured, [f"{name}: {miss}" for miss in misses + remains]

    def quiet_p99(self, kind: str) -> float:
        """Seconds, of all quiet rounds so far."""
        return Waits({kind: [wait for waits in self._quiet for wait in waits.seconds[kind]]}).p99(kind)

    def _run_round(self, name: str, measured: Measured) -> None:
        elsewhere = vitals.Elsewhere(self._workers)
        with vitals.watched(self._workers) as most, attacked(name, self._victim) as answered:
            measured.rounds.append(self._waits(_ATTACK_SECONDS * self._longer))
        measured.shares.append(elsewhere.share())
        measured.answered += answered
        measured.memory = max(measured.memory, *(most[pid] - self._idle[pid] for pid in self._workers))

    def _rest(self) -> None:
        """A quiet round."""
        elsewhere = vitals.Elsewhere(self._workers)
        waits = self._waits(_QUIET_SECONDS * self._longer)
        if not self._quiet or elsewhere.share() <= ELSEWHERE:
            self._quiet.append(waits)

    def _waits(self, seconds: float) -> Waits:
        """What the household waits for in so much time from now on."""
        self._household.take_waits()
        time.sleep(seconds)
        return self._household.take_waits()

    def _waits_too_long(self, name: str, measured: Measured) -> Iterator[str]:
        for kind in KINDS if self._judges_waits else ():
            most = max(MOST_TIMES * self.quiet_p99(kind), FLOOR, ATTACKS[name].allowed)
            if (found := measured.p99(kind)) > most:
                yield f"the p99 of {kind} is {found * 1000:.0f} ms, {most * 1000:.0f} ms are allowed"

    def _remains(self) -> list[str]:
        """What an attack leaves behind, some seconds after it."""
        if vitals.workers(self._server.process.pid) != self._workers:
            return ["a worker has died"]
        left: list[str] = []

        def is_as_before() -> bool:
            left[:] = self._left()
            return not left

        _wait_until(is_as_before)
        return left

    def _left(self) -> Iterator[str]:
        elsewhere = vitals.Elsewhere(self._workers)
        if self._is_slow() and elsewhere.share() <= ELSEWHERE:
            yield "the household still waits"
        opened = vitals.descriptors(self._workers) - self._descriptors
        if opened > _MORE_DESCRIPTORS:
            yield f"{opened} more descriptors are open than before"
        for pid, taken in vitals.memory(self._workers).items():
            if taken - self._idle[pid] > MOST_MEMORY:
                yield f"a worker still takes {taken - self._idle[pid]:.0f} MiB above idle"
        if httpx.get(f"{self._server.url}/healthz").status_code != 200:
            yield "the server is not healthy"

    def _is_slow(self) -> bool:
        waits = self._waits(_LOOK)
        most = {kind: max(MOST_TIMES * self.quiet_p99(kind), FLOOR) if self._quiet else FLOOR for kind in KINDS}
        return any(waits.p50(kind) > most[kind] for kind in KINDS)


def _wait_until(is_so: Callable[[], bool]) -> None:
    """Looks until it is so, or some seconds are over."""
    end = time.monotonic() + _SETTLED
    while not is_so() and time.monotonic() < end:
        pass
