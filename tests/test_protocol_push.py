"""Section 2 of docs/protocol.md, sentence by sentence: the envelope of a push and its answer.

What is wrong with single changes is in test_protocol_rejected.py, how they are judged in test_protocol_judging.py.
"""

import json
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask

from finwise import __version__, create_app
from finwise.config import Settings
from finwise.domain.times import micros_text
from finwise.store.book import Book
from tests.conftest import Clock
from tests.household import Household, change, new_id
from tests.tenant_file import TenantFile

EARLY, LATE = "2026-01-09T10:00:00.000Z", "2026-01-09T11:00:00.000Z"
RESULTS_ONLY = {"protocol", "server_version", "server_time", "epoch", "results"}
LAST_PAGE = {"changes", "next_since", "has_more", "digest"}


def ids(answer: Any) -> list[str]:
    return [entity["id"] for entity in answer["changes"]]


# --- The tenant is named by the header or in the body ---


@pytest.mark.parametrize(("in_header", "in_body"), [(True, False), (False, True), (True, True)])
def test_the_tenant_is_named_by_the_header_or_in_the_body_or_both_if_they_agree(
    home: Household, in_header: bool, in_body: bool
) -> None:
    body = {"changes": [change("e1")]} | ({"tenant_id": home.tenant_id} if in_body else {})
    headers = {"X-Tenant-ID": home.tenant_id} if in_header else {}
    answer = home.post("/sync/changes", json=body, headers=headers)
    assert answer.status_code == 200
    assert ids(home.pull()) == ["e1"]


def test_a_tenant_named_differently_in_header_and_body_is_a_bad_request(home: Household) -> None:
    other = Household(home.client).create()
    answer = home.post(
        "/sync/changes",
        json={"tenant_id": home.tenant_id, "changes": [change()]},
        headers={"X-Tenant-ID": other.tenant_id},
    )
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")
    assert ids(home.pull()) == ids(other.pull()) == []


def test_a_push_that_names_no_tenant_is_a_bad_request(home: Household) -> None:
    answer = home.post("/sync/changes", json={"changes": [change()]})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")


# --- The envelope ---


def test_only_the_tenant_and_changes_with_their_name_time_and_data_or_deleted_at_are_required(home: Household) -> None:
    names = {"entity_type": "tags", "updated_at": EARLY}
    living = names | {"change_id": new_id(), "id": "living", "data": {"name": "x"}}
    dead = names | {"change_id": new_id(), "id": "dead", "deleted_at": EARLY}
    answer = home.post("/sync/changes", json={"tenant_id": home.tenant_id, "changes": [living, dead]})
    assert [result["status"] for result in answer.get_json()["results"]] == ["applied", "applied"]
    assert [entity["deleted_at"] for entity in home.pull()["changes"]] == [None, EARLY]


def test_every_member_the_page_shows_is_taken(home: Household) -> None:
    envelope = {"device_id": "c0ff", "client_time": LATE, "entity_types": ["accounts", "tags"], "limit": 1000}
    sent = change(created_at=EARLY, base_updated_at=None, deleted_at=None)
    (result,) = home.results(sent, since=home.pull()["next_since"], **envelope)
    assert result["status"] == "applied"


def test_unknown_keys_of_the_envelope_and_of_a_change_are_ignored(home: Household) -> None:
    (result,) = home.results(change("e1", mood={"new": [1]}), hurry={"new": True})
    assert result["status"] == "applied"
    assert set(home.pull()["changes"][0]) == {"entity_type", "id", "created_at", "updated_at", "deleted_at", "data"}


def test_data_is_stored_and_returned_as_it_came_unknown_fields_included(home: Household) -> None:
    data = {"zeta": [1, 1.0, {"ü": None, "a": -0.5}], "name": "Zürich \U0001f3d4 \u2028", "alpha": {}, "big": 2**53 - 1}
    body = json.dumps({"tenant_id": home.tenant_id, "changes": [change("e1", data=data)]})
    assert home.post("/sync/changes", data=body, content_type="application/json").status_code == 200
    assert repr(home.pull()["changes"][0]["data"]) == repr(data)  # repr tells 1 from 1.0, and the order of keys


def test_since_is_checked_before_anything_is_stored(home: Household, tenant_file: TenantFile) -> None:
    home.results(change("gone", data=..., deleted_at=EARLY))
    expired = home.pull()["next_since"]
    home.results(change("gone-too", data=..., deleted_at=EARLY))
    tenant_file.purge_tombstones()
    for since, status in ((expired, 410), ("2026-01-09T18:00:00.000001Z~0ther", 410), ("yesterday", 400)):
        assert home.push(change("gone"), since=since).status_code == status
    assert ids(home.initial()) == []


def test_a_push_without_since_is_one_of_a_device_that_never_synced(home: Household, tenant_file: TenantFile) -> None:
    home.results(change("gone", data=..., deleted_at=EARLY))
    tenant_file.purge_tombstones()
    assert home.results(change("e1"))[0]["status"] == "applied"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b'{"tenant_id": "TENANT"}',
        b'{"tenant_id": "TENANT", "changes": null}',
        b'{"tenant_id": "TENANT", "changes": {}}',
        b'{"tenant_id": "TENANT", "changes": [CHANGE]',
        b'{"tenant_id": "TENANT", "changes": [CHANGE]} trailing',
        b'{"tenant_id": "TENANT", "changes": [CHANGE], "changes": []}',
        b'{"tenant_id": 5, "changes": [CHANGE]}',
        b'{"tenant_id": "TENANT", "changes": [CHANGE], "device_id": 5}',
        b'{"tenant_id": "TENANT", "changes": [CHANGE], "device_id": "\\ud800"}',
        b'{"tenant_id": "TENANT", "changes": [CHANGE], "client_time": "yesterday"}',
        b'{"tenant_id": "TENANT", "changes": [CHANGE], "since": 5}',
        b'{"tenant_id": "TENANT", "changes": [CHANGE], "entity_types": "tags"}',
        b'{"tenant_id": "TENANT", "changes": [CHANGE], "entity_types": [5]}',
        b'{"tenant_id": "TENANT", "changes": [CHANGE], "limit": 0}',
        b'{"tenant_id": "TENANT", "changes": [CHANGE], "limit": 10001}',
    ],
)
def test_a_body_that_is_not_json_or_whose_envelope_is_wrong_is_refused_and_nothing_stored(
    home: Household, body: bytes
) -> None:
    body = body.replace(b"TENANT", home.tenant_id.encode()).replace(b"CHANGE", json.dumps(change()).encode())
    answer = home.post(
        "/sync/changes", data=body, content_type="application/json", headers={"X-Tenant-ID": home.tenant_id}
    )
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")
    assert ids(home.pull()) == []


# --- The answer ---


def test_the_answer_names_protocol_server_version_server_time_and_epoch(home: Household, clock: Clock) -> None:
    answer = home.push(change()).get_json()
    assert set(answer) == RESULTS_ONLY
    assert (answer["protocol"], answer["server_version"], answer["server_time"]) == (1, __version__, clock.text)
    assert answer["epoch"] == home.pull()["epoch"]


def test_changes_next_since_and_has_more_are_there_only_when_the_request_had_since(home: Household) -> None:
    assert set(home.push(change()).get_json()) == RESULTS_ONLY
    answer = home.push(change(), since=home.pull()["next_since"]).get_json()
    assert set(answer) == RESULTS_ONLY | LAST_PAGE
    assert answer["has_more"] is False


def test_changes_is_what_others_stored_after_since(home: Household) -> None:
    home.results(change("known"))
    since = home.pull()["next_since"]
    home.results(change("foreign"), change("dead", data=..., deleted_at=EARLY))
    answer = home.push(change("own"), since=since).get_json()
    assert answer["changes"] == home.pull(since)["changes"][:2]
    assert ids(answer) == ["foreign", "dead"]


def test_what_this_very_push_stored_or_found_unchanged_is_not_echoed(home: Household) -> None:
    since = home.pull()["next_since"]
    repeated = change("repeated")
    home.results(repeated, change("foreign"))
    answer = home.push(repeated, change("new"), since=since).get_json()
    assert [result["status"] for result in answer["results"]] == ["unchanged", "applied"]
    assert ids(answer) == ["foreign"]
    assert ids(home.pull(answer["next_since"])) == []


def test_a_version_that_superseded_a_change_of_this_push_is_among_its_changes(home: Household) -> None:
    since = home.pull()["next_since"]
    home.results(change("e1", updated_at=LATE))
    answer = home.push(change("e1", updated_at=EARLY, data={"name": "older"}), since=since).get_json()
    assert answer["changes"] == [answer["results"][0]["entity"]]


def test_what_is_not_echoed_does_not_count_towards_the_limit(home: Household) -> None:
    since = home.pull()["next_since"]
    repeated = [change(), change()]
    home.results(*repeated, change("foreign"))
    answer = home.push(*repeated, since=since, limit=1).get_json()
    assert (ids(answer), answer["has_more"]) == (["foreign"], False)


def test_limit_and_has_more_page_the_answer_of_a_push_as_they_do_a_pull(home: Household) -> None:
    since = home.pull()["next_since"]
    home.results(change("f1"), change("f2"))
    answer = home.push(change("own"), since=since, limit=1).get_json()
    assert set(answer) == RESULTS_ONLY | LAST_PAGE - {"digest"}
    assert (ids(answer), answer["has_more"]) == (["f1"], True)
    assert ids(home.pull(answer["next_since"])) == ["f2", "own"]


def test_entity_types_restricts_the_changes_of_a_push_and_unknown_names_are_ignored(home: Household) -> None:
    since = home.pull()["next_since"]
    home.results(change("t1"), change("r1", entity_type="recipients"))
    answer = home.push(change("own"), since=since, entity_types=["recipients", "robots"]).get_json()
    assert (ids(answer), set(answer["digest"])) == (["r1"], {"recipients"})
    assert answer["results"][0]["status"] == "applied"


def test_a_push_that_only_pulls_is_a_pull(home: Household) -> None:
    since = home.pull()["next_since"]
    home.results(change())
    pulled, pushed = home.pull(since), home.push(since=since).get_json()
    assert pushed == pulled | {"results": []}


def test_next_since_of_a_push_is_the_tenants_latest_stamp(home: Household, tenant_file: TenantFile) -> None:
    answer = home.push(change(), change(), since=home.pull()["next_since"]).get_json()
    assert answer["next_since"] == f"{micros_text(tenant_file.last_stamp())}~{answer['epoch']}"


# --- The statuses ---


def test_applied_answers_the_stored_updated_at(home: Household) -> None:
    sent = change(created_at=EARLY, updated_at=LATE)
    assert home.results(sent) == [{"change_id": sent["change_id"], "status": "applied", "updated_at": LATE}]


@pytest.mark.parametrize("created_at", [..., None, "2026-01-09T11:00:00Z", "2026-01-09T12:00:00.000+01:00"])
def test_applied_answers_the_stored_created_at_where_it_differs_from_the_one_sent(
    home: Household, created_at: object
) -> None:
    sent = change(created_at=created_at, updated_at=LATE)
    expected = {"change_id": sent["change_id"], "status": "applied", "updated_at": LATE, "created_at": LATE}
    assert home.results(sent) == [expected]


def test_unchanged_answers_the_stored_updated_at(home: Household, clock: Clock) -> None:
    sent = change(created_at=EARLY, updated_at="2027-01-01T00:00:00.000Z")
    stored = clock.text
    home.results(sent)
    clock.forward(days=1)
    assert home.results(sent) == [{"change_id": sent["change_id"], "status": "unchanged", "updated_at": stored}]


def test_superseded_answers_the_stored_version_as_entity(home: Household) -> None:
    home.results(change("e1", updated_at=LATE, data={"name": "newer"}))
    loser = change("e1", updated_at=EARLY)
    expected: dict[str, Any] = {
        "entity_type": "tags",
        "id": "e1",
        "created_at": LATE,
        "updated_at": LATE,
        "deleted_at": None,
    }
    expected |= {"data": {"name": "newer"}}
    assert home.results(loser) == [{"change_id": loser["change_id"], "status": "superseded", "entity": expected}]


def test_superseded_answers_a_tombstone_as_entity(home: Household) -> None:
    home.results(change("e1", updated_at=LATE, data=..., deleted_at=LATE))
    (result,) = home.results(change("e1", updated_at=EARLY))
    assert (result["entity"]["deleted_at"], result["entity"]["data"]) == (LATE, None)


def test_superseded_answers_null_for_a_version_that_was_deleted_and_purged_since(
    home: Household, tenant_file: TenantFile
) -> None:
    sent = change("e1")
    home.results(sent, change("e1", base_updated_at=sent["updated_at"], data=..., deleted_at=EARLY))
    tenant_file.purge_tombstones()
    assert home.results(sent) == [{"change_id": sent["change_id"], "status": "superseded", "entity": None}]
    assert ids(home.initial()) == []


def test_rejected_says_why_by_code_and_errors_by_field(home: Household) -> None:
    sent = change(data={"name": 5})
    (result,) = home.results(sent)
    assert set(result) == {"change_id", "status", "code", "errors"}
    assert (result["change_id"], result["status"], result["code"]) == (sent["change_id"], "rejected", "invalid_data")
    ((field, messages),) = result["errors"].items()
    assert field == "data.name"
    assert messages
    assert all(isinstance(message, str) for message in messages)


def test_there_is_one_result_per_change_in_their_order(home: Household) -> None:
    known = change("e1", updated_at=LATE)
    home.results(known)
    sent = [
        change(entity_type="robots"),
        known,
        change("e1", updated_at=EARLY, data={"name": "older"}),
        change(updated_at="never"),
        change(),
    ]
    results = home.results(*sent)
    assert [result["change_id"] for result in results] == [each["change_id"] for each in sent]
    statuses = [result["status"] for result in results]
    assert statuses == ["rejected", "unchanged", "superseded", "rejected", "applied"]


def test_a_push_without_changes_is_answered_with_no_results(home: Household) -> None:
    assert home.results() == []


# --- One transaction ---


def test_a_5xx_means_that_no_change_of_the_push_was_stored(home: Household, tenant_file: TenantFile) -> None:
    home.results(change("e1", updated_at=EARLY))
    before = tenant_file.version("e1")
    sent = [change("e1", base_updated_at=None, updated_at=LATE, data={"name": "newer"}), change("e2")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Book, "put_state", Mock(side_effect=RuntimeError))  # the entities are written by then
        assert home.push(*sent).status_code == 500
    assert (tenant_file.version("e1"), ids(home.pull()), tenant_file.conflicts()) == (before, ["e1"], [])
    assert [result["status"] for result in home.results(*sent)] == ["applied", "applied"]


# --- now is asked once per request ---


def test_now_is_asked_once_per_request(settings: Settings) -> None:
    class Ticking(Clock):
        def __call__(self) -> int:
            self.forward(seconds=3600)
            return self.now

    app: Flask = create_app(settings, Ticking())
    home = Household(app.test_client()).create()
    answer = home.push(*(change(updated_at="2027-01-01T00:00:00.000Z") for _ in range(2))).get_json()
    assert [result["updated_at"] for result in answer["results"]] == [answer["server_time"]] * 2


def test_an_entity_type_that_is_half_of_a_surrogate_pair_is_one_that_the_server_does_not_know(home: Household) -> None:
    since = home.pull()["next_since"]
    answer = home.push(change("t1"), since=since, entity_types=["\ud800", "tags"])
    assert answer.status_code == 200
    assert set(answer.get_json()["digest"]) == {"tags"}
