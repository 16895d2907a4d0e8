"""A book in memory for tests of the rules: the real domain and the real SQL, without HTTP and without a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from finwise import entities
from finwise.domain.book import KeptConflict, Remembered
from finwise.domain.change import Key, Version
from finwise.domain.concurrency import Concurrency
from finwise.domain.cursor import Cursor, Position
from finwise.domain.limits import Limits
from finwise.domain.push import Result
from finwise.domain.sync import Page, PullRequest, Pushed, PushRequest, Sync
from finwise.store.book import Books
from harness.memory import MemoryDatabases
from tests.household import new_id

VECTORS = Path(__file__).parent.parent / "vectors"
EVERYTHING = 1_000_000  # a limit that no test reaches

_CHECKS = entities.checks()
_DATABASES = MemoryDatabases(entities.columns())


def databases() -> MemoryDatabases:
    """Where all books are."""
    return _DATABASES


def vectors(name: str) -> list[dict[str, Any]]:
    """The cases of a file of test vectors."""
    cases: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))["cases"]
    return cases


class MemoryBook(AbstractContextManager["MemoryBook"]):
    """One tenant's book; the context closes it."""

    def __init__(self) -> None:
        self.tenant_id = new_id()
        _DATABASES.create(self.tenant_id, lambda: True)
        self._books = Books(_DATABASES)
        self.sync = Sync(self._books, _CHECKS, Limits(), Concurrency(1_000))

    def __exit__(self, *failure: object) -> None:
        _DATABASES.delete(self.tenant_id, 0)

    def put(self, versions: Iterable[Version] = (), remembered: Iterable[Remembered] = ()) -> None:
        """Stores versions and remembers change_ids as they are, as if pushes had led to them."""
        made = list(versions)
        with self._books.transact(self.tenant_id) as book:
            before = book.list_versions([(version.entity_type, version.id) for version in made])
            for version in made:
                if stored := before.get((version.entity_type, version.id)):
                    book.replace_versions({stored.stamp: version})
                else:
                    book.add_versions([version])
            book.add_remembered(list(remembered))
            if made:
                book.put_state(max(version.stamp for version in made), {})

    def put_horizon(self, horizon: int) -> None:
        """Sets how far tombstones were purged, in µs."""
        with _DATABASES.transact(self.tenant_id) as connection:
            connection.execute("UPDATE sync_book SET horizon = :it, last_stamp = max(last_stamp, :it)", {"it": horizon})
            connection.execute(
                "UPDATE sync_book SET checksum = checksum(epoch, last_stamp, horizon, writes, conflicts, digests, sums)"
            )

    def push(self, elements: Iterable[object], now: int, device_id: str | None = None) -> Pushed:
        return self.sync.push(self.tenant_id, PushRequest(list(elements), device_id), now)

    def results(self, elements: Iterable[object], now: int) -> list[Result]:
        """The results of a push of which no change is rejected."""
        results = self.push(elements, now).results
        taken = [result for result in results if isinstance(result, Result)]
        assert len(taken) == len(results), results
        return taken

    def position(self) -> Position:
        with self._books.read(self.tenant_id) as book:
            return book.find_position()

    def page(self) -> Page:
        """Everything there is, tombstones included."""
        epoch, _, horizon = self.position()
        return self.sync.pull(self.tenant_id, PullRequest(Cursor(horizon, epoch), limit=EVERYTHING))

    def versions(self) -> dict[Key, Version]:
        return self.versions_of([(entity.entity_type, entity.id) for entity in self.page().entities])

    def versions_of(self, keys: Iterable[Key]) -> dict[Key, Version]:
        with self._books.read(self.tenant_id) as book:
            return book.list_versions(list(keys))

    def digests(self) -> dict[str, str]:
        return dict(self.page().digest or {})

    def conflicts(self) -> list[KeptConflict]:
        """The conflicts that are kept, in the order they came up; the losers' stamps are not kept."""
        with _DATABASES.read(self.tenant_id) as connection:
            rows = connection.execute(
                """SELECT reason, kept_at, 0, entity_type, id, created_at, updated_at, data, change_id, device_id
                   FROM sync_conflicts ORDER BY rowid"""
            ).fetchall()
        return [KeptConflict(row[0], row[1], Version(*row[2:])) for row in rows]
