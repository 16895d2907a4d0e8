"""Push, pull and first load (protocol.md 2 to 5): the rules, and the order in which they ask the store."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import NamedTuple

from finwise.domain import devices, digest
from finwise.domain.book import Book, Books, Contact, WritableBook
from finwise.domain.change import Catalogue, Change, Entity, Rejection, Row, read_changes, read_entity
from finwise.domain.change_set import ChangeSet
from finwise.domain.concurrency import Concurrency
from finwise.domain.cursor import Cursor, Position, stamp_to_read_from
from finwise.domain.groups import reject_broken_groups
from finwise.domain.limits import Limits
from finwise.domain.push import Push, Result
from finwise.errors import QuotaExceeded, TooLarge

PROTOCOL = 1
DEFAULT_LIMIT = 1_000

_RESERVE = 8 * 1024 * 1024  # bytes beyond the quota, for what a push says besides contents and what it deletes


class PullRequest(NamedTuple):
    """What a device asks for."""

    since: Cursor | None = None  # None: from the beginning
    entity_types: Collection[str] | None = None  # None: all
    limit: int = DEFAULT_LIMIT
    contact: Contact | None = None  # who asks, if that should be noted


class PushRequest(NamedTuple):
    """A device's changes."""

    elements: Sequence[object]  # parsed JSON
    device_id: str | None = None
    pull: PullRequest | None = None  # asks for what others stored, in the same round trip
    contact: Contact | None = None  # who pushes, if that should be noted


class Page(NamedTuple):
    """What was stored after a cursor."""

    epoch: str
    rows: Sequence[Row]
    next_stamp: int
    has_more: bool
    digest: Mapping[str, str] | None  # entity_type -> sum, if the page ends a pull

    @property
    def entities(self) -> list[Entity]:
        """What the rows hold."""
        return [read_entity(text) for _, text in self.rows]


class Pushed(NamedTuple):
    """The answer to a push: a result per change in their order, and a page if one was asked for."""

    epoch: str
    results: Sequence[Result | Rejection]
    page: Page | None


class Load(NamedTuple):
    """A first load, as long as its snapshot is open.

    If `chunks` ends with an error (Quarantined), what it yielded before is a part of the book and counts for nothing.
    """

    epoch: str
    chunks: Iterator[Sequence[bytes]]  # the living entities, as JSON
    next_stamp: int  # µs
    digest: Mapping[str, str]  # by entity type

    @property
    def entities(self) -> Iterator[Entity]:
        """What the chunks hold."""
        return map(read_entity, chain.from_iterable(self.chunks))


class Sync:
    """Keeps a tenant's devices in sync. The caller checks permission (access.py)."""

    def __init__(self, books: Books, catalogue: Catalogue, limits: Limits, concurrency: Concurrency) -> None:
        self._books = books
        self._concurrency = concurrency
        self._catalogue = catalogue
        self._limits = limits
        self._no_digests = dict.fromkeys(catalogue, digest.ZERO)

    @property
    def entity_types(self) -> list[str]:
        """The names of the catalogue, in its order."""
        return list(self._catalogue)

    def push(self, tenant_id: str, request: PushRequest, now: int, max_bytes: int | None = None) -> Pushed:
        """Stores what wins, in one transaction. `now` in µs; `max_bytes`: the tenant's quota, if the caller has it.

        Raises TooLarge, CursorExpired, EpochChanged, QuotaExceeded, SlowDown and what Books raises; then nothing is
        stored.
        """
        with self._concurrency.of(tenant_id):
            return self._push(tenant_id, request, now, max_bytes)

    def _push(self, tenant_id: str, request: PushRequest, now: int, max_bytes: int | None) -> Pushed:
        if len(request.elements) > self._limits.changes:
            raise TooLarge(f"Push at most {self._limits.changes} changes at once.")
        changes = self._read(request.elements)
        with self._books.transact(tenant_id, max_bytes=max_bytes) as book:
            position = book.find_position()
            after = stamp_to_read_from(request.pull.since, position) if request.pull else 0
            push = Push(book, position, changes, request.device_id, now)
            results = push.judge()
            if not push.stores_data:
                book.lift_limit()  # deletions that keep what they overwrote unseen need as much room as that had
            if request.contact and devices.is_due(book, request.contact, stores=push.stores_anything):
                book.put_contact(request.contact)
            push.store()
            if push.stores_data:
                require_room(book)
            elif not push.frees_room:
                require_room(book, beyond=_RESERVE)
            page = None
            if request.pull:
                # What this push stored lies above all earlier stamps, so it is not read.
                page = self._page(book, position, request.pull, after, push.last_stamp, push.unchanged_stamps)
        return Pushed(position.epoch, results, page)

    @contextmanager
    def storing(self, tenant_id: str, device_id: str, now: int, max_bytes: int | None = None) -> Iterator[ChangeSet]:
        """A set of changes, which is stored when the context is left. If that raises, nothing is stored.

        Everybody else who writes to the book waits meanwhile. Raises QuotaExceeded, SlowDown and what Books raises.
        """
        with self._concurrency.of(tenant_id), self._books.transact(tenant_id, max_bytes=max_bytes) as book:
            yield ChangeSet(book, self._read, require_room, device_id, now)

    def _read(self, elements: Sequence[object]) -> list[Change | Rejection]:
        return reject_broken_groups(elements, read_changes(elements, self._catalogue, self._limits))

    def pull(self, tenant_id: str, request: PullRequest) -> Page:
        """What was stored after `since`, oldest first.

        Raises CursorExpired or EpochChanged, SlowDown, and what Books raises.
        """
        with self._concurrency.of(tenant_id), self._books.read(tenant_id) as book:
            position = book.find_position()
            after = stamp_to_read_from(request.since, position)
            page = self._page(book, position, request, after, position.last_stamp, frozenset())
            is_due = request.contact is not None and devices.is_due(book, request.contact)
        if request.contact and is_due:
            devices.note(self._books, tenant_id, request.contact)
        return page

    @contextmanager
    def initial(self, tenant_id: str, entity_types: Collection[str] | None) -> Iterator[Load]:
        """The living entities in one snapshot, open until the context is left. Raises what Books raises."""
        with self._books.read(tenant_id) as book:
            position = book.find_position()
            yield Load(
                position.epoch, book.read_living(entity_types), position.last_stamp, self._digests(book, entity_types)
            )

    @contextmanager
    def living(self, tenant_id: str) -> Iterator[Iterator[tuple[str, Iterator[Entity]]]]:
        """The living entities by entity_type, in one snapshot that is open until the context is left.

        Raises what Books raises.
        """
        with self._books.read(tenant_id) as book:
            types = [name for name, value in self._digests(book, None).items() if value != digest.ZERO]
            yield ((name, map(read_entity, chain.from_iterable(book.read_living([name])))) for name in types)

    def _page(
        self, book: Book, position: Position, request: PullRequest, after: int, end: int, echo: Collection[int]
    ) -> Page:
        """What was stored after `after` and up to `position`, less the stamps in `echo`; a last page ends at `end`."""
        types, limit = request.entity_types, request.limit
        if after >= position.last_stamp:
            return Page(position.epoch, [], end, False, self._digests(book, types))
        found, ends_early = book.list_stored_between(after, position.last_stamp, types, limit + 1 + len(echo))
        rows = [row for row in found if row[0] not in echo] if echo else found
        if len(rows) > limit:
            return Page(position.epoch, rows[:limit], rows[limit - 1][0], True, None)
        if ends_early:
            return Page(position.epoch, rows, found[-1][0], True, None)
        return Page(position.epoch, rows, end, False, self._digests(book, types))

    def _digests(self, book: Book, entity_types: Collection[str] | None) -> dict[str, str]:
        """The digest of each type asked for that the catalogue or the book knows."""
        known = {**self._no_digests, **book.list_digests()}
        if entity_types is None:
            return known
        return {name: value for name, value in known.items() if name in entity_types}


def require_room(book: WritableBook, beyond: int = 0) -> None:
    """Raises QuotaExceeded if the file holds more than the tenant's quota; that rolls the transaction back.

    `beyond`: bytes by which it may hold more.
    """
    if book.is_full(beyond):
        raise QuotaExceeded("The tenant's quota is used up. Nothing was stored; delete something.")
