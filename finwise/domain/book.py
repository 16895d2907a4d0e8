"""A tenant's book as the rules see it: what the store promises, and the records that cross between the two layers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from finwise.domain.change import Key, Row, Version
from finwise.domain.cursor import Position


class KeptConflict(NamedTuple):
    """A version that lost and is kept beside its entity until a person has looked at it."""

    reason: str
    kept_at: int  # µs
    loser: Version


class StoredConflict(NamedTuple):
    """A kept conflict with its name."""

    place: int  # among the others, in the order they were kept
    conflict_id: str
    kept: KeptConflict
    stored: Version | None  # the version that is stored now; None: there is none


class Contact(NamedTuple):
    """What a device reports about itself with a request."""

    token_id: str  # names the device
    at: int  # when, µs
    device_id: str | None = None  # what it calls itself
    cursor: str | None = None  # the last `since` it sent
    clock_skew: int | None = None  # its clock minus the server's, ms; None: it did not say


class Purged(NamedTuple):
    """How much was forgotten because of its age."""

    tombstones: int
    change_ids: int
    conflicts: int
    devices: int


class Remembered(NamedTuple):
    """A change_id that was judged but does not name the stored version."""

    key: Key  # of the entity
    change_id: str
    since: int  # µs


class Book(Protocol):
    """A book within one consistent snapshot."""

    def find_position(self) -> Position:
        """Where the book stands: epoch, last stamp, horizon."""

    def list_stored_between(
        self, after: int, until: int, entity_types: Collection[str] | None, limit: int
    ) -> tuple[list[Row], bool]:
        """At most `limit` entities with after < stamp <= until, tombstones included, in stamp order.

        The second value tells whether they end early, with the entity that reaches MAX_TEXT characters.
        """

    def read_living(self, entity_types: Collection[str] | None) -> Iterator[Sequence[bytes]]:
        """The texts of the living entities, in chunks that are read as they are asked for, in no order.

        Raises Quarantined at any time, also after the last one, if entities are missing.
        """

    def list_digests(self) -> Mapping[str, str]:
        """The digest of each entity type that was ever stored, as it is answered."""

    def read_conflicts(self) -> Iterator[Sequence[StoredConflict]]:
        """The conflicts in the order they were kept, in chunks; raises Quarantined as `read_living` does."""

    def list_contacts(self) -> list[Contact]:
        """The last contact of each device, most recent first."""

    def find_contact(self, token_id: str) -> Contact | None:
        """The last contact of the device, as far as it was noted."""

    def size(self) -> int:
        """Bytes of the file that are in use."""


class WritableBook(Book, Protocol):
    """A book within one writing transaction."""

    def is_full(self, beyond: int = 0) -> bool:
        """Whether the file exceeded the tenant's quota before, and now exceeds it by more than `beyond` bytes."""

    def lift_limit(self) -> None:
        """Lifts the quota until this transaction ends: for everything except new content."""

    def list_versions(self, keys: Collection[Key]) -> dict[Key, Version]:
        """The stored versions of these entities, those that there are."""

    def require_index(self) -> None:
        """Raises Quarantined if there are versions that `list_versions` does not find. Takes a look at all of them."""

    def list_remembered(self, change_ids: Collection[str]) -> set[tuple[Key, str]]:
        """Which of these change_ids are remembered, and for which entity."""

    def add_versions(self, versions: Collection[Version]) -> None:
        """Stores the first versions of entities."""

    def replace_versions(self, versions: Mapping[int, Version]) -> None:
        """Replaces the versions of their entities, which are named by their stamps."""

    def add_remembered(self, remembered: Collection[Remembered]) -> None:
        """Remembers change_ids; a known one stays as it is."""

    def add_conflicts(self, conflicts: Collection[KeptConflict]) -> None:
        """Keeps losers; one whose change is already kept stays as it is."""

    def put_state(self, last_stamp: int, digests: Mapping[str, str]) -> None:
        """Stores the last stamp given out, and the digests of these entity types."""

    def find_conflict(self, conflict_id: str) -> KeptConflict | None: ...

    def delete_conflict(self, conflict_id: str) -> bool:
        """Whether there was one."""

    def put_contact(self, contact: Contact) -> None:
        """Notes what a device reported; the rest stays. A name that it takes no longer belongs to another."""

    def purge(self, forgotten_before: int, conflicts_before: int, now: int) -> Purged:
        """Forgets tombstones, change_ids and devices, and conflicts, from before these moments (µs).

        Moves the horizon to the last tombstone that goes, or to its time if that is later; its change_id is remembered.
        """


class Books(Protocol):
    """The books of all tenants, by the tenant's UUID.

    Both raise TenantDeleted, Quarantined (damaged or missing), NewerSchema, Busy, ReadOnly and StorageFull.
    """

    def read(self, tenant_id: str) -> AbstractContextManager[Book]:
        """One snapshot, open until the context is left."""

    def transact(
        self, tenant_id: str, *, wait: bool = True, max_bytes: int | None = None
    ) -> AbstractContextManager[WritableBook]:
        """The tenant's write lock and one transaction: committed when the block ends, rolled back if it raises.

        `max_bytes`: the tenant's quota, if the caller has it; otherwise it is looked up. Also raises QuotaExceeded,
        and without `wait` Busy if the lock is held.
        """
