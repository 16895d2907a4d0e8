"""FinWise as it is: `finwise serve` of this checkout, a user, a token, tenants of their own; nothing is turned off."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from benchmarks.bookings import OWN_FIELDS, Booking
from benchmarks.connection import Reply
from benchmarks.peer import Peer
from benchmarks.wire import request
from finwise.config import Settings
from finwise.version import __version__

_PASSWORD = "correct horse battery"


class FinWise(Peer):
    """Settings can be given by their names in the environment."""

    name = "finwise"
    page = "one answer"
    setting = (
        f"`finwise serve` with its defaults: {Settings.workers} processes of up to {Settings.threads} threads; "
        "a token and a membership checked at each request"
    )
    durability = "SQLite's log, synchronous = FULL: each commit is synced"
    isolation = "a SQLite file"
    health_path = "/readyz"

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder)
        self._settings = settings
        self._user = str(uuid4())
        self._headers: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._known: dict[tuple[str, str], str] = {}  # the server's versions, as a device knows them
        self._seen = ""

    @classmethod
    def version(cls) -> str:
        return __version__

    def command(self) -> Sequence[str | Path]:
        return [sys.executable, "-m", "finwise", "serve", "--port", str(self.port)]

    def environment(self) -> Mapping[str, str]:
        return {"FINWISE_INSTANCE": "instance", "FINWISE_TENANT_DATABASES": "tenant_databases", **self._settings}

    def set_up(self) -> None:
        account = {"email": f"{self._user}@example.org", "password": _PASSWORD}
        self.connection.ask("POST", "/users", {"uuid": self._user, "name": "Ada", **account})
        answer = self.connection.ask("POST", "/auth/tokens", {**account, "device_name": "benchmark"})
        self._headers = {"Authorization": f"Bearer {answer['token']}"}

    def create_tenant(self, tenant: str) -> None:
        reply = self.connection.send(self.create_request(tenant))
        if reply.status != 201:
            raise RuntimeError(f"a tenant was answered {reply.status}: {reply.body[:300]!r}")

    def create_request(self, tenant: str) -> bytes:
        """The request that makes a tenant."""
        identifier = self._ids.setdefault(tenant, str(uuid4()))
        return request("POST", "/tenants", {"uuid": identifier, "name": tenant}, self._headers)

    def push_request(self, tenant: str, bookings: Sequence[Booking]) -> bytes:
        body = {
            "tenant_id": self._ids[tenant],
            "device_id": self._user,
            "changes": [self._change(tenant, booking) for booking in bookings],
        }
        return request("POST", "/sync/changes", body, self._headers)

    def _change(self, tenant: str, booking: Booking) -> dict[str, Any]:
        change = {
            "change_id": str(uuid4()),
            "entity_type": "transactions",
            "id": booking["id"],
            "created_at": booking["created_at"],
            "updated_at": booking["updated_at"],
            "base_updated_at": self._known.get((tenant, booking["id"])),
            "deleted_at": None,
            "data": {name: value for name, value in booking.items() if name not in OWN_FIELDS},
        }
        self._known[tenant, booking["id"]] = booking["updated_at"]
        return change

    def count_accepted(self, sent: Sequence[Booking], reply: Reply) -> int:
        if reply.status != 200:
            return 0
        return sum(result["status"] == "applied" for result in reply.json()["results"])

    def load_request(self, tenant: str, headers: Mapping[str, str] | None = None) -> bytes:
        return request("GET", f"/sync/initial/{self._ids[tenant]}", headers={**self._headers, **(headers or {})})

    def read_page(self, tenant: str, reply: Reply) -> tuple[int, bytes | None]:
        answer = reply.json()
        self._seen = answer["next_since"]
        return len(answer["changes"]), self.since_request(tenant, self._seen) if answer["has_more"] else None

    def cursor(self, tenant: str) -> str:
        self.load(tenant)
        return self._seen

    def since_request(self, tenant: str, cursor: str) -> bytes:
        path = f"/sync/changes/{self._ids[tenant]}?since={quote(cursor)}"
        return request("GET", path, headers=self._headers)

    def count_changes(self, reply: Reply) -> int:
        return len(reply.json()["changes"])
