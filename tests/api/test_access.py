"""Who may do what, for every route there is: one that nobody has decided about fails here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from finwise.api.auth import PUBLIC
from tests.conftest import Clock
from tests.household import Household, change, new_id
from tests.problems import assert_problem, everything

EVERYBODY = "everybody"
SIGNED_IN = "whoever shows a token"
ONESELF = "the user whose own it is; for others it does not exist"
MEMBERS = "the members of the tenant; for others it does not exist"

DECISIONS: dict[tuple[str, str], str] = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/docs"): EVERYBODY,
    ("GET", "/docs/assets/<path:name>"): EVERYBODY,
    ("GET", "/static/<path:filename>"): EVERYBODY,
    ("GET", "/openapi.json"): EVERYBODY,
    ("GET", "/healthz"): EVERYBODY,
    ("GET", "/readyz"): EVERYBODY,
    ("POST", "/users"): EVERYBODY,
    ("POST", "/auth/tokens"): EVERYBODY,
    ("GET", "/users"): SIGNED_IN,
    ("GET", "/users/<uuid>"): ONESELF,
    ("PATCH", "/users/<uuid>"): ONESELF,
    ("DELETE", "/users/<uuid>"): ONESELF,
    ("GET", "/auth/tokens"): SIGNED_IN,
    ("DELETE", "/auth/tokens/<id>"): ONESELF,
    ("GET", "/tenants"): SIGNED_IN,
    ("POST", "/tenants"): SIGNED_IN,
    ("GET", "/tenants/<id>"): MEMBERS,
    ("PATCH", "/tenants/<id>"): MEMBERS,
    ("DELETE", "/tenants/<id>"): MEMBERS,
    ("GET", "/tenants/<id>/devices"): MEMBERS,
    ("GET", "/tenants/<id>/export"): MEMBERS,
    ("POST", "/sync/changes"): MEMBERS,
    ("GET", "/sync/changes/<tenant_id>"): MEMBERS,
    ("GET", "/sync/initial/<tenant_id>"): MEMBERS,
    ("GET", "/sync/conflicts/<tenant_id>"): MEMBERS,
    ("POST", "/sync/conflicts/<tenant_id>/<conflict_id>/restore"): MEMBERS,
    ("POST", "/sync/conflicts/<tenant_id>/<conflict_id>/dismiss"): MEMBERS,
}

# Bodies with which a request would succeed, if only it were allowed.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/users/<uuid>"): {"name": "Mallory"},
    ("POST", "/tenants"): {"uuid": new_id(), "name": "Cabin"},
    ("PATCH", "/tenants/<id>"): {"name": "Mine"},
    ("POST", "/sync/changes"): {"changes": [change()]},
}


def routes(app: Flask) -> Iterator[tuple[str, Rule]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule


def ask(
    client: FlaskClient, method: str, rule: str, named: str, headers: dict[str, str], conflict_id: str = "0"
) -> TestResponse:
    """A request to a route about the thing `named`, in the path or, where it has none, in the header."""
    start, open_, rest = rule.replace("<conflict_id>", conflict_id).partition("<")
    path = start + named + rest.partition(">")[2] if open_ else rule
    if rule.startswith("/sync"):
        headers = headers | {"X-Tenant-ID": named}
    return client.open(path, method=method, headers=headers, json=BODIES.get((method, rule)), buffered=True)


def conflict(home: Household) -> str:
    """The name of a conflict in the household's book; each time there is a new one."""
    path = f"/sync/conflicts/{home.tenant_id}"
    before = {each["conflict_id"] for each in home.get(path).get_json()}
    entity_id = new_id()
    home.results(change(entity_id), change(entity_id, updated_at="2026-01-01T00:00:00Z", data={"name": "what lost"}))
    (kept,) = {each["conflict_id"] for each in home.get(path).get_json()} - before
    return str(kept)


def with_token(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def not_public() -> list[tuple[str, str]]:
    return [route for route, decision in DECISIONS.items() if decision != EVERYBODY]


def owned() -> list[tuple[str, str]]:
    return [route for route, decision in DECISIONS.items() if decision in (ONESELF, MEMBERS)]


def test_somebody_has_decided_about_every_route(app: Flask) -> None:
    assert {(method, rule.rule) for method, rule in routes(app)} == set(DECISIONS)


def test_the_code_decided_the_same(app: Flask) -> None:
    public = {(method, rule.rule) for method, rule in routes(app) if rule.endpoint in PUBLIC}
    assert public == {route for route, decision in DECISIONS.items() if decision == EVERYBODY}


def test_what_is_public_exists(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= PUBLIC


def test_every_route_about_a_tenant_is_for_its_members(app: Flask) -> None:
    for method, rule in routes(app):
        about_tenants = rule.rule.startswith(("/sync/", "/tenants/"))
        assert about_tenants == (DECISIONS[method, rule.rule] == MEMBERS)


def test_a_route_that_is_added_is_not_public_by_accident(app: Flask) -> None:
    app.add_url_rule("/new", "new", lambda: "secret")
    answer = app.test_client().get("/new")
    assert_problem(answer, 401, "unauthorized")


def test_public_routes_answer_without_a_token(app: Flask) -> None:
    client = app.test_client()
    for method, rule in routes(app):
        if rule.endpoint in PUBLIC:
            headers = with_token("garbage")
            assert ask(client, method, rule.rule, "x", {}).status_code != 401 or rule.rule == "/auth/tokens"
            assert ask(client, method, rule.rule, "x", headers).status_code != 401 or rule.rule == "/auth/tokens"


@pytest.mark.parametrize("case", ["no token", "garbage", "expired", "revoked", "of a user who left", "in the address"])
def test_every_other_route_answers_401_without_a_token_that_lives(client: FlaskClient, clock: Clock, case: str) -> None:
    ada = Household(client)
    headers = with_token(ada.token)
    clock.forward(days=1)  # tokens of later logins outlive Ada's by a day
    if case == "no token":
        headers = {}
    elif case == "garbage":
        headers = with_token("fw_garbage")
    elif case == "expired":
        clock.forward(days=90)
    elif case == "revoked":
        (token,) = ada.get("/auth/tokens").get_json()
        assert ada.request("DELETE", f"/auth/tokens/{token['id']}").status_code == 204
    elif case == "of a user who left":
        assert ada.request("DELETE", f"/users/{ada.user_id}").status_code == 204
    answers = {}
    for method, rule in not_public():
        asked = f"{rule}?token={ada.token}" if case == "in the address" else rule
        given = {} if case == "in the address" else headers
        answers[method, rule] = ask(client, method, asked, ada.user_id, given)
        if method == "GET":
            answers["HEAD", rule] = ask(client, "HEAD", asked, ada.user_id, given)
    for (method, _), answer in answers.items():
        if method == "HEAD":
            assert (answer.status_code, answer.data) == (401, b"")
        else:
            assert_problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    if case in ("no token", "garbage", "expired", "revoked"):  # what the answer says depends on the token alone
        assert len({answer.data for (method, _), answer in answers.items() if method != "HEAD"}) == 1


def test_a_token_that_lives_opens_every_route(home: Household) -> None:
    """Without this the test above would pass on a server that answers 401 to everybody."""
    other = home.log_in().get_json()
    named = {"/users/<uuid>": home.user_id, "/auth/tokens/<id>": other["id"]}
    last = [("DELETE", "/auth/tokens/<id>"), ("DELETE", "/tenants/<id>"), ("DELETE", "/users/<uuid>")]
    for method, rule in [*(route for route in not_public() if route not in last), *last]:
        if rule == "/users/<uuid>" and method == "DELETE":
            assert home.request("DELETE", f"/tenants/{BODIES['POST', '/tenants']['uuid']}").status_code == 204
        kept = conflict(home) if "<conflict_id>" in rule else ""
        answer = ask(home.client, method, rule, named.get(rule, home.tenant_id), with_token(home.token), kept)
        assert answer.status_code in (200, 201, 204), (method, rule, answer.text)


@pytest.mark.parametrize("route", owned(), ids=" ".join)
def test_the_things_of_others_answer_like_unknown_ones(home: Household, route: tuple[str, str]) -> None:
    home.results(change())
    (token,) = home.get("/auth/tokens").get_json()
    eve = Household(home.client).create()
    owned = {"/users/<uuid>": home.user_id, "/auth/tokens/<id>": token["id"]}.get(route[1], home.tenant_id)
    kept = conflict(home)
    others = ask(home.client, *route, owned, with_token(eve.token), kept)
    unknown = ask(home.client, *route, new_id(), with_token(eve.token), kept)
    assert_problem(others, 404, "not_found")
    assert everything(others) == everything(unknown)


def test_no_answer_to_one_user_names_another(home: Household) -> None:
    home.results(change("t1", data={"name": "a secret of Ada's"}))
    kept = conflict(home)
    (token,) = home.get("/auth/tokens").get_json()
    eve = Household(home.client).create()
    everything_said = b"\n".join(
        ask(home.client, *route, named, with_token(eve.token), kept).data
        for route in DECISIONS
        for named in (home.user_id, home.tenant_id, token["id"])
    )
    secrets = (home.email, home.user_id, home.tenant_id, home.token, token["id"], "a secret of Ada's", "argon2")
    for secret in (*secrets, "what lost"):
        assert secret.encode() not in everything_said


def test_asking_for_the_options_runs_no_view(home: Household) -> None:
    for _, rule in DECISIONS:
        answer = ask(home.client, "OPTIONS", rule, home.tenant_id, {})
        assert answer.status_code == 401 or (answer.status_code, answer.data) == (200, b"")
    assert home.get(f"/tenants/{home.tenant_id}").get_json()["name"] == "Home"
