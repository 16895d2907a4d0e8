"""How often a server has the disk synced: what it really promises when it answers. On Linux, where there is strace."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import processes

_CALLS = ("fsync", "fdatasync", "msync", "sync_file_range")
_CALLED = re.compile(rf"\b({'|'.join(_CALLS)})\(")  # one that was interrupted goes on as "resumed", without the bracket
_ATTACH_SECONDS = 10


def can_count() -> bool:
    """Whether there is strace."""
    return shutil.which("strace") is not None


def count(pid: int, work: Callable[[], object], said: Path) -> int | None:
    """Syncs by a process and all below it while the work is done; None, with nothing done, if strace may not look.

    `said` is a file for what strace says.
    """
    pids = [str(process.pid) for process in processes.tree(pid)]
    looked_at = [option for each in pids for option in ("-p", each)]
    with said.open("w", encoding="utf-8") as output:
        tracer = subprocess.Popen(["strace", "-f", "-e", f"trace={','.join(_CALLS)}", *looked_at], stderr=output)
    try:
        if not _is_attached(tracer, said, len(pids)):
            return None
        work()
    finally:
        tracer.send_signal(signal.SIGINT)  # it lets go of the server
        tracer.wait()
    return len(_CALLED.findall(said.read_text(encoding="utf-8", errors="replace")))


def _is_attached(tracer: subprocess.Popen[bytes], said: Path, processes_there: int) -> bool:
    """Waits until strace looks at all of them; False if it does not."""
    deadline = time.monotonic() + _ATTACH_SECONDS
    while len(re.findall(r"Process \d+ attached", said.read_text(encoding="utf-8"))) < processes_there:
        if tracer.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
