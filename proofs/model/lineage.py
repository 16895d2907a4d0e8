"""The model's bookkeeping outside the system: who built upon what, and what has become of every edit.

The server is not asked. An edit's author saw a version on the screen; that version's heir is the edit, whatever the
wire says about it. A judged edit is accounted for if it is stored, is or was kept as a conflict, ended by a rule, or if
an heir of it is accounted for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple
from uuid import UUID

Key = tuple[str, str]
Data = dict[str, Any] | None  # None: a tombstone

PERSON = "person"  # the author of what the server makes when a person restores a conflict


class Edit(NamedTuple):
    """What a device has made."""

    key: Key
    author: str
    data: Data
    seen: str | None  # the change whose version its user had before the eyes
    given_back: bool = False


class Life(NamedTuple):
    """What a backup freezes: what the server had judged, what it had kept, and what had ended by a rule."""

    judged: dict[str, int]
    kept: set[str]
    ended: set[str]

    def copy(self) -> Life:
        return Life(dict(self.judged), set(self.kept), set(self.ended))


class Lineage:
    """All edits of one tenant, by their change_id, over all lives of its file."""

    def __init__(self) -> None:
        self.edits: dict[str, Edit] = {}
        self.life = Life({}, set(), set())
        self.rolled_back: set[str] = set()  # judged, and then a backup from before took the file's place
        self._heirs: dict[str, set[str]] = defaultdict(set)

    def new_id(self) -> str:
        """A change_id that nobody has used."""
        return str(UUID(int=len(self.edits) + 1))

    def add(self, change_id: str, edit: Edit) -> None:
        """An edit that was made, or another one that took its place before it was sent."""
        self.edits[change_id] = edit
        if edit.seen is not None:
            self.link(edit.seen, change_id)
            if edit.given_back:  # it says what was seen, so edits built upon that are built upon it
                self.link(change_id, edit.seen)

    def link(self, change_id: str, heir: str) -> None:
        """`heir` says what `change_id` said, or was made by somebody who knew it."""
        if heir != change_id:
            self._heirs[change_id].add(heir)

    def descends(self, change_id: str, ancestor: str) -> bool:
        """Whether the author of `change_id` saw what was made from `ancestor`."""
        seen = self.edits[change_id].seen
        while seen is not None and seen != ancestor:
            seen = self.edits[seen].seen
        return seen is not None

    def is_accounted(self, change_id: str, stored: Collection[str]) -> bool:
        """Whether nothing of this change vanished unseen; `stored`: the change_ids of the stored versions."""
        met, waiting = {change_id}, [change_id]
        while waiting:
            one = waiting.pop()
            if one in stored or one in self.life.kept or one in self.life.ended:
                return True
            found = self._heirs[one] - met
            met |= found
            waiting += found
        return False

    def unaccounted(self, change_ids: Iterable[str], stored: Collection[str]) -> list[str]:
        """Those of the changes that vanished."""
        return [change_id for change_id in change_ids if not self.is_accounted(change_id, stored)]

    def roll_back(self, life: Life) -> None:
        """A backup took the file's place; `life` is what was known when it was made."""
        self.rolled_back |= self.life.judged.keys() - life.judged.keys()
        self.life = life.copy()
