"""Requests to every route: valid ones, and ones of the right form that have to be refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from finwise.domain.tokens import NewToken
from harness.requests.world import CANARY, PASSWORD, Sent, World


class Asked(NamedTuple):
    """A request to a route."""

    path: str
    body: Any = ...  # ...: none
    query: str = ""
    token: str | None = None  # whose it is; None: of anybody
    headers: dict[str, str] = {}


def _envelope(world: World) -> Asked:
    dice = world.dice
    changes = [world.change(dice.choice(["t1", "t2", "t3"]), base_updated_at=None) for _ in range(dice.randrange(3))]
    body: dict[str, Any] = {
        "tenant_id": world.home.tenant_id,
        "device_id": world.uuid(),
        "client_time": "2026-01-10T12:00:00Z",
        "since": dice.choice([world.cursor, "2026-01-09T19:01:00.000Z", None]),
        "entity_types": dice.choice([["tags"], None]),
        "limit": 10,
        "changes": changes,
    }
    if dice.random() < 0.3:  # the plain form that clients send
        body = {"tenant_id": world.home.tenant_id, "changes": changes}
    return Asked("/sync/changes", body)


def _login(world: World) -> Asked:
    dice, home = world.dice, world.home
    body = {
        "email": home.user.email,
        "password": dice.choice([PASSWORD, PASSWORD, f"x{CANARY}"]),
        "device_name": CANARY,
    }
    more: list[dict[str, Any]] = [{}, {"tenant_id": home.tenant_id, "read_only": True}, {"read_only": False}]
    return Asked("/auth/tokens", body | dice.choice(more))


def _sign_up(world: World) -> Asked:
    home = world.home.user
    known = {"uuid": home.uuid, "name": home.name, "email": home.email, "password": PASSWORD}
    new = {"uuid": world.uuid(), "name": CANARY, "email": world.email()}
    role = world.dice.choice([None, "editor"])
    bodies = [known, new, new, new | {"password": PASSWORD}, new | {"invitation": world.code(role)}]
    return Asked("/users", world.dice.choice(bodies))


def _own_record(world: World) -> Asked:
    """Mostly the household's, as it is; another password would end its other tokens."""
    if world.dice.random() < 0.8:
        user = world.home.user
        return Asked(f"/users/{user.uuid}", {"name": user.name, "email": user.email}, token=world.home.token)
    person = world.person()
    return Asked(
        f"/users/{person.id}", {"name": CANARY, "password": PASSWORD, "current_password": PASSWORD}, token=person.token
    )


def _member(world: World) -> Asked:
    path = f"/tenants/{world.home.tenant_id}/members"
    if world.dice.random() < 0.8:
        return Asked(f"{path}/{world.editor.id}", {"role": "editor"}, token=world.home.token)
    return Asked(f"{path}/{world.guest().id}", {"role": "editor"}, token=world.home.token)


def _leave(world: World) -> Asked:
    guest = world.guest()
    token = world.dice.choice([guest.token, world.home.token])
    return Asked(f"/tenants/{world.home.tenant_id}/members/{guest.id}", token=token)


def _log_out(world: World) -> Asked:
    query = world.dice.choice(["", "others=true", "others=false"])
    return Asked("/auth/tokens", query=query, token=world.person().token)


def _revoke(world: World) -> Asked:
    issued = world.domain.tokens.add_for(world.home.user.email, NewToken(CANARY), world.now)
    return Asked(f"/auth/tokens/{issued.token.id}", token=world.home.token)


def _name_device(world: World) -> Asked:
    issued = world.domain.tokens.add_for(world.home.user.email, NewToken(CANARY), world.now)
    return Asked(f"/auth/tokens/{issued.token.id}", {"device_name": f"{CANARY} 2"}, token=world.home.token)


def _delete_oneself(world: World) -> Asked:
    person = world.person()
    return Asked(f"/users/{person.id}", token=person.token)


def _managed_user(world: World) -> Asked:
    person = world.other if world.dice.random() < 0.7 else world.person()
    body = {"is_admin": False} if person is world.other else {"is_admin": True, "password": PASSWORD}
    return Asked(f"/admin/users/{person.id}", body, token=world.home.token)


def _decision(world: World, what: str) -> Asked:
    body = world.dice.choice([..., {"base_updated_at": "2026-01-09T19:01:00Z"}, {"base_updated_at": None}, {}])
    path = f"/sync/conflicts/{world.home.tenant_id}/{world.conflict()}/{what}"
    return Asked(path, body if what == "restore" else ..., token=world.home.token)


def _book(world: World, path: str, query: str = "") -> Asked:
    """Something below `path` about the household's book, sometimes about one that is gone, another's or none."""
    named = [world.home.tenant_id] * 7 + [world.other.tenant_id, world.gone, world.uuid()]
    return Asked(path.format(world.dice.choice(named)), query=query)


# For every route a request that is fine, if the caller may send it. A route without one is a violation.
VALID: dict[str, Callable[[World], Asked]] = {
    "GET /": lambda world: Asked("/"),
    "GET /docs": lambda world: Asked("/docs"),
    "GET /docs/assets/<path:name>": lambda world: Asked("/docs/assets/swagger-ui.css"),
    "GET /static/<path:filename>": lambda world: Asked("/static/docs.js"),
    "GET /app/": lambda world: Asked("/app/"),
    "GET /app/<path:name>": lambda world: Asked("/app/index.html"),
    "POST /app/demo": lambda world: Asked("/app/demo"),
    "GET /openapi.json": lambda world: Asked("/openapi.json"),
    "GET /healthz": lambda world: Asked("/healthz"),
    "GET /readyz": lambda world: Asked("/readyz"),
    "POST /users": _sign_up,
    "GET /users": lambda world: Asked("/users"),
    "GET /users/<uuid>": lambda world: Asked(f"/users/{world.home.id}"),
    "PATCH /users/<uuid>": _own_record,
    "DELETE /users/<uuid>": _delete_oneself,
    "POST /auth/tokens": _login,
    "GET /auth/tokens": lambda world: Asked("/auth/tokens"),
    "DELETE /auth/tokens": _log_out,
    "PATCH /auth/tokens/<id>": _name_device,
    "DELETE /auth/tokens/<id>": _revoke,
    "POST /tenants": lambda world: Asked("/tenants", {"uuid": world.uuid(), "name": CANARY}),
    "GET /tenants": lambda world: Asked("/tenants", query=f"user_id={world.home.id}"),
    "GET /tenants/<id>": lambda world: _book(world, "/tenants/{}"),
    "PATCH /tenants/<id>": lambda world: Asked(f"/tenants/{world.home.tenant_id}", {"name": f"Home {CANARY}"}),
    "DELETE /tenants/<id>": lambda world: Asked(f"/tenants/{world.tenant(world.home)}", token=world.home.token),
    "GET /tenants/<id>/members": lambda world: _book(world, "/tenants/{}/members"),
    "PATCH /tenants/<id>/members/<user_id>": _member,
    "DELETE /tenants/<id>/members/<user_id>": _leave,
    "POST /tenants/<id>/invitations": lambda world: Asked(
        f"/tenants/{world.home.tenant_id}/invitations", {"role": world.dice.choice(["editor", "viewer"])}
    ),
    "GET /tenants/<id>/invitations": lambda world: _book(world, "/tenants/{}/invitations"),
    "DELETE /tenants/<id>/invitations/<invitation_id>": lambda world: Asked(
        f"/tenants/{world.home.tenant_id}/invitations/{world.invitation()}", token=world.home.token
    ),
    "POST /invitations/accept": lambda world: Asked(
        "/invitations/accept", {"code": world.code("editor")}, token=world.person().token
    ),
    "POST /sync/changes": _envelope,
    "GET /sync/changes/<tenant_id>": lambda world: _book(
        world,
        "/sync/changes/{}",
        world.dice.choice(["", f"since={quote(world.cursor)}&limit=5&entity_types=tags", f"since={world.cursor}"]),
    ),
    "GET /sync/initial/<tenant_id>": lambda world: _book(world, "/sync/initial/{}", "entity_types=tags,accounts"),
    "GET /sync/conflicts/<tenant_id>": lambda world: _book(world, "/sync/conflicts/{}"),
    "POST /sync/conflicts/<tenant_id>/<conflict_id>/restore": lambda world: _decision(world, "restore"),
    "POST /sync/conflicts/<tenant_id>/<conflict_id>/dismiss": lambda world: _decision(world, "dismiss"),
    "GET /tenants/<id>/devices": lambda world: _book(world, "/tenants/{}/devices"),
    "GET /tenants/<id>/export": lambda world: _book(world, "/tenants/{}/export"),
    "POST /tenants/<id>/import": lambda world: Asked(
        f"/tenants/{world.tenant(world.home)}/import",
        {"tags": [{"id": "t1", "name": CANARY}], "goals": [{"id": "g1", "name": CANARY}]},
        query=world.dice.choice(["", "dated_now=true"]),
        token=world.home.token,
    ),
    "POST /tenants/<id>/reset": lambda world: Asked(
        f"/tenants/{world.tenant(world.home)}/reset", {"name": f"Home {CANARY}"}, token=world.home.token
    ),
    "GET /admin/users": lambda world: Asked("/admin/users", query=f"after={world.uuid()}"),
    "POST /admin/users": lambda world: Asked(
        "/admin/users", {"uuid": world.uuid(), "name": CANARY, "email": world.email()}, token=world.home.token
    ),
    "PATCH /admin/users/<uuid>": _managed_user,
    "DELETE /admin/users/<uuid>": lambda world: Asked(f"/admin/users/{world.person().id}", token=world.home.token),
    "POST /admin/invitations": lambda world: Asked("/admin/invitations", token=world.home.token),
    "GET /admin/tenants": lambda world: Asked("/admin/tenants"),
    "PATCH /admin/tenants/<id>": lambda world: Asked(
        f"/admin/tenants/{world.home.tenant_id}",
        {"quota_mib": world.dice.choice([None, 64, 1_048_576])},
        token=world.home.token,
    ),
}
WEIGHTS = {"POST /sync/changes": 6.0, "GET /sync/changes/<tenant_id>": 4.0, "POST /users": 2.0} | dict.fromkeys(
    [
        "GET /app/",
        "GET /app/<path:name>",
        "GET /openapi.json",
        "GET /docs/assets/<path:name>",
        "GET /docs",
        "GET /",
        "GET /static/<path:filename>",
    ],
    0.3,
)

# Requests of the right form that are refused for what they ask: the later on their way, the more they could leave.
REFUSED: list[Callable[[World], tuple[str, Asked]]] = [
    lambda w: ("POST", Asked("/users", _new(w) | {"email": w.other.user.email.upper(), "password": PASSWORD})),
    lambda w: ("POST", Asked("/users", _new(w) | {"uuid": w.home.id})),
    lambda w: ("POST", Asked("/users", _new(w) | {"invitation": f"fwi_{CANARY}"})),
    lambda w: ("POST", Asked("/auth/tokens", _login(w).body | {"tenant_id": w.other.tenant_id})),
    lambda w: ("PATCH", Asked(f"/users/{w.home.id}", {"name": CANARY, "email": w.other.user.email})),
    lambda w: ("PATCH", Asked(f"/users/{w.other.id}", {"name": CANARY})),
    lambda w: ("DELETE", Asked(f"/users/{w.home.id}")),
    lambda w: ("DELETE", Asked(f"/users/{w.other.id}")),
    lambda w: ("DELETE", Asked(f"/admin/users/{w.home.id}")),
    lambda w: ("POST", Asked("/admin/users", _new(w) | {"email": w.other.user.email})),
    lambda w: ("POST", Asked("/admin/users", _new(w), token=w.other.token)),
    lambda w: ("PATCH", Asked(f"/admin/users/{w.other.id}", {"is_admin": True}, token=w.other.token)),
    lambda w: ("PATCH", Asked(f"/admin/users/{w.home.id}", {"password": PASSWORD}, token=w.editor.token)),
    lambda w: ("PATCH", Asked(f"/admin/tenants/{w.home.tenant_id}", {"quota_mib": 1}, token=w.viewer.token)),
    lambda w: ("POST", Asked("/admin/invitations", token=w.reader)),
    lambda w: ("POST", Asked("/tenants", _new(w) | {"email": ...} | {"user_id": w.other.id})),
    lambda w: ("POST", Asked("/tenants", {"uuid": w.home.tenant_id, "name": CANARY})),
    lambda w: ("POST", Asked("/tenants", {"uuid": w.gone, "name": f"Home {CANARY}"})),
    lambda w: ("POST", Asked("/tenants", {"uuid": w.uuid(), "name": CANARY}, token=w.script)),
    lambda w: ("PATCH", Asked(f"/tenants/{w.home.tenant_id}", {"name": CANARY}, token=w.editor.token)),
    lambda w: ("PATCH", Asked(f"/tenants/{w.other.tenant_id}", {"name": CANARY})),
    lambda w: ("DELETE", Asked(f"/tenants/{w.home.tenant_id}", token=w.editor.token)),
    lambda w: ("DELETE", Asked(f"/tenants/{w.other.tenant_id}")),
    lambda w: ("DELETE", Asked(f"/tenants/{w.gone}")),
    lambda w: ("PATCH", Asked(f"{_members(w)}/{w.home.id}", {"role": "editor"})),
    lambda w: ("PATCH", Asked(f"{_members(w)}/{w.editor.id}", {"role": "owner"}, token=w.editor.token)),
    lambda w: ("PATCH", Asked(f"{_members(w)}/{w.other.id}", {"role": "viewer"})),
    lambda w: ("DELETE", Asked(f"{_members(w)}/{w.home.id}")),
    lambda w: ("DELETE", Asked(f"{_members(w)}/{w.viewer.id}", token=w.editor.token)),
    lambda w: ("POST", Asked(f"/tenants/{w.home.tenant_id}/invitations", {"role": "viewer"}, token=w.viewer.token)),
    lambda w: ("POST", Asked(f"/tenants/{w.home.tenant_id}/invitations", {"role": "owner"})),
    lambda w: ("POST", Asked("/invitations/accept", {"code": w.code("viewer")}, token=w.editor.token)),
    lambda w: ("POST", Asked("/invitations/accept", {"code": w.code(None)}, token=w.other.token)),
    lambda w: ("DELETE", Asked("/auth/tokens", token=w.reader)),
    lambda w: ("POST", _pushed(w, tenant_id=w.other.tenant_id)),
    lambda w: ("POST", _pushed(w, tenant_id=w.gone)),
    lambda w: ("POST", _pushed(w, since=w.cursor.replace("~", "~x"))),
    lambda w: ("POST", _pushed(w, since=CANARY)),
    lambda w: ("POST", _pushed(w, limit=0)),
    lambda w: ("POST", _pushed(w)._replace(headers={"HTTP_X_TENANT_ID": w.other.tenant_id})),
    lambda w: ("POST", _pushed(w)._replace(headers={"HTTP_ACCEPT": "text/html"})),
    lambda w: ("POST", _pushed(w)._replace(token=w.viewer.token)),
    lambda w: ("POST", _pushed(w)._replace(token=w.reader)),
    lambda w: ("POST", _pushed(w)._replace(token=w.revoked)),
    lambda w: ("POST", _pushed(w)._replace(token="")),
]  # fmt: skip


def _new(world: World) -> dict[str, Any]:
    return {"uuid": world.uuid(), "name": CANARY, "email": world.email()}


def _members(world: World) -> str:
    return f"/tenants/{world.home.tenant_id}/members"


def _pushed(world: World, **envelope: Any) -> Asked:
    changes = [world.change("t1"), world.change("t9")]
    return Asked("/sync/changes", {"tenant_id": world.home.tenant_id, "changes": changes} | envelope)


def _sent(route: str, method: str, asked: Asked, token: str) -> Sent:
    environ = with_token(token) | asked.headers
    if asked.body is ...:
        return Sent(route, method, asked.path, asked.query, environ, b"")
    body = {name: value for name, value in asked.body.items() if value is not ...}
    environ = {"CONTENT_TYPE": "application/json"} | environ
    return Sent(route, method, asked.path, asked.query, environ, json.dumps(body).encode())


def with_token(token: str) -> dict[str, str]:
    """What shows a token, as a WSGI server would hand it over; nothing for none."""
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"} if token else {}


def valid(world: World) -> Sent:
    """A request that would be fine, mostly in the name of somebody who may ask it."""
    dice = world.dice
    (route,) = dice.choices(list(VALID), [WEIGHTS.get(route, 1.0) for route in VALID])
    asked = VALID[route](world)
    anybody = [world.other.token, world.editor.token, world.viewer.token, world.script, world.reader, world.revoked, ""]
    token = asked.token or world.home.token
    return _sent(route, route.partition(" ")[0], asked, token if dice.random() < 0.8 else dice.choice(anybody))


def forbidden(world: World) -> Sent:
    """A request that has to be refused."""
    method, asked = world.dice.choice(REFUSED)(world)
    return _sent("refused", method, asked, world.home.token if asked.token is None else asked.token)
