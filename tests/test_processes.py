"""What becomes of a server's processes and files when one dies, when the master dies, and when it is told to stop."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.account import Account, sign_up
from harness.server import Server
from tests.household import change

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds a server's processes in /proc")

PATIENCE = 60  # seconds


@pytest.fixture
def small_server(tmp_path: Path) -> Server:
    return Server(tmp_path, "--workers", "1", "--threads", "4")


def workers(server: Server) -> list[int]:
    """The processes that the server has started and that answer requests."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == server.process.pid and b"resource_tracker" not in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def answers(server: Server) -> bool:
    try:
        return httpx.get(f"{server.url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def eventually(happens: Any) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if happens():
            return True
        time.sleep(0.05)
    return False


def push(account: Account, count: int) -> None:
    body = {"tenant_id": account.tenant_id, "changes": [change() for _ in range(count)]}
    pushed = httpx.post(f"{account.url}/sync/changes", json=body, headers=account.headers, timeout=PATIENCE)
    assert {result["status"] for result in pushed.raise_for_status().json()["results"]} == {"applied"}


def told(server: Server, event: str) -> list[dict[str, Any]]:
    lines = (line for line in server.log.read_text().splitlines() if line.startswith("{"))
    return [said for line in lines if (said := json.loads(line)).get("event") == event]


def test_a_process_that_dies_is_replaced_however_often_that_happens(small_server: Server) -> None:
    with small_server as server:
        killed: set[int] = set()
        for _ in range(5):
            assert eventually(lambda: set(workers(server)) - killed)
            for worker in set(workers(server)) - killed:
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
        assert eventually(lambda: answers(server))
        assert server.process.poll() is None
        assert [said["deaths"] for said in told(server, "process.replaced")] == [1, 2, 3, 4, 5]


def test_a_master_that_dies_takes_its_processes_along_so_that_a_restart_works(small_server: Server) -> None:
    with small_server as server:
        account = sign_up(server.url)
        left = workers(server)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(PATIENCE)
        assert eventually(lambda: not any(Path(f"/proc/{worker}").exists() for worker in left))
        server.start()
        push(account, 1)


def test_the_files_of_a_stopped_server_are_the_books(small_server: Server) -> None:
    with small_server as server:
        account = sign_up(server.url)
        push(account, 400)
    folder = small_server.folder
    assert not list(folder.rglob("*-wal"))
    (file,) = (folder / "tenant_databases").glob("*.db")
    alone = file.rename(folder / "taken.db")
    with sqlite3.connect(f"{alone.as_uri()}?immutable=1", uri=True) as book:
        assert book.execute("SELECT count(*) FROM tags").fetchone() == (400,)
    book.close()
    assert not told(small_server, "server.logs_not_folded")


def test_a_log_that_cannot_be_folded_is_told(small_server: Server) -> None:
    with small_server as server:
        account = sign_up(server.url)
        push(account, 400)
        (file,) = (server.folder / "tenant_databases").glob("*.db")
        reading = sqlite3.connect(file, isolation_level=None)
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM tags").fetchone()
        server.stop()
        reading.close()
    (said,) = told(small_server, "server.logs_not_folded")
    assert (said["files"], said["count"]) == (file.name, 1)
