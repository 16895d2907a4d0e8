"""Errors over HTTP: one form for all of them, small, and without an echo of what was sent."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

import httpx
import pytest
from flask.testing import FlaskClient
from werkzeug.exceptions import default_exceptions
from werkzeug.test import TestResponse

from finwise import create_app, errors
from finwise.api.errors import STATUS
from finwise.domain.limits import Limits
from harness.account import sign_up
from harness.problems import MAX_BYTES, assert_problem
from harness.server import Server
from tests.conftest import settings_in
from tests.household import PASSWORD, Household, change, new_id

CANARY = "canary-7c1f"

LIMITS = Limits()


class World(NamedTuple):
    """An application that lives for all tests here, somebody who asks, and a route `/failing` that fails as told."""

    who: Household
    failures: list[Exception]

    def fail(self, error: Exception) -> TestResponse:
        """The answer where a view raises this."""
        self.failures.append(error)
        return self.who.get("/failing")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    app = create_app(settings_in(tmp_path_factory.mktemp("errors")))
    failures: list[Exception] = []

    def failing() -> str:
        if failures:
            raise failures.pop()
        return "fine"

    app.add_url_rule("/failing", "failing", failing)
    return World(Household(app.test_client()), failures)


@pytest.fixture(scope="module")
def anybody(world: World) -> FlaskClient:
    """A client without a token."""
    return world.who.client


def all_errors(root: type[errors.FinWiseError] = errors.FinWiseError) -> Iterator[type[errors.FinWiseError]]:
    for each in root.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from all_errors(each)


def made(kind: type[errors.FinWiseError], **more: Any) -> errors.FinWiseError:
    """An error as the code raises it."""
    without_words: dict[Any, dict[str, Any]] = {
        errors.CursorExpired: {},
        errors.TenantDeleted: {},
        errors.EpochChanged: {"give_back": True},
    }
    if kind in without_words:
        return kind(**without_words[kind])
    return kind("What to do.", **more)


def test_every_error_has_a_status_except_that_of_a_wrong_setting() -> None:
    assert set(all_errors()) - set(STATUS) == {errors.BadSetting}
    assert set(STATUS) <= set(all_errors())


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in all_errors()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("bad_request", 400),
        ("bad_cursor", 400),
        ("unauthorized", 401),
        ("forbidden", 403),
        ("not_found", 404),
        ("conflict", 409),
        ("cursor_expired", 410),
        ("epoch_changed", 410),
        ("tenant_deleted", 410),
        ("too_large", 413),
        ("invalid", 422),
        ("slow_down", 429),
        ("busy", 503),
        ("not_permitted", 503),
        ("read_only", 503),
        ("quarantined", 503),
        ("newer_schema", 503),
        ("storage_full", 507),
        ("quota_exceeded", 507),
    ],
)
def test_an_error_is_answered_with_the_status_that_the_protocol_gives_its_code(
    world: World, code: str, status: int
) -> None:
    (kind,) = (each for each in STATUS if each.code == code)
    error = made(kind)
    assert assert_problem(world.fail(error), status, code)["detail"] == error.detail


@pytest.mark.parametrize("kind", [errors.SlowDown, errors.Busy, errors.ReadOnly, errors.StorageFull])
def test_an_error_that_passes_says_when_to_try_again(world: World, kind: type[errors.FinWiseError]) -> None:
    assert world.fail(made(kind, retry_after=17)).headers["Retry-After"] == "17"
    assert "Retry-After" not in world.fail(made(kind)).headers


def test_a_device_is_told_what_to_do_about_its_cursor(world: World) -> None:
    assert world.fail(errors.CursorExpired()).get_json()["action"] == "initial"
    for give_back in (True, False):
        body = world.fail(errors.EpochChanged(give_back=give_back)).get_json()
        assert (body["action"], body["give_back"]) == ("initial", give_back)
    assert world.fail(errors.TenantDeleted()).get_json()["action"] == "stop"


@pytest.mark.parametrize("error", [RuntimeError(CANARY), KeyError(CANARY), AssertionError(CANARY), ZeroDivisionError()])
def test_a_bug_is_answered_with_a_number_and_nothing_else(
    world: World, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    with caplog.at_level(logging.ERROR):
        body = assert_problem(world.fail(error), 500, "internal")
    (number,) = re.findall(r"\b[0-9a-f]{12}\b", body["detail"])
    for leak in (CANARY, "Traceback", "test_errors", type(error).__name__, "line "):
        assert leak not in str(body)
    (record,) = caplog.records
    assert number in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_a_bug_tells_no_more_where_somebody_has_left_debugging_on(world: World) -> None:
    app = world.who.client.application
    app.debug = True
    try:
        body = assert_problem(world.fail(RuntimeError(CANARY)), 500, "internal")
    finally:
        app.debug = False
    assert CANARY not in str(body)
    assert "RuntimeError" not in str(body)


def test_every_bug_has_a_number_of_its_own(world: World) -> None:
    assert len({world.fail(RuntimeError()).data for _ in range(3)}) == 3


def test_after_a_bug_the_next_request_is_served(world: World) -> None:
    world.fail(RuntimeError())
    assert world.who.get("/failing").text == "fine"


@pytest.mark.parametrize("status", sorted(default_exceptions))
def test_every_error_of_http_is_a_problem(world: World, status: int) -> None:
    answer = world.fail(default_exceptions[status](CANARY))
    body = assert_problem(answer, status, answer.get_json()["code"])
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", body["code"])
    assert CANARY not in answer.text


@pytest.mark.parametrize("path", ["/nowhere", "/users/a/b", "/sync", "/sync/changes/a/b", "/admin", "/.env", "/api"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_route_is_a_problem(anybody: FlaskClient, path: str, method: str) -> None:
    assert_problem(anybody.open(f"{path}?{CANARY}={CANARY}", method=method), 404, "not_found")


@pytest.mark.parametrize("path", ["/users//x", "/tenants//", "/tenants//x", "/sync/initial//x", "/users/x//"])
def test_two_slashes_do_not_redirect_to_wherever_the_host_header_says(anybody: FlaskClient, path: str) -> None:
    answer = anybody.get("/", environ_overrides={"PATH_INFO": path}, headers={"Host": "evil.example"})
    assert "Location" not in answer.headers
    assert_problem(answer, 404, "not_found")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/users", {"GET", "POST"}),
        ("/users/x", {"GET", "PATCH", "DELETE"}),
        ("/tenants", {"GET", "POST"}),
        ("/tenants/x", {"GET", "PATCH", "DELETE"}),
        ("/auth/tokens", {"GET", "POST", "DELETE"}),
        ("/auth/tokens/x", {"PATCH", "DELETE"}),
        ("/sync/changes", {"POST"}),
        ("/sync/changes/x", {"GET"}),
        ("/sync/initial/x", {"GET"}),
        ("/healthz", {"GET"}),
        ("/openapi.json", {"GET"}),
        ("/docs", {"GET"}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND"])
def test_a_method_that_is_not_taken_is_answered_with_those_that_are(
    anybody: FlaskClient, path: str, allowed: set[str], method: str
) -> None:
    answer = anybody.open(path, method=method)
    assert_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == allowed


@pytest.mark.parametrize("accept", ["application/problem+json", "application/problem+json, text/html;q=0.5"])
def test_who_accepts_the_media_type_of_errors_alone_gets_json(home: Household, accept: str) -> None:
    headers = {"Accept": accept}
    pushed = home.post("/sync/changes", json={"tenant_id": home.tenant_id, "changes": [change()]}, headers=headers)
    paths = [f"/sync/changes/{home.tenant_id}", f"/sync/initial/{home.tenant_id}", f"/sync/conflicts/{home.tenant_id}"]
    answers = [
        pushed,
        *(home.get(path, headers=headers, buffered=True) for path in (*paths, f"/tenants/{home.tenant_id}/export")),
    ]
    assert [(answer.status_code, answer.mimetype) for answer in answers] == [(200, "application/json")] * 5
    assert_problem(home.get("/sync/changes/none", headers=headers), 404, "not_found")


@pytest.mark.parametrize("accept", ["application/problem+json, application/x-ndjson;q=0.5", "application/x-ndjson"])
def test_what_is_accepted_beside_errors_is_served(home: Household, accept: str) -> None:
    answer = home.get(f"/sync/initial/{home.tenant_id}", headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")


def test_a_media_type_that_is_not_served_is_406_and_nothing_is_stored(home: Household) -> None:
    for accept in (
        "text/html",
        "application/xml",
        "image/*",
        "application/json;q=0",
        "application/problem+json;q=0",
        "garbage",
    ):
        headers = {"Accept": accept}
        envelope = {"tenant_id": home.tenant_id, "changes": [change()]}
        assert_problem(home.post("/sync/changes", json=envelope, headers=headers), 406, "not_acceptable")
        for path in ("changes", "initial"):
            answer = home.get(f"/sync/{path}/{home.tenant_id}", headers=headers)
            assert_problem(answer, 406, "not_acceptable")
    assert home.initial()["changes"] == []


def test_json_is_served_to_clients_that_take_it(home: Household) -> None:
    for accept in ("application/json", "*/*", "application/*", "text/html, */*;q=0.1", ""):
        answer = home.get(f"/sync/initial/{home.tenant_id}", headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (200, "application/json")


def test_a_body_beyond_the_limit_is_413_with_the_limits(home: Household) -> None:
    too_much = b" " * (LIMITS.body_bytes + 1)
    for path in ("/sync/changes", "/tenants", "/users", "/auth/tokens"):
        answer = home.post(path, data=too_much, content_type="application/json")
        assert assert_problem(answer, 413, "too_large")["limits"] == home.client.get("/healthz").get_json()["limits"]


def test_a_body_of_the_limit_is_read(home: Household) -> None:
    body = f'{{"tenant_id": "{home.tenant_id}", "changes": []}}'.encode().ljust(LIMITS.body_bytes)
    assert home.post("/sync/changes", data=body, content_type="application/json").status_code == 200


def test_more_changes_than_the_limit_are_413_with_the_limits_and_none_is_stored(home: Household) -> None:
    answer = home.push(*([change()] * (LIMITS.changes + 1)))
    assert assert_problem(answer, 413, "too_large")["limits"] == home.client.get("/healthz").get_json()["limits"]
    assert home.initial()["changes"] == []


def test_a_body_without_a_length_is_not_cut_off_at_the_limit(home: Household) -> None:
    """A body in chunks has no length; what its first 8 MiB say is not what was sent."""
    body = f'{{"tenant_id": "{home.tenant_id}", "changes": []}}'.encode()
    in_chunks: dict[str, Any] = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    for padding, status in ((0, 200), (LIMITS.body_bytes, 413)):
        answer = home.post(
            "/sync/changes",
            input_stream=BytesIO(body + b" " * padding),
            content_type="application/json",
            environ_overrides=in_chunks,
        )
        assert answer.status_code == status


def test_a_server_reads_a_body_in_chunks_and_stops_at_the_limit(server: Server) -> None:
    account = sign_up(server.url)
    path, headers = f"{server.url}/sync/changes", account.headers | {"Content-Type": "application/json"}
    envelope = f'{{"tenant_id": "{account.tenant_id}", "changes": []}}'.encode()
    assert httpx.post(path, content=iter([envelope[:9], envelope[9:]]), headers=headers).status_code == 200
    chunk = b" " * 65_536

    def too_much() -> Iterator[bytes]:
        yield envelope
        for _ in range(LIMITS.body_bytes // len(chunk) + 1):
            yield chunk

    with contextlib.suppress(httpx.TransportError):  # the server may hang up while it is still being told more
        answer = httpx.post(path, content=too_much(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert len(answer.content) < MAX_BYTES
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_no_error_repeats_what_was_sent(home: Household) -> None:
    """Canaries in every place that a client can write to, keys included."""
    odd = {CANARY: CANARY, "uuid": CANARY, "name": [CANARY], "email": CANARY, "password": {CANARY: CANARY}}
    known = {"uuid": home.user_id, "name": CANARY, "email": f"{CANARY}@example.org", "password": f"{CANARY}-{CANARY}"}
    login = {"email": f"{CANARY}@example.org", "password": CANARY, "device_name": CANARY}
    path = f"/tenants/{CANARY}"
    answers = [
        home.post("/users", json=odd),
        home.post("/users", json=known),
        home.post("/users", json=[CANARY]),
        home.post("/users", data=f'{{"{CANARY}'.encode(), content_type="application/json"),
        home.post("/users", data=CANARY.encode(), content_type=f"application/{CANARY}"),
        home.post("/auth/tokens", json=login),
        home.post("/auth/tokens", json=odd),
        home.post("/tenants", json=odd),
        home.post("/tenants", json={"uuid": home.tenant_id, "name": CANARY}),
        home.post("/tenants", json={"uuid": new_id(), "name": CANARY, "user_id": new_id()}),
        home.request("PATCH", f"/users/{home.user_id}", json=odd),
        home.request("PATCH", path, json={"name": CANARY}),
        home.get(path),
        home.get(f"/users/{CANARY}"),
        home.request("DELETE", f"/auth/tokens/{CANARY}"),
        home.get("/tenants", query_string={"user_id": CANARY}),
        home.get(f"/sync/changes/{home.tenant_id}", query_string={"since": CANARY}),
        home.get(f"/sync/changes/{home.tenant_id}", query_string={"limit": CANARY}),
        home.get(f"/sync/changes/{home.tenant_id}?{CANARY}=1&{CANARY}=2"),
        home.get(f"/sync/changes/{home.tenant_id}", headers={"X-Tenant-ID": CANARY}),
        home.get(f"/sync/changes/{home.tenant_id}", headers={"Accept": f"text/{CANARY}"}),
        home.post("/sync/changes", json={"tenant_id": CANARY, "changes": []}),
        home.post("/sync/changes", json={"tenant_id": home.tenant_id, "changes": CANARY, "device_id": [CANARY]}),
        home.post("/sync/changes", json={"tenant_id": home.tenant_id, "changes": [], "since": CANARY}),
        home.client.get("/users", headers={"Authorization": f"Bearer {CANARY}"}),
        home.client.get(f"/{CANARY}?{CANARY}"),
        home.client.get(f"/static/{CANARY}"),
        home.client.open("/users", method=CANARY.upper()),
    ]
    for place, answer in enumerate(answers):
        assert_problem(answer, answer.status_code, answer.get_json()["code"])
        assert 400 <= answer.status_code < 500, place
        assert CANARY not in answer.text.lower() + str(answer.headers).lower(), place


def test_a_body_with_everything_wrong_gets_a_small_answer(home: Household) -> None:
    many = {f"field{number}": number for number in range(800)}
    long = {"x" * 15_000: 1}
    for path in ("/users", "/tenants", "/auth/tokens"):
        for body in (many, long, {"name": ["x"] * 3_000}):
            assert_problem(home.post(path, json=body), 422, "invalid")
    envelope = {"tenant_id": home.tenant_id, "entity_types": list(range(50_000)), "limit": "x" * 50_000, "changes": 1}
    assert_problem(home.post("/sync/changes", json=envelope), 422, "invalid")


def test_an_error_names_the_fields_and_what_is_wrong_with_them(client: FlaskClient) -> None:
    body = {"uuid": "x", "name": "", "email": "x", "password": "short"}
    problem = assert_problem(client.post("/users", json=body), 422, "invalid")
    assert list(problem["errors"]) == ["uuid", "name", "email", "password"]
    assert all(texts and all(type(text) is str for text in texts) for texts in problem["errors"].values())
    for unknown in ({"other": 1}, {"hashed_password": 1}, {"": 1}, {"a b": 1}):
        right = {"uuid": new_id(), "name": "Ada", "email": "ada@example.org", "password": PASSWORD}
        problem = assert_problem(client.post("/users", json=right | unknown), 422, "invalid")
        assert list(problem["errors"]) == ["body"]
