"""Odd requests over all routes: each is answered as the tables say, and a refusal leaves no trace."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes

import pytest
from werkzeug.exceptions import HTTPException

from harness.problems import assert_problem
from harness.requests.rounds import MARKS
from harness.requests.valid import with_token
from harness.requests.world import CANARY, Sent, World
from tests.api.odd.addresses import IDS, PARAMETERS, PATHS
from tests.api.odd.bodies import JSON, MEDIA
from tests.api.odd.callers import HEADERS, METHODS, ROLES
from tests.api.odd.case import Odd
from tests.api.odd.members import ASSIGNED, TYPES

CASES = [*JSON, *MEDIA, *TYPES, *ASSIGNED, *IDS, *PATHS, *PARAMETERS, *HEADERS, *METHODS, *ROLES]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One installation for the whole table: a refusal leaves nothing behind, as each row makes sure."""
    made = World(tmp_path_factory.mktemp("odd"), random.Random(1))
    yield made
    made.close()


def filled(world: World, text: str) -> str:
    """The text with what the names in it stand for."""
    names = {
        "home": world.home.id,
        "HOME": world.home.id.upper(),
        "home email": world.home.user.email,
        "other": world.other.id,
        "editor": world.editor.id,
        "viewer": world.viewer.id,
        "other email in capitals": world.other.user.email.upper(),
        "other email in full width": "".join(
            chr(ord(sign) + 0xFEE0) if sign.isalnum() else sign for sign in world.other.user.email
        ),
        "tenant": world.home.tenant_id,
        "TENANT": world.home.tenant_id.upper(),
        "other tenant": world.other.tenant_id,
        "gone": world.gone,
        "cursor": world.cursor,
        "epoch": world.cursor.partition("~")[2],
        "token": world.home.token,
    }
    makers: dict[str, Callable[[], str]] = {
        "new": world.uuid,
        "conflict": world.conflict,
        "email": world.email,
        "code": lambda: world.code("viewer"),
        "code to sign up": lambda: world.code(None),
    }
    for name, value in names.items():
        text = text.replace(f"<{name}>", value)
    for name, make in makers.items():
        if f"<{name}>" in text:
            text = text.replace(f"<{name}>", make())
    return text


def sent(world: World, case: Odd) -> Sent:
    """The request of a row, as a WSGI server would hand it over: its path unescaped, what is no ASCII as bytes."""
    path, _, query = filled(world, case.path).partition("?")
    tokens = {"home": world.home, "other": world.other, "editor": world.editor, "viewer": world.viewer}
    by_name = {name: person.token for name, person in tokens.items()} | {
        "script": world.script,
        "reader": world.reader,
        "revoked": world.revoked,
        "nobody": "",
    }
    environ: dict[str, str | None] = {"HTTP_USER_AGENT": CANARY, "HTTP_REFERER": CANARY, "HTTP_X_REQUEST_ID": CANARY}
    environ |= with_token(by_name[case.token])
    body = case.body
    if body is not None:
        environ["CONTENT_TYPE"] = "application/json"
    if isinstance(body, dict):
        body = json.dumps(body, ensure_ascii=False)
    if isinstance(body, str):
        body = filled(world, body).encode()
    for name, value in case.headers.items():
        key = name.upper().replace("-", "_")
        key = key if key.startswith("CONTENT_") and key != "CONTENT_ENCODING" else f"HTTP_{key}"
        environ[key] = None if value is None else filled(world, value)
    given = {name: value for name, value in environ.items() if value is not None}
    wire_path = unquote_to_bytes(path).decode("latin-1")
    return Sent(case.name, case.method, wire_path, query, given, body or b"")


def route(world: World, request: Sent) -> str:
    """The route that a request reaches, if it reaches one."""
    urls = world.client.application.url_map.bind("localhost")
    try:
        rule, _ = urls.match(request.path, request.method, return_rule=True)
    except HTTPException:
        return ""
    return f"{request.method} {rule.rule}"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_odd_request_is_answered_as_the_table_says_and_a_refusal_leaves_no_trace(world: World, case: Odd) -> None:
    request = sent(world, case)
    before = world.files.held()
    answer = world.send(request)
    assert answer.status_code == case.status, answer.text
    if case.status < 400:
        return
    if case.method == "HEAD":
        assert answer.data == b""
    else:
        assert_problem(answer, case.status, case.code)
    told = f"{answer.text}{answer.headers}".lower()
    assert not [mark for mark in MARKS if mark in told]
    assert world.files.held() == before


def test_the_table_is_long_and_each_row_has_a_name_of_its_own() -> None:
    assert len(CASES) >= 150
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_route_that_is_documented_is_in_the_table(world: World) -> None:
    reached = {route(world, sent(world, case)) for case in CASES}
    document = world.ask("GET", "/openapi.json").get_json()
    documented = {
        f"{method.upper()} {path}".replace("{", "<").replace("}", ">")
        for path, operations in document["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert documented - reached == set()
