"""Where figures come from: the machine, its system, what was measured."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psutil

from finwise.version import __version__

_ROOT = Path(__file__).parents[1]


def described(folder: Path) -> str:
    """A line about the machine; `folder` is where the servers keep their data."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory; data on {_file_system(folder)}; "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}. Clients and servers share it."
    )


def moment() -> str:
    """What was measured, and when."""
    return f"FinWise {__version__}{_revision()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."


def _revision() -> str:
    """The checkout's commit; "+" says that files differ from it. Empty where there is no git."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        said = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f" ({said})"


def _processor() -> str:
    """Its name, as Linux knows it; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """The kind of the file system that a folder is on: on one in memory a sync would cost nothing."""
    place = folder.resolve()
    mounted = [disk for disk in psutil.disk_partitions(all=True) if place.is_relative_to(disk.mountpoint)]
    return max(mounted, key=lambda disk: len(disk.mountpoint)).fstype if mounted else "an unknown file system"
