"""A household that asks the server for everything, and what it was told."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from flask import Flask
from werkzeug.test import TestResponse

from finwise import create_app
from finwise.config import Settings
from finwise.domain.sync import PushRequest
from finwise.domain.times import parse_micros
from finwise.domain.tokens import NewToken
from finwise.domain.users import NewUser
from finwise.errors import FinWiseError
from proofs.proof import MEMORY

ENTITIES = 160
NOW = parse_micros("2026-01-10T12:00:00Z") or 0
NDJSON = "application/x-ndjson"
SQLITE = "application/vnd.sqlite3"
OF_PEOPLE = frozenset({"devices", "members", "tenants"})  # what users.db says, which has no checksums
BROKEN_OFF = "it breaks off"
TIMES = ("2026-01-09T19:01:00.000Z", "2026-01-09T20:01:00.000Z", "2026-01-10T08:00:00.000Z")


class Kept(NamedTuple):
    """The installation that is damaged: its folder, and who has access to the tenant."""

    folder: Path
    token: str
    tenant_id: str
    conflicts: frozenset[str]


class Household:
    """A server in this process, on the files of a folder, and what a member of the household asks it."""

    def __init__(self, kept: Kept, folder: Path) -> None:
        self._kept = kept
        settings = Settings(
            instance=str(folder / "instance"), tenant_databases=str(folder / "tenants"), maintenance_hours=0
        )
        self.app: Flask = create_app(settings, lambda: NOW)

    def close(self) -> None:
        """Ends the server, as one that is killed would not."""
        self.app.extensions["finwise"].close()

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        """An answer, read to its end."""
        headers = {"Authorization": f"Bearer {self._kept.token}"} | options.pop("headers", {})
        return self.app.test_client().open(path, method=method, headers=headers, buffered=True, **options)

    def everything(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Each question with what asks it; a question returns what is to be compared."""
        tenant = self._kept.tenant_id
        changes, load = f"/sync/changes/{tenant}", f"/sync/initial/{tenant}"
        yield "pages of 15", lambda: self._pages(changes, limit=15)
        yield "pages of 100", self.pages
        yield "pages of one type", lambda: self._pages(changes, limit=50, entity_types="tags")
        yield "first load", lambda: self._told("GET", load)
        yield "first load of one type", lambda: self._told("GET", load, query_string={"entity_types": "tags"})
        yield "first load by lines", lambda: _lines(self.ask("GET", load, headers={"Accept": NDJSON}))
        yield "conflicts", lambda: _named(self._told("GET", f"/sync/conflicts/{tenant}"), self._kept.conflicts)
        yield "devices", lambda: self._told("GET", f"/tenants/{tenant}/devices")
        yield "members", lambda: self._told("GET", f"/tenants/{tenant}/members")
        yield "tenants", lambda: self._told("GET", "/tenants")
        yield "export", lambda: self._told("GET", f"/tenants/{tenant}/export", headers={"Accept": "application/json"})
        yield "copy", lambda: _content(self.ask("GET", f"/tenants/{tenant}/export", headers={"Accept": SQLITE}))

    def pages(self) -> Any:
        """What a device pulls from the beginning."""
        return self._pages(f"/sync/changes/{self._kept.tenant_id}", limit=100)

    def pushed(self) -> Any:
        """The results of a push: an edit, a deletion, an edit that loses, a repetition, something new."""
        elements = [
            _change(3, 2, name="edited", base_updated_at=TIMES[1]),
            _change(50, 2, deleted_at=TIMES[2], base_updated_at=TIMES[1]),
            _change(90, 0, name="late"),
            _change(120, 1),
            _change(ENTITIES + 1, 2),
        ]
        return self._told("POST", "/sync/changes", json={"tenant_id": self._kept.tenant_id, "changes": elements})

    def _told(self, method: str, path: str, **options: Any) -> Any:
        answer = self.ask(method, path, **options)
        told = _read(answer)
        if isinstance(told, dict):
            told.pop("server_time", None)
        return told

    def _pages(self, path: str, **query: Any) -> Any:
        pages, since = [], None
        while True:
            page = self._told("GET", path, query_string=query | ({"since": since} if since else {}))
            pages.append(page)
            if not page["has_more"] or len(pages) > ENTITIES:
                return pages
            since = page["next_since"]


class Told(Exception):
    """The answer is an error that the protocol names."""


def _read(answer: TestResponse) -> Any:
    """The body of an answer. Raises Told, AssertionError."""
    if answer.status_code == 200:
        return answer.get_json()
    said = answer.get_json(silent=True) or {}
    if answer.status_code == 500 or not said.get("code"):
        raise AssertionError(f"the answer is {answer.status_code} {said}")
    raise Told(f"{answer.status_code} {said['code']}")


def _lines(answer: TestResponse) -> Any:
    if answer.status_code != 200:
        return _read(answer)
    lines = [json.loads(line) for line in answer.get_data().splitlines()]
    lines[-1].pop("server_time")
    return lines


def _content(answer: TestResponse) -> Any:
    """The rows of a book that was taken away, without the names of conflicts."""
    if answer.status_code != 200:
        return _read(answer)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        file = Path(folder, "copy.db")
        file.write_bytes(answer.get_data())
        with closing(sqlite3.connect(file)) as connection:
            return [
                connection.execute("SELECT * FROM sync_entities ORDER BY stamp").fetchall(),
                connection.execute("SELECT id, reason, kept_at, data FROM sync_conflicts ORDER BY rowid").fetchall(),
            ]


def answer_of(ask: Callable[[], Any]) -> Any:
    """What is answered; Told as such, and what breaks off as well."""
    try:
        return ask()
    except Told as told:
        return told
    except FinWiseError as error:  # a body that breaks off: this client hands on what ended it
        return Told(f"{BROKEN_OFF} {error.code}")
    except Exception as error:
        return f"{error!r:.300}"


def _named(answer: Any, known: frozenset[str]) -> Any:
    """A list of conflicts in which those that are new have no name of chance."""
    if isinstance(answer, list):
        for each in answer:
            each["conflict_id"] = each["conflict_id"] if each["conflict_id"] in known else "new"
    return answer


def _change(number: int, time: int, name: str = "", **members: Any) -> dict[str, Any]:
    kind = "tags" if number % 3 else "recipients"
    text = name or f"{kind} number {number}, Käse"
    return {
        "change_id": str(UUID(int=number * 16 + time)),
        "entity_type": kind,
        "id": f"e{number}",
        "updated_at": TIMES[time],
        "base_updated_at": None,
        "data": {"name": text},
    } | members


def prepare(folder: Path) -> tuple[Kept, Kept]:
    """A household's book with conflicts and tombstones, once as its server stopped and once as it was killed."""
    stopped, killed = folder / "stopped", folder / "killed"
    settings = Settings(
        instance=str(stopped / "instance"), tenant_databases=str(stopped / "tenants"), maintenance_hours=0
    )
    domain = create_app(settings, lambda: NOW).extensions["finwise"]
    user = domain.administration.add_user(NewUser(str(UUID(int=1)), "Ada", "ada@example.org", None), NOW)
    tenant_id = str(UUID(int=3))
    domain.tenants.create(user, tenant_id, "Home", None, NOW)
    secret = domain.tokens.add_for(user.email, NewToken("phone"), NOW).secret

    def push(*changes: dict[str, Any]) -> None:
        domain.sync.push(tenant_id, PushRequest(changes, "phone"), NOW)

    push(*(_change(number, 1) for number in range(ENTITIES // 2)))
    domain.close()  # half of the book is in the file, the rest in the log
    for begin in range(ENTITIES // 2, ENTITIES, 20):
        push(*(_change(number, 1) for number in range(begin, begin + 20)))
    push(*(_change(number, 0, name="late") for number in range(0, 60, 5)))
    push(*(_change(number, 2, deleted_at=TIMES[2], base_updated_at=TIMES[1]) for number in range(2, 150, 9)))
    with domain.conflicts.list_of(tenant_id) as listed:
        known = frozenset(each.conflict_id for chunk in listed.chunks for each in chunk)
    shutil.copytree(stopped, killed)
    domain.close()
    return Kept(stopped, secret, tenant_id, known), Kept(killed, secret, tenant_id, known)
