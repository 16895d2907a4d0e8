"""Requests that nobody would write: no answer is a server error, and what is refused leaves no trace.

Valid requests are made and then spoilt: bytes of bodies flipped, cut off and doubled, members replaced by odd values,
paths, queries and headers changed. Seeds make every run the same but for what the server makes up itself (tokens,
epochs); a failure names the seed and the request.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from finwise import create_app
from finwise.config import Settings
from tests.conftest import Clock
from tests.dump import Dump, dump
from tests.household import PASSWORD, Household, change, new_id
from tests.problems import assert_problem

SIZE = 1_000  # requests of one seed; raise it to look longer
SEEDS = (1, 2, 3)

ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, "", " ", "x" * 300, "\x00", "\ud800", "\ud83d\ude00", "\u202e", "a\nb", [], {}, [[]],
    {"": ""}, {"$ne": 1}, "' OR 1=1 --", "../../etc/passwd", "%00", "{{7*7}}", "tags", "NULL", "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z", "0000-00-00T00:00:00Z", "2026-02-30T00:00:00Z",
    "00000000-0000-0000-0000-000000000000",
]  # fmt: skip
ODD_TEXT = ["NaN", "-Infinity", "1e999", "9" * 40, "-" + "9" * 5_000, str(2**53), "-0", "1E400", '"\\ud800"',
            '"\\u0000"', "[" * 40 + "]" * 40, "[" * 5_000, '{"a":1,"a":2}', "nul", "'x'", "01"]  # fmt: skip
HEADERS = ["HTTP_AUTHORIZATION", "HTTP_X_TENANT_ID", "HTTP_ACCEPT", "HTTP_IF_NONE_MATCH", "CONTENT_TYPE", "HTTP_RANGE",
           "HTTP_CONTENT_ENCODING", "HTTP_HOST", "HTTP_IF_MODIFIED_SINCE", "HTTP_X_FORWARDED_FOR", "HTTP_COOKIE",
           "HTTP_IF_MATCH", "HTTP_EXPECT", "HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_ACCEPT_ENCODING",
           "HTTP_ORIGIN"]  # fmt: skip
HEADER_VALUES = ["", " ", "*", "W/*", '"', 'W/"x', "*/*;q=x", ";;;", ",", "application/x-ndjson", "application/json;",
                 "application/json; charset=utf-7", "gzip", "bytes=0-1,5-", "bytes=9-1", "Bearer", "Bearer \xff",
                 "Basic Og==", "\xe4\xf6\xfc", "x" * 9_000, "evil.example", "[::1", "100-continue", "DELETE",
                 "=?", "a=b; a=c"]  # fmt: skip


class Sent(NamedTuple):
    """One request, as a WSGI server would hand it over."""

    method: str
    path: str
    query: str
    environ: dict[str, str]
    body: bytes


class World:
    """Two households on one server, and a way to see what is stored."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.dice = dice
        self._settings = Settings(
            instance=str(folder / "instance"), tenant_databases=str(folder / "tenants"), maintenance_hours=0
        )
        self.client = create_app(self._settings, Clock()).test_client()
        self.settle()

    def settle(self) -> None:
        """A new household, after a request that was fine has ended the last one's token or tenant."""
        self.home = Household(self.client).create()
        self.other = Household(self.client).create()
        for household in (self.home, self.other):
            household.results(change("t1"), change("t2", deleted_at="2026-01-09T19:01:00Z", data=None))
            late = {"updated_at": "2026-01-01T00:00:00Z", "data": {"name": "late"}}
            household.results(*(change(each, **late) for each in ("t1", "t2", "t1", "t2")))
        kept = self.home.get(f"/sync/conflicts/{self.home.tenant_id}").get_json()
        self.conflicts = [each["conflict_id"] for each in kept]
        self.cursor = self.home.pull()["next_since"]

    def stored(self) -> dict[str, Dump]:
        """All that the files hold, but for failed attempts to log in."""
        folder = Path(self._settings.tenant_databases)
        files = sorted(path for path in folder.rglob("*.db"))
        held = {str(path.relative_to(folder)): dump(path) for path in files}
        return held | {"users.db": dump(self._settings.users_db, without={"failed_logins"})}

    def send(self, sent: Sent) -> TestResponse:
        environ = {
            "REQUEST_METHOD": sent.method,
            "PATH_INFO": sent.path,
            "QUERY_STRING": sent.query,
            "REMOTE_ADDR": f"192.0.2.{self.dice.randrange(250)}",
            **sent.environ,
        }
        return self.client.open("/", data=sent.body, environ_overrides=environ, buffered=True)


def valid(world: World) -> Sent:
    """A request that would be fine, about one's own things or those of another."""
    dice = world.dice
    home = world.home if dice.random() < 0.8 else world.other
    tenant, user = home.tenant_id, home.user_id
    envelope: dict[str, Any] = {
        "tenant_id": tenant,
        "device_id": new_id(),
        "client_time": "2026-01-10T12:00:00Z",
        "since": dice.choice([world.cursor, "2026-01-09T19:01:00.000Z", None]),
        "entity_types": dice.choice([["tags"], None]),
        "limit": 10,
        "changes": [change(dice.choice(["t1", "t2", "t3"]), base_updated_at=None) for _ in range(dice.randrange(3))],
    }
    conflict, seen = dice.choice(world.conflicts), dice.choice(["2026-01-09T19:01:00Z", None])
    method, path, query, body = dice.choice(
        [
            ("POST", "/users", "", {"uuid": user, "name": "Ada", "email": home.email, "password": PASSWORD}),
            ("GET", "/users", "", None),
            ("GET", f"/users/{user}", "", None),
            ("PATCH", f"/users/{user}", "", {"name": "Ada", "email": home.email}),
            ("DELETE", f"/users/{user}", "", None),
            ("POST", "/auth/tokens", "", {"email": home.email, "password": PASSWORD, "device_name": "fuzz"}),
            ("GET", "/auth/tokens", "", None),
            ("DELETE", f"/auth/tokens/{new_id()}", "", None),
            ("POST", "/tenants", "", {"uuid": tenant, "name": "Home", "user_id": user}),
            ("GET", "/tenants", f"user_id={user}", None),
            ("GET", f"/tenants/{tenant}", "", None),
            ("PATCH", f"/tenants/{tenant}", "", {"name": "Home"}),
            ("DELETE", f"/tenants/{new_id()}", "", None),
            *[("POST", "/sync/changes", "", envelope)] * 4,
            ("GET", f"/sync/changes/{tenant}", f"since={quote(world.cursor)}&limit=5&entity_types=tags", None),
            ("GET", f"/sync/initial/{tenant}", "entity_types=tags,accounts", None),
            ("GET", f"/sync/conflicts/{tenant}", "", None),
            ("POST", f"/sync/conflicts/{tenant}/{conflict}/restore", "", {"base_updated_at": seen}),
            ("POST", f"/sync/conflicts/{tenant}/{conflict}/dismiss", "", {"why": None}),
            ("GET", f"/tenants/{tenant}/devices", "", None),
            ("GET", f"/tenants/{tenant}/export", "", None),
            ("GET", dice.choice(["/", "/docs", "/healthz", "/readyz", "/openapi.json"]), "", None),
            ("GET", dice.choice(["/static/docs.js", "/docs/assets/swagger-ui.css"]), "", None),
        ]
    )
    environ = {"HTTP_AUTHORIZATION": f"Bearer {world.home.token}"}
    if body is None:
        return Sent(method, path, query, environ, b"")
    return Sent(method, path, query, environ | {"CONTENT_TYPE": "application/json"}, json.dumps(body).encode())


def forbidden(world: World) -> Sent:
    """A request of the right form that is refused for what it asks: the later in its way, the more it could leave."""
    dice, home, other = world.dice, world.home, world.other
    far = world.cursor.replace("~", "~x")
    changes = [change("t1"), change("t9")]
    method, path, more, body = dice.choice(
        [
            (
                "POST",
                "/users",
                {},
                {"uuid": new_id(), "name": "Eve", "email": other.email.upper(), "password": PASSWORD},
            ),
            ("POST", "/users", {}, {"uuid": home.user_id, "name": "Eve", "email": "e@example.org"}),
            ("PATCH", f"/users/{home.user_id}", {}, {"name": "Eve", "email": other.email}),
            ("PATCH", f"/users/{other.user_id}", {}, {"name": "Eve"}),
            ("DELETE", f"/users/{home.user_id}", {}, None),
            ("POST", "/tenants", {}, {"uuid": new_id(), "name": "Cabin", "user_id": other.user_id}),
            ("POST", "/tenants", {}, {"uuid": home.tenant_id, "name": "Cabin"}),
            ("POST", "/tenants", {}, {"uuid": other.tenant_id, "name": "Home"}),
            ("PATCH", f"/tenants/{other.tenant_id}", {}, {"name": "Mine"}),
            ("DELETE", f"/tenants/{other.tenant_id}", {}, None),
            ("POST", "/sync/changes", {}, {"tenant_id": other.tenant_id, "changes": changes}),
            ("POST", "/sync/changes", {}, {"tenant_id": home.tenant_id, "since": far, "changes": changes}),
            ("POST", "/sync/changes", {}, {"tenant_id": home.tenant_id, "since": "never", "changes": changes}),
            ("POST", "/sync/changes", {}, {"tenant_id": home.tenant_id, "limit": 0, "changes": changes}),
            (
                "POST",
                "/sync/changes",
                {"HTTP_X_TENANT_ID": other.tenant_id},
                {"tenant_id": home.tenant_id, "changes": changes},
            ),
            ("POST", "/sync/changes", {"HTTP_ACCEPT": "text/html"}, {"tenant_id": home.tenant_id, "changes": changes}),
        ]
    )
    environ = {"HTTP_AUTHORIZATION": f"Bearer {home.token}", "CONTENT_TYPE": "application/json", **more}
    return Sent(method, path, "", environ, b"" if body is None else json.dumps(body).encode())


def spoil_bytes(dice: random.Random, text: bytes) -> bytes:
    """Some bytes flipped, taken out, put in or doubled; or the rest cut off."""
    spoilt = bytearray(text)
    for _ in range(dice.choice([1, 1, 1, 2, 5])):
        place = dice.randrange(len(spoilt) + 1)
        kind = dice.randrange(5)
        if kind == 0 and place < len(spoilt):
            spoilt[place] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del spoilt[place : place + dice.choice([1, 2, 10])]
        elif kind == 2:
            spoilt[place:place] = dice.choice(
                [b"\0", b"\xff", b'"', b"{", b"]", b",", b"\xed\xa0\x80", b"\\ud800", b"9" * 30]
            )
        elif kind == 3:
            spoilt[place:place] = spoilt[: dice.randrange(len(spoilt) + 1)]
        else:
            del spoilt[place:]
    return bytes(spoilt)


def spoil_value(dice: random.Random, value: Any) -> Any:
    """A JSON value with something odd somewhere in it."""
    if isinstance(value, dict) and value and dice.random() < 0.85:
        name = dice.choice(list(value))
        kind = dice.randrange(8)
        if kind == 0:
            return {each: value[each] for each in value if each != name}
        if kind == 1:
            return value | {dice.choice(["hashed_password", "state", "stamp", "", "\0", "x" * 500]): dice.choice(ODD)}
        return value | {name: spoil_value(dice, value[name])}
    if isinstance(value, list) and value and dice.random() < 0.85:
        place = dice.randrange(len(value))
        return [*value[:place], spoil_value(dice, value[place]), *value[place + dice.randrange(2) :]]
    return dice.choice(ODD)


def spoil_body(world: World, sent: Sent) -> Sent:
    dice = world.dice
    if not sent.body or dice.random() < 0.3:
        return sent._replace(body=spoil_bytes(dice, sent.body))
    text = json.dumps(spoil_value(dice, json.loads(sent.body)))
    if dice.random() < 0.3:  # what json.dumps would never write
        text = json.dumps(json.loads(sent.body) | {dice.choice(list(json.loads(sent.body))): "@"})
        text = text.replace('"@"', dice.choice(ODD_TEXT), 1)
    return sent._replace(body=text.encode("utf-8", "surrogatepass"))


def spoil_path(world: World, sent: Sent) -> Sent:
    dice = world.dice
    odd = dice.choice(
        ["/", "//", "/..", "/%00", "\0", "\xff", ";x", ".json", "\r\n", " ", "/x", "\xe2\x80\xa6", "'", "+"]
    )
    if dice.random() < 0.5:
        place = dice.randrange(len(sent.path)) + 1
        return sent._replace(path=sent.path[:place] + odd + sent.path[place:])
    spoilt = spoil_bytes(dice, sent.path.encode()).decode("latin-1")
    return sent._replace(path=spoilt if spoilt.startswith("/") else f"/{spoilt}")


def spoil_query(world: World, sent: Sent) -> Sent:
    dice = world.dice
    name = dice.choice(["since", "limit", "entity_types", "user_id", "x", "", "%00", "%ff"])
    odd = dice.choice(ODD)
    text = odd if isinstance(odd, str) else json.dumps(odd)
    added = f"{name}={quote(text.encode('utf-8', 'surrogatepass'))}"
    query = dice.choice([added, f"{sent.query}&{added}", f"{sent.query}&{sent.query}", "&" * 2_000, "=", "%"])
    return sent._replace(query=query.strip("&") if dice.random() < 0.5 else query)


def spoil_headers(world: World, sent: Sent) -> Sent:
    dice = world.dice
    odd = {dice.choice(HEADERS): dice.choice(HEADER_VALUES) for _ in range(dice.choice([1, 1, 2]))}
    return sent._replace(environ=sent.environ | odd)


def spoil_method(world: World, sent: Sent) -> Sent:
    return sent._replace(method=world.dice.choice(["HEAD", "OPTIONS", "PUT", "PATCH", "POST", "TRACE", "X" * 50]))


SPOIL: list[Callable[[World, Sent], Sent]] = [
    *[spoil_body] * 6, spoil_path, spoil_path, spoil_query, spoil_query, spoil_headers, spoil_headers, spoil_method
]  # fmt: skip


def spoilt(world: World) -> Sent:
    """A valid request after one or two kinds of spoiling."""
    sent = valid(world)
    for spoil in dict.fromkeys(world.dice.choices(SPOIL, k=world.dice.choice([1, 1, 1, 2]))):
        sent = spoil(world, sent)
    return sent


def check(answer: TestResponse, sent: Sent) -> None:
    """No error of the server's own, no redirect; and every refusal is a problem."""
    assert answer.status_code < 500, answer.text
    assert answer.status_code not in (301, 302, 303, 307, 308), answer.headers.get("Location")
    if answer.status_code >= 400:
        if sent.method == "HEAD":
            assert answer.data == b""
        else:
            assert_problem(answer, answer.status_code, (answer.get_json(silent=True) or {}).get("code", ""))


@pytest.fixture
def dice(seed: int, monkeypatch: pytest.MonkeyPatch) -> random.Random:
    """The one source of chance in a test, ids included."""
    seeded = random.Random(seed)
    monkeypatch.setattr("tests.household.uuid4", lambda: UUID(int=seeded.getrandbits(128), version=4))
    return seeded


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spoilt_request_is_never_a_server_error_and_a_refused_one_changes_nothing(
    tmp_path: Path, seed: int, dice: random.Random
) -> None:
    world = World(tmp_path, dice)
    before = world.stored()
    refused = 0
    for number in range(SIZE):
        must_be_refused = dice.random() < 0.1
        sent = forbidden(world) if must_be_refused else spoilt(world)
        answer = world.send(sent)
        try:
            check(answer, sent)
            assert answer.status_code >= 400 or not must_be_refused
            after = world.stored()
            if answer.status_code >= 400:
                refused += 1
                assert after == before
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, request {number}: {sent}\n{error}") from error
        before = after
        if world.home.get(f"/tenants/{world.home.tenant_id}").status_code != 200:
            world.settle()
            before = world.stored()
    assert refused > SIZE // 3  # or the requests were not spoilt enough to say anything
    assert refused < SIZE


@pytest.mark.parametrize("seed", SEEDS)
def test_any_bytes_as_a_body_are_answered(tmp_path: Path, seed: int, dice: random.Random) -> None:
    world = World(tmp_path, dice)
    before = world.stored()
    alphabet = b'{}[]",:\\/ue0123456789.-+Etfnrlsa\x00\xff\xc3\xa9\n '
    for _ in range(SIZE // 5):
        body = bytes(dice.choices(alphabet, k=dice.choice([0, 1, 3, 10, 40, 300])))
        for path in ("/sync/changes", "/users", "/tenants", "/auth/tokens"):
            environ = {"HTTP_AUTHORIZATION": f"Bearer {world.home.token}", "CONTENT_TYPE": "application/json"}
            environ["HTTP_X_TENANT_ID"] = world.home.tenant_id
            sent = Sent("POST", path, "", environ, body)
            answer = world.send(sent)
            check(answer, sent)
            assert answer.status_code == 422, sent
    assert world.stored() == before
