"""Imports of whole books: one set of changes, judged like pushes, that is stored as a whole or not at all.

So what an import changes reaches the devices like any other change.
"""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, NamedTuple, Protocol
from uuid import NAMESPACE_OID, uuid5

from finwise.domain import json_text
from finwise.domain.change import Rejection
from finwise.domain.events import tell
from finwise.domain.identifiers import is_entity_id
from finwise.domain.merge import APPLIED, SUPERSEDED, UNCHANGED
from finwise.domain.push import Result
from finwise.domain.sync import Sync
from finwise.domain.times import millis_text
from finwise.errors import FieldErrors

DEVICE_ID = "finwise-import"
MOST_REJECTIONS = 100  # that an outcome names

_BATCH = 1_000  # entities in memory at once
_OWN = ("id", "created_at", "updated_at")


class BroughtBook(Protocol):
    """A book that somebody brought, as the entities it has, each with its type; read once."""

    @property
    def share(self) -> float:
        """How much of it was read, from 0 to 1."""

    def __iter__(self) -> Iterator[tuple[str, object]]:
        """Raises Invalid if it is no book, at any time."""


class Uploads(Protocol):
    """Files that people bring."""

    def of(self, content: Iterable[bytes]) -> AbstractContextManager[BroughtBook]:
        """The book in a file of this content, JSON or SQLite, while the context is open. Raises StorageFull."""


class Refused(NamedTuple):
    """An entity that was rejected."""

    place: int  # where it is in the book, from 1
    entity_type: str
    id: str | None  # None: it has none of the form
    code: str
    errors: FieldErrors

    def __str__(self) -> str:
        return f"{self.entity_type} {self.id or f'at place {self.place}'}: {self.code}: {dict(self.errors)}"


class Progress(NamedTuple):
    """How much of a book was read, from 0 to 1. Nothing is stored yet."""

    share: float


class Outcome(NamedTuple):
    """What became of an import that was stored, in numbers of entities."""

    applied: int
    unchanged: int
    superseded: int
    rejected: int
    conflicts: int = 0  # versions that lost unseen, here or in the file, and wait for a person
    rejections: Sequence[Refused] = ()  # the first hundred of those rejected

    def summary(self) -> str:
        """One line for a person."""
        said = (
            f"{self.applied} stored, {self.unchanged} were there already, {self.superseded} are newer on the server, "
            f"{self.rejected} rejected."
        )
        return f"{said} {self.conflicts} versions that lost are kept as conflicts." if self.conflicts else said


Steps = Generator[Progress | Outcome, None, None]


def import_book(
    sync: Sync, tenant_id: str, book: BroughtBook, now: int, max_bytes: int | None = None, *, dated_now: bool = False
) -> Steps:
    """Stores a book while the iterator is asked: yields Progress, and last the Outcome, once everything is stored.

    An entity without `updated_at` is dated now, with `dated_now` every one is. What is replaced without the book
    knowing it is kept as a conflict. An entity that is dated now knows the version that its `updated_at` names; every
    other one knows none. Importing the same dated entities again changes nothing: a change is named by what it says.

    Nothing is stored if the iterator is given up, or raises: Invalid if that is no book, and what Sync.storing raises.
    """
    tally = _Tally()
    named = _changes(book, tenant_id, millis_text(now), dated_now=dated_now)
    with sync.storing(tenant_id, DEVICE_ID, now, max_bytes) as changes:
        while batch := list(islice(named, _BATCH)):
            tally.count(batch, changes.store([change.element for change in batch]))
            yield Progress(book.share)
    outcome = tally.outcome()
    tell("tenant.imported", tenant_id=tenant_id, applied=outcome.applied)
    yield outcome


def outcome_of(steps: Steps) -> Outcome:
    """Makes all the steps of an import: its outcome. Raises what `import_book` raises."""
    *_, outcome = steps
    if not isinstance(outcome, Outcome):
        raise TypeError("an import ends with its outcome")
    return outcome


class _Named(NamedTuple):
    """A change as parsed JSON, and what it is about."""

    entity_type: str
    id: object
    element: object


class _Tally:
    """Counts what becomes of changes."""

    def __init__(self) -> None:
        self._statuses: Counter[str] = Counter()
        self._conflicts = 0
        self._rejections: list[Refused] = []
        self._counted = 0
        self._rejected = 0

    def count(self, changes: Sequence[_Named], results: Sequence[Result | Rejection]) -> None:
        """Adds what became of further changes."""
        for change, result in zip(changes, results, strict=True):
            self._counted += 1
            if isinstance(result, Rejection):
                self._reject(change, result)
            else:
                self._statuses[result.verdict.status] += 1
                self._conflicts += result.verdict.conflict is not None

    def outcome(self) -> Outcome:
        """What was counted."""
        applied, unchanged, superseded = (self._statuses[status] for status in (APPLIED, UNCHANGED, SUPERSEDED))
        return Outcome(applied, unchanged, superseded, self._rejected, self._conflicts, self._rejections)

    def _reject(self, change: _Named, rejection: Rejection) -> None:
        self._rejected += 1
        if len(self._rejections) < MOST_REJECTIONS:
            named = str(change.id) if is_entity_id(change.id) else None
            refused = Refused(self._counted, change.entity_type, named, rejection.code, rejection.errors)
            self._rejections.append(refused)


def _changes(book: BroughtBook, tenant_id: str, now: str, *, dated_now: bool) -> Iterator[_Named]:
    for entity_type, entity in book:
        if isinstance(entity, dict):
            element = _element(entity_type, entity, tenant_id, now, dated_now=dated_now)
            yield _Named(entity_type, entity.get("id"), element)
        else:  # something in it is odd (json_text.py)
            yield _Named(entity_type, None, entity)


def _element(entity_type: str, entity: dict[str, Any], tenant_id: str, now: str, *, dated_now: bool) -> dict[str, Any]:
    dated = entity.get("updated_at")
    change = {
        "entity_type": entity_type,
        "id": entity.get("id"),
        "created_at": entity.get("created_at"),
        "updated_at": now if dated_now or dated is None else dated,
        # Naming its own time as its base, the same entity would be stored again 1 ms later.
        "base_updated_at": dated if dated_now else None,
        "data": {name: value for name, value in entity.items() if name not in _OWN},
    }
    return change | {"change_id": _change_id(tenant_id, change)}


def _change_id(tenant_id: str, change: dict[str, Any]) -> str:
    """A change_id that depends on the change alone, so that a repeated import is recognized."""
    try:
        said = json_text.write(change)
    except TypeError:  # something in it is odd, so it will be rejected
        said = ""
    return str(uuid5(NAMESPACE_OID, f"{tenant_id} {said}"))
