"""Servers started here: started and ended with all their processes; what these take of the machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

STOP_SECONDS = 15
SETTLE_SECONDS = 10
MIB = 1024 * 1024


class Taken(NamedTuple):
    """Of a process and all below it. MiB: rss counts what they share in each, pss once (it is rss where unknown).

    descriptors: open files and sockets; 0 if the system does not count them.
    """

    processes: int
    rss: float
    pss: float
    descriptors: int


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts a server in a folder, which gets what it says as `log.txt`."""
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ends what `start` started, and all below it."""
    below = tree(server.pid)
    server.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.wait(STOP_SECONDS)
    for process in below:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    server.wait(STOP_SECONDS)


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it; empty if it has ended."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def taken(pid: int) -> Taken:
    """What a server takes right now."""
    rss = pss = descriptors = count = 0
    for process in tree(pid):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            memory = process.memory_full_info()
            rss += memory.rss
            pss += getattr(memory, "pss", memory.rss)
            descriptors += process.num_fds() if hasattr(process, "num_fds") else 0
            count += 1
    return Taken(count, rss / MIB, pss / MIB, descriptors)


def settle() -> None:
    """Waits until what was written is on the disk and the machine is quiet, so that nobody pays for another's work."""
    if hasattr(os, "sync"):
        os.sync()
    end = time.monotonic() + SETTLE_SECONDS
    busy = machine_cpu_seconds()
    while time.monotonic() < end:
        time.sleep(0.2)
        before, busy = busy, machine_cpu_seconds()
        if busy - before < 0.02:  # seconds, of both processors
            return


def cpu_seconds(pid: int) -> float:
    """Processor time that a server has used, its ended children included."""
    used = 0.0
    for process in tree(pid):
        with suppress(psutil.NoSuchProcess):
            used += sum(process.cpu_times()[:4])
    return used


def machine_cpu_seconds() -> float:
    """Processor time that was not idle, of the whole machine."""
    times = psutil.cpu_times()
    return float(times.user + times.system)


def bytes_below(folder: Path) -> int:
    """The sizes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
