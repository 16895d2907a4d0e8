"""Kill: a real server whose processes are killed again and again while devices push and pull.

Shows that an acknowledged change survives the death of any process at any moment, that a push repeated because its
answer was lost is stored once, and that a device that follows next_since misses nothing. It does not show what a power
loss does: what was written stays in the system's cache when a process dies.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from uuid import uuid4

import httpx

from harness.account import Account, sign_up
from harness.server import Server
from proofs.kill.traffic import Poller, Pusher, Traffic, require_not_applied
from proofs.proof import PATIENCE, CannotRun, Result, main
from proofs.witness import (
    TIMEOUT,
    Findings,
    Follower,
    Key,
    Ledger,
    Stored,
    damage,
    differing,
    digests,
    key_of,
    known_change_ids,
    stored,
    tenant_file,
)

WORKERS, THREADS, CLIENTS, TENANTS = 2, 16, 8, 4
KILLS = 60  # at scale 1
SKEWS = (0.0, 0.0, -3.0, -0.4, 0.0, 2.5, -1.2, 0.2)  # seconds that the clients' clocks run ahead
ALL_AT_ONCE = 0.15  # of the kills hit the whole group instead of one worker


class Killer:
    """Kills one worker, or all processes at once, and then makes sure that the server runs again."""

    def __init__(self, server: Server, traffic: Traffic, dice: Random) -> None:
        self.kills: Counter[str] = Counter()
        self._server = server
        self._traffic = traffic
        self._dice = dice
        self._killed: set[int] = set()

    def run(self, kills: int) -> None:
        self._traffic.killing.set()
        self._wait_for_acknowledgements()
        while self.kills.total() < kills and not self._traffic.findings.sentences():
            time.sleep(self._dice.uniform(0.05, 0.5))
            if self._dice.random() < ALL_AT_ONCE or not self._kill_worker():
                self._kill_all()
            self._wait_for_acknowledgements()
        self._traffic.killing.clear()

    def _kill_worker(self) -> bool:
        """False where none can be found. The oldest: twice the same one in a few seconds would end the server."""
        workers = [pid for pid in _children(self._server.process.pid) if pid not in self._killed]
        if not workers:
            return False
        with suppress(ProcessLookupError):
            os.kill(workers[0], signal.SIGKILL)
        self._killed.add(workers[0])
        self.kills["worker"] += 1
        return True

    def _kill_all(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # it may have ended by itself
            self._server.kill()
        self.kills["group"] += 1
        self._server.start()

    def _wait_for_acknowledgements(self) -> None:
        """Until more was acknowledged than can have been under way at the kill: a kill of an idle server says little.

        Raises RuntimeError if the server does not come back.
        """
        target = self._traffic.counts["pushes"] + CLIENTS + 1
        deadline = time.monotonic() + PATIENCE
        while self._traffic.counts["pushes"] < target:
            if self._server.process.poll() is not None:
                self._kill_all()
                self.kills["ended by itself"] += 1
            if time.monotonic() > deadline:
                raise RuntimeError(f"nothing was acknowledged for {PATIENCE:.0f} s after a kill")
            time.sleep(0.01)


def prove(scale: float, seed: int) -> Result:
    """Kills `60 * scale` times, then compares."""
    with tempfile.TemporaryDirectory(prefix="finwise-kill-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder), "--workers", str(WORKERS), "--threads", str(THREADS))
        try:
            server.start()
        except RuntimeError as error:
            raise CannotRun(str(error)) from error
        try:
            return _prove(server, scale, seed)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                server.kill()


def _prove(server: Server, scale: float, seed: int) -> Result:
    try:
        first = sign_up(server.url)
        accounts = [first, *(_another_tenant(first) for _ in range(TENANTS - 1))]
    except httpx.HTTPError as error:
        raise CannotRun(f"no user or tenant can be made: {error}") from error
    traffic = Traffic(accounts)
    pushers = [Pusher(traffic, f"{seed} pusher {number}", SKEWS[number % len(SKEWS)]) for number in range(CLIENTS)]
    pollers = [Poller(traffic, account, f"{seed} poller {number}") for number, account in enumerate(accounts)]
    for thread in (*pushers, *pollers):
        thread.start()
    killer = Killer(server, traffic, Random(f"{seed} killer"))
    try:
        killer.run(max(5, round(KILLS * scale)))
        _end(traffic, pushers, pollers)
        _compare_all(server, traffic, pollers)
    except RuntimeError as error:
        traffic.findings.add("the server does not serve again after a kill", str(error)[-600:])
    finally:
        for event in (traffic.pushing_ends, traffic.polling_ends):
            event.set()
        traffic.killing.clear()
    return _result(killer, traffic, pollers)


def _another_tenant(account: Account) -> Account:
    another = account._replace(tenant_id=str(uuid4()))
    tenant = {"uuid": another.tenant_id, "name": "Another"}
    httpx.post(f"{account.url}/tenants", json=tenant, headers=account.headers, timeout=TIMEOUT).raise_for_status()
    return another


def _end(traffic: Traffic, pushers: Sequence[Pusher], pollers: Sequence[Poller]) -> None:
    """Ends the pushers first, and only then lets the pollers come to their end: what came late must not be missed."""
    traffic.pushing_ends.set()
    for pusher in pushers:
        pusher.join()
    traffic.polling_ends.set()
    for poller in pollers:
        poller.join()


def _compare_all(server: Server, traffic: Traffic, pollers: Sequence[Poller]) -> None:
    databases = server.folder / "tenant_databases"
    for account, poller in zip(traffic.accounts, pollers, strict=True):
        path = tenant_file(databases, account.tenant_id)
        try:
            _compare(account, path, poller.follower, traffic)
        except (sqlite3.Error, httpx.HTTPError, LookupError, ValueError) as error:
            traffic.findings.add("a tenant's book cannot be read", f"{account.tenant_id}: {error!r}")
    server.stop()
    for account in traffic.accounts:
        for line in damage(tenant_file(databases, account.tenant_id)):
            traffic.findings.add("SQLite finds damage", f"tenant {account.tenant_id}: {line}")


def _compare(account: Account, path: Path, follower: Follower, traffic: Traffic) -> None:
    findings, ledger = traffic.findings, traffic.ledgers[account.tenant_id]
    rows = stored(path)
    _require_unique(rows, findings)
    by_key = {row.key: row for row in rows}
    ledger.compare(by_key, findings)
    known = known_change_ids(path)
    for change in ledger.changes:
        if change["change_id"] not in known:
            findings.add("acknowledged changes are not known to the file", f"{change['id']} of {account.tenant_id}")
    follower.compare(by_key)
    with httpx.Client(base_url=account.url, headers=account.headers, timeout=TIMEOUT) as http:
        _compare_loads(http, account.tenant_id, by_key, follower, findings)
        _push_all_again(http, ledger, findings)
    if stored(path) != rows:
        findings.add("repeated pushes changed what is stored", f"tenant {account.tenant_id}")


def _require_unique(rows: Sequence[Stored], findings: Findings) -> None:
    names: dict[str, Callable[[Stored], object]] = {
        "an entity": lambda row: row.key,
        "a stamp": lambda row: row.stamp,
        "a change_id": lambda row: row.change_id,
    }
    for name, value in names.items():
        for doubled, count in Counter(value(row) for row in rows).items():
            if count > 1:
                findings.add(f"{name} is stored more than once", f"{doubled}: {count} times")


def _compare_loads(
    http: httpx.Client, tenant_id: str, rows: dict[Key, Stored], follower: Follower, findings: Findings
) -> None:
    """Whether a first load and a pull from the beginning give what is stored, and the digests fit to it."""
    fresh = Follower(tenant_id, findings)
    while fresh.pull(http, 300):
        pass
    fresh.compare(rows)
    load = http.get(f"/sync/initial/{tenant_id}").raise_for_status().json()
    loaded = {key_of(entity): (entity["updated_at"], entity["data"]) for entity in load["changes"]}
    if len(loaded) < len(load["changes"]) or loaded != {key: row.told for key, row in rows.items() if row.data}:
        findings.add("a first load is not what is stored", f"tenant {tenant_id}")
    computed = digests((key, updated_at) for key, (updated_at, _) in loaded.items())
    for name, told in (("pull", fresh.digest), ("poller", follower.digest), ("first load", load["digest"])):
        for entity_type in differing(told or {}, computed):
            findings.add("a digest is not that of what was loaded", f"{name}, {entity_type} of tenant {tenant_id}")


def _push_all_again(http: httpx.Client, ledger: Ledger, findings: Findings) -> None:
    """Delivers all that was acknowledged once more: whatever is applied now had been lost."""
    for start in range(0, len(ledger.changes), 2_000):
        body = {"tenant_id": ledger.tenant_id, "changes": ledger.changes[start : start + 2_000]}
        answer = http.post("/sync/changes", json=body)
        if answer.status_code == 200:
            require_not_applied(answer.json()["results"], findings)
        else:
            findings.add(f"a push was answered with {answer.status_code}", answer.text[:300])


def _children(pid: int) -> list[int]:
    """The worker processes of the server, the oldest first; none if the system does not tell."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    with suppress(OSError):
        return sorted(int(child) for child in listed.read_text("ascii").split())
    if (pgrep := shutil.which("pgrep")) is None or os.name != "posix":
        return []
    said = subprocess.run([pgrep, "-P", str(pid)], capture_output=True, text=True, check=False)
    return sorted(int(child) for child in said.stdout.split())


def _result(killer: Killer, traffic: Traffic, pollers: Sequence[Poller]) -> Result:
    counts = traffic.counts
    return Result(
        claim="Kill: nothing acknowledged is lost or doubled, nothing missed, whatever process dies",
        trials={"kills": killer.kills.total(), "acknowledged changes": counts["changes"]},
        figures={
            "workers killed": killer.kills["worker"],
            "whole groups killed": killer.kills["group"],
            "servers that ended by themselves": killer.kills["ended by itself"],
            "acknowledged pushes": counts["pushes"],
            "requests without an answer": counts["unanswered"],
            "changes repeated after their acknowledgement": counts["repeated"],
            "pages of the pollers": sum(poller.follower.pages for poller in pollers),
        },
        violations=traffic.findings.sentences(),
    )


main(__name__, prove)
