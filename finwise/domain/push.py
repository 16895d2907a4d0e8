"""The changes of one push, judged one after the other; each sees the result of those before it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from finwise.domain import digest
from finwise.domain.book import KeptConflict, Remembered, WritableBook
from finwise.domain.change import Change, Key, Rejection, Version
from finwise.domain.cursor import Position, next_stamp
from finwise.domain.limits import MAX_TEXT
from finwise.domain.merge import APPLIED, OLDER, OVERWRITTEN, SUPERSEDED, Verdict, judge
from finwise.domain.times import millis_text, next_milli


class Result(NamedTuple):
    """What became of one change."""

    change: Change
    verdict: Verdict
    version: Version | None  # the stored one; `superseded`: the one to adopt, None if it was purged since
    is_told: bool = True  # whether the answer to a `superseded` change brings that version


class Push:
    """Judges changes in their order with `judge`, then writes what was decided with `store`.

    `now` in µs; `position` is the book's when the transaction began, `last_stamp` the new one after `store`.
    """

    def __init__(
        self,
        book: WritableBook,
        position: Position,
        changes: Sequence[Change | Rejection],
        device_id: str | None,
        now: int,
    ) -> None:
        accepted = [change for change in changes if type(change) is Change]
        self._book = book
        self._changes = changes
        self._device_id = device_id
        self._now, self._now_text = now, millis_text(now)
        self._after_purged = next_milli(millis_text(position.horizon)) if position.horizon else ""
        keys = {change.key for change in accepted}
        self._before = book.list_versions(keys)
        if len(self._before) < len(keys) and any(
            change.base_updated_at is not None and change.key not in self._before for change in accepted
        ):
            book.require_index()  # what the device knows was forgotten, or cannot be found and would be there twice
        self._written: dict[Key, Version] = {}
        self._known_ids = book.list_remembered({change.change_id for change in accepted})
        # If each change is about another entity, none builds upon another.
        self._last_with_base = _last_places(changes) if len(keys) < len(accepted) else {}
        self._ancestors: dict[Key, Change] = {}
        self._remembered: list[Remembered] = []
        self._conflicts: list[KeptConflict] = []
        self._superseded = 0
        self.last_stamp = position.last_stamp
        self.unchanged_stamps: set[int] = set()

    def judge(self) -> list[Result | Rejection]:
        """A result per change, in their order."""
        results = [
            self._judge(place, change) if isinstance(change, Change) else change
            for place, change in enumerate(self._changes)
        ]
        return _told_once(results) if self._superseded > 1 else results

    @property
    def stores_anything(self) -> bool:
        """Whether `store` has anything to write."""
        return bool(self._written or self._remembered or self._conflicts)

    @property
    def stores_data(self) -> bool:
        """Whether `store` writes content, not only deletions."""
        for version in self._written.values():
            if version.data is not None:
                return True
        return any(kept.loser.data is not None and self._is_new(kept.loser) for kept in self._conflicts)

    @property
    def frees_room(self) -> bool:
        """Whether what `store` writes is for the most part what deletions of living entities need.

        Such a deletion takes three rows: its tombstone, the change that it replaced, and a conflict. Deletions of
        missing entities and other repetitions free nothing, and there may be any number of them.
        """
        freed = sum(version.data is None and self._was_living(key) for key, version in self._written.items())
        return len(self._written) + len(self._remembered) + len(self._conflicts) <= 4 * freed

    def store(self) -> None:
        """Writes what was decided; nothing, if the push is a repetition."""
        if self._written:
            self._store_versions()
            self._book.put_state(self.last_stamp, self._digests())
        if self._remembered:
            self._book.add_remembered(self._remembered)
        if self._conflicts:
            self._book.add_conflicts(self._conflicts)

    def _is_new(self, loser: Version) -> bool:
        """Whether a loser comes with this push, as opposed to having been stored."""
        return self._before.get((loser.entity_type, loser.id)) is not loser

    def _was_living(self, key: Key) -> bool:
        before = self._before.get(key)
        return before is not None and before.data is not None

    def _store_versions(self) -> None:
        written, before = self._written, self._before
        replaced = written.keys() & before.keys()
        self._book.add_versions([version for key, version in written.items() if key not in replaced])
        if replaced:
            self._book.replace_versions({before[key].stamp: written[key] for key in replaced})

    def _judge(self, place: int, change: Change) -> Result:
        key = change.key
        stored = self._written.get(key) or self._before.get(key)
        # If it is empty, as in most pushes, it is not asked: that would cost a pair of names and its hash.
        status, updated_at, conflict = verdict = judge(
            change,
            stored,
            now=self._now_text,
            remembered=bool(self._known_ids) and (key, change.change_id) in self._known_ids,
            ancestor=self._ancestors.get(key),
            built_upon=bool(self._last_with_base) and self._is_built_upon(place, change),
            after_purged=self._after_purged,
        )
        if status == SUPERSEDED:
            self._superseded += 1
            if conflict == OLDER:
                self._keep(OLDER, self._version(key, change, stored, updated_at, stamp=0))
            # If it is sent again, alone or after the conflict was dismissed, it must not be kept a second time.
            self._remember(key, change.change_id)
            return Result(change, verdict, stored)
        if status == APPLIED:
            stored = self._apply(key, change, stored, updated_at, conflict)
        elif stored is not None:
            self.unchanged_stamps.add(stored.stamp)
            if stored.change_id != change.change_id:
                self._remember(key, change.change_id)
        self._ancestors[key] = change
        return Result(change, verdict, stored)

    def _apply(
        self, key: Key, change: Change, stored: Version | None, updated_at: str, conflict: str | None
    ) -> Version:
        self.last_stamp = next_stamp(self.last_stamp, self._now)
        if stored is not None:
            self._remember(key, stored.change_id)
            if conflict == OVERWRITTEN:
                self._keep(OVERWRITTEN, stored)
        version = self._version(key, change, stored, updated_at, self.last_stamp)
        self._written[key] = version
        return version

    def _version(self, key: Key, change: Change, stored: Version | None, updated_at: str, stamp: int) -> Version:
        entity_type, entity_id = key
        created_at = stored.created_at if stored else change.created_at or updated_at
        return Version(
            stamp, entity_type, entity_id, created_at, updated_at, change.data, change.change_id, self._device_id
        )

    def _is_built_upon(self, place: int, change: Change) -> bool:
        return change.says_base and place < self._last_with_base.get((change.key, change.base_updated_at), -1)

    def _remember(self, key: Key, change_id: str) -> None:
        if (key, change_id) not in self._known_ids:
            self._remembered.append(Remembered(key, change_id, self._now))
            self._known_ids.add((key, change_id))

    def _keep(self, reason: str, loser: Version) -> None:
        self._conflicts.append(KeptConflict(reason, self._now, loser))

    def _digests(self) -> dict[str, str]:
        differences: dict[str, int] = defaultdict(int)
        for version in self._written.values():
            differences[version.entity_type] += digest.weight(version)
        for key, version in self._before.items():
            if key in self._written:
                differences[version.entity_type] -= digest.weight(version)
        stored = self._book.list_digests()
        return {name: digest.add(stored.get(name, digest.ZERO), change) for name, change in differences.items()}


def _told_once(results: Sequence[Result | Rejection]) -> list[Result | Rejection]:
    """The results, with each version to adopt told by the last of its entity alone, and MAX_TEXT characters in all.

    Without this a small push could have a large entity sent back 5,000 times.
    """
    told: set[Key] = set()
    size = 0
    bounded: list[Result | Rejection] = []
    for result in reversed(results):
        if type(result) is Result and result.verdict.status == SUPERSEDED and (version := result.version):
            if result.change.key in told or size >= MAX_TEXT:
                result = result._replace(is_told=False)
            else:
                told.add(result.change.key)
                size += len(version.data or "")
        bounded.append(result)
    return bounded[::-1]


def _last_places(changes: Sequence[Change | Rejection]) -> dict[tuple[Key, str | None], int]:
    """Where in the push an entity was last changed on top of a base: that change builds upon the earlier ones."""
    return {
        (change.key, change.base_updated_at): place
        for place, change in enumerate(changes)
        if type(change) is Change and change.says_base
    }
