"""A server process gives large blocks back to the system as soon as they are freed."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

MIB = 1024 * 1024
# Blocks of a size that was freed once stay on the heap; the small ones keep those from the end of it.
PROGRAM = """
import os, sys
from finwise.cli import allocation
if sys.argv[1] == "told":
    allocation.give_back_large_blocks()
bytes(16 << 20)
large, small = [], []
for _ in range(25):
    large.append(b"x" * (4 << 20))
    small.append(b"x" * 100_000)
large.clear()
print(int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
"""


def resident(told: str) -> float:
    """MiB of a process that has freed 25 blocks of 4 MiB."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM, told], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout) / MIB


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
    reason="this system has another C library, or does not tell what a process takes",
)
def test_large_blocks_are_the_systems_again_once_they_are_freed() -> None:
    assert resident("told") < resident("not told") - 50
