"""Few requests of strangers are worked on at once, few wait, and others are refused at little cost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from finwise.api import strangers
from finwise.api.strangers import AT_WORK, Strangers
from finwise.errors import Busy, SlowDown
from tests.household import Household


@pytest.fixture
def visits() -> Strangers:
    """Six at once, four of an address."""
    return Strangers(most=6, each=4)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "_PATIENCE", 0.0)


@pytest.mark.usefixtures("_impatient")
def test_few_are_worked_on_at_once_and_the_next_after_them(visits: Strangers) -> None:
    present = [visits.enter("192.0.2.1") for _ in range(AT_WORK)]
    with pytest.raises(Busy):
        visits.enter("192.0.2.2")
    present[0].end()
    present[0].end()  # which is no second end
    visits.enter("192.0.2.2")
    with pytest.raises(Busy):
        visits.enter("192.0.2.2")


@pytest.mark.usefixtures("_impatient")
def test_who_was_refused_holds_no_place(visits: Strangers) -> None:
    present = [visits.enter("192.0.2.1") for _ in range(AT_WORK)]
    for _ in range(20):
        with pytest.raises(Busy):
            visits.enter("192.0.2.1")
    for visit in present:
        visit.end()
    for _ in range(20):
        visits.enter("192.0.2.1").end()


def test_one_address_has_a_share_of_those_that_wait_and_all_have_a_part_of_the_threads() -> None:
    visits = Noticed(most=6, each=4)
    present = [visits.enter("192.0.2.1") for _ in range(AT_WORK)]
    with ThreadPoolExecutor(4) as threads:
        addresses = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"]
        waiting = [threads.submit(lambda address: visits.enter(address).end(), each) for each in addresses]
        assert all(visits.counted.acquire(timeout=30) for _ in range(AT_WORK + len(waiting)))
        with pytest.raises(SlowDown):
            visits.enter("192.0.2.1")
        with pytest.raises(Busy):
            visits.enter("192.0.2.9")
        for visit in present:
            visit.end()
        for each in waiting:
            each.result()


class Noticed(Strangers):
    """Strangers who are noticed once they are there."""

    def __init__(self, most: int, each: int) -> None:
        super().__init__(most, each)
        self.counted = Semaphore(0)

    def _count(self, address: str) -> None:
        super()._count(address)
        self.counted.release()


def asked(app: Flask, path: str, token: str = "", **more: str) -> tuple[int, dict[str, str], bytes]:
    """The answer as a WSGI server is given it."""
    said: list[Any] = []
    headers = [("Authorization", f"Bearer {token}")] if token else []
    environ = EnvironBuilder(path, headers=headers).get_environ() | {"REMOTE_ADDR": "127.0.0.1"} | more
    server: Any = app.wsgi_app
    answer = server(environ, lambda status, headers: said.extend((status, headers)))
    return int(said[0][:3]), dict(said[1]), b"".join(answer)


def test_members_are_answered_while_strangers_hold_all_places(app: Flask, home: Household) -> None:
    path = f"/sync/changes/{home.tenant_id}"
    assert asked(app, path, home.token)[0] == 200
    present = _fill(app)
    assert asked(app, "/healthz")[0] == 429
    assert asked(app, path, home.token)[0] == 200
    for visit in present:
        visit.end()
    assert asked(app, "/healthz")[0] == 200


def test_each_refusal_says_the_same_whether_it_was_made_before_or_not(app: Flask) -> None:
    present = _fill(app)
    first, second = asked(app, "/healthz"), asked(app, "/healthz")
    browsers = asked(app, "/healthz", HTTP_ORIGIN="https://elsewhere.example.org")
    assert first == second == browsers
    assert first[0] == 429
    assert first[1]["Retry-After"] == "1"
    assert first[1]["X-Content-Type-Options"] == "nosniff"
    for visit in present:
        visit.end()


def test_a_refusal_ends_the_connection_where_the_server_lets_it(app: Flask) -> None:
    present = _fill(app)
    assert asked(app, "/healthz", SERVER_SOFTWARE="Granian")[1]["Connection"] == "close"
    assert "Connection" not in asked(app, "/healthz")[1]
    for visit in present:
        visit.end()


def _fill(app: Flask) -> list[strangers.Visit]:
    """All requests that an address may have at once; as many as may are worked on."""
    visits: Any = app.wsgi_app
    while not hasattr(visits, "_visits"):
        visits = visits._app
    visits._visits._each = AT_WORK
    return [visits._visits.enter("127.0.0.1") for _ in range(AT_WORK)]
