"""Books that are deleted while devices push to them and pull from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from threading import Thread

import httpx

from proofs.proof import PATIENCE
from proofs.races.race import COME_AGAIN, PUSHERS, Race, code_of, files_in_trash, require_known, tag
from proofs.witness import (
    Ledger,
    damage,
    known_change_ids,
    stored,
)

DELETIONS = 40  # at scale 1
NEIGHBOURS = 3  # tenants before and after the one to be deleted that are pushed to


class Deletions:
    """Tenants that are deleted one after the other, and what was told about each."""

    def __init__(self, race: Race, number: int) -> None:
        self.race = race
        self.ledgers = [Ledger(race.new_tenant()) for _ in range(number)]
        self.place = 0  # of the tenant that is deleted next
        self.begun: set[str] = set()
        self.gone: dict[str, float] = {}  # tenant -> when its DELETE had returned

    def pusher(self, dice: Random) -> Callable[[], None]:
        """A device that pushes to the tenants around the one being deleted."""

        def push() -> None:
            with self.race.client() as http:
                for _ in range(30):
                    self._push(http, self._near(dice), dice)

        return push

    def puller(self, dice: Random) -> Callable[[], None]:
        """A device that pulls from the tenants around the one being deleted."""

        def pull() -> None:
            with self.race.client() as http:
                for _ in range(30):
                    ledger, began = self._near(dice), time.monotonic()
                    answer = http.get(f"/sync/changes/{ledger.tenant_id}")
                    self._judge(answer, ledger.tenant_id, began, "pull")

        return pull

    def delete_all(self) -> None:
        for place, ledger in enumerate(self.ledgers):
            self.place = place
            self._wait_for_pushes(ledger)
            self.begun.add(ledger.tenant_id)
            twice = self.race.dice.random() < 0.3
            deleters = [Thread(target=self._delete, args=(ledger.tenant_id,)) for _ in range(1 + twice)]
            for deleter in deleters:
                deleter.start()
            for deleter in deleters:
                deleter.join()
        time.sleep(0.3)  # the last ones are pushed to for a while, too

    def _wait_for_pushes(self, ledger: Ledger) -> None:
        enough = self.race.dice.randint(5, 40)
        deadline = time.monotonic() + PATIENCE
        while len(ledger.changes) < enough:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no push to tenant {ledger.tenant_id} is acknowledged before it is deleted")
            time.sleep(0.002)

    def _delete(self, tenant_id: str) -> None:
        with self.race.client() as http:
            answer = http.delete(f"/tenants/{tenant_id}")
        if answer.status_code == 204:
            self.gone.setdefault(tenant_id, time.monotonic())
        elif code_of(answer) != "tenant_deleted":
            self.race.findings.add(f"a DELETE was answered with {answer.status_code}", answer.text[:300])

    def _near(self, dice: Random) -> Ledger:
        """The tenant at hand more often than its neighbours."""
        offset = dice.choice((0, 0, 0, dice.randint(-NEIGHBOURS, NEIGHBOURS)))
        return self.ledgers[min(max(0, self.place + offset), len(self.ledgers) - 1)]

    def _push(self, http: httpx.Client, ledger: Ledger, dice: Random) -> None:
        shared = (None, None, f"shared-{dice.randrange(5)}")
        changes = [tag(str(dice.random()), dice.choice(shared)) for _ in range(dice.randint(1, 5))]
        began = time.monotonic()
        answer = http.post("/sync/changes", json={"tenant_id": ledger.tenant_id, "changes": changes})
        if self._judge(answer, ledger.tenant_id, began, "push"):
            self.race.note(ledger, changes, answer)

    def _judge(self, answer: httpx.Response, tenant_id: str, began: float, what: str) -> bool:
        """Whether the answer was 200, which it must not be once a DELETE has returned."""
        was_gone = self.gone.get(tenant_id, began) < began
        was_begun = tenant_id in self.begun
        if answer.status_code == 200:
            if was_gone:
                self.race.findings.add(f"a {what} was served after the DELETE had returned", f"tenant {tenant_id}")
            return True
        self.race.refuse()
        gone = frozenset({"tenant_deleted"})
        # A user's requests are bounded before the tenant is looked for.
        expected = gone | {"slow_down"} if was_gone else gone | COME_AGAIN if was_begun else COME_AGAIN
        if code_of(answer) not in expected:
            self.race.findings.add(
                f"a {what} around a DELETE was answered with {answer.status_code}", answer.text[:300]
            )
        return False

    def compare(self) -> None:
        """Whether each tenant's file is in the trash with all that was acknowledged, and nothing is in its place."""
        for ledger in self.ledgers:
            left = sorted(file.name for file in self.race.databases.glob(f"tenant_{ledger.tenant_id}*"))
            if left:
                self.race.findings.add("files of a deleted tenant are left in their place", ", ".join(left))
            self._compare(ledger, files_in_trash(self.race.databases, ledger.tenant_id))

    def _compare(self, ledger: Ledger, files: Sequence[Path]) -> None:
        findings = self.race.findings
        if len(files) != 1:
            findings.add("a deleted tenant has not one file in the trash", f"{ledger.tenant_id}: {len(files)}")
            return
        for line in damage(files[0]):
            findings.add("SQLite finds damage in the trash", f"tenant {ledger.tenant_id}: {line}")
        ledger.compare({row.key: row for row in stored(files[0])}, findings)
        require_known(ledger.changes, known_change_ids(files[0]), findings, "the file in the trash")


def delete(race: Race, scale: float) -> int:
    """Deletes books while devices use them: how many."""
    number = max(5, round(DELETIONS * scale))
    deletions = Deletions(race, number)
    pushers = [deletions.pusher(Random(race.dice.random())) for _ in range(PUSHERS)]
    with race.alongside(*pushers, deletions.puller(Random(race.dice.random()))):
        deletions.delete_all()
    race.server.stop()
    deletions.compare()
    return number
