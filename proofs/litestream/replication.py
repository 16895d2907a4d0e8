"""Litestream beside a server."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from proofs.proof import PATIENCE


class Replication:
    """Litestream as docs/reliability.md has it run: with the configuration that FinWise prints."""

    def __init__(self, program: str, folder: Path, replica: Path) -> None:
        self.replica = replica
        self._program = program
        self._folder = folder
        self._configuration = replica.parent / "litestream.yml"
        self._log = replica.parent / "litestream.log"
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self) -> str:
        """Writes the configuration. What went wrong, or nothing."""
        made = finwise(self._folder, "litestream", "--to", str(self.replica))
        self._configuration.write_text(made.stdout, encoding="utf-8")
        return made.stderr if made.returncode else ""

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "replicate", "-no-expand-env", "-config", str(self._configuration)],
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def restore(self, database: str, to: Path) -> str:
        """Makes the file `to` of what the replica has, as an operator does. What went wrong, or nothing."""
        source = f"file://{(self.replica / database).as_posix()}"
        command = [self._program, "restore", "-o", str(to), source]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return "" if done.returncode == 0 else done.stderr or done.stdout or "litestream restore failed"

    def wait_until(self, database: str, holds: Callable[[Path], bool]) -> bool:
        """Whether, before long, what is restored from the replica `holds` what it should."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with tempfile.TemporaryDirectory(prefix="finwise-look-") as folder:
                copy = Path(folder, "copy.db")
                with suppress(sqlite3.Error):  # it is of a moment at which there was no table in it yet
                    if not self.restore(database, copy) and holds(copy):
                        return True
            time.sleep(0.3)
        return False

    def last_words(self) -> str:
        return self._log.read_text("utf-8", errors="replace")[-600:] if self._log.exists() else ""


def finwise(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of FinWise, in the folder of an installation."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FINWISE_")}
    command = [sys.executable, "-m", "finwise", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
