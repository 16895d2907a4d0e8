"""`finwise serve --demo`: a server with a book to look at, from one command."""

import re
from datetime import date
from pathlib import Path

import httpx
from flask import Flask

from finwise import demo
from finwise.domain import Domain
from finwise.entities import checks
from tests.conftest import Clock
from tests.server import Server


def told(server: Server, name: str) -> list[str]:
    return re.findall(rf"^  {name} +(\S+)", server.log.read_text("utf-8"), re.MULTILINE)


def test_the_demo_book_is_valid() -> None:
    book = demo.book(date(2026, 1, 10))
    check = checks()
    for entity_type, entities in book.items():
        assert entities
        for entity in entities:
            assert check[entity_type](entity) is None
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


def test_a_deleted_demo_book_is_made_anew(app: Flask, clock: Clock) -> None:
    domain: Domain = app.extensions["finwise"]
    first = demo.create(domain, clock())
    headers = {"Authorization": f"Bearer {first.token}"}
    assert app.test_client().delete(f"/tenants/{first.tenant_id}", headers=headers).status_code == 204
    second = demo.create(domain, clock())
    assert second.tenant_id != first.tenant_id
    load = app.test_client().get(f"/sync/initial/{second.tenant_id}", headers=headers).get_json()
    assert len(load["changes"]) > 500
