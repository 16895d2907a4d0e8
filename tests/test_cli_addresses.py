"""`finwise serve --host`: names and addresses in each spelling work, or are refused in one clear line."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from finwise.cli import main
from finwise.cli.addresses import address_of, url_of
from finwise.config import Settings
from harness.server import Server


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


on_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings) -> Run:
    folders = {"FINWISE_INSTANCE": settings.instance, "FINWISE_TENANT_DATABASES": settings.tenant_databases}

    def call(*arguments: str) -> Result:
        return CliRunner(env=folders).invoke(main, ["serve", *arguments])

    return call


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost", "http://localhost"),
        pytest.param("[::1]", "http://[::1]", marks=on_ipv6),
        pytest.param("::1", "http://[::1]", marks=on_ipv6),
        ("0.0.0.0", "http://127.0.0.1"),
    ],
)
def test_a_server_is_reached_by_the_url_that_it_prints(tmp_path: Path, host: str, url: str) -> None:
    server = Server(tmp_path, "--host", host, "--workers", "1")
    server.url = f"{url}:{server.port}"
    with server:
        assert f" on {server.url} (" in server.log.read_text("utf-8")
        assert httpx.get(f"{server.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("host", "address", "url"),
    [
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:8000"),
        ("::", "::", "http://[::1]:8000"),
        ("[::1]", "::1", "http://[::1]:8000"),
        ("ip6-localhost", "::1", "http://ip6-localhost:8000"),
        ("book.example.org", "192.0.2.1", "http://book.example.org:8000"),
    ],
)
def test_the_url_of_an_address(host: str, address: str, url: str) -> None:
    assert url_of(host, address, 8000) == url


def test_a_name_with_both_kinds_of_addresses_is_listened_to_at_the_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(family, socket.SOCK_STREAM, 6, "", (where, 0)) for family, where in _BOTH]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    assert address_of("localhost") == "127.0.0.1"


_BOTH = [(socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.1.1")]


def unresolved(*_: object, **__: object) -> None:
    """As the system says it, without asking a name server that may not be there."""
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("host", ["", "no-such-name.invalid", "localhost:80", "http://localhost"])
def test_what_is_no_address_and_no_name_is_refused_in_one_line(
    run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    done = run("--host", host)
    assert done.exit_code == 1
    assert done.output == (
        f"Error: {host!r} is neither an address nor a name that resolves. Listen on 127.0.0.1, for example.\n"
    )
    assert not settings.users_db.exists()


def test_a_name_that_can_be_none_is_refused_as_well(run: Run) -> None:
    assert "nor a name that resolves" in run("--host", "a" * 70 + ".example").output


def test_an_address_of_another_machine_is_said_to_be_one(run: Run) -> None:
    done = run("--host", "192.0.2.1")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "192.0.2.1 port 8000 cannot be used: it is not an address of this machine." in done.output


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EADDRINUSE, "something listens there already. Stop it, or choose another port."),
        (errno.EACCES, "this user may not. Choose a port from 1024 on, and let a proxy listen on 443."),
        (errno.EAFNOSUPPORT, f"{os.strerror(errno.EAFNOSUPPORT)}. Choose another address or port."),
    ],
)
def test_what_the_system_refuses_is_said_with_what_to_do(
    run: Run, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "create_server", refuse)
    done = run("--port", "443")
    assert (done.exit_code, done.output) == (1, f"Error: 127.0.0.1 port 443 cannot be used: {said}\n")
