"""What no HTTP library would send, to the server that FinWise ships: lengths that contradict each other; slowness."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from harness.account import Account, sign_up
from harness.server import Server
from tests.household import PASSWORD

PATIENCE = 30  # seconds that an answer may take before a test fails; none of them is about how long it took


class Running(NamedTuple):
    """A server with four threads, and somebody who is signed up."""

    server: Server
    account: Account

    def head(self, *lines: str, path: str = "/sync/changes") -> str:
        """The start of a push of theirs, with these headers."""
        usual = ("Host: 127.0.0.1", f"Authorization: Bearer {self.account.token}", "Content-Type: application/json")
        return "\r\n".join((f"POST {path} HTTP/1.1", *usual, *lines, "", ""))

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE)

    def send(self, text: str) -> bytes:
        """All that is answered until the server hangs up."""
        answered = b""
        with self.connect() as connection:
            connection.sendall(text.encode())
            while part := connection.recv(65_536):
                answered += part
        return answered


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("raw")
    with Server(folder, FINWISE_WORKERS="1", FINWISE_THREADS="4") as server:
        yield Running(server, sign_up(server.url))


@pytest.fixture
def body(running: Running) -> str:
    """A push of nothing."""
    return f'{{"tenant_id": "{running.account.tenant_id}", "changes": []}}'


@pytest.fixture
def second(running: Running) -> str:
    """A request that a proxy would take for a part of the body before it; the last one of its connection."""
    lines = ("Host: 127.0.0.1", f"Authorization: Bearer {running.account.token}", "Connection: close")
    return "\r\n".join(("GET /users HTTP/1.1", *lines, "", ""))


def test_a_request_like_any_other_is_answered(running: Running, body: str, second: str) -> None:
    """Without this, the tests below could send what nobody would answer."""
    answered = running.send(running.head(f"Content-Length: {len(body)}") + body + second)
    assert answered.count(b"HTTP/1.1 200 OK") == 2


def test_a_length_beside_chunks_does_not_hide_a_second_request(running: Running, body: str, second: str) -> None:
    chunks = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
    for lines in (
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        (f"Content-Length: {len(chunks)}", "Transfer-Encoding: chunked"),
    ):
        assert running.send(running.head(*lines) + chunks + second).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 0", "Content-Length: {length}"),
        ("Content-Length: {length}", "Content-Length: 0"),
        ("Content-Length: -1",),
        ("Content-Length: +{length}",),
        ("Content-Length: {length}, 0",),
        ("Content-Length: 0x10",),
        ("Transfer-Encoding: gzip",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Content-Length: {length}", "Transfer-Encoding : chunked"),
    ],
    ids=" and ".join,
)
def test_an_odd_length_is_a_bad_request_and_ends_the_connection(
    running: Running, body: str, second: str, lines: tuple[str, ...]
) -> None:
    head = running.head(*(line.format(length=len(body)) for line in lines))
    answered = running.send(head + body + second)
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert answered.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("name", ["Transfer_Encoding: chunked", "Content_Length: 0", "Content_Length: 999"])
def test_a_header_with_a_low_line_says_nothing_about_the_length(
    running: Running, body: str, second: str, name: str
) -> None:
    answered = running.send(running.head(name, f"Content-Length: {len(body)}") + body + second)
    assert answered.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("path", ["/auth/tokens", "/sync/changes"])
def test_however_many_send_slowly_another_household_pulls_and_pushes(running: Running, path: str) -> None:
    account, other = running.account, sign_up(running.server.url)
    with ExitStack() as stack:
        for _ in range(8):  # twice as many as there are threads
            slow = stack.enter_context(running.connect())
            slow.sendall((running.head("Content-Length: 100", path=path) + "{").encode())
        device = stack.enter_context(httpx.Client(base_url=other.url, headers=other.headers, timeout=PATIENCE))
        push = {"tenant_id": other.tenant_id, "changes": []}
        for _ in range(5):
            assert device.get(f"/sync/changes/{other.tenant_id}").status_code == 200
            assert device.post("/sync/changes", json=push).status_code == 200
    assert eventually(lambda: device_pushes(account)), "the places are free again"


def test_hundreds_of_connections_that_send_nothing_keep_nobody_from_being_answered(running: Running) -> None:
    account = running.account
    with ExitStack() as stack:
        for begin in (b"", b"GET /sync/ch"):
            for _ in range(200):
                stack.enter_context(running.connect()).sendall(begin)
        assert httpx.get(f"{account.url}/tenants", headers=account.headers, timeout=PATIENCE).status_code == 200


def test_http_2_is_not_spoken(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        assert not connection.recv(9).startswith(b"\0\0")


def device_pushes(account: Account) -> bool:
    push = {"tenant_id": account.tenant_id, "changes": []}
    pushed = httpx.post(f"{account.url}/sync/changes", json=push, headers=account.headers, timeout=PATIENCE)
    login = {"email": account.email, "password": PASSWORD, "device_name": "test"}
    tried = httpx.post(f"{account.url}/auth/tokens", json=login, timeout=PATIENCE)
    return (pushed.status_code, tried.status_code) == (200, 401)  # for the account has another password


def eventually(happens: Callable[[], bool]) -> bool:
    """The server hears of connections that were ended a moment later."""
    return any(happens() for _ in range(100))
