"""Section 2.3 of docs/protocol.md on groups: one change that is rejected takes the others of its group with it."""

from typing import Any

import pytest

from finwise import create_app
from tests.conftest import Clock, settings_in
from tests.household import Household, change, new_id

GROUP, OTHER = "99999999-0000-4000-8000-00000000000a", "88888888-0000-4000-8000-000000000000"
BAD: dict[str, dict[str, Any]] = {
    "unknown_entity_type": {"entity_type": "robots"},
    "invalid_id": {"id": "a b"},
    "invalid_time": {"updated_at": "never"},
    "invalid_data": {"data": {"name": 7}},
    "too_large": {"data": {"name": "x", "image": "x" * 256 * 1024}},
    "invalid_change": {"change_id": "no uuid"},
}


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Household:
    """One user for all tests of this file, for signing up is slow on purpose."""
    return Household(create_app(settings_in(tmp_path_factory.mktemp("groups")), Clock()).test_client())


@pytest.fixture
def home(household: Household) -> Household:
    """That user with an empty tenant."""
    household.tenant_id = new_id()
    return household.create()


def codes(results: list[dict[str, Any]]) -> list[str]:
    return [result.get("code", result["status"]) for result in results]


def stored(home: Household) -> list[str]:
    return [entity["id"] for entity in home.pull()["changes"]]


@pytest.mark.parametrize("code", BAD)
def test_whatever_a_change_is_rejected_for_nothing_of_its_group_is_stored(home: Household, code: str) -> None:
    bad = change(**{"group": GROUP} | BAD[code])
    results = home.results(change("before", group=GROUP), bad, change("after", group=GROUP))
    assert codes(results) == ["group", code, "group"]
    assert {result["status"] for result in results} == {"rejected"}
    assert stored(home) == []


def test_what_is_rejected_with_its_group_says_so_and_is_named_as_it_was_sent(home: Household) -> None:
    good = change("e1", group=GROUP, change_id=new_id().upper())
    result, _ = home.results(good, change(group=GROUP, data={"name": 7}))
    assert result == {
        "change_id": good["change_id"],
        "status": "rejected",
        "code": "group",
        "errors": {"group": ["Another change of this group was rejected."]},
    }


def test_other_groups_and_changes_without_one_are_stored(home: Household) -> None:
    results = home.results(
        change("alone"),
        change(group=GROUP, data={"name": 7}),
        change("e1", group=GROUP),
        change("e2", group=OTHER),
        change("e3", group=None),
        change("e4", data={"name": 5}),
    )
    assert codes(results) == ["applied", "invalid_data", "group", "applied", "applied", "invalid_data"]
    assert stored(home) == ["alone", "e2", "e3"]


def test_a_group_is_the_same_in_upper_and_lower_case(home: Household) -> None:
    assert codes(home.results(change(group=GROUP.upper()), change(group=GROUP, data={"name": 7}))) == [
        "group",
        "invalid_data",
    ]


@pytest.mark.parametrize("group", ["", "no uuid", "00000000-0000-0000-0000-000000000000", 7, True, [], {}, [GROUP]])
def test_a_group_that_is_no_uuid_is_rejected_alone(home: Household, group: Any) -> None:
    bad, good = home.results(change(group=group), change("e1", group=GROUP))
    assert (bad["code"], list(bad["errors"]), good["status"]) == ("invalid_change", ["group"], "applied")
    assert stored(home) == ["e1"]


def test_changes_without_a_group_are_no_group(home: Household) -> None:
    assert codes(home.results(change(group=None, data={"name": 7}), change(group=None))) == ["invalid_data", "applied"]
    assert codes(home.results(change(data={"name": 7}), change(), "what is this?")) == [
        "invalid_data",
        "applied",
        "invalid_change",
    ]


def test_a_group_without_a_rejected_change_is_judged_one_by_one(home: Household) -> None:
    home.results(change("e1", updated_at="2026-01-10T10:00:00.000Z"))
    older = change("e1", group=GROUP, data={"name": "late"}, base_updated_at=None)
    assert codes(home.results(older, change("e2", group=GROUP))) == ["superseded", "applied"]


def test_a_group_that_is_split_over_pushes_stands_alone_in_each(home: Household) -> None:
    assert codes(home.results(change("e1", group=GROUP))) == ["applied"]
    assert codes(home.results(change("e2", group=GROUP), change(group=GROUP, data={"name": 7}))) == [
        "group",
        "invalid_data",
    ]
    assert codes(home.results(change("e3", group=GROUP))) == ["applied"]
    assert stored(home) == ["e1", "e3"]


def test_a_push_with_groups_may_be_repeated(home: Household) -> None:
    changes = [change("e1", group=GROUP), change(group=GROUP, data={"name": 7}), change("e2", group=OTHER)]
    assert codes(home.results(*changes)) == ["group", "invalid_data", "applied"]
    before = home.pull()
    assert codes(home.results(*changes)) == ["group", "invalid_data", "unchanged"]
    assert home.pull() == before


def test_a_group_that_was_mended_is_taken(home: Household) -> None:
    good = change("e1", group=GROUP)
    assert codes(home.results(good, change("e2", group=GROUP, data={"name": 7}))) == ["group", "invalid_data"]
    assert codes(home.results(good, change("e2", group=GROUP))) == ["applied", "applied"]


def test_a_group_is_not_stored_with_its_entities(home: Household) -> None:
    home.results(change("e1", group=GROUP))
    (entity,) = home.pull()["changes"]
    assert "group" not in entity
    assert entity["data"] == {"name": "holiday"}
