"""Access that was never given, and access that has ended. Who may ask what is in test_matrix.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from finwise import create_app
from finwise.api.auth import PUBLIC
from finwise.config import Settings
from harness.problems import assert_problem
from tests.conftest import Clock
from tests.household import PASSWORD, Household, change
from tests.store.processes import Peer


def test_a_route_that_is_added_is_not_public_by_accident(app: Flask) -> None:
    app.add_url_rule("/new", "new", lambda: "secret")
    assert_problem(app.test_client().get("/new"), 401, "unauthorized")


@pytest.mark.parametrize("case", ["of a user who left", "in the address"])
def test_no_other_token_opens_any_route(client: FlaskClient, case: str) -> None:
    """Beside those in the matrix: a token whose user no longer exists, and one in the query, where logs keep it."""
    Household(client)  # the first user is the last to be able to leave
    ada = Household(client)
    headers, query = {"Authorization": f"Bearer {ada.token}"}, {}
    if case == "of a user who left":
        assert ada.request("DELETE", f"/users/{ada.user_id}").status_code == 204
    else:
        headers, query = {}, {"token": ada.token, "access_token": ada.token}
    for rule in client.application.url_map.iter_rules():
        if rule.endpoint not in PUBLIC:
            path = re.sub(r"<[^>]+>", ada.user_id, rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                answer = client.open(path, method=method, headers=headers, query_string=query)
                assert_problem(answer, 401, "unauthorized")


# ---- access that ends, in another process ----


class Pair(NamedTuple):
    """A household's server process, and another one on the same files."""

    home: Household
    other: Peer

    def status(self, who: Household, method: str = "GET") -> int:
        """Of a pull or a push that the other process is asked for."""
        self.other.say((method, who.token, self.home.tenant_id))
        status: int = self.other.hear()
        return status


def answer_when_told(pipe: Connection, settings: Settings, now: int) -> None:
    """What the other process does."""
    client = create_app(settings, lambda: now).test_client()
    with suppress(EOFError):  # the test has ended
        while True:
            method, token, tenant_id = pipe.recv()
            path, body = f"/sync/changes/{tenant_id}", None
            if method == "POST":
                path, body = "/sync/changes", {"tenant_id": tenant_id, "changes": [change()]}
            answer = client.open(path, method=method, json=body, headers={"Authorization": f"Bearer {token}"})
            pipe.send(answer.status_code)


@pytest.fixture
def pair(home: Household, settings: Settings, clock: Clock) -> Iterator[Pair]:
    with Peer(answer_when_told, settings, clock.now) as other:
        yield Pair(home, other)


def joined(home: Household, role: str) -> Household:
    """Somebody who is signed up and a member."""
    guest = Household(home.client)
    code = home.post(f"/tenants/{home.tenant_id}/invitations", json={"role": role}).get_json()["code"]
    assert guest.post("/invitations/accept", json={"code": code}).status_code == 200
    return guest


def done(answer: Any) -> None:
    assert answer.status_code in (200, 204), answer.text


def remove(home: Household, guest: Household) -> None:
    done(home.request("DELETE", f"/tenants/{home.tenant_id}/members/{guest.user_id}"))


def leave(home: Household, guest: Household) -> None:
    done(guest.request("DELETE", f"/tenants/{home.tenant_id}/members/{guest.user_id}"))


def lower_role(home: Household, guest: Household) -> None:
    done(home.request("PATCH", f"/tenants/{home.tenant_id}/members/{guest.user_id}", json={"role": "viewer"}))


def revoke_token(home: Household, guest: Household) -> None:
    (token,) = guest.get("/auth/tokens").get_json()
    done(guest.request("DELETE", f"/auth/tokens/{token['id']}"))


def revoke_all_tokens(home: Household, guest: Household) -> None:
    done(guest.request("DELETE", "/auth/tokens"))


def change_password_elsewhere(home: Household, guest: Household) -> None:
    headers = {"Authorization": f"Bearer {guest.log_in().get_json()['token']}"}
    body = {"password": f"{PASSWORD}, changed", "current_password": PASSWORD}
    done(guest.request("PATCH", f"/users/{guest.user_id}", json=body, headers=headers))


def reset_password(home: Household, guest: Household) -> None:
    done(home.request("PATCH", f"/admin/users/{guest.user_id}", json={"password": f"{PASSWORD}, reset"}))


def delete_account(home: Household, guest: Household) -> None:
    done(guest.request("DELETE", f"/users/{guest.user_id}"))


def delete_tenant(home: Household, guest: Household) -> None:
    done(home.request("DELETE", f"/tenants/{home.tenant_id}"))


ENDS: list[tuple[str, Callable[[Household, Household], None], dict[str, int]]] = [
    ("editor", remove, {"GET": 404, "POST": 404}),
    ("viewer", remove, {"GET": 404, "POST": 404}),
    ("editor", leave, {"GET": 404, "POST": 404}),
    ("editor", lower_role, {"GET": 200, "POST": 403}),
    ("editor", revoke_token, {"GET": 401, "POST": 401}),
    ("editor", revoke_all_tokens, {"GET": 401, "POST": 401}),
    ("editor", change_password_elsewhere, {"GET": 401, "POST": 401}),
    ("editor", reset_password, {"GET": 401, "POST": 401}),
    ("editor", delete_account, {"GET": 401, "POST": 401}),
]


def test_access_that_ends_ends_at_once_in_every_process(pair: Pair) -> None:
    """In one process it is taken away, in another one it is asked for: before, and the next moment."""
    home = pair.home
    for role, end, expected in ENDS:
        guest = joined(home, role)
        ways = ["GET"] if role == "viewer" else ["GET", "POST"]
        assert [pair.status(guest, way) for way in ways] == [200] * len(ways), end.__name__
        end(home, guest)
        assert {way: pair.status(guest, way) for way in expected} == expected, end.__name__
        assert pair.status(home) == 200, end.__name__
    guest = joined(home, "editor")
    assert pair.status(guest) == 200
    delete_tenant(home, guest)
    assert [pair.status(who, way) for who in (home, guest) for way in ("GET", "POST")] == [410] * 4
