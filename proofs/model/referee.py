"""The model's referee: holds every judged push against the invariants.

- I1: An entity is stored once, its time and stamp only rise, and only a change of this entity changes it.
- I2: Each acknowledged edit is stored, or built upon, or kept as a conflict until a person decides or its days end.
- I3: Delivering a change again changes nothing.
- I4: The order of changes without bases does not decide what is stored.
- I5: Only a newer edit, or one that knew it, replaces a version or a tombstone; tombstones are kept for their days.
- I6: Stamps are unique and rise; the last stamp is never below one.
- I7: A pull or a first load brings everything that it should, and nothing else.
- I8: A push that fails leaves nothing behind.
- I9: Once everybody has pushed and pulled, all hold the same, and the digests show it.
- I10: What happens to a tenant changes no other.
- I12: Each change is answered as the protocol says; a bad one is rejected alone, and no time lies in the future.
- I14: A restore brings back exactly the backup, under a new epoch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from proofs.model.device import Json, Push, canonical, time_millis, time_text
from proofs.model.lineage import Edit, Key, Lineage
from proofs.model.state import DAY, MILLI, TOMBSTONE_DAYS, State, Stored, Violation, require


class Judgement:
    """One push: what was sent, what was answered, and the file before and after. `now` in µs is the server's clock."""

    def __init__(
        self,
        lineage: Lineage,
        cases: Counter[str],
        request: Push,
        answer: Json,
        before: State,
        after: State,
        now: int,
    ) -> None:
        self._lineage, self._cases, self._request, self._answer = lineage, cases, request, answer
        self._before, self._after, self._now = before, after, now
        self._now_text = time_text(now // MILLI)
        self._by_key: dict[Key, list[Sent]] = defaultdict(list)
        self._first: list[Sent] = []  # judged for the first time in this life of the file, as far as is remembered

    def check(self) -> None:
        """Raises Violation for what is wrong."""
        sent = self._read_results()
        self._check_stamps()
        for key in {*self._before.entities, *self._after.entities}:
            self._check_entity(key)
        self._check_repetition(sent)
        for one in self._first:
            # One that was judged long ago may still be remembered, and is then forgotten as of its first time.
            if one.status == "applied" or one.change_id not in self._lineage.life.judged:
                self._lineage.life.judged[one.change_id] = self._now
        self._check_kept()
        self._check_lineage()

    def _read_results(self) -> list[Sent]:
        results = self._answer["results"]
        require(len(results) == len(self._request.changes), "a push is answered with too few or too many results")
        found = []
        for change, result in zip(self._request.changes, results, strict=True):
            require(change["change_id"] == result["change_id"], "the results are not in the order of the changes")
            one = Sent(change, result, self._lineage.edits[change["change_id"]])
            bad = one.edit.key == ("", "")
            require(bad == (one.status == "rejected"), f"I12: {change} is answered {result}")
            if bad:
                continue
            found.append(one)
            if not self._is_remembered(one.change_id):
                self._check_verdict(one, self._by_key[one.edit.key])
                self._first.append(one)
            self._by_key[one.edit.key].append(one)
        return found

    def _is_remembered(self, change_id: str) -> bool:
        """Whether the server has to know that it has judged this change before."""
        judged = self._lineage.life.judged.get(change_id)
        return judged is not None and self._now - judged < TOMBSTONE_DAYS * DAY

    def _check_verdict(self, one: Sent, earlier: list[Sent]) -> None:
        """A change that is the first of its push about its entity is judged against what is known to be stored."""
        if earlier or one.change_id in self._lineage.life.judged:
            return
        stored = self._before.entities.get(one.edit.key)
        expected = self._expected(one, stored)
        said = (one.status, one.result.get("updated_at"))
        require(said == expected, f"I1, I5, I12: {one.told} against {_told(stored)} is answered {said}, not {expected}")
        self._count(one, stored)

    def _expected(self, one: Sent, stored: Stored | None) -> tuple[str, str | None]:
        time = min(one.updated_at, self._now_text)
        if stored is None:
            return "applied", max(time, self._before.after_purged)
        if one.base == stored.updated_at:
            return "applied", max(time, _later(stored.updated_at, 1))
        if time > stored.updated_at:
            return "applied", time
        if time == stored.updated_at and one.edit.data == stored.data:
            return "unchanged", time
        return "superseded", None

    def _check_stamps(self) -> None:
        """I6."""
        before = {stored.stamp for stored in self._before.entities.values()}
        new = [stored.stamp for stored in self._after.entities.values() if stored.stamp not in before]
        require(len(new) == len(set(new)), "I6: a stamp was given twice")
        require(all(stamp > self._before.last_stamp for stamp in new), "I6: a new stamp is not above all before it")
        last = max([*new, self._before.last_stamp])
        require(self._after.last_stamp >= last, "I6: the last stamp lies below a stored one")
        require(self._after.epoch == self._before.epoch, "I14: a push changed the epoch")
        require(self._after.horizon == self._before.horizon, "a push moved the horizon")

    def _check_entity(self, key: Key) -> None:
        """I1, I5, I12: how one entity went on."""
        before, after = self._before.entities.get(key), self._after.entities.get(key)
        if before == after:
            return
        require(after is not None, f"I1: a push removed {key}")
        assert after is not None
        sent = self._by_key[key]
        one = next((one for one in sent if one.change_id == after.change_id), None)
        require(one is not None, f"I1: {key} has changed, and the push does not say so")
        assert one is not None
        require(after.data == one.edit.data, f"{one.told} is stored as {after.data}")
        limit = max(self._now_text, before.updated_at if before else self._before.after_purged)
        require(after.updated_at <= _later(limit, len(sent)), f"I12: {key} lies in the future: {after.updated_at}")
        if before is None:
            return
        require(after.updated_at > before.updated_at, f"I1: {key} went back to {after.updated_at}")
        require(after.stamp > before.stamp, f"I1: {key} has changed below its old stamp")
        require(after.created_at == before.created_at, f"the created_at of {key} has changed")
        later = [one for one in sent if min(one.updated_at, self._now_text) > before.updated_at]
        knew = any(one.base == before.updated_at or one.status == "unchanged" for one in sent)
        fate = "a tombstone is undone" if before.data is None else "a version is replaced"
        require(knew or bool(later), f"I5: {fate} by {one.told}, which is not newer than {_told(before)}")

    def _check_repetition(self, sent: list[Sent]) -> None:
        """I3."""
        again = [one for one in sent if self._is_remembered(one.change_id)]
        for one in again:
            self._cases["changes delivered again"] += 1
            stored = self._before.entities.get(one.edit.key)
            is_stored = stored is not None and stored.change_id == one.change_id
            require(
                one.status == "unchanged" or (one.status == "superseded" and not is_stored),
                f"I3: {one.told}, delivered again, is answered {one.status}",
            )
        if len(again) == len(sent):
            require(self._before == self._after, "I3: what was delivered again has changed something")

    def _check_kept(self) -> None:
        """What is kept as a conflict stays; how often its winner's author had known it is counted.

        That happens where a request with an edit made under a clock far ahead arrives after edits built upon it.
        """
        new = self._after.conflicts.keys() - self._before.conflicts.keys()
        require(not self._before.conflicts.keys() - self._after.conflicts.keys(), "I2: a push dropped a conflict")
        self._lineage.life.kept.update(new)
        for change_id in new:
            edit = self._lineage.edits[change_id]
            winner = self._after.entities[edit.key].change_id
            false = self._lineage.descends(winner, change_id)
            self._cases["conflicts"] += 1
            self._cases["false conflicts"] += false

    def _check_lineage(self) -> None:
        """I2: what was sent now, and what it replaced."""
        for key, sent in self._by_key.items():
            before = self._before.entities.get(key)
            judged = {one.change_id for one in sent}
            there = judged | ({before.change_id} if before else set())
            self._link_same(there)
            stored = {self._after.entities[key].change_id} if key in self._after.entities else set()
            for change_id in self._lineage.unaccounted(sorted(there), stored):
                edit = self._lineage.edits[change_id]
                told = f"{edit.data or 'the deletion'} of {'/'.join(edit.key)} by {edit.author}"
                raise Violation(f"I2: {told} is neither stored, nor built upon, nor kept as a conflict")

    def _link_same(self, there: Iterable[str]) -> None:
        """Versions that say the same stand for each other."""
        edits = self._lineage.edits
        for one in there:
            for other in there:
                if edits[one].data == edits[other].data:
                    self._lineage.link(one, other)

    def _count(self, one: Sent, stored: Stored | None) -> None:
        """How interesting the first judgement of a change was."""
        self._cases["judged"] += 1
        self._cases["clamped"] += one.updated_at > self._now_text
        if stored is None or one.edit.data == stored.data or one.base == stored.updated_at:
            return
        time = min(one.updated_at, self._now_text)
        self._cases["contested"] += 1
        self._cases["ties"] += time == stored.updated_at
        self._cases["too late"] += time < stored.updated_at
        self._cases["delete versus edit"] += (one.edit.data is None) != (stored.data is None)


class Sent(NamedTuple):
    """A change of a push, what it was answered, and what the bookkeeping knows of it."""

    change: Json
    result: Json
    edit: Edit

    @property
    def change_id(self) -> str:
        return str(self.change["change_id"])

    @property
    def status(self) -> str:
        return str(self.result["status"])

    @property
    def base(self) -> str | None:
        return self.change.get("base_updated_at")

    @property
    def updated_at(self) -> str:
        return canonical(self.change["updated_at"])

    @property
    def told(self) -> str:
        return f"{self.edit.data or 'a deletion'} by {self.edit.author} of {self.updated_at} upon {self.base}"


def _told(stored: Stored | None) -> str:
    return f"{stored.data or 'a tombstone'} of {stored.updated_at}" if stored else "nothing"


def _later(text: str, millis: int) -> str:
    return time_text(time_millis(text) + millis)
