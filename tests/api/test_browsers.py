"""What browsers are told: the names this server answers to, whose pages may ask, what to do with an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise import create_app
from finwise.domain.limits import Limits
from finwise.store.health import Health
from harness.problems import assert_problem
from tests.conftest import settings_in
from tests.household import Household

ID = "5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10"
ORIGIN, WITH_PORT = "https://app.example.org", "http://localhost:5173"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
STRANGERS = [
    "null",
    "*",
    "https://evil.example",
    "http://app.example.org",
    "https://app.example.org:444",
    "https://app.example.org.evil.example",
    "https://evil-app.example.org",
    "https://evil.example/https://app.example.org",
    "https://app.example.org/",
    "https://example.org",
    "https://sub.app.example.org",
    "https://appxexample.org",
    "https://app.example.org, https://evil.example",
    "http://localhost",
    "",
]

Opened = Callable[..., FlaskClient]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """Clients of applications with other settings than the default ones."""
    apps: dict[tuple[tuple[str, Any], ...], Flask] = {}

    def open_with(**chosen: Any) -> FlaskClient:
        key = tuple(chosen.items())
        if key not in apps:
            apps[key] = create_app(replace(settings_in(tmp_path_factory.mktemp("browsers")), **chosen))
        return apps[key].test_client()

    yield open_with
    for app in apps.values():
        app.extensions["finwise"].close()


@pytest.fixture
def listed(opened: Opened) -> FlaskClient:
    """A client of a server that two origins may ask."""
    return opened(cors_origins=f"{ORIGIN}, {WITH_PORT}")


def cors(answer: TestResponse) -> dict[str, str]:
    return {name: text for name, text in answer.headers if name.startswith("Access-Control-")}


# ---- names ----


@pytest.mark.parametrize(
    "host",
    [
        *("book.example.org", "book.example.org:8000", "BOOK.example.org", "a.example.net", "a.b.example.net:1"),
        *("example.net", "[2001:db8::1]:8000", "192.0.2.1"),
    ],
)
def test_the_server_answers_to_the_names_it_is_given(opened: Opened, host: str) -> None:
    client = opened(trusted_hosts="Book.example.org, .example.net, [2001:db8::1], 192.0.2.1")
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "example.org", "sub.book.example.org", "book.example.org.evil.example", "xbook.example.org"),
        *("evilexample.net", "example.net.evil.example", ".example.net.", "book.example.org@evil.example"),
        *("book.example.org:8000:1", "book.example.org/", "book.example.org, evil.example", "", " ", "[2001:db8::2]"),
        *("localhost", "127.0.0.1", "book.example.org\x00"),
    ],
)
def test_the_server_answers_to_no_other_name(opened: Opened, host: str) -> None:
    client = opened(trusted_hosts="book.example.org, .example.net, [2001:db8::1]")
    for path in ("/healthz", "/users", "/nowhere", "/docs"):
        body = assert_problem(client.get(path, headers={"Host": host}), 400, "bad_request")
        assert "FINWISE_TRUSTED_HOSTS" in body["detail"]
        assert "evil" not in body["detail"]


def test_a_preflight_under_another_name_is_refused_as_well(opened: Opened) -> None:
    client = opened(trusted_hosts="book.example.org", cors_origins=ORIGIN)
    asked = PREFLIGHT | {"Origin": ORIGIN, "Host": "evil.example"}
    assert_problem(client.options("/auth/tokens", headers=asked), 400, "bad_request")


def test_the_name_that_a_proxy_passes_on_is_not_believed(opened: Opened) -> None:
    client = opened(trusted_hosts="book.example.org", trusted_proxies="127.0.0.1", proxy_hops=1)
    claimed = {"Host": "evil.example", "X-Forwarded-Host": "book.example.org", "X-Forwarded-For": "192.0.2.1"}
    assert_problem(client.get("/healthz", headers=claimed), 400, "bad_request")


def test_without_a_list_the_server_answers_to_any_name(opened: Opened) -> None:
    assert opened().get("/healthz", headers={"Host": "anything.example"}).status_code == 200


# ---- other sites' pages ----


@pytest.mark.parametrize("origin", [ORIGIN, WITH_PORT, *STRANGERS])
def test_no_page_elsewhere_may_ask_unless_it_is_listed(opened: Opened, origin: str) -> None:
    client = opened()
    for answer in (
        client.get("/healthz", headers={"Origin": origin}),
        client.get("/users", headers={"Origin": origin}),
        client.options("/auth/tokens", headers=PREFLIGHT | {"Origin": origin}),
        client.options("/users", headers=PREFLIGHT | {"Origin": origin}),
    ):
        assert cors(answer) == {}
        assert answer.status_code != 204


@pytest.mark.parametrize("origin", [ORIGIN, WITH_PORT])
def test_a_listed_origin_and_no_other_is_told_that_it_may_read(listed: FlaskClient, origin: str) -> None:
    answer = listed.get("/healthz", headers={"Origin": origin})
    assert answer.status_code == 200
    assert cors(answer) == {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Content-Disposition, ETag, Retry-After",
    }


def test_an_origin_may_be_listed_in_capitals(opened: Opened) -> None:
    answer = opened(cors_origins="https://App.Example.org").get("/healthz", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("origin", STRANGERS)
def test_an_origin_that_only_looks_like_a_listed_one_hears_nothing(listed: FlaskClient, origin: str) -> None:
    for answer in (
        listed.get("/healthz", headers={"Origin": origin}),
        listed.get("/users", headers={"Origin": origin}),
        listed.get("/nowhere", headers={"Origin": origin}),
        listed.options("/auth/tokens", headers=PREFLIGHT | {"Origin": origin}),
        listed.options("/users", headers=PREFLIGHT | {"Origin": origin}),
    ):
        assert cors(answer) == {}
        assert answer.status_code != 204


def test_a_preflight_of_a_listed_origin_is_answered_without_a_token(listed: FlaskClient) -> None:
    for path in ("/users", "/auth/tokens", "/sync/changes", "/tenants/x/members", "/admin/users"):
        answer = listed.options(path, headers=PREFLIGHT | {"Origin": ORIGIN})
        assert (answer.status_code, answer.data) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


# What an app on another origin asks with the npm package, FinWise 0.4 among them.
ASKED_BY_APPS = [
    ("GET", "/healthz"),
    ("POST", "/users"),
    ("GET", "/users"),
    ("PATCH", f"/users/{ID}"),
    ("POST", "/auth/tokens"),
    ("DELETE", f"/auth/tokens/{ID}"),
    ("GET", "/tenants"),
    ("POST", "/tenants"),
    ("PATCH", f"/tenants/{ID}"),
    ("DELETE", f"/tenants/{ID}"),
    ("GET", f"/tenants/{ID}/export"),
    ("POST", f"/tenants/{ID}/import?dated_now=true"),
    ("POST", f"/tenants/{ID}/reset"),
    ("POST", "/sync/changes"),
    ("GET", f"/sync/changes/{ID}?since=x"),
    ("GET", f"/sync/initial/{ID}"),
    ("GET", f"/sync/conflicts/{ID}"),
]


@pytest.mark.parametrize(("method", "path"), ASKED_BY_APPS)
def test_a_page_of_a_listed_origin_may_ask_and_read_the_answer(listed: FlaskClient, method: str, path: str) -> None:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}
    told = listed.options(path, headers=asked | {"Origin": ORIGIN})
    assert (told.status_code, told.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
    assert method in told.headers["Access-Control-Allow-Methods"].split(", ")
    assert {"Authorization", "Content-Type"} <= set(told.headers["Access-Control-Allow-Headers"].split(", "))
    answer = listed.open(path, method=method, headers={"Origin": ORIGIN, "Content-Type": "application/json"})
    assert answer.status_code != 404, "there is such a route"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_a_preflight_allows_every_method_and_header_that_the_api_has(listed: FlaskClient) -> None:
    answer = listed.options("/users", headers=PREFLIGHT | {"Origin": ORIGIN})
    methods: set[str] = set().union(*(rule.methods or () for rule in listed.application.url_map.iter_rules()))
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) == methods - {"HEAD", "OPTIONS"}
    allowed = set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert allowed >= {"Accept", "Authorization", "Content-Type", "X-Tenant-ID"}
    assert "*" not in "".join(cors(answer).values())


def test_options_that_is_no_preflight_takes_what_any_request_takes(listed: FlaskClient) -> None:
    answer = listed.options("/tenants/x/members", headers={"Origin": ORIGIN})
    assert_problem(answer, 401, "unauthorized")


def test_a_listed_origin_still_needs_a_token(listed: FlaskClient) -> None:
    answer = listed.get("/users", headers={"Origin": ORIGIN})
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN, "or the page could not read why"


def test_credentials_of_a_browser_are_never_asked_for(listed: FlaskClient) -> None:
    for answer in (
        listed.get("/healthz", headers={"Origin": ORIGIN}),
        listed.get("/users", headers={"Origin": ORIGIN}),
        listed.options("/users", headers=PREFLIGHT | {"Origin": ORIGIN}),
    ):
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("origin", [ORIGIN, "https://evil.example", None])
def test_a_cache_is_told_that_answers_differ_by_origin(listed: FlaskClient, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    for answer in (listed.get("/healthz", headers=headers), listed.options("/users", headers=PREFLIGHT | headers)):
        assert "Origin" in answer.vary


def test_what_no_other_page_may_load_says_so(opened: Opened, listed: FlaskClient) -> None:
    assert opened().get("/healthz").headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert listed.get("/healthz").headers["Cross-Origin-Resource-Policy"] == "cross-origin"


# ---- what to do with an answer ----


def assert_protected(answer: TestResponse, policy: str = "default-src 'none'; frame-ancestors 'none'") -> None:
    assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers.getlist("Referrer-Policy") == ["no-referrer"]
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
    assert answer.headers.getlist("Content-Security-Policy") == [policy]


def test_answers_of_the_api_are_protected(home: Household) -> None:
    answers = [
        home.get("/users"),
        home.get("/tenants"),
        home.get("/healthz"),
        home.get("/openapi.json"),
        home.get(f"/sync/initial/{home.tenant_id}"),
        home.get(f"/tenants/{home.tenant_id}/export", buffered=True),
        home.log_in(),
        home.push(),
        home.request("OPTIONS", "/users"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 200, 201, 200, 200]
    for answer in answers:
        assert_protected(answer)


def test_errors_are_protected_as_well(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Health) -> list[str]:
        raise RuntimeError

    monkeypatch.setattr(Health, "problems", fail)
    answers = [
        home.client.get("/users"),
        home.get("/admin/users?after=a&after=b"),
        home.get("/nowhere"),
        home.request("PUT", "/users"),
        home.post("/tenants", data="x", content_type="text/plain"),
        home.post("/tenants", json={}),
        home.get("/readyz"),
    ]
    assert [answer.status_code for answer in answers] == [401, 422, 404, 405, 415, 422, 500]
    for answer in answers:
        assert_protected(answer)


def test_a_body_that_is_too_large_is_refused_under_protection(opened: Opened) -> None:
    client = opened(max_body_mib=1)
    assert client.application.extensions["finwise"].limits == Limits(body_bytes=1024 * 1024)
    answer = client.post("/users", data=b" " * (1024 * 1024 + 1), content_type="application/json")
    assert answer.status_code == 413
    assert_protected(answer)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_are_protected_by_a_policy_of_their_own(opened: Opened, path: str) -> None:
    answer = opened().get(path)
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert_protected(answer, answer.headers["Content-Security-Policy"])


def test_a_refused_name_is_refused_under_protection(opened: Opened) -> None:
    client = opened(trusted_hosts="book.example.org")
    for path in ("/users", "/nowhere"):
        assert_protected(client.get(path, headers={"Host": "evil.example"}))
