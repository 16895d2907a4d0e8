"""Devices that push shared ids until they are acknowledged, and devices that follow."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from threading import Event, Lock, Thread
from uuid import UUID, uuid4

import httpx

from harness.account import Account
from proofs.proof import PATIENCE
from proofs.witness import (
    COME_AGAIN,
    TIMEOUT,
    UNREACHABLE,
    Findings,
    Follower,
    Json,
    Key,
    Ledger,
    key_of,
    time_text,
)

SHARED_IDS = 15  # of each tenant, written to by all clients
MOST_CHANGES = 20
TICK = 0.04  # seconds by which the clients' clocks tick: coarse, so that ties happen
REPEATED = 0.2  # of the acknowledged pushes are sent again, as after a lost answer
LIMITS = (7, 50, 400)  # entities in a page of the pollers
LOADS = 0.03  # of the pollers' pages are followed by a first load


class Traffic:
    """What pushers, pollers and the killer know of each other."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.accounts = accounts
        self.ledgers = {account.tenant_id: Ledger(account.tenant_id) for account in accounts}
        self.findings = Findings()
        self.counts: Counter[str] = Counter()
        self.pushing_ends, self.polling_ends = Event(), Event()
        self.killing = Event()
        self._guard = Lock()

    def count(self, what: str, number: int = 1) -> None:
        with self._guard:
            self.counts[what] += number


class Pusher(Thread):
    """A device with a wrong clock that edits without end and pushes each batch until it is acknowledged."""

    def __init__(self, traffic: Traffic, seed: str, skew: float) -> None:
        super().__init__(daemon=True)
        self._traffic = traffic
        self._dice = Random(seed)
        self._skew = skew
        self._known: dict[tuple[str, Key], str] = {}  # the times of the server's versions, for base_updated_at
        self._device_id = str(UUID(int=self._dice.getrandbits(128), version=4))

    def run(self) -> None:
        try:
            self._push_without_end()
        except Exception as error:  # whatever an answer made of it: a device that stops is a finding, too
            self._traffic.findings.add("an answer to a push cannot be understood", repr(error))

    def _push_without_end(self) -> None:
        while not self._traffic.pushing_ends.is_set():
            account = self._dice.choice(self._traffic.accounts)
            with httpx.Client(base_url=account.url, headers=account.headers, timeout=TIMEOUT) as http:
                for _ in range(20):
                    if self._traffic.pushing_ends.is_set():
                        return
                    self._push(http, account.tenant_id)

    def _push(self, http: httpx.Client, tenant_id: str) -> None:
        changes = self._batch(tenant_id)
        results = self._until_acknowledged(http, tenant_id, changes)
        if results is None:
            return
        self._traffic.ledgers[tenant_id].note(changes, results, self._traffic.findings)
        self._learn(tenant_id, changes, results)
        self._traffic.count("pushes")
        self._traffic.count("changes", len(changes))
        if self._dice.random() < REPEATED:
            again = self._until_acknowledged(http, tenant_id, changes)
            self._traffic.count("repeated", len(changes))
            require_not_applied(again or [], self._traffic.findings)

    def _until_acknowledged(self, http: httpx.Client, tenant_id: str, changes: list[Json]) -> list[Json] | None:
        """The results; None if the push was refused, or not answered long after all killing was over."""
        body = {"tenant_id": tenant_id, "device_id": self._device_id, "changes": changes}
        deadline = time.monotonic() + PATIENCE
        while self._traffic.killing.is_set() or time.monotonic() < deadline:
            with suppress(*UNREACHABLE):
                answer = http.post("/sync/changes", json=body)
                if answer.status_code == 200:
                    results: list[Json] = answer.json()["results"]
                    return results
                if answer.status_code not in COME_AGAIN or '"quarantined"' in answer.text:
                    self._traffic.findings.add(f"a push was answered with {answer.status_code}", answer.text[:300])
                    return None
            self._traffic.count("unanswered")
            time.sleep(0.02)
            if self._traffic.killing.is_set():
                deadline = time.monotonic() + PATIENCE
        self._traffic.findings.add("a push is not acknowledged although nobody is killed", f"tenant {tenant_id}")
        return None

    def _batch(self, tenant_id: str) -> list[Json]:
        return [self._change(tenant_id) for _ in range(self._dice.randint(1, MOST_CHANGES))]

    def _change(self, tenant_id: str) -> Json:
        shared = self._dice.random() < 0.5
        entity_id = f"shared-{self._dice.randrange(SHARED_IDS)}" if shared else str(uuid4())
        updated_at = time_text((time.time() + self._skew) // TICK * TICK)
        deletes = self._dice.random() < 0.1
        change: Json = {
            "change_id": str(uuid4()),
            "entity_type": self._dice.choice(("tags", "recipients")),
            "id": entity_id,
            "updated_at": updated_at,
            "deleted_at": updated_at if deletes else None,
            "data": None if deletes else {"name": f"{self._device_id} {self._dice.random()}"},
        }
        if self._dice.random() < 0.5:
            change["base_updated_at"] = self._known.get((tenant_id, key_of(change)))
        return change

    def _learn(self, tenant_id: str, changes: Sequence[Json], results: Sequence[Json]) -> None:
        for change, result in zip(changes, results, strict=False):
            known = result.get("updated_at") or (result.get("entity") or {}).get("updated_at")
            if known and change["id"].startswith("shared-"):
                self._known[tenant_id, key_of(change)] = known


class Poller(Thread):
    """Follows one tenant until all is written, and then to the end."""

    def __init__(self, traffic: Traffic, account: Account, seed: str) -> None:
        super().__init__(daemon=True)
        self.follower = Follower(account.tenant_id, traffic.findings)
        self._traffic = traffic
        self._account = account
        self._dice = Random(seed)

    def run(self) -> None:
        try:
            self._poll_to_the_end()
        except Exception as error:
            self._traffic.findings.add("an answer to a pull cannot be understood", repr(error))

    def _poll_to_the_end(self) -> None:
        deadline = None
        with httpx.Client(base_url=self._account.url, headers=self._account.headers, timeout=TIMEOUT) as http:
            while deadline is None or time.monotonic() < deadline:
                is_last = self._traffic.polling_ends.is_set()  # asked before the page is: what it misses is missed
                if is_last and deadline is None:
                    deadline = time.monotonic() + PATIENCE
                more = True
                with suppress(*UNREACHABLE):
                    more = self.follower.pull(http, self._dice.choice(LIMITS))
                    if self._dice.random() < LOADS:
                        self.follower.load_beside(http)
                if is_last and not more:
                    return
                time.sleep(0.01)
        self._traffic.findings.add("a poller does not come to an end", f"tenant {self._account.tenant_id}")


def require_not_applied(results: Sequence[Json], findings: Findings) -> None:
    """Finds fault with acknowledged changes that are stored again when they are repeated."""
    for result in results:
        if result["status"] not in ("unchanged", "superseded"):
            findings.add("an acknowledged change was not known when it was repeated", str(result))
