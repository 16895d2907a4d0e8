"""The server of the proof `network`: processes as those of `finwise serve`, by a clock that the proof sets."""

from __future__ import annotations

import argparse
import mmap
import os
from pathlib import Path

from flask import Flask
from granian.constants import Interfaces

from finwise import create_app
from finwise.cli.processes import Server

CLOCK = "PROOF_CLOCK"  # in the environment: the path of a file of 8 bytes, which are µs since 1970, little-endian
WORKERS, THREADS = 2, 4


class Clock:
    """A clock that several processes read; `file` is as CLOCK says."""

    def __init__(self, file: Path) -> None:
        with file.open("r+b") as opened:
            self._view = mmap.mmap(opened.fileno(), 8)

    def __call__(self) -> int:
        return int.from_bytes(self._view[:8], "little")

    def set(self, now: int) -> None:
        self._view[:8] = now.to_bytes(8, "little")


def application() -> Flask:
    """What each process runs."""
    return create_app(clock=Clock(Path(os.environ[CLOCK])))


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    Server(
        "proofs.network_server:application",
        factory=True,
        address="127.0.0.1",
        port=parser.parse_args().port,
        interface=Interfaces.WSGI,
        workers=WORKERS,
        blocking_threads=THREADS,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    main()
