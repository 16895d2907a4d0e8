"""Kinto: POST /v1/batch of PUTs, GET records with _since."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import install
from benchmarks.bookings import Booking
from benchmarks.connection import Reply
from benchmarks.peer import Peer
from benchmarks.wire import request

_HEADERS = {"Authorization": "Basic " + b64encode(b"bench:bench").decode()}
_SETTINGS = """\
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.userid_hmac_secret = 0123456789abcdef
multiauth.policies = basicauth
kinto.bucket_create_principals = system.Authenticated
kinto.batch_max_requests = {batch}

[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
threads = 8

[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys =

[logger_root]
level = ERROR
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
"""


class Kinto(Peer):
    """With its storage in memory."""

    name = "kinto-memory"
    page = "10,000 (its default)"
    setting = "waitress, 8 threads; its batches raised from 25 to 500; basic authentication"
    durability = "none: all is in memory"
    isolation = "a bucket"
    health_path = "/v1/"

    @classmethod
    def version(cls) -> str:
        return install.version_from_pypi("kinto", "kinto")

    def prepare(self) -> None:
        text = _SETTINGS.format(batch=self.batch, port=self.port)
        (self.folder / "kinto.ini").write_text(text, encoding="utf-8")

    def command(self) -> Sequence[str | Path]:
        return [install.program("kinto", "kinto"), "start", "--ini", "kinto.ini", "--port", str(self.port)]

    def create_tenant(self, tenant: str) -> None:
        for path in (f"/v1/buckets/{tenant}", f"/v1/buckets/{tenant}/collections/bookings"):
            self.connection.ask("PUT", path, {"data": {}}, _HEADERS)

    def push_request(self, tenant: str, bookings: Sequence[Booking]) -> bytes:
        puts = [{"path": f"{_path(tenant)}/{booking['id']}", "body": {"data": booking}} for booking in bookings]
        return request("POST", "/v1/batch", {"defaults": {"method": "PUT"}, "requests": puts}, _HEADERS)

    def one_request(self, tenant: str, booking: Booking) -> bytes:
        return request("PUT", f"{_path(tenant)}/{booking['id']}", {"data": booking}, _HEADERS)

    def count_accepted(self, sent: Sequence[Booking], reply: Reply) -> int:
        if reply.status != 200:
            return 0
        return sum(result["status"] in (200, 201) for result in reply.json()["responses"])

    def load_request(self, tenant: str) -> bytes:
        return request("GET", _path(tenant), headers=_HEADERS)

    def read_page(self, tenant: str, reply: Reply) -> tuple[int, bytes | None]:
        url = urlsplit(reply.headers.get("next-page", ""))
        more = request("GET", f"{url.path}?{url.query}", headers=_HEADERS) if url.path else None
        return len(reply.json()["data"]), more

    def cursor(self, tenant: str) -> str:
        reply = self.connection.send(request("GET", f"{_path(tenant)}?_limit=1", headers=_HEADERS))
        return reply.headers["etag"].strip('"')

    def since_request(self, tenant: str, cursor: str) -> bytes:
        return request("GET", f"{_path(tenant)}?_since={cursor}", headers=_HEADERS)

    def count_changes(self, reply: Reply) -> int:
        return len(reply.json()["data"])


def _path(tenant: str) -> str:
    return f"/v1/buckets/{tenant}/collections/bookings/records"
