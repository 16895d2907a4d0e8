"""Network: the devices of the model, and the people who decide about conflicts, against real processes over HTTP.

The world is that of `model`, and so is the referee who looks at every step. What goes over the wire is read and written
by the server's own routes, in several processes; only their clock is set from here. Backups, restores and purges are
made by another process, as commands are.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from finwise.domain.conflicts import Decision
from finwise.domain.tokens import NewToken
from finwise.errors import Conflict
from harness.server import Server
from proofs.model import driver
from proofs.model.device import Json, Push
from proofs.model.installation import START, Installation
from proofs.model.service import Refused, Shown, shown
from proofs.model.state import CONFLICT_DAYS, TOMBSTONE_DAYS, Violation
from proofs.network_server import CLOCK, Clock
from proofs.proof import MEMORY, PATIENCE, Result, main

RUNS = 10  # worlds at scale 1


def prove(scale: float, seed: int) -> Result:
    """`scale` multiplies the worlds."""
    cases: Counter[str] = Counter()
    violations: list[str] = []
    steps, runs = 0, max(1, round(scale * RUNS))
    for first in range(0, runs, driver.RUNS_PER_INSTALLATION):
        with _installation() as installation:
            for run in range(first, min(runs, first + driver.RUNS_PER_INSTALLATION)):
                if len(violations) < driver.MOST_VIOLATIONS:
                    steps += driver.run_world(installation, cases, violations, seed, run)
    trials = {"acknowledged edits": cases.pop("acknowledged", 0), "weighted steps": steps, "runs": runs}
    return Result(CLAIM, trials, dict(sorted(cases.items())), violations)


CLAIM = "No acknowledged edit vanishes unseen, and all devices converge, over HTTP"


@contextmanager
def _installation() -> Iterator[Installation]:
    """FinWise in a folder, and a server of it."""
    with tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True) as made:
        folder = Path(made)
        (folder / "clock").write_bytes(bytes(8))
        clock = Clock(folder / "clock")
        clock.set(START)
        with Installation(folder) as installation:
            token = installation.domain.tokens.add_for(installation.user.email, NewToken("proof"), START).secret
            environment = {
                "PYTHONPATH": str(Path(__file__).parent.parent),
                CLOCK: str(folder / "clock"),
                "FINWISE_INSTANCE": str(folder / "instance"),
                "FINWISE_TENANT_DATABASES": str(folder / "tenants"),
                "FINWISE_TOMBSTONE_DAYS": str(TOMBSTONE_DAYS),
                "FINWISE_CONFLICT_DAYS": str(CONFLICT_DAYS),
                "FINWISE_MAINTENANCE_HOURS": "0",
            }
            with _Server(folder, **environment) as server, httpx.Client(base_url=server.url, timeout=PATIENCE) as http:
                http.headers["Authorization"] = f"Bearer {token}"
                installation.service = Network(http, clock)
                yield installation


class _Server(Server):
    program = ("-m", "proofs.network_server")


class Network:
    """The server of another process. Raises Violation for an answer that no device could do anything with."""

    def __init__(self, http: httpx.Client, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    def push(self, tenant_id: str, request: Push, now: int) -> Json:
        since = {"since": request.since, "limit": request.limit} if request.since else {}
        body = {"tenant_id": tenant_id, "device_id": request.device, "changes": request.changes} | since
        return self._read(now, "POST", "/sync/changes", json=body)

    def pull(self, tenant_id: str, since: str | None, limit: int, now: int) -> Json:
        asked: dict[str, str | int] = {"limit": limit} | ({"since": since} if since else {})
        return self._read(now, "GET", f"/sync/changes/{tenant_id}", params=asked)

    def load(self, tenant_id: str, now: int) -> Json:
        accept = {"Accept": "application/x-ndjson"}
        *lines, last = self._ask(now, "GET", f"/sync/initial/{tenant_id}", headers=accept).text.splitlines()
        end: Json = json.loads(last)
        return end | {"changes": [json.loads(line) for line in lines]}

    def list_conflicts(self, tenant_id: str, now: int) -> list[Shown]:
        return shown(self._ask(now, "GET", f"/sync/conflicts/{tenant_id}").json())

    def restore(self, tenant_id: str, conflict_id: str, decision: Decision, now: int) -> None:
        seen = {"json": {"base_updated_at": decision.base_updated_at}} if decision.says_base else {}
        self._ask(now, "POST", f"/sync/conflicts/{tenant_id}/{conflict_id}/restore", **seen)

    def dismiss(self, tenant_id: str, conflict_id: str, now: int) -> None:
        self._ask(now, "POST", f"/sync/conflicts/{tenant_id}/{conflict_id}/dismiss")

    def _read(self, now: int, method: str, path: str, **options: Any) -> Json:
        answer: Json = self._ask(now, method, path, **options).json()
        return answer

    def _ask(self, now: int, method: str, path: str, **options: Any) -> httpx.Response:
        self._clock.set(now)
        deadline = time.monotonic() + PATIENCE
        while (answer := self._http.request(method, path, **options)).status_code == 503:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)  # a restore has just let go of the file
        if answer.status_code == 410:
            body = answer.json()
            raise Refused({name: body[name] for name in ("code", "action", "give_back") if name in body})
        if answer.status_code == 409:
            raise Conflict(answer.json()["detail"])
        if answer.is_error:
            raise Violation(f"{method} {path} is answered {answer.status_code}: {answer.text[:200]}")
        return answer


main(__name__, prove)
