"""Races: deleting, restoring and backing up books while devices write to them and read them.

Shows that each of the three is safe against other processes that push and pull at the same moment: what was
acknowledged before a deletion is in the trash, what was acknowledged before a backup is in the copy, and a restored
book is answered as the old one or as the new one, never as a mixture. It does not show what happens when one of them
is interrupted halfway.
"""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import httpx

from harness.account import sign_up
from harness.server import Server
from proofs.proof import CannotRun, Result, main
from proofs.races.backups import back_up
from proofs.races.deletions import delete
from proofs.races.race import Race
from proofs.races.restores import restore
from proofs.witness import (
    Findings,
)


def prove(scale: float, seed: int) -> Result:
    """The three races one after the other, each with a server of its own; the first that is lost ends it."""
    result = Result("Races: deleting, restoring and backing up lose nothing while devices push and pull", trials={})
    for name, race in (("deletions", delete), ("restores", restore), ("backups", back_up)):
        findings = Findings()
        with _racing(findings, Random(f"{seed} {name}")) as racing:
            try:
                result.trials |= {f"{name} while devices push and pull": race(racing, scale)}
            except (
                RuntimeError,
                httpx.HTTPError,
                sqlite3.Error,
                OSError,
                LookupError,
                ValueError,
                subprocess.SubprocessError,
            ) as error:
                findings.add("a book cannot be served or read", repr(error)[-400:])
        result.figures |= {
            f"changes acknowledged during {name}": racing.acknowledged,
            f"requests refused during {name}": racing.refused,
        }
        result.violations += [f"{name}: {sentence}" for sentence in findings.sentences()]
        if result.violations:
            break
    return result


@contextmanager
def _racing(findings: Findings, dice: Random) -> Iterator[Race]:
    with tempfile.TemporaryDirectory(prefix="finwise-races-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder), "--workers", "2", "--threads", "16", FINWISE_TENANTS_PER_USER="1000000")
        try:
            server.start()
            account = sign_up(server.url)
        except (RuntimeError, httpx.HTTPError) as error:
            raise CannotRun(str(error)) from error
        try:
            yield Race(server, account, findings, dice)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                server.kill()


main(__name__, prove)
