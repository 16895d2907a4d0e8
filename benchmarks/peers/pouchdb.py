"""pouchdb-server: CouchDB's _bulk_docs and _changes on Node and LevelDB."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks import install
from benchmarks.bookings import Booking
from benchmarks.connection import Reply
from benchmarks.peer import Peer
from benchmarks.wire import request


class PouchDB(Peer):
    """A change names the revision that it was made from, so the adapter remembers revisions."""

    name = "pouchdb-server"
    page = "one answer"
    setting = "one Node process, everybody may do everything"
    durability = "LevelDB: writes are not synced"
    isolation = "a LevelDB folder"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._revisions: dict[str, str] = {}

    @classmethod
    def version(cls) -> str:
        return install.version_from_npm("pouchdb", "pouchdb-server")

    def prepare(self) -> None:
        (self.folder / "data").mkdir()
        log = {"level": "error", "file": str(self.folder / "pouchdb.log")}
        (self.folder / "config.json").write_text(json.dumps({"log": log}), encoding="utf-8")

    def command(self) -> Sequence[str | Path]:
        program = install.module("pouchdb", "pouchdb-server/bin/pouchdb-server")
        where: list[str | Path] = ["-p", str(self.port), "-o", "127.0.0.1", "-d", self.folder / "data"]
        return ["node", program, *where, "-c", self.folder / "config.json", "--no-stdout-logs"]

    def create_tenant(self, tenant: str) -> None:
        self.connection.ask("PUT", f"/{tenant}")

    def push_request(self, tenant: str, bookings: Sequence[Booking]) -> bytes:
        return request("POST", f"/{tenant}/_bulk_docs", {"docs": [self._document(booking) for booking in bookings]})

    def one_request(self, tenant: str, booking: Booking) -> bytes:
        return request("PUT", f"/{tenant}/{booking['id']}", self._document(booking))

    def count_accepted(self, sent: Sequence[Booking], reply: Reply) -> int:
        stored = [result for result in reply.json() if "rev" in result] if reply.status == 201 else []
        self._revisions.update((result["id"], result["rev"]) for result in stored)
        return len(stored)

    def load_request(self, tenant: str) -> bytes:
        return request("GET", f"/{tenant}/_all_docs?include_docs=true")

    def read_page(self, tenant: str, reply: Reply) -> tuple[int, bytes | None]:
        return len(reply.json()["rows"]), None

    def cursor(self, tenant: str) -> str:
        return str(self.connection.ask("GET", f"/{tenant}")["update_seq"])

    def since_request(self, tenant: str, cursor: str) -> bytes:
        return request("GET", f"/{tenant}/_changes?since={cursor}&include_docs=true")

    def count_changes(self, reply: Reply) -> int:
        return len(reply.json()["results"])

    def _document(self, booking: Booking) -> Booking:
        revision = self._revisions.get(booking["id"])
        return {"_id": booking["id"], **booking, **({"_rev": revision} if revision else {})}
