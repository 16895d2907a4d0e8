"""A tenant whose conflicts a person decides, and what is checked after each decision."""

from __future__ import annotations

from contextlib import nullcontext, suppress

from finwise.domain.conflicts import Decision
from finwise.errors import Conflict
from proofs.model.device import time_text
from proofs.model.lineage import PERSON, Edit, Key
from proofs.model.service import Shown
from proofs.model.state import State, require
from proofs.model.tenant import Tenant

DISMISS, RESTORE, RESTORE_BLINDLY, RESTORE_LATE = "dismissed", "restored", "restored blindly", "restored too late"
DECISIONS = (DISMISS, RESTORE, RESTORE_BLINDLY, RESTORE_LATE)


class DecidedTenant(Tenant):
    """The tenant with a person who looks at its conflicts."""

    def decide(self, which: int, what: str) -> None:
        """A person looks at a conflict: the loser comes back on top of the stored version, or is forgotten."""
        listed = self.service.list_conflicts(self.tenant_id, self.server_now)
        losers = {conflict_id: change_id for change_id, conflict_id in self.state.conflict_ids.items()}
        there = {each.conflict_id for each in listed}
        require(there == losers.keys(), "I2: the list of conflicts is not what is kept")
        if not listed:
            return
        listed.sort(key=lambda each: losers[each.conflict_id])  # their own names are random
        chosen = listed[which % len(listed)]
        before, loser = self.state, losers[chosen.conflict_id]
        key, data = self.lineage.edits[loser].key, self.lineage.edits[loser].data
        require(chosen.loser["data"] == data, "I2: what is kept is not what was sent")
        is_seen = self._tell(what, chosen)
        after = self._look()
        self.cases[f"conflicts: {what}"] += 1
        if not is_seen:
            require(after == before, "I2: somebody who saw another version has restored a conflict")
            return
        left = {change_id: kept for change_id, kept in before.conflicts.items() if change_id != loser}
        stored = before.entities.get(key)
        if what == RESTORE_BLINDLY and stored and stored.data != data:
            left.setdefault(stored.change_id, self.server_now)  # one that is kept already stays as it is
            self.lineage.life.kept.add(stored.change_id)
        require(after.conflicts == left, "I2: deciding one conflict has changed another")
        if what == DISMISS:
            require(after.entities == before.entities, "I1: dismissing a conflict has changed an entity")
        else:
            self._check_restored(key, loser, before, is_seen=what == RESTORE)

    def _tell(self, what: str, chosen: Shown) -> bool:
        """Tells the server what a person has decided; whether the server may do it."""
        if what == DISMISS:
            self.service.dismiss(self.tenant_id, chosen.conflict_id, self.server_now)
            return True
        is_seen = what != RESTORE_LATE
        seen = chosen.stored_at if is_seen else None if chosen.stored_at else time_text(0)
        decision = Decision() if what == RESTORE_BLINDLY else Decision(True, seen)
        with nullcontext() if is_seen else suppress(Conflict):
            self.service.restore(self.tenant_id, chosen.conflict_id, decision, self.server_now)
        return is_seen

    def _check_restored(self, key: Key, loser: str, before: State, *, is_seen: bool) -> None:
        data = self.lineage.edits[loser].data
        stored, replaced = self.state.entities[key], before.entities.get(key)
        require(stored.data == data, f"a restored conflict is stored as {stored.data}")
        require(stored.stamp > before.last_stamp, "I6: a restored conflict has an old stamp")
        if replaced:
            require(stored.updated_at > replaced.updated_at, "I1: a restored conflict went back in time")
            require(stored.created_at == replaced.created_at, "a restored conflict has another created_at")
        others = {name: version for name, version in self.state.entities.items() if name != key}
        require(others == {name: version for name, version in before.entities.items() if name != key}, "I1: others")
        seen = replaced.change_id if replaced and is_seen else None
        self.lineage.add(stored.change_id, Edit(key, PERSON, data, seen))
        self.lineage.link(loser, stored.change_id)
        if replaced and replaced.data == data:
            self.lineage.link(replaced.change_id, stored.change_id)
        self.lineage.life.judged[stored.change_id] = self.server_now
