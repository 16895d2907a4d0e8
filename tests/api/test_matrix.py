"""Who may ask what: every route there is, asked by everybody there might be.

The table below is what the application is held to. Its columns are those who ask, its rows the routes, and a route
without a row fails. Each caller names the household's book, except those of the deleted tenant, who name that one;
a user or a token in a path is the viewer's, a member in a path is the editor. A request is one that would succeed.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from finwise import create_app
from finwise.api.auth import FOR_SCRIPTS, PUBLIC
from finwise.config import Settings
from finwise.domain.tenant import STATES
from finwise.domain.tokens import NewToken
from finwise.store.connection import connect
from harness.dump import Dump, dump
from harness.problems import assert_problem, everything
from tests.conftest import Clock
from tests.household import PASSWORD, Household, change, new_id
from tests.store.files import outside

TABLE = """
                                                  no token
                                                  |   a token that is made up
                                                  |   |   a token that has expired
                                                  |   |   |   a token that was revoked
                                                  |   |   |   |   the owner of another household
                                                  |   |   |   |   |   a member who was removed
                                                  |   |   |   |   |   |   the owner of a deleted tenant
                                                  |   |   |   |   |   |   |   a member of a deleted tenant
                                                  |   |   |   |   |   |   |   |   the viewer
                                                  |   |   |   |   |   |   |   |   |   the editor
                                                  |   |   |   |   |   |   |   |   |   |   the owner
                                                  |   |   |   |   |   |   |   |   |   |   |   the owner's token to read
                                                  |   |   |   |   |   |   |   |   |   |   |   |   that for this tenant
                                                  |   |   |   |   |   |   |   |   |   |   |   |   |   that for another
                                                  |   |   |   |   |   |   |   |   |   |   |   |   |   |   administrator
GET    /                                          200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /docs                                      200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /docs/assets/<path:name>                   200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /static/<path:filename>                    200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /openapi.json                              200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /app/                                      200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /app/<path:name>                           200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
POST   /app/demo                                  404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
GET    /healthz                                   200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /readyz                                    200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
POST   /users                                     201 201 201 201 201 201 201 201 201 201 201 201 201 201 201
POST   /auth/tokens                               201 201 201 201 201 201 201 201 201 201 201 201 201 201 201

GET    /users                                     401 401 401 401 200 200 200 200 200 200 200 403 403 403 200
GET    /users/<uuid>                              401 401 401 401 404 404 404 404 200 404 404 403 403 403 404
PATCH  /users/<uuid>                              401 401 401 401 404 404 404 404 200 404 404 403 403 403 404
DELETE /users/<uuid>                              401 401 401 401 404 404 404 404 204 404 404 403 403 403 404
GET    /auth/tokens                               401 401 401 401 200 200 200 200 200 200 200 403 403 403 200
DELETE /auth/tokens                               401 401 401 401 204 204 204 204 204 204 204 403 403 403 204
PATCH  /auth/tokens/<id>                          401 401 401 401 404 404 404 404 200 404 404 403 403 403 404
DELETE /auth/tokens/<id>                          401 401 401 401 404 404 404 404 204 404 404 403 403 403 404

GET    /tenants                                   401 401 401 401 200 200 200 200 200 200 200 200 200 200 200
POST   /tenants                                   401 401 401 401 201 201 201 201 201 201 201 403 403 403 201
GET    /tenants/<id>                              401 401 401 401 404 404 410 410 200 200 200 200 200 404 404
PATCH  /tenants/<id>                              401 401 401 401 404 404 410 410 403 403 200 403 403 403 404
DELETE /tenants/<id>                              401 401 401 401 404 404 410 410 403 403 204 403 403 403 404
GET    /tenants/<id>/devices                      401 401 401 401 404 404 410 410 200 200 200 200 200 404 404
GET    /tenants/<id>/export                       401 401 401 401 404 404 410 410 200 200 200 200 200 404 404
POST   /tenants/<id>/import                       401 401 401 401 404 404 410 410 403 403 200 403 403 403 404
POST   /tenants/<id>/reset                        401 401 401 401 404 404 410 410 403 403 200 403 403 403 404
GET    /tenants/<id>/members                      401 401 401 401 404 404 410 410 200 200 200 403 403 403 404
PATCH  /tenants/<id>/members/<user_id>            401 401 401 401 404 404 410 410 403 403 200 403 403 403 404
DELETE /tenants/<id>/members/<user_id>            401 401 401 401 404 404 410 410 403 204 204 403 403 403 404
GET    /tenants/<id>/invitations                  401 401 401 401 404 404 410 410 403 403 200 403 403 403 404
POST   /tenants/<id>/invitations                  401 401 401 401 404 404 410 410 403 403 201 403 403 403 404
DELETE /tenants/<id>/invitations/<invitation_id>  401 401 401 401 404 404 410 410 403 403 204 403 403 403 404
POST   /invitations/accept                        401 401 401 401 200 200 200 200 200 200 200 403 403 403 200

POST   /sync/changes                              401 401 401 401 404 404 410 410 403 200 200 403 200 404 404
GET    /sync/changes/<tenant_id>                  401 401 401 401 404 404 410 410 200 200 200 200 200 404 404
GET    /sync/initial/<tenant_id>                  401 401 401 401 404 404 410 410 200 200 200 200 200 404 404
GET    /sync/conflicts/<tenant_id>                401 401 401 401 404 404 410 410 200 200 200 200 200 404 404
POST   /sync/conflicts/<tenant_id>/<conflict_id>/restore
                                                  401 401 401 401 404 404 410 410 403 200 200 403 200 404 404
POST   /sync/conflicts/<tenant_id>/<conflict_id>/dismiss
                                                  401 401 401 401 404 404 410 410 403 204 204 403 204 404 404

GET    /admin/users                               401 401 401 401 403 403 403 403 403 403 403 403 403 403 200
POST   /admin/users                               401 401 401 401 403 403 403 403 403 403 403 403 403 403 201
PATCH  /admin/users/<uuid>                        401 401 401 401 403 403 403 403 403 403 403 403 403 403 200
DELETE /admin/users/<uuid>                        401 401 401 401 403 403 403 403 403 403 403 403 403 403 204
POST   /admin/invitations                         401 401 401 401 403 403 403 403 403 403 403 403 403 403 201
GET    /admin/tenants                             401 401 401 401 403 403 403 403 403 403 403 403 403 403 200
PATCH  /admin/tenants/<id>                        401 401 401 401 403 403 403 403 403 403 403 403 403 403 200
"""

Route = tuple[str, str]  # method and rule

_ASKERS = re.compile(r"^ [ |]+(?P<name>[^|\d]+)$", re.MULTILINE)
_ROW = re.compile(r"^([A-Z]+) +(/\S*)\s+((?:\d{3} ?)+)$", re.MULTILINE)

ASKERS = tuple(found["name"] for found in _ASKERS.finditer(TABLE))
NOBODY, MADE_UP, EXPIRED, REVOKED, OTHER, REMOVED, HAD, JOINED, VIEWER, EDITOR, OWNER, READING, HERE, THERE, ADMIN = (
    ASKERS
)
MATRIX: dict[Route, dict[str, int]] = {
    (method, rule): dict(zip(ASKERS, map(int, statuses.split()), strict=True))
    for method, rule, statuses in _ROW.findall(TABLE)
}

UNAUTHENTICATED = (NOBODY, MADE_UP, EXPIRED, REVOKED)
INSIDERS = (VIEWER, EDITOR, OWNER, READING, HERE)  # they see the household's book
CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 410: "tenant_deleted"}
CONTENTS = ("groceries, a secret", "what lost, a secret", "the tablet in the kitchen")
E_MAILS_FOR_ADMINISTRATORS = ("GET", "/admin/users"), ("PATCH", "/admin/users/<uuid>")
# Pulls and pushes are answered without Flask (direct.py). With this behind the path Flask answers them.
BY_FLASK = "/"
FORMS = [pytest.param(route, "", id=" ".join(route)) for route in MATRIX] + [
    pytest.param(route, BY_FLASK, id=" ".join((*route, "by Flask"))) for route in MATRIX if "/sync/changes" in route[1]
]


class Book(NamedTuple):
    """A tenant and what is in it to be named in a path."""

    tenant_id: str
    conflict_id: str
    invitation_id: str
    member_id: str


class Asker(NamedTuple):
    """Who asks, with which token, about which book."""

    who: Household
    token: str | None
    book: Book


class World:
    """An installation with a household that is shared, one whose book was deleted, and others; made once."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            instance=str(folder / "live" / "instance"),
            tenant_databases=str(folder / "live" / "tenant_databases"),
            maintenance_hours=0,
        )
        self.clock = Clock()
        self.app = create_app(self.settings, self.clock)
        self.client = self.app.test_client()
        self._live, self._kept = folder / "live", folder / "kept"
        self._populate()
        self.app.extensions["finwise"].close()
        shutil.copytree(self._live, self._kept)

    def begin_anew(self) -> None:
        """Puts every file back as it was made."""
        self.app.extensions["finwise"].close()
        shutil.rmtree(self._live)
        shutil.copytree(self._kept, self._live)

    def issue(self, who: Household, tenant_id: str | None = None, *, read_only: bool = False) -> str:
        """Another token of a user, restricted or not."""
        tokens = self.app.extensions["finwise"].tokens
        new = NewToken("another device", tenant_id, read_only)
        return str(tokens.add_for(who.email, new, self.clock.now).secret)

    def ask(self, route: Route, asker: Asker, **options: Any) -> TestResponse:
        """A request that would succeed, if only it were allowed; `options` replace parts of it."""
        method, rule = route
        authorization = {"Authorization": f"Bearer {asker.token}"} if asker.token else {}
        given: dict[str, Any] = {"json": self._body(route, asker)} | options
        given["headers"] = authorization | given.get("headers", {})
        path = self._path(rule, asker.book) + given.pop("end", "")
        return self.client.open(path, method=method, buffered=True, **given)

    def held(self) -> dict[str, Dump]:
        """All that the files hold, but for when tokens were used and which logins failed."""
        users = dump(self.settings.users_db, without={"tokens", "failed_logins"})
        with outside(self.settings.users_db) as connection:
            users["tokens"] = connection.execute(
                "SELECT id, user_id, device_name, tenant_id, read_only FROM tokens"
            ).fetchall()
        tenants = Path(self.settings.tenant_databases)
        return {"users": users} | {str(path): dump(path) for path in sorted(tenants.rglob("*.db"))}

    def secrets_of_others(self, who: Household) -> set[str]:
        """What no answer to this user has in it: the e-mails of others; tokens, codes and hashes of anybody."""
        with outside(self.settings.users_db) as connection:
            hashes = connection.execute(
                """SELECT hashed_password FROM users WHERE hashed_password IS NOT NULL
                   UNION SELECT hashed_token FROM tokens UNION SELECT hashed_code FROM invitations"""
            ).fetchall()
        e_mails = {each.email for each in self._people if each is not who}
        tokens = {asker.token for asker in self.askers.values() if asker.token}
        return e_mails | tokens | {hashed for (hashed,) in hashes} | {self.code}

    def _populate(self) -> None:
        admin, owner = Household(self.client), Household(self.client)  # the first one becomes administrator
        expired = owner.token
        self.clock.forward(days=91)
        admin.token, owner.token = self.issue(admin), self.issue(owner)
        owner.create()
        viewer, editor, removed, other, host, had, joined = (Household(self.client) for _ in range(7))
        for who in (other, host, had):
            who.create().results(change())
        for who, role in ((viewer, "viewer"), (editor, "editor"), (removed, "editor")):
            join(owner, who, role)
        join(had, joined, "editor")
        book, deleted, self.foreign = furnish(owner, editor), furnish(had, joined), furnish(host, other)
        assert owner.request("DELETE", f"/tenants/{owner.tenant_id}/members/{removed.user_id}").status_code == 204
        assert had.request("DELETE", f"/tenants/{had.tenant_id}").status_code == 204
        second = {"uuid": new_id(), "name": "Cabin"}
        assert owner.post("/tenants", json=second).status_code == 201
        owner.results(change(), tenant_id=second["uuid"])
        revoked = owner.log_in().get_json()
        assert owner.request("DELETE", f"/auth/tokens/{revoked['id']}").status_code == 204

        self._people = (admin, owner, viewer, editor, removed, other, host, had, joined)
        self._viewer = viewer
        self._token_id = viewer.log_in().get_json()["id"]
        self.code = str(invite(host, "editor")["code"])  # to a book that none of those who ask has to do with
        self.askers: dict[str, Asker] = {
            NOBODY: Asker(owner, None, book),
            MADE_UP: Asker(owner, "fw_made_up", book),
            EXPIRED: Asker(owner, expired, book),
            REVOKED: Asker(owner, revoked["token"], book),
            OTHER: Asker(other, other.token, book),
            REMOVED: Asker(removed, removed.token, book),
            VIEWER: Asker(viewer, viewer.token, book),
            EDITOR: Asker(editor, editor.token, book),
            OWNER: Asker(owner, owner.token, book),
            READING: Asker(owner, self.issue(owner, read_only=True), book),
            HERE: Asker(owner, self.issue(owner, owner.tenant_id), book),
            THERE: Asker(owner, self.issue(owner, second["uuid"]), book),
            ADMIN: Asker(admin, admin.token, book),
            HAD: Asker(had, had.token, deleted),
            JOINED: Asker(joined, joined.token, deleted),
        }
        for name in INSIDERS:  # the first pull of a device is noted, later ones are reads
            assert self.ask(("GET", "/sync/changes/<tenant_id>"), self.askers[name]).status_code == 200

    def _path(self, rule: str, book: Book) -> str:
        parts = {
            "<id>": self._token_id if rule.startswith("/auth") else book.tenant_id,
            "<tenant_id>": book.tenant_id,
            "<uuid>": self._viewer.user_id,
            "<user_id>": book.member_id,
            "<invitation_id>": book.invitation_id,
            "<conflict_id>": book.conflict_id,
            "<path:name>": "index.html" if rule.startswith("/app") else "swagger-ui.css",
            "<path:filename>": "start.css",
        }
        return re.sub(r"<[^>]+>", lambda found: parts[found[0]], rule)

    def _body(self, route: Route, asker: Asker) -> Any:
        newcomer = {"uuid": new_id(), "name": "Charles", "email": f"{new_id()}@example.org"}
        bodies: dict[Route, Any] = {
            ("POST", "/users"): newcomer,
            ("PATCH", "/users/<uuid>"): {"name": "Mallory"},
            ("POST", "/auth/tokens"): {"email": asker.who.email, "password": PASSWORD, "device_name": "phone"},
            ("PATCH", "/auth/tokens/<id>"): {"device_name": "the phone in the kitchen"},
            ("POST", "/tenants"): {"uuid": new_id(), "name": "Boat"},
            ("PATCH", "/tenants/<id>"): {"name": "Mine"},
            ("PATCH", "/tenants/<id>/members/<user_id>"): {"role": "viewer"},
            ("POST", "/tenants/<id>/invitations"): {"role": "viewer"},
            ("POST", "/tenants/<id>/import"): {"tags": [{"id": "t1", "name": "brought"}]},
            ("POST", "/tenants/<id>/reset"): {"name": "Home"},
            ("POST", "/invitations/accept"): {"code": self.code},
            ("POST", "/sync/changes"): {"tenant_id": asker.book.tenant_id, "changes": [change()]},
            ("POST", "/admin/users"): newcomer,
            ("PATCH", "/admin/users/<uuid>"): {"is_admin": True},
            ("PATCH", "/admin/tenants/<id>"): {"quota_mib": 7},
        }
        return bodies.get(route)


def invite(owner: Household, role: str) -> dict[str, Any]:
    answer = owner.post(f"/tenants/{owner.tenant_id}/invitations", json={"role": role})
    assert answer.status_code == 201, answer.text
    invited: dict[str, Any] = answer.get_json()
    return invited


def join(owner: Household, who: Household, role: str) -> None:
    assert who.post("/invitations/accept", json={"code": invite(owner, role)["code"]}).status_code == 200


def furnish(owner: Household, member: Household) -> Book:
    """Puts into the owner's tenant what a path may name."""
    entity_id, (stored, lost, device) = new_id(), CONTENTS
    versions = (
        change(entity_id, data={"name": stored}),
        change(entity_id, updated_at="2026-01-01T00:00:00Z", data={"name": lost}),
    )
    owner.results(*versions, device_id=device)
    (conflict,) = owner.get(f"/sync/conflicts/{owner.tenant_id}").get_json()
    return Book(owner.tenant_id, conflict["conflict_id"], invite(owner, "viewer")["id"], member.user_id)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("matrix"))
    yield world
    world.app.extensions["finwise"].close()


@pytest.fixture
def world(made: World) -> World:
    made.begin_anew()
    return made


def routes(app: Flask) -> dict[Route, str]:
    """Every route with its endpoint."""
    return {
        (method, rule.rule): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def is_about_a_tenant(rule: str) -> bool:
    return rule.startswith(("/tenants/", "/sync/"))


# ---- the table ----


def test_every_route_has_a_row_and_every_row_a_route(world: World) -> None:
    assert set(MATRIX) == set(routes(world.app))


def test_no_route_about_a_tenant_has_a_row_that_lets_others_in() -> None:
    """A row could be written to suit a route that is wrong; these columns leave no choice."""
    for (_, rule), row in MATRIX.items():
        if is_about_a_tenant(rule):
            assert [row[asker] for asker in (*UNAUTHENTICATED, OTHER, REMOVED, ADMIN)] == [401] * 4 + [404] * 3
            assert [row[asker] for asker in (HAD, JOINED)] == [410] * 2
            assert row[THERE] in (403, 404)
        if rule.startswith("/admin/"):
            assert {status for asker, status in row.items() if asker not in (ADMIN, *UNAUTHENTICATED)} == {403}


def test_the_routes_that_the_code_calls_public_are_those_of_the_table(world: World) -> None:
    found = routes(world.app)
    assert {found[route] for route, row in MATRIX.items() if row[NOBODY] != 401} == PUBLIC


def test_the_routes_that_the_code_leaves_to_scripts_are_those_of_the_table(world: World) -> None:
    found = routes(world.app)
    assert {found[route] for route, row in MATRIX.items() if row[NOBODY] == 401 and row[HERE] < 300} == FOR_SCRIPTS


# ---- the application, held to it ----


@pytest.mark.parametrize(("route", "end"), FORMS)
def test_a_route_answers_each_who_asks_as_the_table_says(world: World, route: Route, end: str) -> None:
    """What is refused changes nothing, what is allowed and is no GET does, and no answer tells what is another's."""
    row, held = MATRIX[route], world.held()
    changing = [name for name in ASKERS if row[name] < 300 and route[0] != "GET"]
    harmless = {name: row[name] for name in ASKERS if name not in changing}
    assert {name: status_of(world, route, name, end) for name in harmless} == harmless
    assert world.held() == held
    for name in changing:
        assert (name, status_of(world, route, name, end)) == (name, row[name])
        assert world.held() != held, name
        world.begin_anew()


def status_of(world: World, route: Route, name: str, end: str) -> int:
    """The status of an answer that is all that it has to be."""
    asker = world.askers[name]
    secrets = world.secrets_of_others(asker.who)
    answer = world.ask(route, asker, end=end)
    if answer.status_code >= 300:
        assert_problem(answer, answer.status_code, CODES[answer.status_code])
        assert answer.headers.get("WWW-Authenticate") == ("Bearer" if answer.status_code == 401 else None)
    assert_tells_nothing(world, route, name, answer, secrets)
    if route[0] == "GET":
        head = world.ask(("HEAD", route[1]), asker)
        assert (head.status_code, head.data) == (answer.status_code, b"")
    return answer.status_code


def assert_tells_nothing(world: World, route: Route, name: str, answer: TestResponse, secrets: set[str]) -> None:
    """No secrets; and to outsiders neither the content of the household's book nor its existence."""
    if name == ADMIN and route in E_MAILS_FOR_ADMINISTRATORS:
        secrets = {secret for secret in secrets if "@" not in secret}
    if name not in INSIDERS and not (name == ADMIN and route[1].startswith("/admin/tenants")):
        secrets = secrets | {world.askers[OWNER].book.tenant_id}
    if name not in INSIDERS:
        secrets = secrets | set(CONTENTS)
    said = answer.data + str(answer.headers).encode()
    assert not [secret for secret in secrets if secret.encode() in said], name


def test_without_a_token_that_lives_the_answer_is_the_same_everywhere(world: World) -> None:
    """It depends neither on the route nor on what is wrong with the token."""
    refused = [route for route, row in MATRIX.items() if row[NOBODY] == 401]
    said = {world.ask(route, world.askers[name]).data for route in refused for name in (MADE_UP, EXPIRED, REVOKED)}
    assert len(said) == 1


def test_asking_for_the_options_runs_no_view(world: World) -> None:
    held = world.held()
    for _, rule in MATRIX:
        for name in (NOBODY, OWNER):
            answer = world.ask(("OPTIONS", rule), world.askers[name])
            assert answer.status_code in (200, 401, 403)
            assert answer.status_code != 200 or answer.data == b""
    assert world.held() == held


# ---- foreign and unknown ----

# Where a route takes the name of a tenant beside its path.
IN_HEADER: tuple[Route, ...] = (
    ("POST", "/sync/changes"),
    ("GET", "/sync/changes/<tenant_id>"),
    ("GET", "/sync/initial/<tenant_id>"),
)
IN_BODY: tuple[Route, ...] = (("POST", "/sync/changes"), ("POST", "/auth/tokens"))
OTHERWISE: tuple[tuple[Route, dict[str, Any]], ...] = (
    (("GET", "/sync/changes/<tenant_id>"), {"end": BY_FLASK}),
    (("GET", "/sync/changes/<tenant_id>"), {"headers": {"If-None-Match": "*"}}),
    (("GET", "/sync/changes/<tenant_id>"), {"query_string": {"since": "1970-01-01T00:00:00.000000Z~0", "limit": "1"}}),
    (("GET", "/sync/initial/<tenant_id>"), {"headers": {"Accept": "application/x-ndjson"}}),
    (("GET", "/tenants/<id>/export"), {"headers": {"Accept": "application/json"}}),
)
IN_PATH = tuple(route for route in MATRIX if re.search(r"<tenant_id>|/tenants/<id>", route[1]))

OTHER_READING, OTHER_HERE = "a token of another household to read", "that for its own tenant"
STRANGERS = (OTHER, OTHER_READING, OTHER_HERE, REMOVED, JOINED, THERE, ADMIN)


def asking(world: World, name: str) -> Asker:
    other = world.askers[OTHER]
    if name == OTHER_READING:
        return other._replace(token=world.issue(other.who, read_only=True))
    if name == OTHER_HERE:
        return other._replace(token=world.issue(other.who, other.who.tenant_id))
    return world.askers[name]


def ask_about(world: World, asker: Asker, tenant_id: str, name: str) -> Iterator[tuple[Route, TestResponse]]:
    """Every way in which a request names a tenant that is none of the asker's."""
    asker = asker._replace(book=asker.book._replace(tenant_id=tenant_id))
    header, changes = {"X-Tenant-ID": tenant_id}, {"changes": [change("t1")]}
    login = {"email": asker.who.email, "password": PASSWORD, "device_name": "script", "tenant_id": tenant_id}
    for route in IN_PATH:
        if (name, route) != (ADMIN, ("PATCH", "/admin/tenants/<id>")):  # an administrator knows which there are
            yield route, world.ask(route, asker)
        if route[0] == "GET":
            yield route, world.ask(("HEAD", route[1]), asker)
    for route, options in OTHERWISE:
        yield route, world.ask(route, asker, **options)
    for route in IN_HEADER:
        yield route, world.ask(route, asker, headers=header, json=changes if route[0] == "POST" else None)
    for end in ("", BY_FLASK):
        yield IN_BODY[0], world.ask(IN_BODY[0], asker, json=changes | {"tenant_id": tenant_id}, end=end)
    if name != THERE:  # a login shows a password, not a restricted token
        yield IN_BODY[1], world.ask(IN_BODY[1], asker, json=login)


@pytest.fixture
def statements(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SQL that SQLite gets after this, with its values."""
    told: list[str] = []

    def connect_and_listen(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_trace_callback(told.append)
        return connection

    monkeypatch.setattr("finwise.store.pool.connect", connect_and_listen)
    return told


def noticed(world: World, asker: Asker, tenant_id: str, name: str, told: list[str]) -> list[tuple[Route, Any, Any]]:
    """For each way to name the tenant, the whole answer, and what SQLite was told for it."""
    found = []
    told.clear()
    for route, answer in ask_about(world, asker, tenant_id, name):
        if answer.request.method != "HEAD":
            assert_problem(answer, answer.status_code, CODES[answer.status_code])
        # A connection that has rested for some seconds is opened again, which begins with this statement.
        asked = [sql.replace(tenant_id, "the tenant") for sql in told if sql != "PRAGMA user_version"]
        found.append((route, everything(answer), asked))
        told.clear()
    return found


def assert_alike(world: World, name: str, tenant_ids: list[str], told: list[str]) -> None:
    """What is foreign differs in nothing from what never was; nor does it take more or other statements."""
    asker = asking(world, name)
    noticed(world, asker, new_id(), name, told)  # connections are open and uses are noted after this
    unknown = noticed(world, asker, new_id(), name, told)
    for tenant_id in tenant_ids:
        assert noticed(world, asker, tenant_id, name, told) == unknown
    assert all(sent for _, _, sent in unknown), "the statements were not heard"
    expected = {route: MATRIX[route][name] for route in IN_PATH} if name in (OTHER, REMOVED, THERE, ADMIN) else {}
    for route, (status, *_), _ in unknown:
        assert status == expected.get(route, status)
        assert status in (403, 404)


@pytest.mark.parametrize("name", STRANGERS)
def test_a_foreign_tenant_answers_like_an_unknown_one_and_costs_the_same(
    world: World, statements: list[str], name: str
) -> None:
    deleted = [] if name == JOINED else [world.askers[HAD].book.tenant_id]
    assert_alike(world, name, [world.askers[OWNER].book.tenant_id, *deleted], statements)


@pytest.mark.parametrize("state", STATES)
def test_a_foreign_tenant_is_unknown_in_whatever_state_it_is(world: World, statements: list[str], state: str) -> None:
    tenant_id = world.askers[OWNER].book.tenant_id
    with outside(world.settings.users_db) as connection:
        connection.execute("UPDATE tenants SET state = ? WHERE uuid = ?", (state, tenant_id))
    assert_alike(world, OTHER, [tenant_id], statements)


def test_ones_own_tenant_costs_other_statements(world: World, statements: list[str]) -> None:
    """Without this, the tests above could count nothing that matters."""
    owner, route = world.askers[OWNER], ("GET", "/sync/initial/<tenant_id>")
    counts = []
    for tenant_id in (new_id(), new_id(), owner.book.tenant_id):
        statements.clear()
        world.ask(route, owner._replace(book=owner.book._replace(tenant_id=tenant_id)))
        counts.append(len(statements))
    assert 0 < counts[1] < counts[2]


def test_no_other_header_or_body_names_a_tenant(world: World) -> None:
    """As the document has it, which is made of what the views read."""
    document = world.client.get("/openapi.json").get_json()
    headers, bodies = set(), set()
    for path, operations in document["paths"].items():
        for method in operations.keys() - {"parameters"}:
            operation = operations[method]
            route = (method.upper(), re.sub(r"\{(\w+)\}", r"<\1>", path))
            if any(each["name"] == "X-Tenant-ID" for each in operation.get("parameters", [])):
                headers.add(route)
            if "tenant_id" in properties_of_body(document, operation):
                bodies.add(route)
    assert (headers, bodies) == (set(IN_HEADER), set(IN_BODY))


def properties_of_body(document: Any, operation: Any) -> set[str]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return set(schema.get("properties", {}))


@pytest.mark.parametrize("part", ["conflict_id", "invitation_id", "member_id"])
def test_by_the_name_of_ones_own_tenant_nothing_of_another_is_reached(world: World, part: str) -> None:
    owner, held = world.askers[OWNER], world.held()
    of_a_path = {"conflict_id": "<conflict_id>", "invitation_id": "<invitation_id>", "member_id": "<user_id>"}[part]
    named = [route for route in MATRIX if of_a_path in route[1]]
    assert named
    for route in named:
        foreign, unknown = (
            world.ask(route, owner._replace(book=owner.book._replace(**{part: value})))
            for value in (getattr(world.foreign, part), new_id())
        )
        assert_problem(foreign, 404, "not_found")
        assert everything(foreign) == everything(unknown)
    assert world.held() == held


def test_the_tenants_of_another_user_are_listed_like_those_of_nobody(world: World) -> None:
    for name in (OTHER, ADMIN, THERE):
        asker = world.askers[name]
        owner_id = world.askers[HAD].who.user_id
        listed = [
            world.ask(("GET", "/tenants"), asker, query_string={"user_id": user_id}) for user_id in (owner_id, new_id())
        ]
        assert listed[0].get_json() == []
        assert everything(listed[0]) == everything(listed[1])
