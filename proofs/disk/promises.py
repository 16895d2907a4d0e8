"""What a server has promised so far, read from the marks of recorded_work.py, and whether files keep it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from finwise import create_domain
from finwise.domain import Domain, json_text
from finwise.domain.sync import PushRequest
from finwise.domain.times import millis_text
from finwise.domain.user import User
from finwise.errors import FinWiseError, NotFound, TenantDeleted
from harness.callers import as_caller
from proofs.disk.recorded_work import OWNER_EMAIL, START, YEAR, settings

ABSENT, ACTIVE, DELETED = "absent", "active", "deleted"
LATER = START + 2 * YEAR  # µs

Known = tuple[str, str | None]  # updated_at and name; no name: a tombstone
World = dict[str, Known]  # entity's id -> what was acknowledged last


@dataclass
class Flight:
    """A push that was begun and not acknowledged."""

    tenant: str
    sent: dict[str, Known]
    purged: bool  # tombstones may be purged while it is under way


@dataclass
class Book:
    """What is promised about a tenant: one of some states and, if it is active, one of some contents."""

    states: set[str] = field(default_factory=lambda: {ABSENT})
    worlds: list[World] = field(default_factory=lambda: [{}])
    ever: dict[tuple[str, str], str | None] = field(default_factory=dict)  # (id, updated_at) -> name, ever sent
    in_maintenance: int = 0


@dataclass
class Promises:
    """Follows the marks. What is under way may have been done, or not."""

    owner: str | None = None
    books: dict[str, Book] = field(default_factory=dict)
    flights: dict[int, Flight] = field(default_factory=dict)
    backups: dict[str, dict[str, World]] = field(default_factory=dict)  # folder -> tenant -> content
    commits: int = 0
    _begun: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _saved: dict[int, dict[str, World]] = field(default_factory=dict)

    def follow(self, mark: Mapping[str, Any]) -> None:
        """Takes the next mark into account."""
        number = mark["number"]
        if mark["is"] == "begun":
            self._begun[number] = mark
            getattr(self, f"_begin_{mark['what']}")(number, mark)
        else:
            begun = self._begun.pop(number)
            self.commits += 1
            getattr(self, f"_end_{begun['what']}")(number, begun, mark)

    def _begin_register(self, number: int, mark: Mapping[str, Any]) -> None:
        pass

    def _end_register(self, number: int, begun: Mapping[str, Any], mark: Mapping[str, Any]) -> None:
        self.owner = OWNER_EMAIL

    def _begin_create(self, number: int, mark: Mapping[str, Any]) -> None:
        self.books[mark["tenant"]] = Book({ABSENT, ACTIVE})

    def _end_create(self, number: int, begun: Mapping[str, Any], mark: Mapping[str, Any]) -> None:
        self.books[begun["tenant"]].states = {ACTIVE}

    def _begin_delete(self, number: int, mark: Mapping[str, Any]) -> None:
        self.books[mark["tenant"]].states = {ACTIVE, DELETED}

    def _end_delete(self, number: int, begun: Mapping[str, Any], mark: Mapping[str, Any]) -> None:
        self.books[begun["tenant"]].states = {DELETED}

    def _begin_push(self, number: int, mark: Mapping[str, Any]) -> None:
        book = self.books[mark["tenant"]]
        sent = {entity_id: (updated_at, name) for entity_id, updated_at, name in mark["sent"]}
        book.ever |= {(entity_id, updated_at): name for entity_id, (updated_at, name) in sent.items()}
        self.flights[number] = Flight(mark["tenant"], sent, book.in_maintenance > 0)

    def _end_push(self, number: int, begun: Mapping[str, Any], mark: Mapping[str, Any]) -> None:
        flight = self.flights.pop(number)
        (world,) = self.books[begun["tenant"]].worlds
        for (entity_id, known), is_stored in zip(flight.sent.items(), mark["stored"], strict=True):
            if not is_stored or world.get(entity_id, known) > known:
                continue
            if flight.purged and known[1] is None:
                world.pop(entity_id, None)
            else:
                world[entity_id] = known

    def _begin_maintenance(self, number: int, mark: Mapping[str, Any]) -> None:
        book = self.books[mark["tenant"]]
        book.in_maintenance += 1
        book.worlds = [_living(world) for world in book.worlds]
        for flight in self.flights.values():
            flight.purged = flight.purged or flight.tenant == mark["tenant"]

    def _end_maintenance(self, number: int, begun: Mapping[str, Any], mark: Mapping[str, Any]) -> None:
        self.books[begun["tenant"]].in_maintenance -= 1

    def _begin_backup(self, number: int, mark: Mapping[str, Any]) -> None:
        self._saved[number] = {tenant: dict(book.worlds[0]) for tenant, book in self.books.items()}

    def _end_backup(self, number: int, begun: Mapping[str, Any], mark: Mapping[str, Any]) -> None:
        self.backups[mark["folder"]] = self._saved.pop(number)

    def _begin_restore(self, number: int, mark: Mapping[str, Any]) -> None:
        book = self.books[mark["tenant"]]
        (before,) = book.worlds
        after = self.backups[mark["backup"]][mark["tenant"]] if mark["backup"] else before
        book.states = book.states | {ACTIVE}
        book.worlds = [before, dict(after)]

    def _end_restore(self, number: int, begun: Mapping[str, Any], mark: Mapping[str, Any]) -> None:
        book = self.books[begun["tenant"]]
        book.states = {ACTIVE}
        book.worlds = book.worlds[1:]


@dataclass(frozen=True)
class Findings:
    """What files do not keep: promises that were forgotten, and other damage; a sentence each."""

    lost: list[str]
    broken: list[str]


def check(promises: Promises, recorded: Path, folder: Path, owner: User) -> Findings:
    """Opens what a power loss has left in `folder` of `recorded`, as a server that starts would."""
    findings = Findings([], [])
    try:
        domain = create_domain(settings(folder))
    except Exception as error:
        findings.broken.append(f"the server does not start: {error!r}")
        return findings
    try:
        _check(domain, promises, recorded, folder, owner, findings)
    except Exception as error:
        findings.broken.append(f"a check ended with {error!r}")
    finally:
        domain.close()
    findings.broken.extend(_damages(folder))
    return findings


def _check(domain: Domain, promises: Promises, recorded: Path, folder: Path, owner: User, findings: Findings) -> None:
    if promises.owner:
        if not domain.users.exists(promises.owner):
            findings.lost.append("the user who signed up is gone")
            return
        for tenant_id, book in promises.books.items():
            flights = [flight for flight in promises.flights.values() if flight.tenant == tenant_id]
            _check_tenant(domain, owner, folder, tenant_id, book, flights, findings)
            if book.states == {DELETED} and not list(folder.glob(f"tenants/trash/*{tenant_id}.db")):
                findings.lost.append(f"tenant {tenant_id[:8]} was deleted, and its file is not in the trash")
    findings.broken.extend(f"users.db: {damage}" for damage in domain.verification.verify_users())
    for backup in promises.backups:
        place = folder / Path(backup).relative_to(recorded)
        try:
            findings.lost.extend(f"a backup lacks something: {damage}" for damage in domain.backups.problems(place))
        except FinWiseError as error:
            findings.lost.append(f"a backup that was made is gone: {error.detail}")


def _check_tenant(
    domain: Domain, owner: User, folder: Path, tenant_id: str, book: Book, flights: list[Flight], findings: Findings
) -> None:
    state = _state(domain, owner, tenant_id)
    name = f"tenant {tenant_id[:8]}"
    if state not in book.states:
        promised = " or ".join(sorted(book.states))
        findings.lost.append(f"{name} is {state}, though {promised} was acknowledged")
        return
    if state == DELETED:
        return
    if state == ABSENT:
        domain.tenants.create(owner, tenant_id, "Home", None, LATER)
    else:
        stored = _stored(domain, folder, tenant_id)
        missing = min((_missing(world, stored, flights) for world in book.worlds), key=len)
        findings.lost.extend(f"{name}: {each}" for each in missing)
        findings.broken.extend(f"{name}: {each}" for each in _strange(book, stored, flights))
        findings.broken.extend(f"{name}: {each}" for each in domain.verification.verify(tenant_id))
    _check_use(domain, folder, tenant_id, name, findings)


def _check_use(domain: Domain, folder: Path, tenant_id: str, name: str, findings: Findings) -> None:
    """Whether what is pushed now is stored."""
    now = millis_text(LATER)
    element = {"change_id": str(uuid4()), "entity_type": "tags", "id": "new", "updated_at": now, "data": {"name": "x"}}
    domain.sync.push(tenant_id, PushRequest([element], "device"), LATER)
    if _stored(domain, folder, tenant_id).get("new") != (now, "x"):
        findings.broken.append(f"{name} does not store what is pushed after the start")


def _state(domain: Domain, owner: User, tenant_id: str) -> str:
    try:
        domain.tenants.to_write(as_caller(owner), tenant_id)
        return ACTIVE
    except NotFound:
        return ABSENT
    except TenantDeleted:
        return DELETED
    except FinWiseError as error:
        return f"{error.code} ({error.detail})"


def _stored(domain: Domain, folder: Path, tenant_id: str) -> World:
    """The latest version of each entity. Tombstones come from the file: a pull does not go back behind a purge."""
    with domain.sync.initial(tenant_id, None) as load:
        stored = {each.id: (each.updated_at, _name(each.data)) for each in load.entities}
    file = folder / "tenants" / f"tenant_{tenant_id}.db"
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True)) as connection:
        tombstones = connection.execute(
            """SELECT json_extract(entity, '$.id'), json_extract(entity, '$.deleted_at')
               FROM sync_entities WHERE is_deleted"""
        ).fetchall()
    return stored | {entity_id: (deleted_at, None) for entity_id, deleted_at in tombstones}


def _name(data: str | None) -> str | None:
    return None if data is None else str(json_text.parse(data.encode())["name"])


def _missing(world: World, stored: World, flights: list[Flight]) -> list[str]:
    """What was acknowledged and is neither stored nor followed by something later."""
    missing = []
    for entity_id, known in world.items():
        found = stored.get(entity_id)
        if found is None and _may_be_purged(entity_id, known, flights):
            continue
        if found is None or found[0] < known[0]:
            missing.append(f"the acknowledged change of {entity_id} of {known[0]} is gone")
    return missing


def _may_be_purged(entity_id: str, known: Known, flights: list[Flight]) -> bool:
    later = [flight.sent[entity_id] for flight in flights if flight.purged and entity_id in flight.sent]
    return any(sent[1] is None and sent[0] > known[0] for sent in later)


def _strange(book: Book, stored: World, flights: list[Flight]) -> list[str]:
    """What was never sent, and pushes of which a part is stored."""
    strange = [
        f"{entity_id} of {updated_at} was never sent as it is stored"
        for entity_id, (updated_at, name) in stored.items()
        if book.ever.get((entity_id, updated_at), ...) != name
    ]
    for flight in flights:
        own = {
            key: known for key, known in flight.sent.items() if key != "all" and not (flight.purged and not known[1])
        }
        if len({stored.get(key) == known for key, known in own.items()}) > 1:
            strange.append("only a part of one push is stored")
    return strange


def _damages(folder: Path) -> list[str]:
    """What SQLite finds, in every database."""
    found = []
    for file in sorted(folder.glob("**/*.db")):
        if file.parent.name == "restoring":
            continue  # a restore creates it again
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True)) as connection:
            try:
                said = [row[0] for row in connection.execute("PRAGMA integrity_check").fetchall()]
            except sqlite3.Error as error:
                said = [repr(error)]
        if said != ["ok"]:
            found.append(f"{file.name}: {said[0]}")
    return found


def _living(world: World) -> World:
    return {entity_id: known for entity_id, known in world.items() if known[1] is not None}
