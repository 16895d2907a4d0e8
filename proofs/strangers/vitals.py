"""What the processes of a server take, as Linux tells."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofs.proof import CannotRun

_MIB = 1024 * 1024
_EVERY = 0.1  # seconds between looks


def workers(master: int) -> list[int]:
    """The processes that serve. Raises CannotRun if the system does not tell."""
    children = Path(f"/proc/{master}/task/{master}/children")
    if not children.exists():
        raise CannotRun("the memory of processes is read from /proc; run the proof on Linux.")
    return [int(pid) for pid in children.read_text(encoding="ascii").split()]


def memory(pids: list[int]) -> dict[int, float]:
    """Resident MiB of each process."""
    return {pid: _resident_pages(pid) * os.sysconf("SC_PAGE_SIZE") / _MIB for pid in pids}


def descriptors(pids: list[int]) -> int:
    """Open files and sockets of all the processes."""
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


@contextmanager
def watched(pids: list[int]) -> Iterator[dict[int, float]]:
    """The most memory that each process takes within the context, in MiB."""
    most = memory(pids)
    over = threading.Event()

    def look() -> None:
        while not over.wait(_EVERY):
            for pid, taken in memory(pids).items():
                most[pid] = max(most[pid], taken)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


class Elsewhere:
    """How much of the machine's processors other programs take, from here on: all but this proof, `pids` and children.

    What a household waits for while others compute tells nothing about the server.
    """

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids
        self._begun = time.monotonic()
        self._others = self._seconds()

    def share(self) -> float:
        """Of all processors, between 0 and 1. Children that were started meanwhile have ended."""
        taken = self._seconds() - self._others
        return max(0.0, taken / (time.monotonic() - self._begun) / (os.cpu_count() or 1))

    def _seconds(self) -> float:
        ticks = os.sysconf("SC_CLK_TCK")
        words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
        user, nice, system, steal = (int(words[place]) for place in (0, 1, 2, 7))
        own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return (user + nice + system + steal) / ticks - own - sum(_processor_ticks(pid) for pid in self._pids) / ticks


def _processor_ticks(pid: int) -> int:
    said = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(said[11]) + int(said[12])


def _resident_pages(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
