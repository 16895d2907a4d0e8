"""The work that the power-loss proof records: a user, tenants, devices that push, and what an operator does.

It runs under disk.c and puts into the log what it is about to do (`begun`) and what was acknowledged (`done`), as JSON
objects that promises.py reads. Arguments: the folder, the value of `PRAGMA synchronous` or `as it is`, the seed.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from finwise import create_domain
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.change import Change
from finwise.domain.push import Result
from finwise.domain.sync import PushRequest
from finwise.domain.times import millis_text
from finwise.domain.user import User
from finwise.domain.users import NewUser
from finwise.store import connection
from harness.callers import as_caller
from proofs.disk.disk import Control

AS_IT_IS = "as it is"
WRITTEN_BACK = 24  # pages of a write-ahead log, so that it happens often here
START = 1_800_000_000_000_000  # µs since 1970
YEAR = 365 * 24 * 3600 * 1_000_000  # µs
ROUNDS = 22  # pushes of each thread
OWNER_EMAIL = "ada@example.org"

Sent = tuple[str, str, str | None]  # entity's id, updated_at, name; no name: a deletion


def settings(folder: Path) -> Settings:
    """An installation below `folder`."""
    return Settings(
        instance=str(folder / "instance"), tenant_databases=str(folder / "tenants"), maintenance_hours=0, quota_mib=64
    )


class Clock:
    """Ticks a millisecond each time it is asked, so that no two edits are of the same moment."""

    def __init__(self) -> None:
        self._now = START
        self._guard = threading.Lock()

    def __call__(self) -> int:
        with self._guard:
            self._now += 1_000
            return self._now


class Journal:
    """Marks in the log around everything that is done."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._number = 0
        self._guard = threading.Lock()

    def note(self, what: str, do: Callable[[], Any], **members: Any) -> Any:
        """Does something; a dictionary that it returns is part of the acknowledgement."""
        with self._guard:
            self._number += 1
            number = self._number
        self._control.mark(json.dumps({"is": "begun", "number": number, "what": what, **members}))
        result = do()
        told = result if isinstance(result, dict) else {}
        self._control.mark(json.dumps({"is": "done", "number": number, **told}))
        return result


class Household:
    """The user, and devices of the household that push and delete."""

    def __init__(self, folder: Path, journal: Journal, chance: random.Random) -> None:
        self.domain: Domain = create_domain(settings(folder))
        self.clock = Clock()
        self.chance = chance
        self._folder = folder
        self._journal = journal
        self.user = User(self.new_id(), "Ada", OWNER_EMAIL, None)

    def new_id(self, chance: random.Random | None = None) -> str:
        return str(UUID(int=(chance or self.chance).getrandbits(128), version=4))

    def register(self) -> None:
        new = NewUser(self.user.uuid, self.user.name, self.user.email, None)
        register = self.domain.users.register
        self._note("register", lambda: register(new, "127.0.0.1", self.clock()), owner=new.uuid)

    def create(self) -> str:
        tenant_id = self.new_id()
        create = self.domain.tenants.create
        self._note("create", lambda: create(self.user, tenant_id, "Home", None, self.clock()), tenant=tenant_id)
        return tenant_id

    def delete(self, tenant_id: str) -> None:
        delete = self.domain.tenants.delete
        self._note("delete", lambda: delete(as_caller(self.user), tenant_id, self.clock()), tenant=tenant_id)

    def push(self, tenant_id: str, sent: list[Sent], chance: random.Random, padding: int) -> None:
        """`sent` as one push; padding: bytes in each change that say nothing."""
        elements = [_element(change, self.new_id(chance), padding) for change in sent]
        request = PushRequest(elements, "device")

        def push() -> dict[str, Any]:
            results = self.domain.sync.push(tenant_id, request, self.clock()).results
            return {"stored": [_stored(result) for result in results]}

        self._note("push", push, tenant=tenant_id, sent=sent)

    def run_maintenance(self, tenant_id: str) -> None:
        run = self.domain.maintenance.run_for
        self._note("maintenance", lambda: run(tenant_id, self.clock() + YEAR), tenant=tenant_id)

    def back_up(self) -> Path:
        def make() -> dict[str, str]:
            return {"folder": str(self.domain.backups.make(self._folder / "backups", self.clock()).folder)}

        return Path(self._note("backup", make)["folder"])

    def restore(self, tenant_id: str, backup: Path) -> None:
        restore = self.domain.restores.from_backup
        self._note("restore", lambda: restore(tenant_id, backup, self.clock()), tenant=tenant_id, backup=str(backup))

    def restore_from_trash(self, tenant_id: str) -> None:
        restore = self.domain.restores.from_trash
        self._note("restore", lambda: restore(tenant_id, self.clock()), tenant=tenant_id, backup=None)

    def restart(self) -> None:
        """As when the server is stopped and started."""
        self.domain.close()
        self.domain = create_domain(settings(self._folder))

    def _note(self, what: str, do: Callable[[], Any], **members: Any) -> Any:
        return self._journal.note(what, do, **members)


class Device(threading.Thread):
    """Pushes to some tenants, one push after the other: entities of its own, and one that all devices edit."""

    def __init__(self, household: Household, name: str, tenants: list[str], chance: random.Random) -> None:
        super().__init__()
        self._household = household
        self._name = name
        self._tenants = tenants
        self._chance = chance
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            for _ in range(ROUNDS):
                self._push(self._chance.choice(self._tenants))
        except Exception as failure:  # reported by the caller that waits for the thread
            self.failure = failure

    def _push(self, tenant_id: str) -> None:
        large = self._chance.random() < 0.2
        count = 12 if large else self._chance.randint(1, 6)
        own = [f"{self._name}-{number}" for number in self._chance.sample(range(20), count)]
        sent = [self._edit(entity_id) for entity_id in (*own, *(["all"] if self._chance.random() < 0.4 else []))]
        self._household.push(tenant_id, sent, self._chance, 4_000 if large else self._chance.randint(0, 300))

    def _edit(self, entity_id: str) -> Sent:
        name = None if self._chance.random() < 0.25 else self._household.new_id(self._chance)
        return entity_id, millis_text(self._household.clock()), name


def run() -> None:
    """The program."""
    folder, synchronous, seed = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    connection.WAL_PAGES = WRITTEN_BACK
    if synchronous != AS_IT_IS:
        pragma = f"PRAGMA synchronous = {synchronous}"
        present = [pragma if "synchronous" in each else each for each in connection._SETTINGS]
        setattr(connection, "_SETTINGS", tuple(present))  # noqa: B010 - mypy knows it as five texts
    _work(Household(folder, Journal(Control()), random.Random(seed)), seed)


def _work(household: Household, seed: str) -> None:
    household.register()
    first, second, third = (household.create() for _ in range(3))
    _push_together(household, [first, second], f"{seed}/a")
    backup = household.back_up()
    household.restart()
    _push_together(household, [first, second, third], f"{seed}/b", beside=lambda: household.run_maintenance(first))
    household.delete(third)
    household.restore(second, backup)
    household.restore_from_trash(third)
    household.delete(household.create())
    _push_together(household, [second, third, household.create()], f"{seed}/c", beside=household.back_up)
    household.restart()
    household.delete(first)
    household.domain.close()


def _push_together(
    household: Household, tenants: list[str], seed: str, beside: Callable[[], object] = lambda: None
) -> None:
    """Two devices at the same time, and something else meanwhile."""
    devices = [Device(household, name, tenants, random.Random(f"{seed}/{name}")) for name in ("phone", "tablet")]
    for device in devices:
        device.start()
    beside()
    for device in devices:
        device.join()
        if device.failure:
            raise device.failure


def _element(sent: Sent, change_id: str, padding: int) -> dict[str, Any]:
    entity_id, updated_at, name = sent
    element = {"change_id": change_id, "entity_type": "tags", "id": entity_id, "updated_at": updated_at}
    if name is None:
        return element | {"deleted_at": updated_at}
    return element | {"data": {"name": name, "padding": "x" * padding}}


def _stored(result: object) -> bool:
    if not isinstance(result, Result) or not isinstance(result.change, Change):
        raise TypeError(f"a valid change was not taken: {result}")
    return result.verdict.status != "superseded"
