"""What the processes of a server take, as Linux tells."""

from __future__ import annotations

import os
import threading
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


def _resident_pages(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
