"""A book that is restored while devices write to it and read it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from harness.device import Device, StartAgain
from proofs.proof import PATIENCE
from proofs.races.backups import back_up_to
from proofs.races.race import COME_AGAIN, Race, code_of, files_in_trash, require_known, tag
from proofs.witness import (
    UNREACHABLE,
    Json,
    Key,
    Ledger,
    damage,
    differing,
    digests,
    key_of,
    known_change_ids,
    stored,
    tenant_file,
)

RESTORES = 8  # at scale 1
RESTORES_OF_ONE = 4  # of one backup, one after the other
GENERATION = 1100  # entities that are always written together: a mixture of two states shows


class Returning(Device):
    """A device that writes down what is acknowledged, and goes on if the server is busy.

    When the server begins a new life, it gives back what the server lacks, as every device does.
    """

    race: Race
    ledger: Ledger

    def join(self, race: Race, ledger: Ledger) -> Returning:
        """From now on what it is told goes into the ledger."""
        self.race, self.ledger = race, ledger
        self._changes: dict[str, Json] = {}
        return self

    def keep_in_step(self) -> None:
        """Syncs until it succeeds; a server that is busy is asked again."""
        deadline = time.monotonic() + PATIENCE  # with each restore it has to load the whole book again
        while time.monotonic() < deadline:
            try:
                self.sync()
            except httpx.HTTPStatusError as error:
                self._answer_to(error.response)
            except StartAgain:  # the next restore was faster than this device
                self.race.refuse()
            except UNREACHABLE as error:
                self.race.findings.add("a request got no answer", repr(error))
            else:
                return
        self.race.findings.add("a device does not come to an end of its sync", f"tenant {self.tenant_id}")

    def _answer_to(self, refusal: httpx.Response) -> None:
        self.race.refuse()
        if code_of(refusal) not in COME_AGAIN:
            self.race.findings.add(f"a device was answered with {refusal.status_code}", refusal.text[:300])
        time.sleep(0.02)

    def _push(self, http: httpx.Client) -> None:
        self.queue.sort(key=lambda entry: entry.key[0])  # a generation goes in one push, however long the queue is
        self._changes |= {entry.change["change_id"]: entry.change for entry in self.queue[: self.batch]}
        super()._push(http)

    def _settle(self, key: Key, result: dict[str, Any]) -> None:
        self.ledger.note([self._changes.pop(result["change_id"])], [result], self.race.findings)
        with self.race.guard:
            self.race.acknowledged += 1
        super()._settle(key, result)


class Restores:
    """A book that is put back to a backup again and again while devices use it."""

    def __init__(self, race: Race) -> None:
        self.race = race
        self.tenant_id = race.account.tenant_id
        self.ledger = Ledger(self.tenant_id)  # of the devices that give back
        self.one_way = Ledger(self.tenant_id)  # of one that only pushes, without a cursor
        self.devices = [self._device() for _ in range(3)]
        self.one_way_since: list[Json] = []  # what it pushed after the last restore had returned
        self.returned = False  # whether the restore at hand has
        self.generation = 0
        self.epochs: list[str] = []  # those seen, in their order
        self.expected: dict[str, set[int]] = {}  # epoch -> the generations it may show

    def _device(self) -> Returning:
        account = self.race.account
        device = Returning(account.url, account.token, account.tenant_id, batch=5_000)
        return device.join(self.race, self.ledger)

    def restore(self, times: int) -> None:
        """Backs up one generation, writes the next, and puts the former back again and again, all being at work."""
        self._write_generation()
        backup = back_up_to(self.race, self.race.server.folder / f"backup-{self.generation}", self.tenant_id)
        if backup is None:
            return
        self._write_generation()
        self.epochs = [self._present_epoch()]
        self.expected = {self.epochs[0]: {self.generation}}
        works = [self._editor(device, Random(self.race.dice.random())) for device in self.devices]
        with self.race.alongside(*works, self._watch, self._watch, self._push_one_way):
            for _ in range(times):
                self._restore_once(backup)
        self._compare()

    def _restore_once(self, backup: Path) -> None:
        before = self._present_epoch()
        self._meet(before)
        self.returned = False
        time.sleep(self.race.dice.uniform(0, 0.2))
        if self.race.command("restore", "--tenant", self.tenant_id, "--backup", str(backup)):
            self.one_way_since = []  # another list, for what is answered only now was said before
            self.returned = True
            if self._present_epoch() == before:
                raise RuntimeError(f"after a restore the book is still in the life before it, {before}")
            self._wait_for_new_life(before)

    def _present_epoch(self) -> str:
        deadline = time.monotonic() + PATIENCE
        with self.race.client() as http:
            while True:
                answer = http.get(f"/sync/initial/{self.tenant_id}")
                if code_of(answer) != "busy" or time.monotonic() > deadline:
                    return str(answer.raise_for_status().json()["epoch"])

    def _meet(self, epoch: str) -> None:
        """From its start on a life may show what was restored or, as it was given back, what there was before."""
        with self.race.guard:
            if epoch not in self.expected:
                self.epochs.append(epoch)
                self.expected[epoch] = {self.generation - 1, self.generation}

    def _write_generation(self) -> None:
        self.generation += 1
        for number in range(GENERATION):
            data = {"name": f"{number}", "generation": self.generation}
            self.devices[0].edit("account_groups", f"generation-{number}", data | {"sortOrder": number})
        for device in self.devices:
            device.keep_in_step()

    def _editor(self, device: Returning, dice: Random) -> Callable[[], None]:
        def edit() -> None:
            for _ in range(dice.randint(1, 4)):
                entity_id = dice.choice((str(uuid4()), f"shared-{dice.randrange(10)}"))
                device.edit("tags", entity_id, None if dice.random() < 0.1 else {"name": str(dice.random())})
            device.keep_in_step()
            time.sleep(0.01)  # what is written here is given back at each restore

        return edit

    def _push_one_way(self) -> None:
        time.sleep(0.01)
        changes = [tag("one way")]
        since = self.one_way_since if self.returned else []
        with self.race.client() as http:
            answer = http.post("/sync/changes", json={"tenant_id": self.tenant_id, "changes": changes})
        if answer.status_code == 200:
            self.race.note(self.one_way, changes, answer)
            since += changes
        elif code_of(answer) in COME_AGAIN:
            self.race.refuse()
        else:
            self.race.findings.add(f"a push around a restore was answered with {answer.status_code}", answer.text[:300])

    def _watch(self) -> None:
        """A first load and a pull from the beginning: each must be of one life and of one generation."""
        latest = self.epochs[-1]  # known before the request was sent
        with self.race.client() as http:
            for path in (f"/sync/initial/{self.tenant_id}", f"/sync/changes/{self.tenant_id}?limit=10000"):
                answer = http.get(path)
                if answer.status_code == 200:
                    self._look_at(answer.json(), latest)
                elif code_of(answer) not in COME_AGAIN:
                    kind = f"a load around a restore was answered with {answer.status_code}"
                    self.race.findings.add(kind, answer.text[:300])

    def _look_at(self, page: Json, latest: str) -> None:
        findings, epoch = self.race.findings, page["epoch"]
        self._meet(epoch)
        if self.epochs.index(epoch) < self.epochs.index(latest):
            findings.add("the old life was answered after the new one had been seen", f"{epoch} after {latest}")
        if page["next_since"].partition("~")[2] != epoch:
            findings.add("an answer names two lives", f"epoch {epoch}, next_since {page['next_since']}")
        shown = [
            entity["data"]["generation"] for entity in page["changes"] if entity["entity_type"] == "account_groups"
        ]
        if len(set(shown)) != 1 or len(shown) != GENERATION or not self.expected[epoch] >= set(shown):
            counts = {generation: shown.count(generation) for generation in sorted(set(shown))}
            wanted = f"{GENERATION} of one of {sorted(self.expected[epoch])}"
            findings.add(
                "an answer is a mixture of two states", f"of generations {counts} in epoch {epoch}, not {wanted}"
            )
        living = [(key_of(entity), entity["updated_at"]) for entity in page["changes"] if entity["data"] is not None]
        if differ := differing(page["digest"], digests(living)):
            findings.add("an answer's digest is not that of its entities", ", ".join(differ))

    def _wait_for_new_life(self, before: str) -> None:
        """Until the devices have met the new life, while all go on."""
        deadline = time.monotonic() + PATIENCE
        while any(not device.since or device.since.endswith(before) for device in self.devices):
            if time.monotonic() > deadline:
                raise RuntimeError(f"a device is not told of the new life that followed {before}")
            time.sleep(0.01)

    def _compare(self) -> None:
        for device in (*self.devices, *self.devices):  # what the last one gives back reaches the first one, too
            device.keep_in_step()
        findings = self.race.findings
        rows = {row.key: row for row in stored(tenant_file(self.race.databases, self.tenant_id))}
        living = {key: row.told for key, row in rows.items() if row.data is not None}
        for device in self.devices:
            held = {key: (entity["updated_at"], entity["data"]) for key, entity in device.living().items()}
            if differ := sorted(key for key in living.keys() | held.keys() if living.get(key) != held.get(key)):
                example = f"{differ[0]}: stored {living.get(differ[0])}, held {held.get(differ[0])}"
                findings.add("a device and the restored server differ in the end", f"{len(differ)} entities, {example}")
        self.ledger.compare(rows, findings)
        self._compare_one_way()

    def _compare_one_way(self) -> None:
        """What was pushed by one that gives nothing back is in the present file or in one that was replaced."""
        known = known_change_ids(tenant_file(self.race.databases, self.tenant_id))
        require_known(self.one_way_since, known, self.race.findings, "the file that a restore put in place before")
        for file in files_in_trash(self.race.databases, self.tenant_id):
            known |= known_change_ids(file)
        require_known(self.one_way.changes, known, self.race.findings, "the restored file or the replaced one")


def restore(race: Race, scale: float) -> int:
    """Restores a book while devices use it: how many times."""
    number = max(1, round(RESTORES * scale))
    restores = Restores(race)
    for done in range(0, number, RESTORES_OF_ONE):
        restores.restore(min(number - done, RESTORES_OF_ONE))
    race.server.stop()
    for line in damage(tenant_file(race.databases, restores.tenant_id)):
        race.findings.add("SQLite finds damage in a restored file", line)
    return number
