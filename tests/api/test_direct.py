"""Direct routes: what devices send is answered without Flask, and nobody can tell by the answer."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from finwise import create_app
from finwise.api import direct
from finwise.api.browsers import Browsers
from finwise.api.direct import Direct
from finwise.api.flooding import Flow
from finwise.api.request import Answer, Request
from finwise.config import Settings
from finwise.domain import json_text
from finwise.errors import NotFound
from finwise.store.cache import Cache
from finwise.store.connection import Connection
from tests.conftest import Clock
from tests.household import Household, change, new_id

Answered = tuple[str, list[tuple[str, str]], bytes]

BROWSER = {"Origin": "http://localhost", "Accept": "application/json", "Sec-Fetch-Mode": "cors"}


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
    return EnvironBuilder(given.pop("path", "/sync/changes"), **given).get_environ()


def empty(home: Household) -> dict[str, Any]:
    return {"tenant_id": home.tenant_id, "changes": []}


def answered(application: Any, environ: dict[str, Any]) -> Answered:
    body, status, headers = run_wsgi_app(application, environ, buffered=True)
    return status, sorted(headers.items()), b"".join(body)


@pytest.fixture
def is_direct(home: Household, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], bool]:
    """Tells whether a request is answered without Flask."""

    def ask(environ: dict[str, Any]) -> bool:
        asked: list[str] = []

        def flask(self: Flask, given: dict[str, Any]) -> None:
            asked.append(given["PATH_INFO"])
            raise InterruptedError

        with monkeypatch.context() as patched:
            patched.setattr(Flask, "request_context", flask)
            with suppress(InterruptedError):
                answered(home.client.application.wsgi_app, environ)
        return not asked

    return ask


REQUESTS: dict[str, Callable[[Household], dict[str, Any]]] = {
    "a poll": lambda home: pull(home, f"since={home.pull()['next_since']}"),
    "a pull with all parameters": lambda home: pull(home, "limit=2&entity_types=tags,robots&more=1"),
    "a pull of a browser": lambda home: pull(home, headers=BROWSER),
    "a pull by another media type": lambda home: pull(home, headers={"Accept": "application/*;q=0.9"}),
    "a pull with a wrong token": lambda home: pull(home, headers={"Authorization": "Bearer fw_wrong"}),
    "a pull with a tag": lambda home: pull(home, headers={"If-None-Match": '"x"'}),
    "a pull of what is no tenant": lambda home: pull(home, path="/sync/changes/x"),
    "a push": lambda home: push(home, {"tenant_id": home.tenant_id, "changes": [change()]}),
    "a push of a browser": lambda home: push(home, empty(home), headers=BROWSER),
    "a push with a parameter": lambda home: push(home, empty(home), query_string="x=1"),
    "a push that names its tenant in a header": lambda home: push(
        home, {"changes": []}, headers={"X-Tenant-ID": home.tenant_id}
    ),
    "a push of no JSON": lambda home: push(home, b"{", content_type="text/plain; charset=utf-8"),
    "a large push": lambda home: push(home, {"tenant_id": home.tenant_id, "changes": [change() for _ in range(500)]}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_what_devices_and_browsers_send_is_answered_without_flask(
    name: str, full: Household, is_direct: Callable[[dict[str, Any]], bool]
) -> None:
    assert is_direct(REQUESTS[name](full))


FOR_FLASK: dict[str, Callable[[Household], dict[str, Any]]] = {
    "a path with a slash behind it": lambda home: pull(home, path=f"/sync/changes/{home.tenant_id}/"),
    "a path with a slash too many": lambda home: pull(home, path=f"/sync/changes//{home.tenant_id}"),
    "a path without a tenant": lambda home: pull(home, path="/sync/changes/"),
    "a path that is not ASCII": lambda home: pull(home, path="/sync/changes/ä"),
    "another method": lambda home: pull(home, method="HEAD"),
    "a body without a length": lambda home: push(home, empty(home)) | {"CONTENT_LENGTH": ""},
    "a body in chunks": lambda home: push(home, empty(home)) | {"HTTP_TRANSFER_ENCODING": "chunked"},
    "a length beyond the limit": lambda home: push(home, empty(home)) | {"CONTENT_LENGTH": "9" * 9},
    "another route": lambda home: pull(home, path="/tenants"),
}


@pytest.mark.parametrize("name", FOR_FLASK)
def test_what_is_of_another_form_is_answered_by_flask(
    name: str, full: Household, is_direct: Callable[[dict[str, Any]], bool]
) -> None:
    assert not is_direct(FOR_FLASK[name](full))


ASKED: list[tuple[dict[str, str], str]] = [
    ({}, ""),
    ({}, "limit=2&entity_types=tags"),
    ({}, "limit=0"),
    ({}, "limit=1&limit=1"),
    ({}, "since=x"),
    ({}, "since=%ff"),
    ({"Accept": "text/html"}, ""),
    ({"Accept": "application/problem+json"}, ""),
    ({"Authorization": ""}, "limit=0"),
    ({"Authorization": "Basic YTpi"}, ""),
    ({"If-None-Match": "*"}, ""),
    ({"X-Tenant-ID": "no uuid"}, ""),
    ({"Origin": "https://evil.example"}, ""),
    ({"Origin": "https://app.example.org"}, ""),
    ({"Origin": "https://app.example.org", "Authorization": ""}, ""),
    ({"Host": "evil.example", "Authorization": ""}, ""),
    ({"Host": "a b"}, ""),
]


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_whichever_way_a_pull_takes_its_answer_is_the_same(
    asked: tuple[dict[str, str], str], settings: Settings, clock: Clock
) -> None:
    """With a slash behind its path it takes the way through Flask."""
    settings = replace(settings, trusted_hosts="localhost,.example.org", cors_origins="https://app.example.org")
    app = create_app(settings, clock)
    home = Household(app.test_client()).create()
    home.results(*(change(f"t{number}") for number in range(3)))
    headers, query = asked
    paths = (f"/sync/changes/{home.tenant_id}", f"/sync/changes/{home.tenant_id}/")
    one, other = (answered(app.wsgi_app, pull(home, query, path=path, headers=headers)) for path in paths)
    assert one == other
    app.extensions["finwise"].close()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"changes": 1}', b'{"changes": [1, {"id": 2}]}', b"\xff"])
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=x", "text/plain"])
def test_whichever_way_a_push_takes_its_answer_is_the_same(full: Household, body: bytes, content_type: str) -> None:
    named = {"X-Tenant-ID": full.tenant_id}
    app, given = full.client.application.wsgi_app, {"content_type": content_type, "headers": named}
    one, other = (answered(app, push(full, body, path=path, **given)) for path in ("/sync/changes", "/sync/changes/"))
    assert one == other


def test_a_hook_that_somebody_adds_to_the_application_runs_for_every_request(full: Household) -> None:
    assert "X-House" not in full.get(f"/sync/changes/{full.tenant_id}").headers

    def add(answer: Any) -> Any:
        answer.headers["X-House"] = "ours"
        return answer

    application = full.client.application
    application.after_request_funcs[None].append(add)
    assert full.get(f"/sync/changes/{full.tenant_id}").headers["X-House"] == "ours"
    assert full.push(change()).headers["X-House"] == "ours"


@pytest.mark.parametrize("kind", [NotFound, Exception])
def test_an_error_handler_that_somebody_adds_to_the_application_answers_errors_of_every_request(
    full: Household, settings: Settings, clock: Clock, kind: type[Exception]
) -> None:
    app = create_app(settings, clock)
    app.register_error_handler(kind, lambda error: ("ours", 418))
    headers = {"Authorization": f"Bearer {full.token}"}
    assert app.test_client().get(f"/sync/changes/{new_id()}", headers=headers).status_code == 418


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_nothing_of_a_strangers_body_is_read(full: Household, size: int) -> None:
    sent = BytesIO(b"x" * size)
    environ = push(full, b"x" * size, headers={"Authorization": "Bearer fw_of_nobody"}) | {"wsgi.input": sent}
    assert answered(full.client.application.wsgi_app, environ)[0] == "401 UNAUTHORIZED"
    assert sent.tell() == 0


def test_a_token_that_was_revoked_is_refused_before_anything_else_of_a_push(full: Household) -> None:
    full.results(change())
    (token,) = full.get("/auth/tokens").get_json()
    assert full.request("DELETE", f"/auth/tokens/{token['id']}").status_code == 204
    for body in (b"{", b"{}", b" " * 100_000):
        refused = full.post("/sync/changes", data=body, content_type="text/plain", headers={"Accept": "image/png"})
        assert (refused.status_code, refused.get_json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    "request_of",
    [lambda home: pull(home), lambda home: push(home, {"tenant_id": home.tenant_id, "changes": [change()]})],
)
def test_a_direct_request_looks_at_users_db_once_and_at_the_book_once(
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


def test_users_db_is_given_back_before_the_book_is_opened(full: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or as many connections to it would be open as requests wait for the locks of books."""
    domain = full.client.application.extensions["finwise"]
    open_within: list[bool] = []
    do = domain.sync.push

    def noted(*given: Any) -> Any:
        open_within.append(domain.hold_permissions.__self__._present.connection is not None)
        return do(*given)

    monkeypatch.setattr(domain.sync, "push", noted)
    full.results(change())
    assert open_within == [False]


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


def test_what_is_not_expected_is_an_incident(full: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("finwise.api.answers.page_text", fail)
    answer = full.get(f"/sync/changes/{full.tenant_id}")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal")
    assert answer.headers["Cache-Control"] == "no-store"


# ---- a route that has nothing to do with sync ----


def greet(request: Request, name: str = "") -> Answer:
    said = {"hello": name, "from": request.caller.user.name, **request.parameters}
    return Answer(json_text.write(said).encode())


def greeter(home: Household, clock: Clock, *rules: str) -> Direct:
    """An application with routes of another kind, whose Flask has nothing to answer."""
    app = Flask("greeter")
    blueprint = Blueprint("sync", "greeter")
    for number, rule in enumerate(rules):
        blueprint.add_url_rule(rule, "list_conflicts" if number else "load_initial", direct.mark(greet))
    app.register_blueprint(blueprint)
    domain = home.client.application.extensions["finwise"]
    return Direct(app, domain, Browsers(Settings()), Flow(0), clock)


def test_any_view_can_be_direct_with_a_parameter_or_without(home: Household, clock: Clock) -> None:
    served = greeter(home, clock, "/hello", "/hello/<name>")
    for path, name in (("/hello", ""), ("/hello/Grace", "Grace")):
        status, _, body = answered(served, pull(home, "more=1", path=path))
        assert (status, json_text.read(body)) == ("200 OK", {"hello": name, "from": "Ada", "more": "1"})


def test_a_direct_view_is_reached_by_nobody_without_a_token(home: Household, clock: Clock) -> None:
    served = greeter(home, clock, "/hello")
    assert answered(served, pull(home, path="/hello", headers={"Authorization": ""}))[0] == "401 UNAUTHORIZED"


@pytest.mark.parametrize("rule", ["/<name>/hello", "/hello/<path:name>", "/<a>/<b>"])
def test_a_direct_route_has_one_parameter_at_most_and_at_its_end(home: Household, clock: Clock, rule: str) -> None:
    with pytest.raises(ValueError, match="direct route"):
        greeter(home, clock, rule)


@pytest.mark.parametrize("endpoint", ["sync.push_changes", "sync.pull_changes"])
def test_both_ways_lead_to_the_function_that_the_document_describes(app: Flask, endpoint: str) -> None:
    described: Any = app.view_functions[endpoint]
    assert described.direct is inspect.unwrap(described)
