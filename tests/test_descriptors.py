"""Connections leave file descriptors for the books: with the server that is shipped and a low limit of the system."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from finwise.cli.descriptors import connections
from harness.server import Server
from tests.household import PASSWORD, change, new_id

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")

LIMIT = 260
THREADS = 4
BOOKS = 36  # more than the connections to files that a process keeps open
SECONDS = 120


class LimitedServer(Server):
    """A server that cannot raise the system's limit."""

    program = (
        "-c",
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT}))\n"
        "from finwise.cli import main; main()",
        "serve",
    )


class Holder:
    """Connections of a stranger, whose heads never come to their end."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._held: list[socket.socket] = []

    def hold(self, most: int) -> None:
        """Holds so many connections: replaces those that the server has ended."""
        self._held = [each for each in self._held if not _has_ended(each)]
        while len(self._held) < most:
            opened = socket.create_connection(("127.0.0.1", self._port), timeout=10)
            opened.sendall(b"GET / HT")
            opened.setblocking(False)
            self._held.append(opened)

    def close(self) -> None:
        for each in self._held:
            each.close()


def _has_ended(connection: socket.socket) -> bool:
    with suppress(BlockingIOError):
        with suppress(OSError):
            if connection.recv(1):
                return False
        connection.close()
        return True
    return False


def descriptors(server: Server) -> int:
    """How many the one process below the server's has open."""
    (worker,) = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return len(os.listdir(f"/proc/{worker}/fd"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with LimitedServer(tmp_path, FINWISE_WORKERS="1", FINWISE_THREADS=str(THREADS)) as started:
        yield started


def test_connections_up_to_the_bound_leave_room_for_every_book(server: Server) -> None:
    with ExitStack() as opened:
        device = opened.enter_context(httpx.Client(base_url=server.url, timeout=SECONDS))
        login = {"email": "ada@example.org", "password": PASSWORD}
        assert device.post("/users", json={"uuid": new_id(), "name": "Ada"} | login).status_code == 201
        token = device.post("/auth/tokens", json=login | {"device_name": "test"}).json()["token"]
        device.headers["Authorization"] = f"Bearer {token}"
        books = [new_id() for _ in range(BOOKS)]
        for book in books:
            assert device.post("/tenants", json={"uuid": book, "name": "Home"}).status_code == 201
            assert device.post("/sync/changes", json={"tenant_id": book, "changes": [change()]}).status_code == 200
        before = descriptors(server)
        stranger = Holder(server.port)
        opened.callback(stranger.close)
        deadline = time.monotonic() + SECONDS
        while descriptors(server) < before + (LIMIT - before) // 3 and time.monotonic() < deadline:
            stranger.hold(LIMIT)
        for book in books:
            stranger.hold(LIMIT)
            pulled = device.get(f"/sync/changes/{book}")
            assert (pulled.status_code, len(pulled.json()["changes"])) == (200, 1)
            pushed = device.post("/sync/changes", json={"tenant_id": book, "changes": [change()]})
            assert pushed.status_code == 200
            assert descriptors(server) < LIMIT


def test_the_books_are_left_as_many_as_they_need_whatever_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    for limit, threads, most in ((1_024, 64, 392), (16_384, 64, 4_096), (260, 4, 108), (64, 16, 16)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert connections(threads) == most
