"""A server, what is going on around it, and what the three races say and ask of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread
from typing import Any
from uuid import uuid4

import httpx

from harness.account import Account
from harness.server import Server
from proofs.proof import PATIENCE
from proofs.witness import (
    TIMEOUT,
    Findings,
    Json,
    Ledger,
    time_text,
)

COME_AGAIN = frozenset({"busy", "slow_down"})  # the codes after which a device tries again
PUSHERS = 6


@dataclass
class Race:
    """One server and what is going on around it."""

    server: Server
    account: Account
    findings: Findings
    dice: Random
    ends: Event = field(default_factory=Event)
    guard: Lock = field(default_factory=Lock)
    acknowledged: int = 0
    refused: int = 0

    @property
    def databases(self) -> Path:
        return self.server.folder / "tenant_databases"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.account.url, headers=self.account.headers, timeout=TIMEOUT)

    def new_tenant(self) -> str:
        tenant_id = str(uuid4())
        with self.client() as http:
            http.post("/tenants", json={"uuid": tenant_id, "name": "Race"}).raise_for_status()
        return tenant_id

    def note(self, ledger: Ledger, changes: Sequence[Json], answer: httpx.Response) -> None:
        ledger.note(changes, answer.json()["results"], self.findings)
        with self.guard:
            self.acknowledged += len(changes)

    def wait_for_more(self, changes: int) -> None:
        """Until so many more changes are acknowledged. Raises RuntimeError if they are not."""
        target, deadline = self.acknowledged + changes, time.monotonic() + PATIENCE
        while self.acknowledged < target:
            if time.monotonic() > deadline:
                raise RuntimeError("the devices' pushes are not acknowledged any more")
            time.sleep(0.005)

    def refuse(self) -> None:
        with self.guard:
            self.refused += 1

    @contextmanager
    def alongside(self, *works: Callable[[], None]) -> Iterator[None]:
        """Runs each of the works again and again, in a thread of its own, until the context is left."""
        self.ends.clear()
        threads = [Thread(target=self._repeat, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ends.set()
            for thread in threads:
                thread.join()

    def _repeat(self, work: Callable[[], None]) -> None:
        try:
            while not self.ends.is_set():
                work()
        except Exception as error:  # whatever an answer made of it: a device that stops is a finding, too
            self.findings.add("an answer cannot be understood, or none came", repr(error))

    def command(self, *arguments: str) -> bool:
        """Runs `finwise …` as the operator does, beside the server. False, and a finding, if it failed."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FINWISE_")}
        done = subprocess.run(
            [sys.executable, "-m", "finwise", *arguments],
            cwd=self.server.folder,
            env=inherited,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-400:]
            self.findings.add(f"`finwise {arguments[0]}` failed beside a server", said)
        return done.returncode == 0


def tag(name: str, entity_id: str | None = None, **more: Any) -> Json:
    """A change of a tag."""
    return {
        "change_id": str(uuid4()),
        "entity_type": "tags",
        "id": entity_id or str(uuid4()),
        "updated_at": time_text(time.time()),
        "deleted_at": None,
        "data": {"name": name} | more,
    }


def code_of(answer: httpx.Response) -> str:
    """The code of a problem; empty if the answer is none."""
    with suppress(ValueError, LookupError):
        return str(answer.json()["code"])
    return ""


def require_known(changes: Sequence[Json], known: set[str], findings: Findings, where: str) -> None:
    """Adds a finding for each change whose change_id is not known."""
    for change in changes:
        if change["change_id"] not in known:
            findings.add(f"acknowledged changes are not known to {where}", f"{change['id']}, {change['updated_at']}")


def files_in_trash(databases: Path, tenant_id: str) -> list[Path]:
    """The tenant's files in the trash, in the order they came: their names begin with the time."""
    return sorted((databases / "trash").glob(f"*tenant_{tenant_id}.db"))
