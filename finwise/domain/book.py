"""A tenant's book as the rules see it: what the store promises, and the records that cross between the two floors."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from finwise.domain.change import Key, Version
from finwise.domain.cursor import Position


class KeptConflict(NamedTuple):
    """A version that lost and is kept beside its entity until a person has looked at it; `kept_at` in µs."""

    reason: str
    kept_at: int
    loser: Version


class Remembered(NamedTuple):
    """A change_id that was judged and does not name the stored version of the entity `key`; `since` in µs."""

    key: Key
    change_id: str
    since: int


class Book(Protocol):
    """A book within one consistent snapshot."""

    def find_position(self) -> Position:
        """Where the book stands: epoch, last stamp, horizon."""

    def list_stored_between(
        self, after: int, until: int, entity_types: Collection[str] | None, limit: int
    ) -> list[Version]:
        """At most `limit` versions with after < stamp <= until, tombstones included, in stamp order."""

    def list_living_after(self, after: int, entity_types: Collection[str] | None, limit: int) -> list[Version]:
        """At most `limit` living entities with after < stamp, in stamp order."""

    def list_digests(self) -> dict[str, int]:
        """The digest of each entity type that was ever stored."""


class WritableBook(Book, Protocol):
    """A book within one writing transaction."""

    def list_versions(self, keys: Collection[Key]) -> dict[Key, Version]:
        """The stored versions of these entities, those that there are."""

    def list_remembered(self, change_ids: Collection[str]) -> set[tuple[Key, str]]:
        """Which of these change_ids are remembered, and for which entity."""

    def put_versions(self, versions: Collection[Version]) -> None:
        """Stores one version per entity in place of what was there."""

    def add_remembered(self, remembered: Collection[Remembered]) -> None:
        """Remembers change_ids; one that is remembered already stays as it is."""

    def add_conflicts(self, conflicts: Collection[KeptConflict]) -> None:
        """Keeps losers; one whose change is kept already stays as it is."""

    def put_digests(self, digests: Mapping[str, int]) -> None:
        """Stores the digests of these entity types."""

    def put_last_stamp(self, stamp: int) -> None:
        """Stores the last stamp given out."""


class Books(Protocol):
    """The books of all tenants, by the tenant's UUID.

    Both raise TenantDeleted, Quarantined (damaged or missing), NewerSchema, Busy, ReadOnly and StorageFull.
    """

    def read(self, tenant_id: str) -> AbstractContextManager[Book]:
        """One snapshot, open until the context is left."""

    def transact(self, tenant_id: str) -> AbstractContextManager[WritableBook]:
        """The tenant's write lock and one transaction: committed when the block ends, undone if it raises."""
