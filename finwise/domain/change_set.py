"""A set of changes: judged batch by batch, each batch like a push, and stored in one transaction."""

from collections.abc import Callable, Iterator, Sequence

from finwise.domain.book import WritableBook
from finwise.domain.change import Change, Entity, Rejection, read_entity
from finwise.domain.push import Push, Result

_BATCH = 1_000  # entities in memory at once


class ChangeSet:
    """`read`: reads changes as devices send them; `require_room` raises QuotaExceeded after a batch with content."""

    def __init__(
        self,
        book: WritableBook,
        read: Callable[[Sequence[object]], list[Change | Rejection]],
        require_room: Callable[[WritableBook], None],
        device_id: str,
        now: int,
    ) -> None:
        self._book = book
        self._read = read
        self._require_room = require_room
        self._device_id = device_id
        self._now = now
        self._before = self._position = book.find_position()

    def store(self, elements: Sequence[object]) -> list[Result | Rejection]:
        """What becomes of further changes, in their order."""
        push = Push(self._book, self._position, self._read(elements), self._device_id, self._now)
        results = push.judge()
        push.store()
        self._position = self._position._replace(last_stamp=push.last_stamp)
        if push.stores_data:
            self._require_room(self._book)
        return results

    def lift_limit(self) -> None:
        """Lets the set exceed the quota: for one that has deletions alone."""
        self._book.lift_limit()

    def living_before(self) -> Iterator[list[Entity]]:
        """The entities that were living when the set began, in batches; those that it changed meanwhile are left out.

        What the set stores lies above all stamps from before, so it is not read again.
        """
        after, until = 0, self._before.last_stamp
        while after < until:
            rows, _ = self._book.list_stored_between(after, until, None, _BATCH)
            if not rows:
                return
            after = rows[-1][0]
            yield [entity for entity in (read_entity(text) for _, text in rows) if entity.data is not None]
