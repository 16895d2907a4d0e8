"""Section 4.3 of docs/protocol.md: what lost unseen is listed, restored or dismissed."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise.domain.times import next_milli
from harness.dump import dump
from harness.problems import assert_problem, everything
from tests.conftest import Clock
from tests.household import Household, change, new_id
from tests.tenant_file import TenantFile
from tests.test_protocol_initial import expected_digest
from tests.test_protocol_judging import T1, T2, T2_PLUS_1, T3, deletion, tag

T3_PLUS_1 = "2026-01-09T12:00:00.001Z"
MANY = 450  # conflicts: more than the server reads at once, twice

Conflict = dict[str, Any]


def listed(home: Household) -> list[Conflict]:
    answer = home.get(f"/sync/conflicts/{home.tenant_id}")
    assert (answer.status_code, answer.mimetype) == (200, "application/json"), answer.text
    conflicts: list[Conflict] = json.loads(answer.data)
    return conflicts


def decide(home: Household, conflict: Conflict, decision: str, tenant_id: str = "", **options: Any) -> TestResponse:
    path = f"/sync/conflicts/{tenant_id or home.tenant_id}/{conflict['conflict_id']}/{decision}"
    return home.post(path, **options)


def restored(home: Household, conflict: Conflict, **options: Any) -> dict[str, Any]:
    """The entity that comes back, by a client that names the version it has shown, unless `options` say otherwise."""
    seen = {"base_updated_at": conflict["entity"] and conflict["entity"]["updated_at"]}
    answer = decide(home, conflict, "restore", **options or {"json": seen})
    assert (answer.status_code, answer.mimetype) == (200, "application/json"), answer.text
    entity: dict[str, Any] = answer.get_json()
    return entity


def came_too_late(home: Household) -> Conflict:
    """The conflict of an edit of T1 that came when one of T2 was stored."""
    home.results(tag("stored", T2, created_at=T1), device_id="phone")
    home.results(tag("late", T1), device_id="laptop")
    (conflict,) = listed(home)
    return conflict


# --- The list ---


def test_a_conflict_tells_who_wrote_each_version_and_with_which_device(home: Household) -> None:
    guest = Household(home.client)
    code = home.post(f"/tenants/{home.tenant_id}/invitations", json={"role": "editor"}).get_json()["code"]
    assert guest.post("/invitations/accept", json={"code": code}).status_code == 200
    assert guest.request("PATCH", f"/users/{guest.user_id}", json={"name": "Charles"}).status_code == 200
    guest.tenant_id = home.tenant_id
    home.results(tag("stored", T2, created_at=T1), device_id="phone")
    guest.results(tag("late", T1), device_id="laptop")
    (token,) = home.get("/auth/tokens").get_json()
    assert home.request("PATCH", f"/auth/tokens/{token['id']}", json={"device_name": "Kitchen"}).status_code == 200
    for who in (home, guest):
        assert listed(who)[0]["authors"] == {
            "entity": {"user_name": "Ada", "device_name": "Kitchen"},
            "loser": {"user_name": "Charles", "device_name": "test"},
        }
    assert guest.request("DELETE", "/auth/tokens").status_code == 204
    assert listed(home)[0]["authors"]["loser"] is None


def test_who_wrote_a_version_that_names_no_device_is_unknown(home: Household) -> None:
    home.results(tag("stored", T2))
    home.results(tag("late", T1))
    assert listed(home)[0]["authors"] == {"entity": None, "loser": None}


def test_a_book_without_conflicts_has_an_empty_list(home: Household) -> None:
    home.results(tag("a", T1))
    assert listed(home) == []


def test_what_came_too_late_is_listed_beside_what_is_stored(home: Household, clock: Clock) -> None:
    home.results(tag("stored", T2, created_at=T1), device_id="phone")
    clock.forward(seconds=7)
    home.results(tag("late", T1), device_id="laptop")
    (conflict,) = listed(home)
    assert conflict.pop("conflict_id")
    assert conflict == {
        "entity_type": "tags",
        "id": "e1",
        "kept_at": clock.text,
        "reason": "older",
        "authors": {"loser": {"user_name": "Ada", "device_name": "test"}, "entity": None},
        "loser": {
            "created_at": T1,
            "updated_at": T1,
            "deleted_at": None,
            "data": {"name": "late"},
            "device_id": "laptop",
        },
        "entity": home.pull()["changes"][0],
    }


def test_what_was_overwritten_unseen_is_listed_with_who_wrote_it(home: Household) -> None:
    home.results(tag("overwritten", T2), device_id="phone")
    home.results(tag("stored", T3, base_updated_at=T1), device_id="laptop")
    (conflict,) = listed(home)
    assert conflict["reason"] == "overwritten"
    assert (conflict["loser"]["data"], conflict["loser"]["device_id"]) == ({"name": "overwritten"}, "phone")
    assert conflict["loser"]["updated_at"] == T2
    assert (conflict["entity"]["data"], conflict["entity"]["updated_at"]) == ({"name": "stored"}, T3)


def test_a_loser_of_a_device_without_a_name_says_so(home: Household) -> None:
    home.results(tag("stored", T2), tag("late", T1))
    assert listed(home)[0]["loser"]["device_id"] is None


def test_a_deletion_that_lost_is_listed_as_one(home: Household) -> None:
    home.results(tag("stored", T2, created_at=T1))
    home.results(deletion(T1))
    (conflict,) = listed(home)
    assert (conflict["loser"]["deleted_at"], conflict["loser"]["data"]) == (T1, None)
    assert conflict["entity"]["deleted_at"] is None


def test_an_edit_that_lost_to_a_deletion_is_listed_beside_the_tombstone(home: Household) -> None:
    home.results(deletion(T2))
    home.results(tag("late", T1))
    (conflict,) = listed(home)
    assert conflict["loser"]["data"] == {"name": "late"}
    assert (conflict["entity"]["deleted_at"], conflict["entity"]["data"]) == (T2, None)


def test_the_entity_is_null_once_it_was_purged(home: Household, tenant_file: TenantFile) -> None:
    came_too_late(home)
    home.results(deletion(T3, base_updated_at=T2))
    tenant_file.purge_tombstones()
    assert [conflict["entity"] for conflict in listed(home)] == [None]


def test_the_entity_is_the_version_that_is_stored_now(home: Household) -> None:
    conflict = came_too_late(home)
    home.results(tag("newer", T3, base_updated_at=T2))
    (now,) = listed(home)
    assert now["entity"]["data"] == {"name": "newer"}
    assert {**now, "entity": None} == {**conflict, "entity": None}


def test_unknown_fields_of_a_loser_come_back_as_they_came(home: Household) -> None:
    data = {"name": "late", "someday": [1, {"a": None}], "\u00fc": "\u2028"}
    home.results(tag("stored", T2))
    home.results(change("e1", updated_at=T1, data=data))
    assert listed(home)[0]["loser"]["data"] == data
    assert restored(home, listed(home)[0])["data"] == data


def test_conflicts_are_listed_in_the_order_they_were_kept_each_with_a_name_of_its_own(home: Household) -> None:
    home.results(*(change(f"e{number}", updated_at=T2) for number in (2, 1, 3)))
    home.results(*(change(f"e{number}", updated_at=T1, data={"name": "late"}) for number in (3, 1, 2, 1)))
    conflicts = listed(home)
    assert [conflict["id"] for conflict in conflicts] == ["e3", "e1", "e2", "e1"]
    assert len({conflict["conflict_id"] for conflict in conflicts}) == 4


def test_the_list_is_for_json_only(home: Household) -> None:
    answer = home.get(f"/sync/conflicts/{home.tenant_id}", headers={"Accept": "text/csv"})
    assert_problem(answer, 406, "not_acceptable")


# --- A long list ---


@pytest.fixture
def many(home: Household) -> list[str]:
    """The ids of entities that each have a conflict, in the order they were kept."""
    ids = [f"e{number:03}" for number in range(MANY)]
    home.results(*(change(each, updated_at=T2) for each in ids))
    home.results(*(change(each, updated_at=T1, data={"name": f"late {each}"}) for each in ids))
    return ids


def is_held_open(tenant_file: TenantFile) -> bool:
    """Whether somebody still reads an older state of the file: then its log cannot be emptied.

    A thread writes it back after large pushes, which looks the same from here. So the file is locked against that.
    """
    where = f"{tenant_file.path.as_uri()}?mode=rw"
    with tenant_file.locked(), closing(sqlite3.connect(where, uri=True, timeout=0)) as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return bool(busy)


def test_a_long_list_is_whole(home: Household, many: list[str]) -> None:
    conflicts = listed(home)
    assert [conflict["id"] for conflict in conflicts] == many
    assert [conflict["loser"]["data"]["name"] for conflict in conflicts] == [f"late {each}" for each in many]


def test_a_long_list_is_of_one_moment_and_lets_go_of_the_file_afterwards(
    home: Household, many: list[str], tenant_file: TenantFile
) -> None:
    whole = listed(home)
    answer = home.get(f"/sync/conflicts/{home.tenant_id}")
    pieces = iter(answer.iter_encoded())
    text = next(pieces)
    for conflict in whole[-3:]:
        assert decide(home, conflict, "dismiss").status_code == 204
    assert is_held_open(tenant_file)
    text += b"".join(pieces)
    answer.close()
    assert json.loads(text) == whole
    assert not is_held_open(tenant_file)
    assert listed(home) == whole[:-3]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_list_that_nobody_reads_to_its_end_lets_go_of_the_file(
    home: Household, many: list[str], tenant_file: TenantFile, method: str
) -> None:
    answer = home.request(method, f"/sync/conflicts/{home.tenant_id}")
    assert answer.status_code == 200
    if method == "GET":
        next(iter(answer.iter_encoded()))
        home.results(change("other"))
    answer.close()
    home.results(change("another"))
    assert not is_held_open(tenant_file)


# --- Restoring ---


def test_restoring_brings_the_loser_back_a_millisecond_after_the_stored_version(home: Household) -> None:
    entity = restored(home, came_too_late(home))
    assert (entity["updated_at"], entity["data"], entity["deleted_at"]) == (T2_PLUS_1, {"name": "late"}, None)
    assert entity["created_at"] == T1
    assert entity == home.pull()["changes"][0]


def test_what_was_overwritten_comes_back_after_what_overwrote_it(home: Household) -> None:
    home.results(tag("overwritten", T2))
    home.results(tag("stored", T3, base_updated_at=None))
    entity = restored(home, listed(home)[0])
    assert (entity["updated_at"], entity["data"]) == (T3_PLUS_1, {"name": "overwritten"})


def test_restoring_reaches_the_other_devices_by_their_next_pull(home: Household, clock: Clock) -> None:
    conflict = came_too_late(home)
    since = home.pull()["next_since"]
    clock.forward(seconds=1)
    entity = restored(home, conflict)
    page = home.pull(since)
    assert page["changes"] == [entity]
    assert page["next_since"] > since
    assert page["digest"] == expected_digest(home)


def test_a_restored_version_is_of_the_device_that_wrote_it_and_of_this_moment(
    home: Household, tenant_file: TenantFile, clock: Clock
) -> None:
    conflict = came_too_late(home)
    clock.forward(seconds=1)
    restored(home, conflict)
    stored = tenant_file.version("e1")
    assert (stored["device_id"], stored["stamp"]) == ("laptop", clock.now)


def test_a_deletion_that_lost_deletes_when_it_is_restored(home: Household) -> None:
    home.results(tag("stored", T2))
    home.results(deletion(T1))
    entity = restored(home, listed(home)[0])
    assert (entity["data"], entity["deleted_at"], entity["updated_at"]) == (None, T2_PLUS_1, T2_PLUS_1)
    assert home.initial()["changes"] == []
    assert home.pull()["digest"] == expected_digest(home)


def test_an_edit_that_lost_to_a_deletion_lives_again_when_it_is_restored(home: Household) -> None:
    home.results(deletion(T2))
    home.results(tag("late", T1))
    entity = restored(home, listed(home)[0])
    assert (entity["data"], entity["deleted_at"], entity["updated_at"]) == ({"name": "late"}, None, T2_PLUS_1)
    assert home.pull()["digest"] == expected_digest(home)


def test_a_loser_whose_entity_was_purged_comes_back_later_than_the_horizon(
    home: Household, tenant_file: TenantFile, clock: Clock
) -> None:
    came_too_late(home)
    home.results(deletion(T3, base_updated_at=T2))
    tenant_file.purge_tombstones()
    entity = restored(home, listed(home)[0], json={"base_updated_at": None})
    assert (entity["data"], entity["updated_at"]) == ({"name": "late"}, next_milli(clock.text))
    assert home.initial()["changes"] == [entity]


def test_what_a_restored_version_replaces_was_seen_and_is_not_kept(home: Household) -> None:
    restored(home, came_too_late(home))
    assert listed(home) == []


def test_restoring_one_of_several_leaves_the_others(home: Household) -> None:
    home.results(tag("stored", T3))
    home.results(tag("one", T1), tag("two", T2))
    one, two = listed(home)
    restored(home, one)
    (left,) = listed(home)
    assert (left["conflict_id"], left["loser"]) == (two["conflict_id"], two["loser"])
    assert restored(home, left)["data"] == {"name": "two"}


def test_an_edit_on_top_of_what_was_restored_is_no_conflict(home: Household) -> None:
    entity = restored(home, came_too_late(home))
    (result,) = home.results(tag("next", T1, base_updated_at=entity["updated_at"]))
    assert result["status"] == "applied"
    assert listed(home) == []


def test_an_edit_that_did_not_know_what_was_restored_is_a_conflict_again(home: Household) -> None:
    restored(home, came_too_late(home))
    (result,) = home.results(tag("unaware", T3, base_updated_at=T2))
    assert result["status"] == "applied"
    assert [conflict["loser"]["data"] for conflict in listed(home)] == [{"name": "late"}]


def test_the_lost_change_pushed_again_is_not_kept_again_after_it_was_restored(home: Household) -> None:
    home.results(tag("stored", T2))
    home.results(late := tag("late", T1))
    restored(home, listed(home)[0])
    (again,) = home.results(late)
    assert (again["status"], listed(home)) == ("superseded", [])


# --- What the person has seen ---


def test_restoring_what_was_compared_with_the_stored_version_is_done(home: Household) -> None:
    conflict = came_too_late(home)
    seen = conflict["entity"]["updated_at"]
    assert restored(home, conflict, json={"base_updated_at": seen})["updated_at"] == T2_PLUS_1


def test_the_time_of_what_was_seen_may_be_written_in_another_way(home: Household) -> None:
    conflict = came_too_late(home)
    assert restored(home, conflict, json={"base_updated_at": "2026-01-09T12:00:00+01:00"})["updated_at"] == T2_PLUS_1


def test_restoring_what_was_compared_with_another_version_is_refused_and_nothing_changes(
    home: Household, tenant_file: TenantFile
) -> None:
    conflict = came_too_late(home)
    home.results(tag("newer", T3, base_updated_at=T2))
    before = dump(tenant_file.path)
    answer = decide(home, conflict, "restore", json={"base_updated_at": conflict["entity"]["updated_at"]})
    assert_problem(answer, 409, "conflict")
    assert dump(tenant_file.path) == before
    assert [each["conflict_id"] for each in listed(home)] == [conflict["conflict_id"]]


def test_restoring_what_was_compared_with_a_version_that_is_purged_since_is_refused(
    home: Household, tenant_file: TenantFile
) -> None:
    conflict = came_too_late(home)
    home.results(deletion(T3, base_updated_at=T2))
    tenant_file.purge_tombstones()
    assert_problem(decide(home, conflict, "restore", json={"base_updated_at": T2}), 409, "conflict")


def test_restoring_where_nothing_was_stored_is_refused_once_something_is(
    home: Household, tenant_file: TenantFile
) -> None:
    came_too_late(home)
    home.results(deletion(T3, base_updated_at=T2))
    tenant_file.purge_tombstones()
    (conflict,) = listed(home)
    assert conflict["entity"] is None
    home.results(tag("new", T3_PLUS_1))
    answer = decide(home, conflict, "restore", json={"base_updated_at": None})
    assert_problem(answer, 409, "conflict")
    assert home.initial()["changes"][0]["data"] == {"name": "new"}


@pytest.mark.parametrize("options", [{}, {"json": {}}, {"data": b""}, {"json": {"other": 1}}])
def test_who_does_not_say_what_was_seen_restores_on_top_of_whatever_is_stored_and_that_is_kept(
    home: Household, options: dict[str, Any]
) -> None:
    conflict = came_too_late(home)
    home.results(tag("newer", T3, base_updated_at=T2), device_id="tablet")
    answer = decide(home, conflict, "restore", **options)
    assert (answer.status_code, answer.get_json()["updated_at"]) == (200, T3_PLUS_1)
    (kept,) = listed(home)
    assert (kept["reason"], kept["loser"]["data"], kept["loser"]["device_id"]) == (
        "overwritten",
        {"name": "newer"},
        "tablet",
    )
    assert kept["conflict_id"] != conflict["conflict_id"]


def test_the_same_content_restored_without_saying_what_was_seen_is_not_kept(home: Household) -> None:
    conflict = came_too_late(home)
    home.results(tag("late", T3, base_updated_at=T2))
    assert decide(home, conflict, "restore").status_code == 200
    assert listed(home) == []


@pytest.mark.parametrize(
    "body",
    [
        *('"x"', "[]", "null", "7", "{", '{"base_updated_at": 7}', '{"base_updated_at": "yesterday"}'),
        '{"base_updated_at": null, "base_updated_at": null}',
        '{"base_updated_at": "2026-01-09T11:00:00"}',
        '{"other": NaN}',
    ],
)
def test_a_wrong_body_is_refused_and_nothing_changes(home: Household, tenant_file: TenantFile, body: str) -> None:
    conflict = came_too_late(home)
    before = dump(tenant_file.path)
    answer = decide(home, conflict, "restore", data=body, content_type="application/json")
    assert_problem(answer, 422, "invalid")
    assert dump(tenant_file.path) == before


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_that_does_not_say_it_is_json_is_refused(
    home: Household, tenant_file: TenantFile, content_type: str | None
) -> None:
    conflict = came_too_late(home)
    before = dump(tenant_file.path)
    answer = decide(home, conflict, "restore", data=b"{}", content_type=content_type)
    assert_problem(answer, 415, "unsupported_media_type")
    assert dump(tenant_file.path) == before


def test_restoring_is_answered_in_json_or_not_done(home: Household, tenant_file: TenantFile) -> None:
    conflict = came_too_late(home)
    before = dump(tenant_file.path)
    assert_problem(decide(home, conflict, "restore", headers={"Accept": "text/html"}), 406, "not_acceptable")
    assert dump(tenant_file.path) == before


# --- Dismissing ---


def book_without_counts(tenant_file: TenantFile) -> list[dict[str, Any]]:
    """The row of the book, without the numbers of conflicts and of writes, and the checksum over them."""
    return [
        {name: value for name, value in row.items() if name not in ("conflicts", "writes", "checksum")}
        for row in tenant_file.rows("SELECT * FROM sync_book")
    ]


def test_dismissing_forgets_the_loser_and_changes_nothing_else(home: Household, tenant_file: TenantFile) -> None:
    conflict = came_too_late(home)
    before, page, book = dump(tenant_file.path), home.pull(), book_without_counts(tenant_file)
    answer = decide(home, conflict, "dismiss")
    assert (answer.status_code, answer.data) == (204, b"")
    assert (listed(home), home.pull()) == ([], page)
    after = dump(tenant_file.path)
    assert after["sync_conflicts"] == []
    changed = {"sync_conflicts": 0, "sync_book": 0}  # the book counts its conflicts and what is written
    assert {**after, **changed} == {**before, **changed}
    assert book_without_counts(tenant_file) == book


def test_a_lost_change_that_was_dismissed_is_not_kept_again_when_it_is_pushed_again(home: Household) -> None:
    home.results(tag("stored", T2))
    home.results(late := tag("late", T1))
    decide(home, listed(home)[0], "dismiss")
    assert [result["status"] for result in home.results(late)] == ["superseded"]
    assert listed(home) == []


# --- Conflicts that there are not ---


@pytest.mark.parametrize("decision", ["restore", "dismiss"])
@pytest.mark.parametrize("first", ["restore", "dismiss"])
def test_a_conflict_is_decided_once(home: Household, first: str, decision: str) -> None:
    conflict = came_too_late(home)
    assert decide(home, conflict, first).status_code in (200, 204)
    before = home.pull()
    assert_problem(decide(home, conflict, decision), 404, "not_found")
    assert home.pull() == before


@pytest.mark.parametrize("decision", ["restore", "dismiss"])
@pytest.mark.parametrize("conflict_id", ["0", "x" * 500, "'", "%00", "\u00fc", "1", "-1"])
def test_an_unknown_conflict_is_not_found(home: Household, decision: str, conflict_id: str) -> None:
    came_too_late(home)
    assert_problem(decide(home, {"conflict_id": conflict_id}, decision), 404, "not_found")
    assert len(listed(home)) == 1


@pytest.mark.parametrize("decision", ["restore", "dismiss"])
def test_a_conflict_is_reached_by_no_other_tenants_name(home: Household, decision: str) -> None:
    conflict, other = came_too_late(home), new_id()
    home.post("/tenants", json={"uuid": other, "name": "Cabin"})
    assert_problem(decide(home, conflict, decision, other), 404, "not_found")
    assert len(listed(home)) == 1


@pytest.mark.parametrize("decision", ["restore", "dismiss"])
def test_the_conflict_of_another_household_answers_like_an_unknown_one(
    home: Household, client: FlaskClient, decision: str
) -> None:
    conflict = came_too_late(home)
    eve = Household(client).create()
    others = decide(eve, conflict, decision, home.tenant_id)
    assert_problem(others, 404, "not_found")
    assert everything(others) == everything(decide(eve, {"conflict_id": "0"}, decision, new_id()))
    assert len(listed(home)) == 1
