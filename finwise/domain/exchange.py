"""Books as one JSON file: entity_type -> a list of entities with `id`, `created_at`, `updated_at` beside their fields.

Imports are judged like pushes, so that a change made on the server reaches the devices like any other.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, uuid5

from finwise.domain import json_text
from finwise.domain.change import Entity, Rejection
from finwise.domain.merge import APPLIED, SUPERSEDED, UNCHANGED
from finwise.domain.sync import PushRequest, Sync
from finwise.domain.times import millis_text
from finwise.errors import Invalid

DEVICE_ID = "finwise-import"

_BATCH = 1_000  # entities in one transaction, so that other writers get their turn
_PIECE = 256 * 1024  # characters of a book that are sent at once
_OWN = ("id", "created_at", "updated_at")

Entities = Iterator[Entity]
Advance = Callable[[int, int], None]  # told how many entities of how many are done


class Outcome(NamedTuple):
    """What became of an import: numbers of entities, and a line for each that was rejected.

    `conflicts`: how many versions lost unseen, here or in the file, and wait for a person.
    """

    applied: int
    unchanged: int
    superseded: int
    rejected: Sequence[str]
    conflicts: int = 0

    def summary(self) -> str:
        """One line for a person."""
        said = (
            f"{self.applied} stored, {self.unchanged} were there already, {self.superseded} are newer on the server, "
            f"{len(self.rejected)} rejected."
        )
        return f"{said} {self.conflicts} versions that lost are kept as conflicts." if self.conflicts else said


def import_book(
    sync: Sync,
    tenant_id: str,
    text: bytes,
    clock: Callable[[], int],
    advance: Advance | None = None,
    *,
    dated_now: bool = False,
) -> Outcome:
    """Writes a book. An entity without `updated_at` is dated now, with `dated_now` every one is.

    What is replaced without the book knowing it is kept as a conflict. An entity that is dated now knows the version
    that its `updated_at` names; every other one knows none. Importing the same dated entities again changes nothing:
    a change is named by what it says. Raises Invalid if the text is no book, and what Sync.push raises; batches before
    that are stored then.
    """
    changes = list(_changes(_book(text), tenant_id, millis_text(clock()), dated_now))
    counts = {APPLIED: 0, UNCHANGED: 0, SUPERSEDED: 0}
    rejected: list[str] = []
    conflicts = 0
    waiting = iter(changes)
    done = 0
    while batch := list(islice(waiting, _BATCH)):
        results = sync.push(tenant_id, PushRequest(batch, DEVICE_ID), clock()).results
        for change, result in zip(batch, results, strict=True):
            if isinstance(result, Rejection):
                rejected.append(f"{change['entity_type']} {change['id']}: {result.code}: {dict(result.errors)}")
            else:
                counts[result.verdict.status] += 1
                conflicts += result.verdict.conflict is not None
        done += len(batch)
        if advance:
            advance(done, len(changes))
    return Outcome(counts[APPLIED], counts[UNCHANGED], counts[SUPERSEDED], rejected, conflicts)


@contextmanager
def book_text(sync: Sync, tenant_id: str) -> Iterator[Iterator[str]]:
    """A tenant's living entities as JSON text, one entity per line, in one snapshot, while the context is open.

    The entity's `id`, `created_at` and `updated_at` replace fields of these names in its `data`. Raises what
    Sync.living raises.
    """
    with sync.living(tenant_id) as types:
        yield _pieces(_lines(types))


def _pieces(lines: Iterator[str]) -> Iterator[str]:
    """The lines in pieces: a small book is one, which is there as a whole or not at all."""
    piece: list[str] = []
    size = 0
    for line in lines:
        piece.append(line)
        size += len(line)
        if size >= _PIECE:
            yield "".join(piece)
            piece, size = [], 0
    yield "".join(piece)


def _lines(types: Iterator[tuple[str, Entities]]) -> Iterator[str]:
    yield "{"
    separator = "\n"
    for entity_type, entities in types:
        start = f'{separator}"{entity_type}": [\n'
        for entity in entities:
            yield f"{start} {_entity_text(entity)}"
            start = ",\n"
        if start == ",\n":  # there were some
            yield "\n]"
            separator = ",\n"
    yield "\n}\n"


def _entity_text(entity: Entity) -> str:
    data = json_text.read_own(entity.data or "null")
    own = {"created_at": entity.created_at, "updated_at": entity.updated_at}
    return json_text.write({"id": entity.id} | data | {"id": entity.id} | own)


def _book(text: bytes) -> dict[str, list[dict[str, Any]]]:
    book = json_text.read(text)
    if type(book) is not dict or not all(
        type(entities) is list and all(type(entity) is dict for entity in entities) for entities in book.values()
    ):
        raise Invalid("This is not a book: give an object of entity types, each with a list of entities.")
    return book


def _changes(
    book: dict[str, list[dict[str, Any]]], tenant_id: str, now: str, dated_now: bool
) -> Iterator[dict[str, Any]]:
    for entity_type, entities in book.items():
        for entity in entities:
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
            yield change | {"change_id": str(uuid5(NAMESPACE_OID, f"{tenant_id} {json_text.write(change)}"))}
