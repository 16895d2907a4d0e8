"""Bodies and parameters are read strictly: what two readers would read differently is read by none."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise import create_app
from harness.problems import assert_problem
from tests.conftest import settings_in
from tests.household import PASSWORD, Household, change, new_id

# What a JSON parser may take and FinWise does not, as the text of a value.
ODD_VALUES = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "a number that is infinite": "1e999",
    "2^53": str(2**53),
    "-2^53": str(-(2**53)),
    "2^63": str(2**63),
    "5,000 digits": "9" * 5_000,
    "15,000 digits": "9" * 15_000,
    "a lone high surrogate": '"\\ud800"',
    "a lone low surrogate": '"\\udc00"',
    "surrogates the wrong way round": '"\\udc00\\ud800"',
    "U+0000": '"a\\u0000b"',
    "U+0000 in a key": '{"a\\u0000b": 1}',
    "a lone surrogate in a key": '{"\\ud800": 1}',
    "a key twice": '{"a": 1, "a": 1}',
    "a key twice, once escaped": '{"a": 1, "\\u0061": 2}',
    "33 arrays": "[" * 33 + "]" * 33,
    "1,000 arrays": "[" * 1_000 + "]" * 1_000,
    "8,000 arrays": "[" * 8_000 + "]" * 8_000,
    "2,500 objects": '{"a":' * 2_500 + "1" + "}" * 2_500,
}
# What no JSON parser should take, as the bytes of a whole body.
NOT_JSON = {
    "nothing": b"",
    "spaces": b"  ",
    "half an object": b'{"uuid": ',
    "half a string": b'{"uuid": "',
    "two values": b"{} {}",
    "a comma at the end": b'{"name": "Ada",}',
    "single quotes": b"{'name': 'Ada'}",
    "a comment": b"{} // comment",
    "leading zeros": b'{"name": 007}',
    "a hexadecimal number": b'{"name": 0x7}',
    "a control character": b'{"name": "a\nb"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"name": "Ada"}'.encode("utf-16"),
    "latin-1": '{"name": "\u00c4da"}'.encode("latin-1"),
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "an overlong slash": b'{"name": "\xc0\xaf"}',
    "open brackets": b"[" * 16_000,
    "open objects": b'{"a":' * 3_000,
    "closing brackets": b"]" * 16_000,
    "a form": b"uuid=1&name=Ada",
    "NUL": b"\0",
}
NOT_AN_OBJECT = ["null", "true", "7", '"text"', "[]", '[{"uuid": 1}]']
ROUTES = ["/users", "/tenants", "/auth/tokens", "/sync/changes"]
every_route = pytest.mark.parametrize("path", ROUTES)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Household:
    """One household for the tables: a refusal leaves nothing behind, as the tests make sure."""
    return Household(create_app(settings_in(tmp_path_factory.mktemp("bodies"))).test_client()).create()


def send(who: Household, path: str, body: bytes, content_type: str | None = "application/json") -> TestResponse:
    return who.post(path, data=body, content_type=content_type)


def right_body(who: Household, path: str) -> dict[str, Any]:
    """A body that the route takes, each time a new one."""
    bodies: dict[str, dict[str, Any]] = {
        "/users": {"uuid": new_id(), "name": "Eve", "email": f"{new_id()}@example.org", "password": PASSWORD},
        "/tenants": {"uuid": new_id(), "name": "Cabin"},
        "/auth/tokens": {"email": who.email, "password": PASSWORD, "device_name": "test"},
        "/sync/changes": {"tenant_id": who.tenant_id, "changes": [change()]},
    }
    return bodies[path]


def with_member(body: dict[str, Any], name: str, value: str) -> bytes:
    """The body's text with a member whose value is this JSON text."""
    return f'{json.dumps(body)[:-1]}, "{name}": {value}}}'.encode()


@every_route
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_a_body_that_is_not_json_is_refused(shared: Household, path: str, body: bytes) -> None:
    assert_problem(send(shared, path, body), 422, "invalid")


@every_route
@pytest.mark.parametrize("body", NOT_AN_OBJECT)
def test_a_body_that_is_not_an_object_is_refused(shared: Household, path: str, body: str) -> None:
    assert_problem(send(shared, path, body.encode()), 422, "invalid")


@pytest.mark.parametrize("path", ["/users", "/tenants", "/auth/tokens"])
@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES.keys())
def test_a_body_with_an_odd_value_anywhere_is_refused(shared: Household, path: str, value: str) -> None:
    body = right_body(shared, path)
    fields = [name for name, each in body.items() if each != ...]
    for name in [*fields, "other"]:
        body.pop(name, None)
        assert_problem(send(shared, path, with_member(body, name, value)), 422, "invalid")


@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES.keys())
def test_an_odd_value_in_one_change_does_not_keep_the_others_from_being_stored(shared: Household, value: str) -> None:
    before, after = change(), change()
    odd = with_member(change(data=...), "data", f'{{"name": "odd", "more": {value}}}').decode()
    body = f'{{"tenant_id": "{shared.tenant_id}", "changes": [{json.dumps(before)}, {odd}, {json.dumps(after)}]}}'
    answer = send(shared, "/sync/changes", body.encode())
    assert answer.status_code == 200, answer.text
    assert [result["status"] for result in answer.get_json()["results"]] == ["applied", "rejected", "applied"]


@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES.keys())
@pytest.mark.parametrize("name", ["tenant_id", "device_id", "client_time", "since", "entity_types", "limit"])
def test_an_odd_value_in_the_envelope_is_refused_or_names_nothing(shared: Household, name: str, value: str) -> None:
    body = {"tenant_id": shared.tenant_id, "changes": [change()]}
    body.pop(name, None)
    answer = send(shared, "/sync/changes", with_member(body, name, value))
    assert answer.status_code in (400, 404, 422)
    assert_problem(answer, answer.status_code, answer.get_json()["code"])


@every_route
def test_a_key_twice_in_the_body_itself_is_refused_even_with_the_same_value(shared: Household, path: str) -> None:
    body = right_body(shared, path)
    for name, value in body.items():
        assert_problem(send(shared, path, with_member(body, name, json.dumps(value))), 422, "invalid")


@every_route
def test_the_body_that_is_refused_elsewhere_is_taken_as_it_should_be(shared: Household, path: str) -> None:
    """Without this the tests above would pass on a server that refuses everything."""
    assert send(shared, path, json.dumps(right_body(shared, path)).encode()).status_code in (200, 201)


@pytest.mark.parametrize("value", [str(2**53 - 1), str(-(2**53) + 1), "0.1", '"\\ud83d\\ude00"', "[" * 29 + "]" * 29])
def test_values_up_to_the_limits_are_stored(shared: Household, value: str) -> None:
    sent = with_member(change(data=...), "data", f'{{"name": "n", "more": {value}}}').decode()
    answer = send(shared, "/sync/changes", f'{{"tenant_id": "{shared.tenant_id}", "changes": [{sent}]}}'.encode())
    assert answer.get_json()["results"][0]["status"] == "applied"


@every_route
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application",
        "application/vnd.api+json",
        "application/problem+json",
        "application/jsonp",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "text/plain",
        "text/plain; application/json",
        "application/json; charset=utf-7",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json, application/json",
    ],
)
def test_another_media_type_is_415_and_the_body_is_not_read(
    shared: Household, path: str, content_type: str | None
) -> None:
    body = json.dumps(right_body(shared, path)).encode()
    assert_problem(send(shared, path, body, content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "Application/JSON",
        "application/json; version=1",
    ],
)
@every_route
def test_json_in_utf_8_is_taken_however_it_is_named(shared: Household, path: str, content_type: str) -> None:
    body = json.dumps(right_body(shared, path)).encode()
    assert send(shared, path, body, content_type).status_code in (200, 201)


@every_route
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, identity", "x"])
def test_an_encoded_body_is_415(shared: Household, path: str, encoding: str) -> None:
    body = gzip.compress(json.dumps(right_body(shared, path)).encode())
    answer = shared.post(path, data=body, content_type="application/json", headers={"Content-Encoding": encoding})
    assert_problem(answer, 415, "unsupported_media_type")


def test_a_body_that_says_it_is_not_encoded_is_taken(shared: Household) -> None:
    headers = {"Content-Encoding": "identity"}
    assert shared.post("/sync/changes", json=right_body(shared, "/sync/changes"), headers=headers).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "limit=1&limit=1",
        "limit=1&limit=2",
        "since=1970-01-01T00:00:00Z&limit=1&since=1970-01-01T00:00:00Z",
        "entity_types=tags&entity_types=accounts",
        "unknown=1&unknown=2",
        "limit=1&%6cimit=2",
        "user_id=&user_id=",
    ],
)
@pytest.mark.parametrize("path", ["/sync/changes/{tenant}", "/sync/initial/{tenant}", "/tenants", "/users"])
def test_a_parameter_given_twice_is_refused(shared: Household, path: str, query: str) -> None:
    answer = shared.get(f"{path.format(tenant=shared.tenant_id)}?{query}")
    assert_problem(answer, 422, "invalid")


def test_an_unknown_parameter_is_ignored(shared: Household) -> None:
    for path in (f"/sync/changes/{shared.tenant_id}", f"/sync/initial/{shared.tenant_id}", "/tenants", "/users"):
        assert shared.get(path, query_string={"later": "x"}).status_code == 200


@pytest.mark.parametrize(
    "limit",
    [
        "0",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1_0",
        "1.0",
        "1e3",
        "0x10",
        "\u0661",
        "\uff11",
        "10001",
        "9" * 5_000,
        "",
        "x",
        "true",
    ],
)
def test_a_limit_of_another_form_is_refused(shared: Household, limit: str) -> None:
    answer = shared.get(f"/sync/changes/{shared.tenant_id}", query_string={"limit": limit})
    problem = assert_problem(answer, 422, "invalid")
    assert list(problem["errors"]) == ["limit"]


@pytest.mark.parametrize("limit", [0, -1, 10_001, 1.0, 1.5, True, [1], {}, ""])
def test_a_limit_of_another_form_in_an_envelope_is_refused(shared: Household, limit: Any) -> None:
    problem = assert_problem(shared.push(change(), limit=limit), 422, "invalid")
    assert list(problem["errors"]) == ["limit"]


@pytest.mark.parametrize("since", ["", "x", "0", "-1", "9" * 22, "2026-01-09", "2026-01-09T19:01:02.123456Z~", "~x"])
def test_an_unreadable_cursor_is_a_bad_request(shared: Household, since: str) -> None:
    answer = shared.get(f"/sync/changes/{shared.tenant_id}", query_string={"since": since})
    assert_problem(answer, 400, "bad_cursor")
    assert_problem(shared.push(change(), since=since), 400, "bad_cursor")


def test_a_refused_body_stores_nothing(client: FlaskClient) -> None:
    home = Household(client).create()
    body = {"tenant_id": home.tenant_id, "changes": [change()]}
    send(home, "/sync/changes", with_member(body, "limit", "0"))
    send(home, "/sync/changes", with_member(body, "device_id", "7"))
    send(home, "/sync/changes", with_member(body, "changes", "[]"))
    send(home, "/sync/changes", json.dumps(body).encode() + b"}")
    assert home.initial()["changes"] == []
