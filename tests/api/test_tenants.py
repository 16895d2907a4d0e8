"""Account books: made, renamed, deleted; and what others see of them: nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise.config import Settings
from harness.dump import dump
from harness.problems import assert_problem, everything
from tests.conftest import Clock
from tests.household import Household, change, new_id

Ask = Callable[[Household, str], TestResponse]

# Every way to ask for a tenant; test_matrix.py makes sure that no route is missing from such a list.
ASKED: dict[str, Ask] = {
    "read": lambda who, tenant: who.get(f"/tenants/{tenant}"),
    "head": lambda who, tenant: who.request("HEAD", f"/tenants/{tenant}"),
    "rename": lambda who, tenant: who.request("PATCH", f"/tenants/{tenant}", json={"name": "Mine"}),
    "delete": lambda who, tenant: who.request("DELETE", f"/tenants/{tenant}"),
    "push": lambda who, tenant: who.post("/sync/changes", json={"tenant_id": tenant, "changes": [change()]}),
    "push nothing": lambda who, tenant: who.post("/sync/changes", json={"tenant_id": tenant, "changes": []}),
    "push by header": lambda who, tenant: who.post(
        "/sync/changes", json={"changes": [change()]}, headers={"X-Tenant-ID": tenant}
    ),
    "push and pull": lambda who, tenant: who.post(
        "/sync/changes", json={"tenant_id": tenant, "since": "1970-01-01T00:00:00.000000Z~0", "changes": [change()]}
    ),
    "pull": lambda who, tenant: who.get(f"/sync/changes/{tenant}"),
    "pull with a cursor": lambda who, tenant: who.get(
        f"/sync/changes/{tenant}?since=1970-01-01T00:00:00.000000Z~0&entity_types=tags&limit=1"
    ),
    "head of a pull": lambda who, tenant: who.request("HEAD", f"/sync/changes/{tenant}"),
    "pull if none match": lambda who, tenant: who.get(f"/sync/changes/{tenant}", headers={"If-None-Match": "*"}),
    "initial": lambda who, tenant: who.get(f"/sync/initial/{tenant}"),
    "initial as lines": lambda who, tenant: who.get(
        f"/sync/initial/{tenant}", headers={"Accept": "application/x-ndjson"}
    ),
    "initial with the header": lambda who, tenant: who.get(f"/sync/initial/{tenant}", headers={"X-Tenant-ID": tenant}),
    "conflicts": lambda who, tenant: who.get(f"/sync/conflicts/{tenant}"),
    "restore a conflict": lambda who, tenant: who.post(f"/sync/conflicts/{tenant}/{'0' * 32}/restore"),
    "dismiss a conflict": lambda who, tenant: who.post(f"/sync/conflicts/{tenant}/{'0' * 32}/dismiss"),
    "devices": lambda who, tenant: who.get(f"/tenants/{tenant}/devices"),
    "export": lambda who, tenant: who.get(f"/tenants/{tenant}/export"),
    "export as JSON": lambda who, tenant: who.get(f"/tenants/{tenant}/export", headers={"Accept": "application/json"}),
    "head of an export": lambda who, tenant: who.request("HEAD", f"/tenants/{tenant}/export"),
}


def file_of(settings: Settings, tenant_id: str) -> Path:
    return Path(settings.tenant_databases, f"tenant_{tenant_id}.db")


def create(who: Household, tenant_id: str, name: str = "Home", **more: Any) -> TestResponse:
    return who.post("/tenants", json={"uuid": tenant_id, "name": name, **more})


def record(home: Household, tenant_id: str, name: str, created_at: str, updated_at: str) -> dict[str, str]:
    owned = {"uuid": tenant_id, "name": name, "user_id": home.user_id, "role": "owner"}
    return {**owned, "created_at": created_at, "updated_at": updated_at}


def test_creating_a_tenant_answers_201_with_its_record(home: Household, clock: Clock) -> None:
    tenant_id = new_id()
    answer = create(home, tenant_id, "Cabin")
    assert answer.status_code == 201
    assert answer.json == record(home, tenant_id, "Cabin", clock.text, clock.text)
    assert home.get(f"/tenants/{tenant_id}").json == answer.json


def test_creating_a_tenant_makes_its_file_at_once_without_any_table(home: Household, settings: Settings) -> None:
    path = file_of(settings, home.tenant_id)
    assert path.is_file()
    assert dump(path) == {"schema": [], "application_id": [(0x46694E57,)], "user_version": [(0,)]}


def test_only_the_tenant_asked_for_gets_a_file(home: Household, settings: Settings) -> None:
    for ask in ASKED.values():
        ask(home, new_id())
    assert [path.name for path in Path(settings.tenant_databases).glob("*.db")] == [f"tenant_{home.tenant_id}.db"]


@pytest.mark.parametrize("more", [{}, {"user_id": None}, {"user_id": "mine"}, {"user_id": "MINE"}])
def test_creating_the_same_again_answers_200_with_the_same_body(
    home: Household, clock: Clock, more: dict[str, Any]
) -> None:
    created = clock.text
    clock.forward(seconds=60)
    mine = {"mine": home.user_id, "MINE": home.user_id.upper(), None: None}
    given: dict[str, Any] = {name: mine[value] for name, value in more.items()}
    answer = create(home, home.tenant_id, **given)
    assert answer.status_code == 200
    assert answer.json == record(home, home.tenant_id, "Home", created, created)


def test_creating_the_same_again_keeps_what_is_in_it(home: Household) -> None:
    home.results(change("t1"))
    assert create(home, home.tenant_id).status_code == 200
    assert [entity["id"] for entity in home.initial()["changes"]] == ["t1"]


def test_what_was_first_posted_is_a_conflict_once_a_patch_has_changed_it(home: Household) -> None:
    first = {"uuid": home.tenant_id, "name": "Home"}
    assert home.post("/tenants", json=first).status_code == 200
    assert home.request("PATCH", f"/tenants/{home.tenant_id}", json={"name": "Ours"}).status_code == 200
    assert_problem(home.post("/tenants", json=first), 409, "conflict")
    assert home.post("/tenants", json=first | {"name": "Ours"}).status_code == 200
    assert home.request("PATCH", f"/users/{home.user_id}", json={"name": "Ada L."}).status_code == 200
    assert_problem(home.client.post("/users", json=home.sign_up), 409, "conflict")
    assert home.client.post("/users", json=home.sign_up | {"name": "Ada L."}).status_code == 200


def test_a_known_uuid_with_another_name_is_a_conflict(home: Household) -> None:
    assert_problem(create(home, home.tenant_id, "Cabin"), 409, "conflict")
    assert home.get(f"/tenants/{home.tenant_id}").get_json()["name"] == "Home"


def test_a_known_uuid_of_another_owner_is_a_conflict_that_tells_nothing(home: Household) -> None:
    eve = Household(home.client)
    same_name, other_name = create(eve, home.tenant_id, "Home"), create(eve, home.tenant_id, "Cabin")
    assert_problem(same_name, 409, "conflict")
    assert everything(same_name) == everything(other_name)
    assert home.user_id not in same_name.text
    assert eve.get("/tenants").json == []
    assert home.get(f"/tenants/{home.tenant_id}").get_json()["user_id"] == home.user_id


def test_a_tenant_is_not_created_for_somebody_else(home: Household) -> None:
    eve, tenant_id = Household(home.client), new_id()
    known, unknown = create(home, tenant_id, user_id=eve.user_id), create(home, tenant_id, user_id=new_id())
    assert_problem(known, 403, "forbidden")
    assert everything(known) == everything(unknown)
    assert create(eve, tenant_id).status_code == 201


@pytest.mark.parametrize("column", ["state", "created_at", "id", "owner", "seq"])
def test_nobody_sets_what_the_server_alone_decides(home: Household, column: str) -> None:
    assert_problem(create(home, new_id(), **{column: "x"}), 422, "invalid")
    renaming = {"name": "Cabin", column: "x"}
    assert_problem(home.request("PATCH", f"/tenants/{home.tenant_id}", json=renaming), 422, "invalid")
    assert home.get(f"/tenants/{home.tenant_id}").get_json()["name"] == "Home"


def test_a_tenant_is_not_given_to_another_owner_or_uuid_by_renaming_it(home: Household) -> None:
    eve = Household(home.client)
    for more in ({"user_id": eve.user_id}, {"uuid": new_id()}):
        answer = home.request("PATCH", f"/tenants/{home.tenant_id}", json={"name": "Home", **more})
        assert_problem(answer, 422, "invalid")


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 201, "a\u0000b", 1, None, ["Home"], ...])
def test_a_name_is_one_line_of_at_most_200_characters(home: Household, name: Any) -> None:
    body = {"uuid": new_id()} | ({} if name is ... else {"name": name})
    assert_problem(home.post("/tenants", json=body), 422, "invalid")
    body.pop("uuid")
    assert_problem(home.request("PATCH", f"/tenants/{home.tenant_id}", json=body), 422, "invalid")


def test_the_list_is_ones_own_tenants_oldest_first(client: FlaskClient, clock: Clock) -> None:
    ada, eve = Household(client), Household(client).create()
    made = sorted((new_id() for _ in range(4)), reverse=True)  # so that no order of ids can pass for one of time
    expected = []
    for tenant_id in made:
        expected.append(record(ada, tenant_id, f"book {tenant_id}", clock.text, clock.text))
        create(ada, tenant_id, f"book {tenant_id}")
        clock.forward(seconds=1)
    assert ada.get("/tenants").json == expected
    assert [tenant["uuid"] for tenant in eve.get("/tenants").get_json()] == [eve.tenant_id]


def test_tenants_of_one_moment_are_listed_in_one_order(home: Household) -> None:
    made = [home.tenant_id, *(new_id() for _ in range(3))]
    for tenant_id in made:
        create(home, tenant_id)
    assert [tenant["uuid"] for tenant in home.get("/tenants").get_json()] == sorted(made)


def test_the_list_is_restricted_to_an_owner(home: Household) -> None:
    eve = Household(home.client).create()
    for user_id in (home.user_id, home.user_id.upper()):
        listed = home.get("/tenants", query_string={"user_id": user_id}).get_json()
        assert [tenant["uuid"] for tenant in listed] == [home.tenant_id]
    for user_id in (eve.user_id, new_id()):
        assert home.get("/tenants", query_string={"user_id": user_id}).json == []
    assert_problem(home.get("/tenants", query_string={"user_id": "me"}), 422, "invalid")


def test_a_tenant_is_renamed(home: Household, clock: Clock) -> None:
    created = clock.text
    clock.forward(seconds=60)
    answer = home.request("PATCH", f"/tenants/{home.tenant_id}", json={"name": "Cabin"})
    assert answer.status_code == 200
    assert answer.json == record(home, home.tenant_id, "Cabin", created, clock.text)
    assert home.get("/tenants").json == [answer.json]


def test_renaming_keeps_what_is_in_it(home: Household) -> None:
    home.results(change("t1"))
    home.request("PATCH", f"/tenants/{home.tenant_id}", json={"name": "Cabin"})
    assert [entity["id"] for entity in home.initial()["changes"]] == ["t1"]


def test_deleting_a_tenant_answers_204_without_a_body(home: Household) -> None:
    answer = home.request("DELETE", f"/tenants/{home.tenant_id}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert home.get("/tenants").json == []


def test_a_deleted_tenant_tells_its_owner_to_stop(home: Household) -> None:
    home.results(change())
    home.request("DELETE", f"/tenants/{home.tenant_id}")
    for way, ask in ASKED.items():
        answer = ask(home, home.tenant_id)
        assert answer.status_code == 410, way
        if answer.request.method != "HEAD":
            assert assert_problem(answer, 410, "tenant_deleted")["action"] == "stop"


def test_a_deleted_tenant_answers_others_like_an_unknown_one(home: Household) -> None:
    home.request("DELETE", f"/tenants/{home.tenant_id}")
    eve = Household(home.client)
    for way, ask in ASKED.items():
        answer = ask(eve, home.tenant_id)
        assert answer.status_code == 404, way
        assert everything(answer) == everything(ask(eve, new_id())), way


def test_the_tenant_of_another_answers_like_an_unknown_one(home: Household) -> None:
    home.results(change())
    eve = Household(home.client).create()
    for way, ask in ASKED.items():
        others = ask(eve, home.tenant_id)
        assert others.status_code == 404, way
        assert everything(others) == everything(ask(eve, new_id())), way


def test_asking_for_the_tenant_of_another_changes_nothing_in_it(home: Household, settings: Settings) -> None:
    home.results(change("t1"))
    eve = Household(home.client)
    path = file_of(settings, home.tenant_id)
    before = dump(path)
    for ask in ASKED.values():
        assert ask(eve, home.tenant_id).status_code == 404
    assert dump(path) == before
    assert home.get(f"/tenants/{home.tenant_id}").get_json()["name"] == "Home"


def test_the_uuid_of_a_deleted_tenant_stays_taken(home: Household) -> None:
    home.request("DELETE", f"/tenants/{home.tenant_id}")
    eve = Household(home.client)
    for who in (home, eve):
        assert_problem(create(who, home.tenant_id), 409, "conflict")
    assert home.get("/tenants").json == []


def test_a_deleted_tenants_file_is_in_the_trash_and_nowhere_else(home: Household, settings: Settings) -> None:
    home.results(change("t1"))
    home.request("DELETE", f"/tenants/{home.tenant_id}")
    folder = Path(settings.tenant_databases)
    (file,) = folder.rglob("*.db*")
    assert file == folder / "trash" / f"20260110T120000.000000Z_deleted_tenant_{home.tenant_id}.db"
    trashed = dump(file)
    assert trashed["application_id"] == [(0x46694E58,)]
    assert '"id":"t1"' in str(trashed["sync_entities"][0])


def test_deleting_one_tenant_leaves_the_others(home: Household) -> None:
    kept, eve = new_id(), Household(home.client).create()
    create(home, kept)
    home.request("DELETE", f"/tenants/{home.tenant_id}")
    assert [tenant["uuid"] for tenant in home.get("/tenants").get_json()] == [kept]
    assert home.get(f"/sync/initial/{kept}").status_code == 200
    assert eve.initial()["changes"] == []


def test_a_book_is_reached_by_no_other_tenants_name(home: Household) -> None:
    other = new_id()
    create(home, other)
    home.results(change("t1"))
    assert home.get(f"/sync/initial/{other}").get_json()["changes"] == []


@pytest.mark.parametrize("named", ["body", "header"])
def test_one_request_does_not_name_two_tenants(home: Household, named: str) -> None:
    other = new_id()
    create(home, other)
    body, header = (other, home.tenant_id) if named == "body" else (home.tenant_id, other)
    answer = home.post(
        "/sync/changes", json={"tenant_id": body, "changes": [change()]}, headers={"X-Tenant-ID": header}
    )
    assert_problem(answer, 400, "bad_request")
    for path in ("/sync/changes", "/sync/initial"):
        answer = home.get(f"{path}/{home.tenant_id}", headers={"X-Tenant-ID": other})
        assert_problem(answer, 400, "bad_request")
    assert home.initial()["changes"] == []
