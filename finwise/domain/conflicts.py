"""Conflicts: versions that lost unseen, kept until a person has looked at them (protocol.md 4)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from uuid import uuid4

from finwise.domain.book import Books, KeptConflict, StoredConflict
from finwise.domain.change import Change, Version, same_content
from finwise.domain.concurrency import Concurrency
from finwise.domain.devices import Owner, Owners, authors
from finwise.domain.merge import OVERWRITTEN
from finwise.domain.push import Push
from finwise.domain.sync import require_room
from finwise.errors import Conflict, NotFound


class Decision(NamedTuple):
    """What the deciding person saw."""

    says_base: bool = False  # whether that was said
    base_updated_at: str | None = None  # `updated_at` of the stored version; None: there was none


class Listed(NamedTuple):
    """The conflicts of a tenant in chunks, and whose devices wrote their versions, by `device_id`."""

    chunks: Iterator[Sequence[StoredConflict]]
    authors: Mapping[str, Owner]


class Conflicts:
    """What people do with a tenant's conflicts. The caller checks permission (access.py)."""

    def __init__(self, books: Books, owners: Owners, concurrency: Concurrency) -> None:
        self._books = books
        self._concurrency = concurrency
        self._owners = owners

    @contextmanager
    def list_of(self, tenant_id: str) -> Iterator[Listed]:
        """All of them in one snapshot, while the context is open. Raises what Books raises."""
        with self._books.read(tenant_id) as book:
            yield Listed(book.read_conflicts(), authors(book, self._owners))

    def restore(self, tenant_id: str, conflict_id: str, decision: Decision, now: int) -> Version:
        """Brings the loser back as a new change on top of the stored version: the version that is stored then.

        Unless the decision says which version the person saw, the one it replaces is kept as a conflict.
        Raises NotFound if the conflict no longer exists, Conflict if another version is stored than the person
        saw, QuotaExceeded, SlowDown.
        """
        with self._concurrency.of(tenant_id), self._books.transact(tenant_id) as book:
            kept = book.find_conflict(conflict_id)
            if kept is None:
                raise _not_found()
            key = (kept.loser.entity_type, kept.loser.id)
            stored = book.list_versions([key]).get(key)
            if decision.says_base and decision.base_updated_at != (stored.updated_at if stored else None):
                raise Conflict("Another version is stored by now. Look at both again.")
            push = Push(book, book.find_position(), [_change(kept, stored)], kept.loser.device_id, now)
            push.judge()
            book.lift_limit()  # for a moment the loser exists twice
            push.store()
            book.delete_conflict(conflict_id)
            if stored and not decision.says_base and not same_content(stored.data, kept.loser.data):
                book.add_conflicts([KeptConflict(OVERWRITTEN, now, stored)])
            if push.stores_data:
                require_room(book)
            return book.list_versions([key])[key]

    def dismiss(self, tenant_id: str, conflict_id: str) -> None:
        """Forgets the loser. Raises NotFound if the conflict no longer exists, SlowDown."""
        with self._concurrency.of(tenant_id), self._books.transact(tenant_id) as book:
            book.lift_limit()
            if not book.delete_conflict(conflict_id):
                raise _not_found()


def _change(kept: KeptConflict, stored: Version | None) -> Change:
    """The loser as a change based on the stored version, so that it becomes 1 ms newer."""
    change_id = str(uuid4())
    return Change(
        change_id=change_id,
        sent_change_id=change_id,
        key=(kept.loser.entity_type, kept.loser.id),
        updated_at=kept.loser.updated_at,
        data=kept.loser.data,
        sent_created_at=kept.loser.created_at,
        created_at=kept.loser.created_at,
        says_base=True,
        base_updated_at=stored.updated_at if stored else None,
    )


def _not_found() -> NotFound:
    return NotFound("There is no such conflict; it may have been decided already.")
