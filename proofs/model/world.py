"""The model's world: simulated devices, the real domain and store code, and a referee who looks at every step.

The referee reads the tenant's file through a connection of its own and holds what it finds against the invariants
that `referee.py` lists. The first thing that is wrong ends the world with a Violation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from proofs.model.decisions import DecidedTenant
from proofs.model.device import Device, Json, Push, time_millis
from proofs.model.installation import Installation
from proofs.model.lineage import Data, Key, Life
from proofs.model.service import Refused
from proofs.model.state import CONFLICT_DAYS, DAY, MILLI, SECOND, TOMBSTONE_DAYS, State, Violation, require

KEYS: tuple[Key, ...] = (("tags", "r0"), ("tags", "r1"), ("tags", "r2"), ("recipients", "r0"))
DEVICES = ("a", "b", "c", "d", "e")

OK, LOST_REQUEST, LOST_ANSWER, LATE, TWICE, FAULT = "ok", "lost request", "lost answer", "late", "twice", "fault"
SKEWS = (0, 0, 0, 5, -3_000, 90_000, -3_600_000, 40 * 86_400_000)  # ms that a device's clock is off

PUSH_FATES = (OK, LOST_REQUEST, LOST_ANSWER, LATE, TWICE, FAULT)
PULL_FATES = (OK, LOST_ANSWER)

BAD_CHANGES: tuple[Json, ...] = (
    {"entity_type": "tags", "id": "bad", "updated_at": "2026-01-09T19:01:00.000", "data": {"name": "naive"}},
    {"entity_type": "tags", "id": "bad", "updated_at": "yesterday", "data": {"name": "no time"}},
    {"entity_type": "tags", "id": "bad", "updated_at": "2026-01-09T19:01:00Z", "data": {"name": 7}},
    {"entity_type": "tags", "id": "b a d", "updated_at": "2026-01-09T19:01:00Z", "data": {"name": "no id"}},
    {"entity_type": "unheard_of", "id": "bad", "updated_at": "2026-01-09T19:01:00Z", "data": {"name": "no type"}},
)


class Saved(NamedTuple):
    """A backup, and what was known when it was made."""

    folder: Path
    state: State
    life: Life


class World(DecidedTenant):
    """The tenant with its devices.

    The methods without an underscore are what may happen; each leaves the world checked.
    """

    def __init__(self, installation: Installation, cases: Counter[str], skews: Sequence[int]) -> None:
        super().__init__(installation, cases)
        self.installation = installation
        self.devices = [
            Device(name, self.lineage, self._stored_change, cases, skew)
            for name, skew in zip(DEVICES, skews, strict=True)
        ]
        self.late: list[Push] = []
        self.backups: list[Saved] = []
        self.epochs = {self.state.epoch}
        self._values = 0
        self._moments: dict[tuple[Key, int], set[str]] = defaultdict(set)
        self._copies = 0

    # What may happen

    def edit(self, device: int, key: int, kind: str, form: int = 0, merge: bool = True) -> None:
        """A user writes something new, something that others may have written too, or deletes."""
        author, name = self.devices[device], KEYS[key]
        local = author.book.get(name)
        seen = self.lineage.edits[local.change_id] if local and local.change_id else None
        self.cases["edits"] += 1
        self.cases["edits over a foreign version"] += seen is not None and seen.author != author.name
        self.cases["deletions"] += kind == "delete"
        self._values += 1
        data: Data = {"name": "the same" if kind == "same" else f"v{self._values}"}
        author.edit(name, None if kind == "delete" and local else data, self.now // MILLI, form, merge)
        self._count_moment(author.name, name, author.book[name].updated_at)

    def _count_moment(self, author: str, key: Key, updated_at: int) -> None:
        authors = self._moments[key, updated_at]
        self.cases["edits of one millisecond"] += bool(authors - {author})
        authors.add(author)

    def spoil(self, device: int, which: int) -> None:
        """A device queues a change that no server takes."""
        self.devices[device].spoil(BAD_CHANGES[which % len(BAD_CHANGES)])
        self.cases["bad changes"] += 1

    def wait(self, micros: int) -> None:
        self.now += micros

    def jump(self, device: int, millis: int) -> None:
        """A device's clock is set wrong, or differently wrong."""
        self.devices[device].skew = millis
        self.cases["jumps of a device's clock"] += 1

    def jump_server(self, micros: int) -> None:
        self.server_skew = micros
        self.cases["jumps of the server's clock"] += 1

    def reinstall(self, device: int) -> None:
        self.devices[device].reinstall()
        self.cases["reinstalls"] += 1

    def push(self, device: int, fate: str, fresh: int, limit: int) -> None:
        """A device pushes everything it has sent before and `fresh` more; `fate` befalls the request."""
        sender = self.devices[device]
        if sender.must_load:
            self._load(sender, None)
        request = sender.begin_push(fresh, limit)
        self.cases["pushes"] += 1
        self.cases[f"pushes: {fate}"] += 1
        if fate == LATE:
            self.late.append(request)
        elif fate == FAULT:
            self._push_failing(request, nth=1 + self._values % 4)
        elif fate != LOST_REQUEST:
            self._push(sender, request, fate)

    def _push(self, sender: Device, request: Push, fate: str) -> None:
        try:
            answer = self._deliver(request)
            if fate == TWICE:
                self.cases["doubled"] += 1
                answer = self._deliver(request)
        except Refused as refused:
            self._load(sender, refused.body)
            return
        if fate in (OK, TWICE):
            sender.receive_push(answer, self.now // MILLI)
            if answer.get("has_more") is False:
                self._check_equal(sender, answer)

    def deliver_late(self, which: int) -> None:
        """A request that nobody waits for any more arrives."""
        if self.late:
            request = self.late.pop(which % len(self.late))
            self.cases["late deliveries"] += 1
            try:
                self._deliver(request)
            except Refused:
                self.cases["late deliveries refused"] += 1

    def pull(self, device: int, fate: str, limit: int, pages: int) -> None:
        """A device reads so many pages, or as many as there are; with a LOST_ANSWER the last one does not come."""
        reader = self.devices[device]
        if reader.since is None and limit % 2:
            self._load(reader, None)
            return
        for page in range(1, pages + 1):
            self.cases["pages"] += 1
            try:
                answer = self._page(reader, limit)
            except Refused as refused:
                self._load(reader, refused.body)
                return
            if fate == LOST_ANSWER and page == pages:
                return
            if reader.is_before_restore(answer):
                self._load(reader, None)
                return
            reader.receive_page(answer, self.now // MILLI)
            if not answer["has_more"]:
                self._check_equal(reader, answer)
                return
        self.cases["pulls ended between pages"] += 1

    def run_maintenance(self) -> None:
        """Old tombstones are purged, and old conflicts; the horizon moves with them."""
        before = self.state
        self.domain.maintenance.run_for(self.tenant_id, self.server_now)
        after = self._look()
        old = self.server_now - TOMBSTONE_DAYS * DAY
        purged = {key: stored for key, stored in before.entities.items() if key not in after.entities}
        for key, stored in purged.items():
            require(stored.data is None and stored.stamp <= old, f"I5: {stored} of {key} was purged too early")
        left = {key: stored for key, stored in before.entities.items() if key not in purged}
        require(after.entities == left, "I1: a purge has changed an entity")
        moments = [max(stored.stamp, time_millis(stored.updated_at) * MILLI) for stored in purged.values()]
        horizon = max([before.horizon, *moments])
        require(after.horizon == horizon, f"I7: the horizon is {after.horizon} after a purge, not {horizon}")
        require(after[:2] == before[:2], "I6: a purge has changed the epoch or the last stamp")
        for change_id in before.conflicts.keys() - after.conflicts.keys():
            age = self.server_now - before.conflicts[change_id]
            require(age >= CONFLICT_DAYS * DAY, "I2: a conflict was forgotten too early")
        self.lineage.life.ended.update(stored.change_id for stored in purged.values())
        self.cases["purges"] += 1
        self.cases["purges of tombstones"] += bool(purged)

    def back_up(self) -> None:
        self._copies += 1
        folder = self.installation.folder / f"backup-{self.tenant_id}-{self._copies}"
        folder.mkdir()
        backup = self.domain.backups.make(folder, self.server_now, self.tenant_id)
        self._look()
        self.backups.append(Saved(backup.folder, self.state, self.lineage.life.copy()))
        self.cases["backups"] += 1

    def restore(self, which: int) -> None:
        """The tenant is put back to a backup: the state of then, in a life of its own (I14)."""
        if not self.backups:
            return
        saved = self.backups[which % len(self.backups)]
        self._reader.close()
        self.domain.restores.from_backup(self.tenant_id, saved.folder, self.server_now)
        after = self._look()
        require(after.epoch not in self.epochs, "I14: a restore has not changed the epoch")
        require(after[1:] == saved.state[1:], "I14: a restored book is not what the backup held")
        self.epochs.add(after.epoch)
        self.lineage.roll_back(saved.life)
        self.cases["restores"] += 1

    def settle(self) -> None:
        """Everybody pushes and pulls until nothing moves: then all are equal (I9)."""
        for _ in range(8):
            before = self.state
            for place in range(len(self.devices)):
                self._sync(place)
            if self.state == before and not any(device.queue for device in self.devices):
                break
        else:
            raise Violation("I9: the devices do not come to rest")
        for device in self.devices:
            self._require_equal(device)
        lost = self.lineage.unaccounted(self.lineage.life.judged, self.state.change_ids)
        require(not lost, f"I2: at rest {self._names(lost)} is neither stored, nor built upon, nor kept as a conflict")
        self.cases["quiescences"] += 1

    def _sync(self, place: int) -> None:
        device = self.devices[place]
        self.wait(SECOND)
        for _ in range(4):  # refused, given back, pushed
            self.push(place, OK, 100, limit=1)
            if device.since is None:
                self._load(device, None)
            if not device.queue:
                break
        else:
            raise Violation(f"I9: device {device.name} cannot empty its queue")
        self.pull(place, OK, limit=2, pages=100)

    def finish(self) -> None:
        """The end: what is late arrives, all come to rest, and the file is whole."""
        while self.late:
            self.deliver_late(0)
        self.settle()
        damages = self.domain.verification.verify(self.tenant_id)
        require(not damages, f"the tenant's file is not whole: {damages}")
        given_back = len(self.lineage.rolled_back) - len(
            self.lineage.unaccounted(self.lineage.rolled_back, self.state.change_ids)
        )
        self.cases["acknowledged"] += len(self.lineage.life.judged)
        self._count_built_upon()
        self.cases["rolled back, given back"] += given_back
        self.cases["rolled back, not given back"] += len(self.lineage.rolled_back) - given_back

    def _count_built_upon(self) -> None:
        """How many of the conflicts that a person would find now are about what the stored version was made from."""
        for change_id in self.state.conflicts:
            stored = self._stored_change(self.lineage.edits[change_id].key)
            self.cases["conflicts at the end"] += 1
            self.cases["conflicts at the end, built upon"] += bool(stored and self.lineage.descends(stored, change_id))

    def _names(self, change_ids: Sequence[str]) -> str:
        edits = [self.lineage.edits[change_id] for change_id in change_ids]
        return ", ".join(f"{edit.data or 'the deletion'} of {'/'.join(edit.key)} by {edit.author}" for edit in edits)
