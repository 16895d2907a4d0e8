"""Administrators: users and books from outside; sizes and dates, never contents."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from harness.problems import assert_problem
from tests.conftest import Clock
from tests.household import PASSWORD, Household, change, new_id

SOMETHING = "1f0c7a52-93f5-4a0e-8d0c-5a6c2b7e4d10"  # written out: what a test is called is the same in each process
ROUTES = [
    ("GET", "/admin/users", None),
    ("POST", "/admin/users", {"uuid": SOMETHING, "name": "x", "email": "x@example.org"}),
    ("PATCH", f"/admin/users/{SOMETHING}", {"is_admin": True}),
    ("DELETE", f"/admin/users/{SOMETHING}", None),
    ("POST", "/admin/invitations", None),
    ("GET", "/admin/tenants", None),
    ("PATCH", f"/admin/tenants/{SOMETHING}", {"quota_mib": 1}),
]


@pytest.fixture
def admin(client: FlaskClient) -> Household:
    """Who signed up first."""
    return Household(client)


@pytest.fixture
def other(admin: Household, client: FlaskClient) -> Household:
    """A household that the administrator has nothing to do with."""
    return Household(client).create()


def test_the_first_user_is_administrator_and_the_next_is_not(admin: Household, other: Household) -> None:
    assert [who.get("/users").get_json()[0]["is_admin"] for who in (admin, other)] == [True, False]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_others_are_refused(other: Household, method: str, path: str, body: Any) -> None:
    assert_problem(other.request(method, path, json=body), 403, "forbidden")


def test_an_administrator_sees_who_there_is(admin: Household, other: Household, clock: Clock) -> None:
    found = {each["uuid"]: each for each in admin.get("/admin/users").get_json()}
    assert found[other.user_id] == {
        "uuid": other.user_id,
        "name": "Ada",
        "email": other.email,
        "is_admin": False,
        "created_at": clock.text,
        "updated_at": clock.text,
        "last_used_at": clock.text,
        "tenants": 1,
    }
    assert found[admin.user_id]["tenants"] == 0


def test_users_come_in_pages(admin: Household, client: FlaskClient) -> None:
    domain = client.application.extensions["finwise"]
    for number in range(150):
        body = {"uuid": new_id(), "name": "x", "email": f"{number}@example.org"}
        assert admin.post("/admin/users", json=body).status_code == 201
    first = admin.get("/admin/users").get_json()
    rest = admin.get("/admin/users", query_string={"after": first[-1]["uuid"]}).get_json()
    assert (len(first), len(rest)) == (100, 51)
    assert len({each["uuid"] for each in first + rest}) == 151
    assert domain.administration.list_users(rest[-1]["uuid"], 100) == []


def test_an_administrator_sees_sizes_and_dates_of_a_book_and_nothing_in_it(
    admin: Household, other: Household, clock: Clock
) -> None:
    clock.forward(seconds=5)
    other.results(change("t1", data={"name": "a secret"}))
    answer = admin.get("/admin/tenants")
    (found,) = answer.get_json()
    assert found.pop("bytes") > 10_000
    assert found == {
        "uuid": other.tenant_id,
        "name": "Home",
        "user_id": other.user_id,
        "state": "active",
        "created_at": found["created_at"],
        "updated_at": found["created_at"],
        "members": 1,
        "quota_bytes": 1024 * 1024 * 1024,
        "last_synced_at": clock.text,
    }
    assert "a secret" not in answer.text
    for path in (
        f"/tenants/{other.tenant_id}",
        f"/sync/changes/{other.tenant_id}",
        f"/tenants/{other.tenant_id}/export",
    ):
        assert_problem(admin.get(path), 404, "not_found")


def test_a_deleted_book_is_listed_as_such(admin: Household, other: Household) -> None:
    other.request("DELETE", f"/tenants/{other.tenant_id}")
    (found,) = admin.get("/admin/tenants").get_json()
    assert (found["state"], found["bytes"], found["last_synced_at"]) == ("deleted", None, None)


def test_a_password_is_reset_and_all_devices_are_logged_out(admin: Household, other: Household) -> None:
    path, password = f"/admin/users/{other.user_id}", "another one by now"
    assert admin.request("PATCH", path, json={"password": password}).status_code == 200
    assert_problem(other.get("/tenants"), 401, "unauthorized")
    assert other.log_in(PASSWORD).status_code == 401
    assert other.log_in(password).status_code == 201
    assert admin.get("/admin/users").status_code == 200


def test_administrators_are_made_and_unmade_but_never_the_last(admin: Household, other: Household) -> None:
    def put(user_id: str, *, is_admin: bool) -> Any:
        return admin.request("PATCH", f"/admin/users/{user_id}", json={"is_admin": is_admin})

    assert_problem(put(admin.user_id, is_admin=False), 409, "conflict")
    assert put(other.user_id, is_admin=True).get_json()["is_admin"] is True
    assert put(admin.user_id, is_admin=False).get_json()["is_admin"] is False
    assert_problem(admin.get("/admin/users"), 403, "forbidden")
    assert other.get("/admin/users").status_code == 200


def test_of_a_change_that_is_refused_nothing_is_done(admin: Household, other: Household) -> None:
    path, body = f"/admin/users/{admin.user_id}", {"password": "another one by now", "is_admin": False}
    assert_problem(admin.request("PATCH", path, json=body), 409, "conflict")
    assert admin.get("/admin/users").status_code == 200, "the token was not revoked"
    assert admin.log_in(PASSWORD).status_code == 201
    assert admin.request("PATCH", f"/admin/users/{other.user_id}", json=body | {"is_admin": True}).status_code == 200
    assert_problem(other.get("/tenants"), 401, "unauthorized")
    assert admin.request("PATCH", path, json=body).get_json()["is_admin"] is False


def test_a_user_is_added_and_deleted_whatever_signing_up_takes(admin: Household, other: Household) -> None:
    body = {"uuid": new_id(), "name": "Charles", "email": "charles@example.org", "password": PASSWORD}
    assert admin.post("/admin/users", json=body).get_json()["email"] == "charles@example.org"
    assert_problem(admin.post("/admin/users", json=body | {"uuid": new_id()}), 409, "conflict")
    assert admin.request("DELETE", f"/admin/users/{body['uuid']}").status_code == 204
    assert admin.request("DELETE", f"/admin/users/{other.user_id}").status_code == 204
    assert [each["uuid"] for each in admin.get("/admin/users").get_json()] == [admin.user_id]
    assert_problem(other.get("/tenants"), 401, "unauthorized")


def test_a_quota_is_set_for_one_book_and_taken_back(admin: Household, other: Household) -> None:
    path = f"/admin/tenants/{other.tenant_id}"
    assert admin.request("PATCH", path, json={"quota_mib": 1}).get_json()["quota_bytes"] == 1024 * 1024
    large = [change(data={"name": "x", "note": "x" * 200_000}) for _ in range(8)]
    assert_problem(other.push(*large), 507, "quota_exceeded")
    assert admin.request("PATCH", path, json={"quota_mib": None}).get_json()["quota_bytes"] == 1024**3
    assert other.push(*large).status_code == 200


def test_an_administrator_invites_somebody_to_sign_up(admin: Household, client: FlaskClient, other: Household) -> None:
    invited = admin.post("/admin/invitations").get_json()
    assert (invited["tenant_id"], invited["role"]) == (None, None)
    assert_problem(other.post("/invitations/accept", json={"code": invited["code"]}), 404, "not_found")
    body = {"uuid": new_id(), "name": "C", "email": "c@example.org", "password": PASSWORD}
    signed_up = [
        client.post("/users", json=body | {"invitation": invited["code"]}).status_code,
        client.post(
            "/users", json=body | {"uuid": new_id(), "email": "d@example.org", "invitation": invited["code"]}
        ).status_code,
    ]
    assert signed_up == [201, 404]
