"""The floors (benchmarks/floor.py) under the server that FinWise has, too."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.bookings import Booking
from benchmarks.connection import Reply
from benchmarks.peer import Peer
from benchmarks.wire import request
from finwise.config import Settings

_ROOT = Path(__file__).parents[2]
_THREADS = 4  # of each process
_SERVER = f"granian, {Settings.workers} processes of {_THREADS} threads"


class RawFloor(Peer):
    """WSGI alone."""

    name = "floor-raw-granian"
    page = "one answer"
    setting = f"WSGI without a framework; {_SERVER}; nobody is asked who they are"
    durability = "SQLite's log, synchronous = FULL: each commit is synced"
    isolation = "a SQLite file"
    target = "benchmarks.floor:raw"

    @classmethod
    def version(cls) -> str:
        return f"granian {version('granian')}, msgspec {version('msgspec')}, orjson {version('orjson')}"

    def command(self) -> Sequence[str | Path]:
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        workers, threads = str(Settings.workers), str(_THREADS)
        how = ["--interface", "wsgi", "--workers", workers, "--blocking-threads", threads, "--log-level", "error"]
        return [sys.executable, "-m", "granian", *how, *where, self.target]

    def environment(self) -> Mapping[str, str]:
        return {"PYTHONPATH": str(_ROOT)}

    def create_tenant(self, tenant: str) -> None:
        """It is made by its first request."""

    def push_request(self, tenant: str, bookings: Sequence[Booking]) -> bytes:
        return request("POST", _path(tenant), {"changes": bookings})

    def count_accepted(self, sent: Sequence[Booking], reply: Reply) -> int:
        if reply.status != 200:
            return 0
        return sum(result["status"] == "applied" for result in reply.json()["results"])

    def load_request(self, tenant: str) -> bytes:
        return request("GET", _path(tenant))

    def read_page(self, tenant: str, reply: Reply) -> tuple[int, bytes | None]:
        return self.count_changes(reply), None

    def cursor(self, tenant: str) -> str:
        return str(self.connection.ask("GET", _path(tenant))["cursor"])

    def since_request(self, tenant: str, cursor: str) -> bytes:
        return request("GET", f"{_path(tenant)}?since={cursor}")

    def count_changes(self, reply: Reply) -> int:
        return len(reply.json()["changes"])


class FlaskFloor(RawFloor):
    """Through Flask."""

    name = "floor-flask-granian"
    setting = f"Flask; {_SERVER}; nobody is asked who they are"
    target = "benchmarks.floor:app"

    @classmethod
    def version(cls) -> str:
        return f"Flask {version('flask')}, {super().version()}"


def _path(tenant: str) -> str:
    return f"/sync/changes/{tenant}"
