"""`finwise serve --demo`: a server with a book to look at, from one command."""

import re
from datetime import date
from pathlib import Path

import httpx

from finwise import demo
from finwise.entities import CATALOGUE, checks
from tests.server import Server


def told(server: Server, name: str) -> list[str]:
    return re.findall(rf"^  {name} +(\S+)", server.log.read_text("utf-8"), re.MULTILINE)


def test_the_demo_book_has_every_entity_type_and_is_valid() -> None:
    book = demo.book(date(2026, 1, 10))
    assert set(book) == set(CATALOGUE)
    for entity_type, check in checks().items():
        for entity in book[entity_type]:
            assert check(entity) is None
    assert len(book["transactions"]) > 500
    assert book == demo.book(date(2026, 1, 10))


def test_the_demo_can_be_started_again_and_keeps_what_was_changed(tmp_path: Path) -> None:
    with Server(tmp_path, "--demo") as server:
        (tenant,), (token,), (password,) = told(server, "tenant"), told(server, "token"), told(server, "password")
        login = {"email": demo.EMAIL, "password": password, "device_name": "test"}
        assert httpx.post(f"{server.url}/auth/tokens", json=login).status_code == 201
        headers = {"Authorization": f"Bearer {token}"}
        first = httpx.get(f"{server.url}/sync/initial/{tenant}", headers=headers).json()
        assert len(first["changes"]) > 500
        server.stop()

        server.start()
        assert told(server, "tenant") == [tenant, tenant]
        assert len(set(told(server, "token"))) == 2
        assert told(server, "password") == [password]
        again = httpx.get(f"{server.url}/sync/initial/{tenant}", headers=headers).json()
        assert again["next_since"] == first["next_since"]
