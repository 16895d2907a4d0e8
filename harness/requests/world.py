"""For the proof about requests: an installation with people in every role, and a cheap look at what its files hold."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from flask import Flask
from werkzeug.test import TestResponse

from finwise import create_app, demo
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.invitations import MOST_OPEN, Invited
from finwise.domain.sync import PullRequest
from finwise.domain.times import parse_micros
from finwise.domain.tokens import NewToken
from finwise.domain.user import User
from finwise.domain.users import NewUser
from finwise.errors import FinWiseError
from harness.dump import Dump, dump

CANARY = "canary7c1f"  # in every text, e-mail and password, and in much of what is odd
PASSWORD = f"correct horse {CANARY}"

# Not looked at is when a token was shown last, and who tried to log in from where: a request that is refused counts.
UNCOUNTED = {"failed_logins", "known_addresses", "tokens"}
TOKENS = "SELECT id, user_id, hashed_token, device_name, created_at, tenant_id, read_only FROM tokens ORDER BY id"

_BESIDE = ("-wal", "-shm", "-journal")


class Sent(NamedTuple):
    """One request, as a WSGI server would hand it over."""

    route: str  # what it was before it was spoilt
    method: str
    path: str
    query: str
    environ: dict[str, str]
    body: bytes


class Person(NamedTuple):
    """Somebody with a token; a householder has an account book, too."""

    user: User
    token: str
    tenant_id: str = ""

    @property
    def id(self) -> str:
        """The user's UUID."""
        return self.user.uuid


class Files:
    """What an installation's files hold. One is read again only when SQLite says that something was committed to it."""

    def __init__(self, settings: Settings) -> None:
        self._users_database = str(settings.users_db)
        self._tenants = settings.tenant_databases
        self._open: dict[str, sqlite3.Connection] = {}
        self._known: dict[str, tuple[int, Dump]] = {}
        self._numbers = count()

    def held(self) -> dict[str, Any]:
        """The rows and schema of each file in use, and the names of all files."""
        databases = [self._users_database]
        names: list[str] = []
        for folder in (os.path.dirname(self._users_database), self._tenants, *_folders(self._tenants)):
            for entry in os.scandir(folder):
                if entry.is_file() and not entry.name.endswith(_BESIDE):
                    names.append(entry.path)
                    if folder == self._tenants:
                        databases.append(entry.path)
        for path in self._open.keys() - set(databases):
            self._open.pop(path).close()
        return {"names": sorted(names)} | {path: self._dump(path) for path in databases}

    def close(self) -> None:
        """Before the files go."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _dump(self, path: str) -> Dump:
        version = self._version(path)
        known = self._known.get(path)
        if known is None or known[0] != version:
            known = self._known[path] = version, self._read(path)
        return known[1]

    def _version(self, path: str) -> int:
        """Another number after each commit of anybody."""
        if os.name != "posix":  # a file that is open cannot be moved there, so none is kept open
            return next(self._numbers)
        if path not in self._open:
            self._known.pop(path, None)
            self._open[path] = _connected(path)
        ((version,),) = self._open[path].execute("PRAGMA data_version").fetchall()
        return int(version)

    def _read(self, path: str) -> Dump:
        if path != self._users_database:
            return dump(Path(path))
        held = dump(Path(path), without=UNCOUNTED)
        with closing(_connected(path)) as connection:
            held["tokens"] = connection.execute(TOKENS).fetchall()
        return held


class World:
    """An installation with two households, those who belong to one of them in every role, and requests to it."""

    def __init__(
        self, folder: Path, dice: random.Random, prepare: Callable[[Flask], object] = lambda app: None
    ) -> None:
        self.dice = dice
        self.now = parse_micros("2026-01-10T12:00:00Z") or 0
        settings = Settings(
            instance=str(folder / "instance"),
            tenant_databases=str(folder / "tenants"),
            maintenance_hours=0,
            tenants_per_user=1_000_000,
            demo=1,
        )
        app = create_app(settings, lambda: self.now)
        self.routes = {
            f"{method} {rule.rule}"
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
        prepare(app)
        self.client = app.test_client()
        self.domain: Domain = app.extensions["finwise"]
        self.files = Files(settings)
        self.settle()
        demo.create(self.domain, self.now)

    def close(self) -> None:
        """Before the files go."""
        self.files.close()
        self.domain.close()

    def settle(self) -> None:
        """Other people with other books, once a request that was fine has ended something of the last ones."""
        self.home, self.other = self.householder(PASSWORD), self.householder()
        self.domain.administration.change_user(self.home.user, self.now, is_admin=True)
        self.editor, self.viewer = self.person(), self.person()
        for person, role in ((self.editor, "editor"), (self.viewer, "viewer")):
            self.domain.invitations.accept(person.user, self.code(role), self.now)
        self.script = self.token(self.home, tenant_id=self.home.tenant_id)
        self.reader = self.token(self.home, read_only=True)
        self.revoked = self.person().token
        self.domain.tokens.revoke_all(self.domain.tokens.authenticate(self.revoked, self.now).user, but=None)
        self.gone = self.tenant(self.home)
        self.domain.tenants.delete(self.domain.tokens.authenticate(self.home.token, self.now), self.gone, self.now)
        self.conflicts: list[str] = []
        self.push(self.change("t1"), self.change("t2", deleted_at="2026-01-09T19:01:00Z", data=None))
        self.cursor = str(self.ask("GET", f"/sync/changes/{self.home.tenant_id}").get_json()["next_since"])
        self._settled = self._people()

    def is_whole(self) -> bool:
        """Whether everybody and everything is still as it was settled."""
        try:
            return self._people() == self._settled
        except FinWiseError:
            return False

    def _people(self) -> list[object]:
        """Who there is, and what they see of their books. Raises what they would be told."""
        seen: list[object] = []
        for person in (self.home, self.editor, self.viewer, self.other):
            caller = self.domain.tokens.authenticate(person.token, self.now)
            tenant_id = person.tenant_id or self.home.tenant_id
            seen += [caller.user, self.domain.tenants.to_read(caller, tenant_id)._replace(quota_mib=None)]
        members = self.domain.members.list_of(self.domain.tenants.as_operator(self.home.tenant_id))
        seen.append(self.other.id in {member.user_id for member in members})  # anybody who gets a code may use it
        return seen + [self.domain.tokens.authenticate(token, self.now).user for token in (self.script, self.reader)]

    def uuid(self) -> str:
        """A UUID as a device makes one."""
        return str(UUID(int=self.dice.getrandbits(128), version=4))

    def email(self) -> str:
        """An e-mail that nobody has yet."""
        return f"{CANARY}-{self.uuid()}@example.org"

    def person(self, password: str | None = None) -> Person:
        """Somebody without an account book."""
        new = NewUser(self.uuid(), f"Ada {CANARY}", self.email(), password)
        person = Person(self.domain.administration.add_user(new, self.now), "")
        return person._replace(token=self.token(person))

    def householder(self, password: str | None = None) -> Person:
        """Somebody with an account book."""
        person = self.person(password)
        tenant_id = self.tenant(person)
        self.domain.sync.pull(tenant_id, PullRequest())  # the first use makes the tables, whatever it is answered
        return person._replace(tenant_id=tenant_id)

    def guest(self) -> Person:
        """Another member of the household."""
        guest = self.person()
        self.domain.invitations.accept(guest.user, self.code("viewer"), self.now)
        return guest

    def token(self, person: Person, **restricted: Any) -> str:
        """Another token of a person."""
        return self.domain.tokens.add_for(person.user.email, NewToken(CANARY, **restricted), self.now).secret

    def tenant(self, person: Person) -> str:
        """Another account book of a person."""
        return self.domain.tenants.create(person.user, self.uuid(), f"Home {CANARY}", None, self.now)[0].uuid

    def code(self, role: str | None) -> str:
        """The code of an invitation: to the household's book, or without a role to sign up."""
        return self._invited(role).code

    def invitation(self) -> str:
        """The name of an invitation that nobody has used."""
        return self._invited("viewer").invitation.id

    def _invited(self, role: str | None) -> Invited:
        """A new invitation, for which the oldest one makes room."""
        tenant = self.domain.tenants.as_operator(self.home.tenant_id) if role else None
        if tenant and len(open_ones := self.domain.invitations.list_of(tenant, self.now)) == MOST_OPEN:
            self.domain.invitations.revoke(tenant, open_ones[0].id)
        return self.domain.invitations.invite(self.home.user, tenant, role, self.now)

    def conflict(self) -> str:
        """The name of a conflict in the household's book; each time another one."""
        if not self.conflicts:
            names = [f"late {CANARY} {self.uuid()}" for _ in range(20)]
            late = "2026-01-01T00:00:00Z"
            self.push(*(self.change("t1", updated_at=late, data={"name": name}) for name in names))
            kept = self.ask("GET", f"/sync/conflicts/{self.home.tenant_id}").get_json()
            self.conflicts = [each["conflict_id"] for each in kept]
        return self.conflicts.pop()

    def change(self, entity_id: str, **members: Any) -> dict[str, Any]:
        """A valid change of a tag, `members` apart."""
        return {
            "change_id": self.uuid(),
            "entity_type": "tags",
            "id": entity_id,
            "updated_at": "2026-01-09T19:01:00.000Z",
            "data": {"name": f"holiday {CANARY}"},
        } | members

    def push(self, *changes: dict[str, Any]) -> None:
        """As a device of the household does."""
        self.ask("POST", "/sync/changes", json={"tenant_id": self.home.tenant_id, "changes": changes})

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        """A request in the name of the household, which has to be fine."""
        headers = {"Authorization": f"Bearer {self.home.token}"}
        # Read to the end, for an answer that is made while it is sent holds a place until then (streams.py).
        answer = self.client.open(path, method=method, headers=headers, buffered=True, **options)
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.text}")
        return answer

    def send(self, sent: Sent) -> TestResponse:
        """The answer to a request that comes some seconds later."""
        self.now += self.dice.randrange(10_000_000)
        environ = {
            "REQUEST_METHOD": sent.method,
            "PATH_INFO": sent.path,
            "QUERY_STRING": sent.query,
            "REMOTE_ADDR": f"192.0.2.{self.dice.randrange(250)}",
            **sent.environ,
        }
        return self.client.open("/", data=sent.body, environ_overrides=environ, buffered=True)


def _folders(parent: str) -> list[str]:
    return [entry.path for entry in os.scandir(parent) if entry.is_dir()]


def _connected(path: str) -> sqlite3.Connection:
    """Never by open(): in the process that serves a file, that would drop SQLite's locks on it."""
    return sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
