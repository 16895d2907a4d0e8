"""How the memory of a server's processes grows while something happens."""

from __future__ import annotations

import threading
from contextlib import suppress

import psutil

from benchmarks import processes

EVERY = 0.02  # seconds


class Watch:
    """Looks at resident memory again and again while the context is open. All figures are in MiB."""

    def __init__(self, pid: int) -> None:
        self._processes = processes.tree(pid)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._before = self._most = self._now()
        self._most_of_all = sum(self._before.values())

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def before(self) -> float:
        """Of all processes together, in the beginning."""
        return sum(self._before.values()) / processes.MIB

    @property
    def most(self) -> float:
        """Of all processes together, at most."""
        return self._most_of_all / processes.MIB

    @property
    def growth(self) -> float:
        """Of that process which grew most."""
        return max(self._most[pid] - before for pid, before in self._before.items()) / processes.MIB

    def _look(self) -> None:
        while not self._end.wait(EVERY):
            now = self._now()
            self._most = {pid: max(most, now.get(pid, 0)) for pid, most in self._most.items()}
            self._most_of_all = max(self._most_of_all, sum(now.values()))

    def _now(self) -> dict[int, int]:
        """Process -> bytes."""
        found = {}
        for process in self._processes:
            with suppress(psutil.NoSuchProcess):
                found[process.pid] = process.memory_info().rss
        return found
