"""Section 6 of docs/protocol.md, line by line: errors, and what /healthz names.

The errors of `since` are in test_protocol_pull.py, 413 is in test_protocol_rejected.py.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise import __version__
from finwise.entities import CATALOGUE
from harness.problems import assert_problem, everything
from tests.household import PASSWORD, Household, change, new_id
from tests.tenant_file import TenantFile

Ask = Callable[[Household, str], TestResponse]

SYNC: dict[str, Ask] = {
    "pull": lambda home, tenant_id: home.get(f"/sync/changes/{tenant_id}"),
    "initial": lambda home, tenant_id: home.get(f"/sync/initial/{tenant_id}"),
    "push": lambda home, tenant_id: home.push(change(), tenant_id=tenant_id),
    "push by header": lambda home, tenant_id: home.post(
        "/sync/changes", json={"changes": [change()]}, headers={"X-Tenant-ID": tenant_id}
    ),
}
TENANT: dict[str, Ask] = SYNC | {
    "get tenant": lambda home, tenant_id: home.get(f"/tenants/{tenant_id}"),
    "rename": lambda home, tenant_id: home.request("PATCH", f"/tenants/{tenant_id}", json={"name": "Mine"}),
    "delete": lambda home, tenant_id: home.request("DELETE", f"/tenants/{tenant_id}"),
}
every_sync_request = pytest.mark.parametrize("ask", SYNC.values(), ids=SYNC)
every_tenant_request = pytest.mark.parametrize("ask", TENANT.values(), ids=TENANT)


def remove(home: Household) -> None:
    assert home.request("DELETE", f"/tenants/{home.tenant_id}").status_code == 204


# --- 400 bad_request (bad_cursor: test_protocol_pull.py) ---


def test_400_a_tenant_missing_is_a_bad_request(home: Household) -> None:
    assert_problem(home.post("/sync/changes", json={"changes": []}), 400, "bad_request")


@pytest.mark.parametrize("route", ["changes", "initial"])
def test_400_a_tenant_named_differently_in_path_and_header_is_a_bad_request(home: Household, route: str) -> None:
    path = f"/sync/{route}/{home.tenant_id}"
    assert_problem(home.get(path, headers={"X-Tenant-ID": new_id()}), 400, "bad_request")
    assert home.get(path, headers={"X-Tenant-ID": home.tenant_id}).status_code == 200


def test_400_a_tenant_named_differently_in_header_and_body_is_a_bad_request(home: Household) -> None:
    answer = home.post("/sync/changes", json={"tenant_id": home.tenant_id, "changes": []}, headers={"X-Tenant-ID": "x"})
    assert_problem(answer, 400, "bad_request")


# --- 401 unauthorized ---


class Stranger(Household):
    """Somebody who knows a tenant's UUID and sends a header Authorization of their own."""

    def __init__(self, home: Household, authorization: str | None) -> None:
        self.client, self.tenant_id = home.client, home.tenant_id
        self.authorization = authorization

    def request(self, method: str, path: str, **options: Any) -> TestResponse:
        given = {} if self.authorization is None else {"Authorization": self.authorization}
        return self.client.open(path, method=method, headers=given | options.pop("headers", {}), **options)


@every_tenant_request
def test_401_no_or_a_bad_token_is_unauthorized(home: Household, ask: Ask) -> None:
    for authorization in (None, "", "Bearer", "Bearer ", "Bearer fw_wrong", f"Basic {home.token}", home.token):
        answer = ask(Stranger(home, authorization), home.tenant_id)
        assert_problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert home.pull()["changes"] == []


# --- 403 forbidden ---


def test_403_what_is_known_and_not_allowed_is_forbidden(home: Household, client: FlaskClient) -> None:
    other = Household(client)
    answer = home.post("/tenants", json={"uuid": new_id(), "name": "Home", "user_id": other.user_id})
    assert_problem(answer, 403, "forbidden")


# --- 404 not_found ---


@every_tenant_request
def test_404_a_tenant_that_is_not_yours_is_answered_byte_for_byte_as_an_unknown_one(
    home: Household, client: FlaskClient, ask: Ask
) -> None:
    others, deleted = Household(client).create(), Household(client).create()
    remove(deleted)
    answers = [ask(home, tenant_id) for tenant_id in (new_id(), "no-uuid", others.tenant_id, deleted.tenant_id)]
    for answer in answers:
        assert_problem(answer, 404, "not_found")
        assert everything(answer) == everything(answers[0])
    assert others.pull()["changes"] == []


def test_404_an_unknown_route_is_not_found(home: Household) -> None:
    assert_problem(home.get("/sync/nothing"), 404, "not_found")


# --- 405, 406, 415: as usual ---


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/sync/changes", "POST"), ("POST", "/sync/changes/x", "GET"), ("DELETE", "/sync/initial/x", "GET")],
)
def test_405_comes_with_allow(home: Household, method: str, path: str, allowed: str) -> None:
    answer = home.request(method, path)
    assert_problem(answer, 405, "method_not_allowed")
    assert allowed in {each.strip() for each in answer.headers["Allow"].split(",")}


@pytest.mark.parametrize("name", ["pull", "initial", "push"])
def test_406_names_the_media_types_served(home: Household, name: str) -> None:
    paths = {"pull": f"/sync/changes/{home.tenant_id}", "initial": f"/sync/initial/{home.tenant_id}"}
    body = {"tenant_id": home.tenant_id, "changes": [change()]}
    if name == "push":
        answer = home.post("/sync/changes", json=body, headers={"Accept": "text/html"})
    else:
        answer = home.get(paths[name], headers={"Accept": "text/html"})
    problem = assert_problem(answer, 406, "not_acceptable")
    assert home.pull()["changes"] == []
    served = {"application/json"} | ({"application/x-ndjson"} if name == "initial" else set())
    assert all(media_type in str(problem) for media_type in served)


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/json;q=0.1, text/html", None])
def test_a_device_that_takes_json_in_any_way_gets_it(home: Household, accept: str | None) -> None:
    answer = home.get(f"/sync/initial/{home.tenant_id}", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_415_names_the_media_types_taken(home: Household, headers: dict[str, str]) -> None:
    answer = home.post("/sync/changes", data=b'{"changes": []}', headers=headers)
    assert "application/json" in str(assert_problem(answer, 415, "unsupported_media_type"))


# --- 409 conflict ---


def test_409_an_e_mail_that_is_taken_is_a_conflict(home: Household, client: FlaskClient) -> None:
    answer = client.post("/users", json=home.sign_up | {"uuid": new_id()})
    assert_problem(answer, 409, "conflict")


def test_409_a_uuid_that_exists_with_other_content_is_a_conflict_and_with_the_same_200(
    home: Household, client: FlaskClient
) -> None:
    tenant = {"uuid": home.tenant_id, "name": "Home"}
    assert client.post("/users", json=home.sign_up).status_code == 200
    assert home.post("/tenants", json=tenant).status_code == 200
    assert_problem(client.post("/users", json=home.sign_up | {"name": "Eve"}), 409, "conflict")
    assert_problem(home.post("/tenants", json=tenant | {"name": "Other"}), 409, "conflict")
    assert_problem(Household(client).post("/tenants", json=tenant), 409, "conflict")


# --- 410 tenant_deleted ---


@every_tenant_request
def test_410_a_deleted_tenant_is_told_to_its_members_with_the_action_stop(home: Household, ask: Ask) -> None:
    home.results(change())
    remove(home)
    assert assert_problem(ask(home, home.tenant_id), 410, "tenant_deleted")["action"] == "stop"


def test_410_a_deleted_tenants_uuid_stays_taken(home: Household) -> None:
    remove(home)
    assert_problem(home.post("/tenants", json={"uuid": home.tenant_id, "name": "Home"}), 409, "conflict")


# --- 422 invalid ---


def test_422_says_by_field_what_is_wrong_with_a_parameter(home: Household) -> None:
    answer = home.get(f"/sync/changes/{home.tenant_id}", query_string={"limit": "many"})
    assert set(assert_problem(answer, 422, "invalid")["errors"]) == {"limit"}


def test_422_says_by_field_what_is_wrong_with_an_envelope(home: Household) -> None:
    problem = assert_problem(home.push(device_id=5, limit="many", changes=None), 422, "invalid")
    assert set(problem["errors"]) == {"device_id", "limit", "changes"}
    assert all(messages and type(messages) is list for messages in problem["errors"].values())


# --- 429 and 503 ---


def test_429_too_many_failed_logins_must_slow_down(home: Household) -> None:
    for _ in range(5):
        assert_problem(home.log_in("wrong"), 401, "unauthorized")
    answer = home.log_in(PASSWORD)
    assert_problem(answer, 429, "slow_down")
    assert int(answer.headers["Retry-After"]) > 0


def assert_quarantined(answer: TestResponse) -> None:
    assert_problem(answer, 503, "quarantined")
    assert int(answer.headers["Retry-After"]) > 0


@every_sync_request
def test_503_a_file_that_is_damaged_is_quarantined(home: Household, tenant_file: TenantFile, ask: Ask) -> None:
    tenant_file.path.write_bytes(b"no database" * 1000)
    assert_quarantined(ask(home, home.tenant_id))


@every_sync_request
def test_503_a_file_that_is_missing_is_quarantined_and_not_made_again(
    home: Household, tenant_file: TenantFile, ask: Ask
) -> None:
    tenant_file.path.unlink()
    assert_quarantined(ask(home, home.tenant_id))
    assert not tenant_file.path.exists()


@every_sync_request
def test_503_a_file_that_a_newer_server_wrote_has_a_newer_schema(
    home: Household, tenant_file: TenantFile, ask: Ask
) -> None:
    home.results(change())
    tenant_file.execute("PRAGMA user_version = 99")
    answer = ask(home, home.tenant_id)
    assert_problem(answer, 503, "newer_schema")
    assert int(answer.headers["Retry-After"]) > 0


# --- /healthz ---


def test_healthz_names_protocol_server_version_the_limits_and_the_entity_types(client: FlaskClient) -> None:
    health = client.get("/healthz").get_json()
    assert (health["protocol"], health["server_version"]) == (1, __version__)
    assert health["limits"] == {
        "max_changes": 5_000,
        "max_body_bytes": 8 * 2**20,
        "max_small_body_bytes": 16 * 2**10,
        "max_import_bytes": 256 * 2**20,
        "max_change_bytes": 256 * 2**10,
        "max_depth": 32,
        "max_fields": 256,
        "max_limit": 10_000,
    }
    assert (health["login"], health["sign_up"]) == ("password", "open")
    assert health["entity_types"] == list(CATALOGUE)
