"""What a proof sees beside the server: what was acknowledged, what a device that only pulls has got, what is stored.

Everything here is told by HTTP answers and by SQLite, and the digest is computed from the protocol's words, so
that no rule of the server vouches for itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import httpx

Key = tuple[str, str]  # entity_type, id
Json = dict[str, Any]

TIMEOUT = 120.0  # seconds that a request may take on a slow machine; one to a killed process ends at once
COME_AGAIN = frozenset({429, 503})  # the statuses after which a device tries again
UNREACHABLE = (httpx.TransportError,)


class Findings:
    """What went wrong, counted by kind; the first example of each kind is told."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, kind: str, example: str) -> None:
        with self._guard:
            self._counts[kind] += 1
            self._first.setdefault(kind, example)

    def sentences(self) -> list[str]:
        """A sentence for each kind, the most frequent first."""
        return [f"{kind}: {count} (first: {self._first[kind]})" for kind, count in self._counts.most_common()]


class Stored(NamedTuple):
    """A row of a tenant's file."""

    key: Key
    stamp: int
    updated_at: str
    data: Json | None  # parsed; None: a tombstone
    change_id: str

    @property
    def told(self) -> tuple[str, Json | None]:
        """What a device can know of it."""
        return self.updated_at, self.data


def time_text(seconds: float) -> str:
    """A time as devices write it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def key_of(thing: Mapping[str, Any]) -> Key:
    """The name of the entity that a change or an answered entity is about."""
    return thing["entity_type"], thing["id"]


def tenant_file(databases: Path, tenant_id: str) -> Path:
    """The file of a tenant below the folder of the tenants' files."""
    return databases / f"tenant_{tenant_id}.db"


def stored(path: Path) -> list[Stored]:
    """All rows of a tenant's file, in the order of their stamps; read through SQLite beside other readers."""
    rows = _query(path, "SELECT stamp, entity, change_id FROM sync_entities ORDER BY stamp")
    return [_stored(stamp, json.loads(text), change_id) for stamp, text, change_id in rows]


def _stored(stamp: int, entity: Json, change_id: str) -> Stored:
    return Stored(key_of(entity), stamp, entity["updated_at"], entity["data"], change_id)


def known_change_ids(path: Path) -> set[str]:
    """The change_ids that a tenant's file knows: of the stored versions and of those that were replaced or lost."""
    sql = "SELECT change_id FROM sync_entities UNION SELECT change_id FROM sync_change_ids"
    return {change_id for (change_id,) in _query(path, sql)}


def damage(path: Path) -> list[str]:
    """What SQLite finds wrong with a file."""
    try:
        said = [str(line) for (line,) in _query(path, "PRAGMA integrity_check")]
    except sqlite3.Error as error:
        return [str(error)]
    return [] if said == ["ok"] else said


def digests(living: Iterable[tuple[Key, str]]) -> dict[str, str]:
    """The digest of each type that has living entities, from their names and `updated_at` (protocol.md 4)."""
    sums: dict[str, int] = defaultdict(int)
    for key, updated_at in living:
        sums[key[0]] += _weight(key, updated_at)
    return {entity_type: _hex(total) for entity_type, total in sums.items()}


def differing(told: Mapping[str, str], computed: Mapping[str, str]) -> list[str]:
    """The types whose told digest is not the computed one; absent, on either side, means none of that type."""
    none = _hex(0)
    return sorted(name for name in told.keys() | computed.keys() if told.get(name, none) != computed.get(name, none))


def _weight(key: Key, updated_at: str) -> int:
    return int.from_bytes(sha256(f"{key[0]}\n{key[1]}\n{updated_at}".encode()).digest()[:8], "big")


def _hex(total: int) -> str:
    return f"{total % 2**64:016x}"


def _query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=TIMEOUT)) as connection:
        return connection.execute(sql).fetchall()


@dataclass
class Ledger:
    """What the server acknowledged for one tenant. Filled by several threads."""

    tenant_id: str
    changes: list[Json] = field(default_factory=list)
    newest: dict[Key, tuple[str, Json | None]] = field(default_factory=dict)
    guard: Lock = field(default_factory=Lock)

    def note(self, changes: Sequence[Json], results: Sequence[Json], findings: Findings) -> None:
        """Writes down an answer: from now on the server has to hold this, or something newer."""
        if [result.get("change_id") for result in results] != [change["change_id"] for change in changes]:
            findings.add("an answer has not one result per change, in their order", f"tenant {self.tenant_id}")
            return
        with self.guard:
            self.changes += changes
            for change, result in zip(changes, results, strict=True):
                self._note(change, result, findings)

    def _note(self, change: Json, result: Json, findings: Findings) -> None:
        if result["status"] in ("applied", "unchanged"):
            told = (result["updated_at"], change["data"])
        elif result["status"] == "superseded" and "entity" not in result:
            return  # a later result of this answer brings it
        elif result["status"] == "superseded" and result["entity"]:
            told = (result["entity"]["updated_at"], result["entity"]["data"])
        else:
            findings.add("a valid change was not taken", json.dumps(result))
            return
        known = self.newest.get(key_of(change))
        if known and known[0] == told[0] and known[1] != told[1]:
            findings.add("two contents were acknowledged under one time", f"{change['id']} at {told[0]}")
        if known is None or known[0] < told[0]:
            self.newest[key_of(change)] = told

    def compare(self, rows: Mapping[Key, Stored], findings: Findings) -> None:
        """Whether each acknowledged change, or something newer, is among the rows."""
        for key, (updated_at, data) in self.newest.items():
            row = rows.get(key)
            where = f"{key[1]} of tenant {self.tenant_id}"
            if row is None:
                findings.add("acknowledged changes are lost", f"{where}, acknowledged at {updated_at}, is not stored")
            elif row.updated_at < updated_at:
                findings.add(
                    "acknowledged changes were replaced by older ones",
                    f"{where}, acknowledged at {updated_at}, is stored at {row.updated_at}",
                )
            elif row.updated_at == updated_at and row.data != data:
                findings.add("another content is stored than was acknowledged", f"{where} at {updated_at}")


class Follower:
    """A device that only pulls: follows next_since and keeps the last version of every entity it was given."""

    def __init__(self, tenant_id: str, findings: Findings) -> None:
        self.tenant_id = tenant_id
        self.entities: dict[Key, tuple[str, Json | None]] = {}
        self.since: str | None = None
        self.digest: dict[str, str] | None = None
        self.pages = 0
        self._sums: dict[str, int] = defaultdict(int)  # the digests of what it holds, before they are reduced
        self._findings = findings

    def pull(self, http: httpx.Client, limit: int) -> bool:
        """One page. True where more is to come. Raises httpx.TransportError; what was missed is asked for again."""
        query: dict[str, str | int] = {"limit": limit} | ({"since": self.since} if self.since else {})
        answer = http.get(f"/sync/changes/{self.tenant_id}", params=query)
        if answer.status_code in COME_AGAIN:
            return True
        if answer.status_code != 200:
            self._findings.add(f"a pull was answered with {answer.status_code}", answer.text[:300])
            self.since = None
            return True
        self._take(answer.json())
        return bool(answer.json()["has_more"])

    def load_beside(self, http: httpx.Client) -> None:
        """A first load, only to see whether it is of one moment: its digest and its entities belong together."""
        answer = http.get(f"/sync/initial/{self.tenant_id}")
        if answer.status_code != 200:
            if answer.status_code not in COME_AGAIN:
                self._findings.add(f"a first load was answered with {answer.status_code}", answer.text[:300])
            return
        load = answer.json()
        computed = digests((key_of(entity), entity["updated_at"]) for entity in load["changes"])
        self._require_same(load["digest"], computed, "the digest of a first load is not that of its entities")

    def compare(self, rows: Mapping[Key, Stored]) -> None:
        """Whether the device has the stored version of every entity, and no other."""
        for key in rows.keys() | self.entities.keys():
            row, held = rows.get(key), self.entities.get(key)
            if row is None or held != row.told:
                has = f"has {held[0] if held else 'nothing'}, stored is {row.updated_at if row else 'nothing'}"
                self._findings.add("a device that pulls missed something", f"{key[1]} of {self.tenant_id}: it {has}")

    def _take(self, page: Json) -> None:
        self.pages += 1
        self.digest = page.get("digest")
        given = [key_of(entity) for entity in page["changes"]]
        if len(set(given)) < len(given):
            self._findings.add("an entity stands twice in a page", f"tenant {self.tenant_id} after {self.since}")
        if page["has_more"] and (not given or page["next_since"] == self.since):
            self._findings.add("a page with more to come leads nowhere", f"tenant {self.tenant_id} after {self.since}")
        for entity in page["changes"]:
            self._take_entity(entity)
        self.since = page["next_since"]
        if self.digest is not None:
            computed = {entity_type: _hex(total) for entity_type, total in self._sums.items()}
            self._require_same(self.digest, computed, "a digest is not that of what the device has pulled")

    def _take_entity(self, entity: Json) -> None:
        told = (entity["updated_at"], entity["data"])
        known = self.entities.get(key_of(entity))
        if known and (told[0] < known[0] or (told[0] == known[0] and told[1] != known[1])):
            self._findings.add(
                "a stored version was replaced by one that is not newer", f"{entity['id']}: {known[0]}, then {told[0]}"
            )
        for version, sign in ((known, -1), (told, 1)):
            if version and version[1] is not None:
                self._sums[entity["entity_type"]] += sign * _weight(key_of(entity), version[0])
        self.entities[key_of(entity)] = told

    def _require_same(self, told: Mapping[str, str], computed: Mapping[str, str], kind: str) -> None:
        if differ := differing(told, computed):
            self._findings.add(kind, f"{', '.join(differ)} of tenant {self.tenant_id}")
