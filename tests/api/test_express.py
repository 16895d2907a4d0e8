"""The short way of pulls and pushes answers as Flask does, and leaves to Flask whatever is not plain."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from finwise import create_app
from finwise.config import Settings
from finwise.domain import json_text
from finwise.store.cache import Cache
from finwise.store.connection import Connection
from tests.conftest import Clock
from tests.household import Household, change, new_id

Answered = tuple[str, list[tuple[str, str]], bytes]


@pytest.fixture
def full(home: Household) -> Household:
    """A household with entities, a tombstone and a conflict."""
    home.results(*(change(f"t{number}") for number in range(5)))
    home.results(change("t1", deleted_at="2026-01-10T10:00:00.000Z", updated_at="2026-01-10T10:00:00.000Z", data=None))
    home.results(change("t2", data={"name": "late"}, updated_at="2025-01-01T00:00:00.000Z", base_updated_at=None))
    return home


def pull(home: Household, query: str = "", **options: Any) -> dict[str, Any]:
    """What the server is given with a pull."""
    headers = {"Authorization": f"Bearer {home.token}"} | options.pop("headers", {})
    path = options.pop("path", f"/sync/changes/{home.tenant_id}")
    return EnvironBuilder(path, query_string=query, headers=headers, **options).get_environ()


def push(home: Household, body: Any, **options: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {home.token}"} | options.pop("headers", {})
    data = body if isinstance(body, bytes) else json_text.write(body).encode()
    given = {"method": "POST", "content_type": "application/json", "data": data, "headers": headers} | options
    return EnvironBuilder("/sync/changes", **given).get_environ()


def answered(application: Any, environ: dict[str, Any]) -> Answered:
    body, status, headers = run_wsgi_app(application, environ, buffered=True)
    return status, sorted(headers.items()), b"".join(body)


def ways(home: Household) -> tuple[Any, Any]:
    """The application with the short way, and without."""
    arrivals = home.client.application.wsgi_app._app  # type: ignore[attr-defined] # what is behind departures.py
    express = arrivals._app
    return express, express._app


def is_short(home: Household, environ: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a request is answered without Flask."""
    asked: list[str] = []

    def flask(given: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        asked.append(given["PATH_INFO"])
        start_response("204 No Content", [])
        return iter(())

    with monkeypatch.context() as patched:
        patched.setattr(ways(home)[0], "_app", flask)
        answered(home.client.application.wsgi_app, environ)
    return not asked


QUERIES = ["", "limit=2", "limit=10000", "entity_types=tags", "entity_types=tags,robots&limit=1", "entity_types=robots"]
ODD_QUERIES = [
    "limit=0", "limit=10001", "limit=1e3", "limit=01", "limit=", "limit=1&limit=1", "since=", "since=x", "since=%ff",
    "since=1970-01-01T00:00:00Z&since=1970-01-01T00:00:00Z", "more=1", "limit=1&", "&", "=", "limit", "entity_types=",
    "since=2999-01-01T00:00:00.000000Z~0", "since=1970-01-01T00%3A00%3A00.000000Z~0", "limit=+1", "limit=%31",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_plain_pull_is_answered_as_by_flask_and_without_it(
    full: Household, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = full.pull(limit=2)["next_since"]
    for since in ("", f"since={cursor}&", f"since={cursor.replace(':', '%3A').replace('~', '%7E')}&"):
        given = (since + query).rstrip("&")
        express, flask = (answered(way, pull(full, given)) for way in ways(full))
        assert express == flask
        assert express[0] == "200 OK"
        assert is_short(full, pull(full, given), monkeypatch)


@pytest.mark.parametrize("query", ODD_QUERIES)
def test_whatever_a_pull_asks_for_both_ways_answer_alike(full: Household, query: str) -> None:
    express, flask = (answered(way, pull(full, query)) for way in ways(full))
    assert express == flask


ODD_HEADERS: list[dict[str, str]] = [
    {"Accept": "text/html"},
    {"Accept": "application/x-ndjson"},
    {"Accept": "application/problem+json"},
    {"Authorization": ""},
    {"Authorization": "Bearer fw_wrong"},
    {"Authorization": "Basic YTpi"},
    {"If-None-Match": "*"},
    {"X-Tenant-ID": "no uuid"},
    {"X-Tenant-ID": "5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10"},
    {"Origin": "https://evil.example"},
    {"Host": "a b"},
    {"Host": "evil.example/x"},
    {"Content-Encoding": "gzip"},
]


@pytest.mark.parametrize("headers", ODD_HEADERS)
def test_whatever_headers_say_both_ways_answer_alike(full: Household, headers: dict[str, str]) -> None:
    pulls = [pull(full, headers=headers) for _ in range(2)]
    pushes = [push(full, _empty(full), headers=headers) for _ in range(2)]
    for environs in (pulls, pushes):
        express, flask = (answered(way, environ) for way, environ in zip(ways(full), environs, strict=True))
        assert express == flask


@pytest.mark.parametrize(
    "path", ["/sync/changes/{}/", "/sync/changes//{}", "/sync/changes/{}x", "/sync/changes", "/sync/changesx/{}"]
)
def test_a_path_that_is_another_is_left_to_flask(full: Household, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_short(full, pull(full, path=path.format(full.tenant_id)), monkeypatch)


def test_a_tenant_in_upper_case_or_of_others_is_answered_alike(full: Household) -> None:
    for tenant_id in (full.tenant_id.upper(), Household(full.client).create().tenant_id, new_id()):
        path = f"/sync/changes/{tenant_id}"
        express, flask = (answered(way, pull(full, path=path)) for way in ways(full))
        assert express == flask


def _empty(home: Household) -> dict[str, Any]:
    return {"tenant_id": home.tenant_id, "changes": []}


BODIES: dict[str, Any] = {
    "two changes": [change("a", change_id=new_id()), change("b", change_id=new_id())],
    "one bad among good": [change("a", change_id=new_id()), {"change_id": "x"}, change("c", change_id=new_id())],
    "a deletion": [change("t0", deleted_at="2026-01-10T11:00:00.000Z", data=None)],
    "nothing": [],
}


@pytest.fixture
def twins(settings: Settings, clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Household]]:
    """Two servers with the same user, tenant and content; of the second's ways only Flask is left."""
    made, ids = [], (new_id(), new_id())
    for number in range(2):
        folder = tmp_path_factory.mktemp(f"twin{number}")
        app = create_app(Settings(str(folder / "instance"), str(folder / "books"), maintenance_hours=0), clock)
        home = Household(app.test_client(), "ada@example.org")
        home.tenant_id = ids[0]
        made.append(home.create())
        home.results(change("t0", change_id=ids[1]))
    flask: Flask = made[1].client.application
    flask.wsgi_app = flask.wsgi_app._app._app  # type: ignore[attr-defined, method-assign] # behind the short way
    yield made
    for home in made:
        home.client.application.extensions["finwise"].close()


def said(answer: TestResponse) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
    """An answer without what two servers cannot share: the epoch, also in cursors."""
    body = answer.get_json()
    body.pop("epoch", None)
    if "next_since" in body:
        body["next_since"] = body["next_since"].partition("~")[0]
    headers = sorted((name, value) for name, value in answer.headers if name != "Content-Length")
    return answer.status_code, body, headers


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("with_pull", [False, True])
def test_a_push_is_answered_and_stored_as_by_flask(twins: list[Household], name: str, with_pull: bool) -> None:
    answers = []
    for home in twins:
        more = {"since": home.pull()["next_since"]} if with_pull else {}
        answers.append([said(home.push(*BODIES[name], **more)) for _ in range(2)])
    assert answers[0] == answers[1]
    assert answers[0][0][0] == 200
    stored = [home.pull()["changes"] for home in twins]
    assert stored[0] == stored[1]


ODD_BODIES: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"{}",
    b'{"changes": 1}',
    b'{"changes": [], "changes": []}',
    b"\xff",
    b"null",
]


@pytest.mark.parametrize("body", ODD_BODIES)
def test_a_body_that_is_refused_is_refused_alike(full: Household, body: bytes) -> None:
    express, flask = (answered(way, push(full, body)) for way in ways(full))
    assert express == flask
    assert express[0].startswith("4")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "text/plain", "application/json; charset=x"]
)
def test_a_content_type_decides_alike(full: Household, content_type: str) -> None:
    answers = [answered(way, push(full, _empty(full), content_type=content_type)) for way in ways(full)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_nothing_of_a_strangers_body_is_read(full: Household, size: int) -> None:
    sent = BytesIO(b"x" * size)
    environ = push(full, b"x" * size, headers={"Authorization": "Bearer fw_of_nobody"}) | {"wsgi.input": sent}
    assert answered(full.client.application.wsgi_app, environ)[0] == "401 UNAUTHORIZED"
    assert sent.tell() == 0


def test_a_large_push_takes_the_short_way(full: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = [change() for _ in range(1_000)]
    assert is_short(full, push(full, {"tenant_id": full.tenant_id, "changes": changes}), monkeypatch)


def test_a_plain_push_takes_the_short_way(full: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_short(full, push(full, _empty(full)), monkeypatch)
    assert is_short(full, push(full, {"changes": []}, headers={"X-Tenant-ID": full.tenant_id}), monkeypatch)
    assert not is_short(full, push(full, _empty(full), query_string="x=1"), monkeypatch)


@pytest.mark.parametrize(
    "request_of",
    [lambda home: pull(home), lambda home: push(home, {"tenant_id": home.tenant_id, "changes": [change()]})],
)
def test_a_plain_request_looks_at_users_db_once_and_at_the_book_once(
    full: Household, monkeypatch: pytest.MonkeyPatch, request_of: Callable[[Household], dict[str, Any]]
) -> None:
    looked: list[str] = []
    look = Cache.look

    def counted(cache: Cache) -> None:
        looked.append(Path(cache._connection.execute("PRAGMA database_list").fetchone()[2]).name)
        look(cache)

    monkeypatch.setattr(Cache, "look", counted)
    assert answered(full.client.application.wsgi_app, request_of(full))[0] == "200 OK"
    assert [name.startswith("users") for name in looked] == [True, False]


def test_a_poll_that_finds_nothing_reads_no_table(full: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/sync/changes/{full.tenant_id}"
    cursor = full.get(path).get_json()["next_since"]
    full.get(path, query_string={"since": cursor})
    executed: list[str] = []
    execute = Connection.execute

    def noted(connection: Connection, sql: str, *values: Any) -> Any:
        executed.append(sql.split()[0])
        return execute(connection, sql, *values)

    monkeypatch.setattr(Connection, "execute", noted)
    assert full.get(path, query_string={"since": cursor}).get_json()["changes"] == []
    assert executed, "the files are looked at"
    assert "SELECT" not in executed


def test_what_is_not_expected_is_answered_by_flask(full: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("finwise.api.answers.page_text", fail)
    answer = full.get(f"/sync/changes/{full.tenant_id}")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal")


@pytest.mark.parametrize("cors_origins", ["", "https://app.example.org"])
def test_names_and_origins_are_respected(settings: Settings, clock: Clock, cors_origins: str) -> None:
    app = create_app(replace(settings, trusted_hosts="localhost,.example.org", cors_origins=cors_origins), clock)
    home = Household(app.test_client()).create()
    for host in ("book.example.org", "evil.example", ""):
        for origin in ("", "https://app.example.org", "https://evil.example"):
            headers = {"Host": host} | ({"Origin": origin} if origin else {})
            express, flask = (answered(way, pull(home, headers=headers)) for way in ways(home))
            assert express == flask
            assert express[0].startswith("200" if host == "book.example.org" else "400")
    app.extensions["finwise"].close()
