"""Actual's sync server: POST /sync/sync with messages, one a column.

It keeps columns, not bookings: a new booking travels as one message for each field that is not null, about 16, a
changed one as its changed columns, as Actual's own client does. So its figures compare roughly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from benchmarks import install
from benchmarks.bookings import Booking
from benchmarks.connection import Reply
from benchmarks.peer import Peer
from benchmarks.protobuf import field, fields
from benchmarks.wire import request

_NODE = "0123456789abcdef"
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


class Actual(Peer):
    """A cursor is a stamp of its own kind, made by devices."""

    name = "actual-sync-server"
    page = "one answer"
    setting = "one Node process, a session's token; NODE_ENV=development, which lifts its 500 requests a minute"
    durability = "SQLite's rollback journal, synchronous = FULL: each commit is synced"
    isolation = "a SQLite file, opened by each request"
    health_path = "/health"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._headers: dict[str, str] = {}
        self._files: dict[str, tuple[str, str]] = {}  # tenant -> file, group
        self._known: dict[tuple[str, str], Booking] = {}
        self._stamps = 0

    @classmethod
    def version(cls) -> str:
        return install.version_from_npm("actual", "@actual-app/sync-server")

    def command(self) -> Sequence[str | Path]:
        return ["node", install.module("actual", "@actual-app/sync-server/build/bin/actual-server.js")]

    def environment(self) -> Mapping[str, str]:
        return {
            "ACTUAL_DATA_DIR": str(self.folder),
            "ACTUAL_PORT": str(self.port),
            "ACTUAL_HOSTNAME": "127.0.0.1",
            "ACTUAL_UPLOAD_FILE_SYNC_SIZE_LIMIT_MB": "100",
            "NODE_ENV": "development",
        }

    def set_up(self) -> None:
        self.connection.ask("POST", "/account/bootstrap", {"password": "bench"})
        answer = self.connection.ask("POST", "/account/login", {"password": "bench"})
        self._headers = {"X-ACTUAL-TOKEN": answer["data"]["token"]}

    def create_tenant(self, tenant: str) -> None:
        identifier = str(uuid4())
        named = {"X-ACTUAL-NAME": tenant, "X-ACTUAL-FILE-ID": identifier, "X-ACTUAL-FORMAT": "2"}
        headers = {**self._headers, **named, "Content-Type": "application/encrypted-file"}
        answer = self.connection.ask("POST", "/sync/upload-user-file", b"nothing", headers)
        self._files[tenant] = (identifier, answer["groupId"])

    def push_request(self, tenant: str, bookings: Sequence[Booking]) -> bytes:
        messages = [message for booking in bookings for message in self._messages(tenant, booking)]
        return self._sync(tenant, messages, self._stamp())  # the newest stamp: nothing comes back

    def count_accepted(self, sent: Sequence[Booking], reply: Reply) -> int:
        return len(sent) if reply.status == 200 else 0  # it says no more; what was stored is seen when it is loaded

    def load_request(self, tenant: str) -> bytes:
        return self._sync(tenant, [], f"1970-01-01T00:00:00.000Z-0000-{_NODE}")

    def read_page(self, tenant: str, reply: Reply) -> tuple[int, bytes | None]:
        return self.count_changes(reply), None

    def cursor(self, tenant: str) -> str:
        return self._stamp()

    def since_request(self, tenant: str, cursor: str) -> bytes:
        return self._sync(tenant, [], cursor)

    def count_changes(self, reply: Reply) -> int:
        contents = (dict(fields(envelope))[3] for number, envelope in fields(reply.body) if number == 1)
        return len({dict(fields(content))[2] for content in contents})

    def _sync(self, tenant: str, messages: Sequence[bytes], since: str) -> bytes:
        file, group = self._files[tenant]
        body = b"".join(messages) + field(2, file) + field(3, group) + field(6, since)
        return request("POST", "/sync/sync", body, {**self._headers, "Content-Type": "application/actual-sync"})

    def _messages(self, tenant: str, booking: Booking) -> Iterator[bytes]:
        known = self._known.get((tenant, booking["id"]), {})
        self._known[tenant, booking["id"]] = booking
        for column, value in booking.items():
            if column != "id" and value is not None and value != known.get(column):
                written = f"N:{value}" if isinstance(value, int | float) else f"S:{value}"
                content = field(1, "transactions") + field(2, booking["id"]) + field(3, column) + field(4, written)
                yield field(1, field(1, self._stamp()) + field(3, content))

    def _stamp(self) -> str:
        self._stamps += 1
        milliseconds, counter = divmod(self._stamps, 1_000)
        moment = (_BEGIN + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")
        return f"{moment.replace('+00:00', 'Z')}-{counter:04X}-{_NODE}"
