"""A simulated device, as docs/protocol.md describes one: a book, a queue, a cursor, and a clock that may be wrong.

It speaks the JSON of the wire. What it must not do is written once more in `world.py`, which watches it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any, NamedTuple

from proofs.model.lineage import Data, Edit, Key, Lineage

Json = dict[str, Any]

FORMS = 4  # ways to write one moment

_EPOCH = datetime(1970, 1, 1)
_MILLISECOND = timedelta(milliseconds=1)


def time_text(millis: int) -> str:
    """Milliseconds since 1970 as the server writes them."""
    return (_EPOCH + timedelta(milliseconds=millis)).isoformat(timespec="milliseconds") + "Z"


def time_millis(text: str) -> int:
    """Milliseconds since 1970 of a time as the server writes it."""
    return (datetime.fromisoformat(text[:-1]) - _EPOCH) // _MILLISECOND


def canonical(text: str) -> str:
    """A time in any form, as the server writes it."""
    moment = datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


def time_form(millis: int, form: int) -> str:
    """The same moment as other devices might write it."""
    if form == 0:
        return time_text(millis)
    if form == 1:
        return time_text(millis)[:-1] + "999Z"  # finer digits are cut off
    moment = (_EPOCH + timedelta(milliseconds=millis)).replace(tzinfo=UTC)
    there = moment.astimezone(timezone(timedelta(hours=0 if form == 2 else 2)))
    return there.isoformat(timespec="milliseconds" if millis % 1000 else "seconds")


def forgotten(base: str | None) -> str | None:
    """A base of another life of the server's file, as a time that no version has, another one for each base."""
    return base and f"9{base[1:]}"


class Push(NamedTuple):
    """A push on its way; it may arrive late, twice or never."""

    device: str
    since: str | None
    changes: tuple[Json, ...]
    limit: int


@dataclass
class Entry:
    """A queue entry: immutable once it was sent."""

    change: Json
    updated_at: int  # ms on the device's clock
    sent: bool = False

    @property
    def change_id(self) -> str:
        return str(self.change["change_id"])

    @property
    def key(self) -> Key:
        return str(self.change["entity_type"]), str(self.change["id"])

    @property
    def base(self) -> str | None:
        """What it says; an empty text if it does not."""
        base: str | None = self.change.get("base_updated_at", "")
        return base

    def takes(self, base: str | None) -> bool:
        """Whether another edit on this base may be merged into it."""
        return not self.sent and self.base == base


class Local(NamedTuple):
    """An entity on the device."""

    updated_at: int
    created_at: str
    data: Data
    base: str | None  # the server's version last seen
    change_id: str | None  # of what is seen, for the bookkeeping only


@dataclass
class Device:
    """`skew` in ms; `stored_change` names the change whose version the server has now."""

    name: str
    lineage: Lineage
    stored_change: Callable[[Key], str | None]
    cases: Counter[str]
    skew: int = 0
    offset: int = 0
    since: str | None = None
    epoch: str | None = None  # of the last answer
    book: dict[Key, Local] = field(default_factory=dict)
    queue: list[Entry] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    _known: dict[Key, set[str | None]] = field(
        default_factory=lambda: defaultdict(set)
    )  # bases, and what became of them

    def edit(self, key: Key, data: Data, now: int, form: int, merge: bool) -> None:
        """The user writes or deletes an entity; `now` in ms, of a right clock."""
        local = self.book.get(key)
        updated_at = now + self.skew + self.offset
        if local:
            updated_at = max(updated_at, local.updated_at + 1)
        base = local.base if local else None
        created_at = local.created_at if local else time_form(updated_at, form)
        waiting = self.waiting(key)
        if merge and waiting and waiting[-1].takes(base):
            entry = waiting[-1]
            edit = self.lineage.edits[entry.change_id]._replace(data=data)
        else:
            entry = Entry({"change_id": self.lineage.new_id(), "base_updated_at": base}, updated_at)
            self.queue.append(entry)
            seen = local.change_id if local else None
            edit = Edit(key, self.name, data, seen)
        self.lineage.add(entry.change_id, edit)
        self._write(entry, key, data, updated_at, created_at, form)
        self.book[key] = Local(updated_at, created_at, data, base, entry.change_id)

    def spoil(self, change: Json) -> None:
        """Queues something that no server takes."""
        change = {"change_id": self.lineage.new_id(), **change}
        self.lineage.add(change["change_id"], Edit(("", ""), self.name, None, None))
        self.queue.append(Entry(change, 0))

    def waiting(self, key: Key) -> list[Entry]:
        """The queue entries of an entity."""
        return [entry for entry in self.queue if entry.key == key]

    def begin_push(self, fresh: int, limit: int) -> Push:
        """The next push: everything that was sent before, and some that was not."""
        sent = sum(entry.sent for entry in self.queue)
        batch = self.queue[: sent + fresh]
        for entry in batch:
            entry.sent = True
        return Push(self.name, self.since, tuple(entry.change for entry in batch), limit)

    def receive_push(self, answer: Json, now: int) -> None:
        """Takes a push's answer: results by change_id, and the page if there is one."""
        self._learn(answer, now)
        self.epoch = self.epoch or answer["epoch"]
        self._known.clear()
        for result in answer["results"]:
            entry = next(entry for entry in self.queue if entry.change_id == result["change_id"])
            self.queue.remove(entry)
            self._settle(entry, result)
        if "next_since" in answer:
            self._take_page(answer)

    def receive_page(self, answer: Json, now: int) -> None:
        """Takes a page: its entities and its cursor at once."""
        self._learn(answer, now)
        self._take_page(answer)

    def receive_load(self, answer: Json, now: int, refusal: Mapping[str, Any] | None) -> None:
        """Takes a first load; `refusal` is the body of the 410 that asked for it."""
        self._learn(answer, now)
        there = {(entity["entity_type"], entity["id"]): entity for entity in answer["changes"]}
        if refusal and refusal["code"] == "epoch_changed":
            self._forget_bases()
            self._give_back(there, bool(refusal["give_back"]))
        named = {entry.key for entry in self.queue}
        self.book = {key: local for key, local in self.book.items() if key in named}
        for key, entity in there.items():
            self._take(key, entity)
        self.since, self.epoch = answer["next_since"], answer["epoch"]

    @property
    def must_load(self) -> bool:
        """Whether it has pushed, but never pulled: no cursor would say from which life the bases are."""
        return self.since is None and self.epoch is not None

    def is_before_restore(self, answer: Json) -> bool:
        """Whether it has pushed, but not pulled, before the server was restored: no cursor tells it."""
        return self.since is None and self.epoch not in (None, answer["epoch"])

    def reinstall(self) -> None:
        """Everything the device had is gone, what it had not pushed included."""
        self.since, self.epoch, self.offset = None, None, 0
        self.book, self.queue = {}, []

    def digests(self) -> dict[str, str]:
        """What the device holds, as digests to compare with the server's."""
        sums: Counter[str] = Counter()
        for (entity_type, entity_id), local in self.book.items():
            if local.data is not None:
                text = f"{entity_type}\n{entity_id}\n{time_text(local.updated_at)}"
                sums[entity_type] += int.from_bytes(sha256(text.encode()).digest()[:8], "big")
        return {entity_type: f"{value % 2**64:016x}" for entity_type, value in sums.items()}

    def _write(self, entry: Entry, key: Key, data: Data, updated_at: int, created_at: str, form: int) -> None:
        entry.updated_at = updated_at
        text = time_form(updated_at, form)
        entry.change |= {"entity_type": key[0], "id": key[1], "updated_at": text, "data": data}
        entry.change |= {"created_at": created_at, "deleted_at": text if data is None else None}

    def _learn(self, answer: Json, now: int) -> None:
        self.offset = time_millis(answer["server_time"]) - (now + self.skew)

    def _settle(self, entry: Entry, result: Json) -> None:
        if result["status"] == "rejected":
            self.rejected.append(result["code"])
        elif result["status"] == "superseded" and "entity" not in result:
            pass  # a later result of this answer brings it
        elif result["status"] == "superseded":
            self._take(entry.key, result["entity"])
        else:
            self._stored(entry, result)

    def _stored(self, entry: Entry, result: Json) -> None:
        """Goes on from what was stored; but who has seen another version since has not built on this one."""
        key, updated_at = entry.key, str(result["updated_at"])
        created_at = str(result.get("created_at", entry.change["created_at"]))
        known, waiting = self._known[key], self.waiting(key)
        known |= {time_text(entry.updated_at) if entry.base == "" else entry.base}
        if not waiting:
            data = entry.change["data"]
            self.book[key] = Local(time_millis(updated_at), created_at, data, updated_at, entry.change_id)
        elif key in self.book and self.book[key].base in known:
            self.book[key] = self.book[key]._replace(base=updated_at, created_at=created_at)
        for one in waiting:
            if not one.sent and one.base in known:
                one.change["base_updated_at"] = updated_at
        known |= {updated_at}

    def _take_page(self, answer: Json) -> None:
        for entity in answer["changes"]:
            self._take((entity["entity_type"], entity["id"]), entity)
        self.since, self.epoch = answer["next_since"], answer["epoch"]

    def _take(self, key: Key, entity: Json | None) -> None:
        waiting = self.waiting(key)
        if entity is None:
            if not waiting:
                self.book.pop(key, None)
            return
        updated_at = time_millis(entity["updated_at"])
        if waiting and max(entry.updated_at for entry in waiting) > updated_at:
            self.cases["unsent edits that a pull left alone"] += 1
            return
        change_id = self.stored_change(key)
        self.book[key] = Local(updated_at, entity["created_at"], entity["data"], entity["updated_at"], change_id)

    def _forget_bases(self) -> None:
        """What waits was built upon versions of another life of the server's file."""
        for entry in self.queue:
            entry.change = entry.change | {"base_updated_at": forgotten(entry.base)}
        self.book = {key: local._replace(base=forgotten(local.base)) for key, local in self.book.items()}

    def _give_back(self, there: Mapping[Key, Json], lacking_too: bool) -> None:
        """Queues what the restored server has in an older version and, if it asks for it, what it lacks."""
        named = {entry.key for entry in self.queue}
        for key, local in self.book.items():
            entity = there.get(key)
            newer = lacking_too if entity is None else local.updated_at > time_millis(entity["updated_at"])
            if key in named or not newer:
                continue
            change_id = self.lineage.new_id()
            entry = Entry({"change_id": change_id, "base_updated_at": None}, local.updated_at)
            self._write(entry, key, local.data, local.updated_at, local.created_at, form=0)
            self.queue.append(entry)
            seen = local.change_id
            self.lineage.add(change_id, Edit(key, self.name, local.data, seen, True))
            self.book[key] = local._replace(change_id=change_id, base=None)
            self.cases["given back"] += 1
