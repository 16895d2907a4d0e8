"""Section 2 of docs/protocol.md on judging one change, step by step, and what is kept of it."""

from typing import Any

import pytest

from tests.conftest import Clock
from tests.household import Household, change
from tests.tenant_file import TenantFile

T1, T2, T3 = "2026-01-09T10:00:00.000Z", "2026-01-09T11:00:00.000Z", "2026-01-09T12:00:00.000Z"
T2_PLUS_1, T2_PLUS_2 = "2026-01-09T11:00:00.001Z", "2026-01-09T11:00:00.002Z"
AHEAD = "2027-06-01T00:00:00.000Z"


def tag(name: str, updated_at: str, **members: Any) -> dict[str, Any]:
    """A change of the tag `e1`."""
    return change("e1", data={"name": name}, updated_at=updated_at, **members)


def deletion(updated_at: str, **members: Any) -> dict[str, Any]:
    """A deletion of the tag `e1`."""
    return change("e1", data=None, updated_at=updated_at, deleted_at=updated_at, **members)


def judged(home: Household, *changes: dict[str, Any], **envelope: Any) -> list[str]:
    return [result["status"] for result in home.results(*changes, **envelope)]


def held(home: Household) -> tuple[str | None, str]:
    """What the server holds as `e1`: its name (None: a tombstone) and its updated_at."""
    (entity,) = home.pull()["changes"]
    return entity["data"] and entity["data"]["name"], entity["updated_at"]


# --- Step 1: change_id is that of the stored version, or remembered ---


@pytest.mark.parametrize("base", [..., None, T1, T2])
def test_1_a_repeated_push_is_unchanged(home: Household, tenant_file: TenantFile, base: object) -> None:
    sent = tag("a", T2, base_updated_at=base)
    assert judged(home, sent) == ["applied"]
    stored = tenant_file.version("e1")
    assert judged(home, sent) == ["unchanged"]
    assert judged(home, sent, sent) == ["unchanged", "unchanged"]
    assert (tenant_file.version("e1"), tenant_file.conflicts()) == (stored, [])


def test_1_a_change_twice_in_one_push_is_unchanged_the_second_time(home: Household) -> None:
    sent = tag("a", T2)
    assert judged(home, sent, sent) == ["applied", "unchanged"]


def test_1_comes_before_the_clock_so_a_clamped_change_stays_where_it_was_stored(home: Household, clock: Clock) -> None:
    sent, stored = tag("a", AHEAD), clock.text
    home.results(sent)
    clock.forward(days=1)
    (again,) = home.results(sent)
    assert (again["status"], again["updated_at"]) == ("unchanged", stored)


@pytest.mark.parametrize("base", [..., None, T1, T2_PLUS_1])
def test_1_a_remembered_change_is_superseded_and_no_conflict(
    home: Household, tenant_file: TenantFile, base: object
) -> None:
    first = tag("a", T2, base_updated_at=base)
    home.results(first)
    home.results(tag("b", T2, base_updated_at=T2))
    (again,) = home.results(first)
    assert (again["status"], again["entity"]["data"]) == ("superseded", {"name": "b"})
    assert tenant_file.conflicts() == []


def test_1_a_remembered_change_does_not_win_by_a_clock_that_ran_ahead(home: Household, clock: Clock) -> None:
    first, stored = tag("a", AHEAD), clock.text
    home.results(first)
    home.results(tag("b", T1, base_updated_at=stored))
    clock.forward(days=1)
    assert judged(home, first) == ["superseded"]
    assert held(home)[0] == "b"


def test_1_a_change_is_remembered_however_often_its_entity_was_replaced_since(home: Household, clock: Clock) -> None:
    sent = [tag(str(number), AHEAD) for number in range(4)]
    for each in sent:
        assert judged(home, each) == ["applied"]
        clock.forward(seconds=1)
    assert judged(home, *sent) == ["superseded"] * 3 + ["unchanged"]


def test_1_a_version_replaced_within_its_own_push_is_remembered(home: Household, clock: Clock) -> None:
    first, second = tag("a", AHEAD, base_updated_at=None), tag("b", AHEAD, base_updated_at=None)
    assert judged(home, first, second, first) == ["applied", "applied", "superseded"]
    clock.forward(days=1)
    assert judged(home, first, second) == ["superseded", "unchanged"]


def test_1_a_change_replaced_by_a_deletion_that_was_purged_does_not_come_back(
    home: Household, tenant_file: TenantFile
) -> None:
    first, second = tag("a", T1), deletion(T2, base_updated_at=T1)
    home.results(first)
    home.results(second)
    tenant_file.purge_tombstones()
    assert judged(home, first, second) == ["superseded", "superseded"]
    assert home.initial()["changes"] == []


def test_a_replaced_versions_change_id_is_remembered_with_it(home: Household, tenant_file: TenantFile) -> None:
    first, second = tag("a", T1), tag("b", T2)
    home.results(first)
    assert tenant_file.rows("SELECT change_id FROM sync_change_ids") == []
    home.results(second)
    remembered = tenant_file.rows("SELECT change_id, entity_type, id FROM sync_change_ids")
    assert remembered == [{"change_id": first["change_id"], "entity_type": "tags", "id": "e1"}]


# --- Step 2: t = min(updated_at, server now), in whole milliseconds ---


@pytest.mark.parametrize("updated_at", ["2026-01-10T12:00:00.457Z", AHEAD, "9999-12-31T23:59:59.999Z"])
def test_2_a_clock_that_runs_ahead_is_clamped_to_whole_milliseconds_never_rejected(
    home: Household, clock: Clock, updated_at: str
) -> None:
    clock.now += 456_789
    (result,) = home.results(tag("a", updated_at))
    assert (result["status"], result["updated_at"]) == ("applied", "2026-01-10T12:00:00.456Z")


def test_2_a_time_up_to_now_is_taken_as_it_is(home: Household, clock: Clock) -> None:
    assert home.results(tag("a", clock.text))[0]["updated_at"] == clock.text


def test_2_a_clock_that_ran_ahead_does_not_win_for_ever(home: Household, clock: Clock) -> None:
    home.results(tag("ahead", AHEAD))
    clock.forward(seconds=2)
    assert judged(home, tag("honest", "2026-01-10T12:00:01.000Z")) == ["applied"]


def test_2_clamping_comes_before_the_comparison_so_two_clocks_ahead_are_a_tie(home: Household, clock: Clock) -> None:
    assert judged(home, tag("a", AHEAD)) == ["applied"]
    assert judged(home, tag("b", "2028-01-01T00:00:00.000Z"), tag("a", "2028-01-01T00:00:00.000Z")) == [
        "superseded",
        "unchanged",
    ]


# --- Step 3: nothing stored under this id ---


@pytest.mark.parametrize("base", [..., None, T1])
def test_3_nothing_stored_under_this_id_is_applied_at_t_whatever_its_base(
    home: Household, tenant_file: TenantFile, base: object
) -> None:
    assert judged(home, tag("a", T2, base_updated_at=base)) == ["applied"]
    assert (held(home), tenant_file.conflicts()) == (("a", T2), [])


def test_3_an_id_names_an_entity_only_together_with_its_entity_type(home: Household, tenant_file: TenantFile) -> None:
    home.results(tag("a", T2))
    assert judged(home, tag("b", T1, entity_type="recipients", base_updated_at=None)) == ["applied"]
    assert tenant_file.conflicts() == []


# --- Step 4: the device edited the very version the server holds ---


@pytest.mark.parametrize(("updated_at", "stored_at"), [(T1, T2_PLUS_1), (T2, T2_PLUS_1), (T3, T3)])
@pytest.mark.parametrize("base", [T2, "2026-01-09T12:00:00+01:00"])
def test_4_a_base_equal_to_the_stored_version_applies_at_the_later_of_t_and_stored_plus_1_ms(
    home: Household, tenant_file: TenantFile, updated_at: str, stored_at: str, base: str
) -> None:
    home.results(tag("a", T2))
    assert judged(home, tag("b", updated_at, base_updated_at=base)) == ["applied"]
    assert (held(home), tenant_file.conflicts()) == (("b", stored_at), [])


def test_4_applies_even_what_is_the_same_content(home: Household) -> None:
    home.results(tag("a", T2))
    assert judged(home, tag("a", T2, base_updated_at=T2)) == ["applied"]
    assert held(home) == ("a", T2_PLUS_1)


def test_4_a_deletion_on_the_stored_version_applies_however_early_it_is(home: Household) -> None:
    home.results(tag("a", T2))
    assert judged(home, deletion(T1, base_updated_at=T2)) == ["applied"]
    assert held(home) == (None, T2_PLUS_1)


@pytest.mark.parametrize("base", [None, T1])
def test_4_an_earlier_change_of_this_push_that_named_the_same_base_is_built_upon(
    home: Household, tenant_file: TenantFile, base: str | None
) -> None:
    chain = [tag(name, T2, base_updated_at=base) for name in "abc"]
    results = home.results(*chain)
    assert [result["updated_at"] for result in results] == [T2, T2_PLUS_1, T2_PLUS_2]
    assert (held(home), tenant_file.conflicts()) == (("c", T2_PLUS_2), [])


def test_4_a_chain_holds_although_its_base_was_overwritten(home: Household, tenant_file: TenantFile) -> None:
    foreign, first, second = tag("f", T1), tag("a", T2, base_updated_at=None), tag("b", T1, base_updated_at=None)
    home.results(foreign)
    assert judged(home, first, second) == ["applied", "applied"]
    assert held(home) == ("b", T2_PLUS_1)
    assert tenant_file.conflicts() == [("overwritten", foreign["change_id"])]


def test_4_a_chain_goes_on_from_an_earlier_change_that_is_unchanged(home: Household, tenant_file: TenantFile) -> None:
    first, second = tag("a", T2, base_updated_at=None), tag("b", T1, base_updated_at=None)
    home.results(first)
    assert judged(home, first, second) == ["unchanged", "applied"]
    assert (held(home), tenant_file.conflicts()) == (("b", T2_PLUS_1), [])


def test_4_a_version_stored_by_an_earlier_push_is_not_built_upon(home: Household) -> None:
    home.results(tag("a", T2, base_updated_at=None))
    assert judged(home, tag("b", T2, base_updated_at=None)) == ["superseded"]


@pytest.mark.parametrize(
    ("one", "other"), [(None, T1), (T1, None), (T1, "2026-01-09T10:00:00.001Z"), (..., None), (None, ...), (..., ...)]
)
def test_4_an_earlier_change_of_this_push_that_named_another_base_or_none_is_not_built_upon(
    home: Household, one: object, other: object
) -> None:
    assert judged(home, tag("a", T2, base_updated_at=one), tag("b", T2, base_updated_at=other)) == [
        "applied",
        "superseded",
    ]


def test_4_a_chain_ends_where_another_change_of_the_push_came_between(home: Household) -> None:
    sent = [tag("a", T1, base_updated_at=None), tag("b", T2), tag("c", T2, base_updated_at=None)]
    assert judged(home, *sent) == ["applied", "applied", "superseded"]


def test_4_a_superseded_change_is_no_version_to_build_upon(home: Household) -> None:
    home.results(tag("foreign", T3))
    assert judged(home, tag("a", T1, base_updated_at=None), tag("b", T2, base_updated_at=None)) == ["superseded"] * 2
    assert held(home) == ("foreign", T3)


# --- Step 5: t > stored updated_at: Last Write Wins ---


@pytest.mark.parametrize("base", [..., None, T1, T3])
def test_5_a_later_change_is_applied_at_t(home: Household, base: object) -> None:
    home.results(tag("a", T2))
    assert judged(home, tag("b", T2_PLUS_1, base_updated_at=base)) == ["applied"]
    assert held(home) == ("b", T2_PLUS_1)


@pytest.mark.parametrize("base", [None, T1])
def test_5_the_version_it_overwrites_is_kept_if_it_says_another_base(
    home: Household, tenant_file: TenantFile, clock: Clock, base: str | None
) -> None:
    loser = tag("a", T2, created_at=T1)
    home.results(loser, device_id="phone")
    home.results(tag("b", T3, base_updated_at=base), device_id="laptop")
    (kept,) = tenant_file.rows("SELECT * FROM sync_conflicts")
    for made in ("conflict_id", "checksum"):
        kept.pop(made)
    assert kept == {
        "entity_type": "tags",
        "id": "e1",
        "kept_at": clock.now,
        "reason": "overwritten",
        "created_at": T1,
        "updated_at": T2,
        "data": '{"name":"a"}',
        "change_id": loser["change_id"],
        "device_id": "phone",
    }


def test_5_without_a_base_nobody_can_tell_and_nothing_is_kept(home: Household, tenant_file: TenantFile) -> None:
    home.results(tag("a", T2))
    assert judged(home, tag("b", T3)) == ["applied"]
    assert tenant_file.conflicts() == []


def test_5_the_same_content_is_no_conflict(home: Household, tenant_file: TenantFile) -> None:
    home.results(tag("a", T2))
    assert judged(home, tag("a", T3, base_updated_at=None)) == ["applied"]
    assert (held(home), tenant_file.conflicts()) == (("a", T3), [])


def test_5_a_deletion_that_did_not_know_the_edit_it_overwrites_keeps_it(
    home: Household, tenant_file: TenantFile
) -> None:
    home.results(edit := tag("a", T2))
    assert judged(home, deletion(T3, base_updated_at=T1)) == ["applied"]
    assert tenant_file.conflicts() == [("overwritten", edit["change_id"])]


# --- Step 6: a tie, or older ---


@pytest.mark.parametrize("base", [..., None, T1, T3])
def test_6_a_tie_with_the_same_content_is_unchanged(home: Household, tenant_file: TenantFile, base: object) -> None:
    home.results(tag("a", T2))
    stored = tenant_file.version("e1")
    assert judged(home, tag("a", T2, base_updated_at=base)) == ["unchanged"]
    assert (tenant_file.version("e1"), tenant_file.conflicts()) == (stored, [])


@pytest.mark.parametrize("base", [..., None, T1, T3])
@pytest.mark.parametrize(("winner", "loser"), [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("updated_at", [T2, "2026-01-09T10:59:59.999Z"])
def test_6_the_stored_version_wins_a_tie_and_over_anything_older_and_the_loser_is_kept(
    home: Household, tenant_file: TenantFile, winner: str, loser: str, base: object, updated_at: str
) -> None:
    home.results(tag(winner, T2))
    stored = tenant_file.version("e1")
    late = tag(loser, updated_at, base_updated_at=base)
    assert judged(home, late) == ["superseded"]
    assert tenant_file.version("e1") == stored
    assert tenant_file.conflicts() == [("older", late["change_id"])]


def test_6_the_loser_is_kept_with_its_own_content_time_and_device(
    home: Household, tenant_file: TenantFile, clock: Clock
) -> None:
    home.results(tag("a", T2), device_id="phone")
    home.results(late := tag("b", T1), device_id="laptop")
    (kept,) = tenant_file.rows("SELECT * FROM sync_conflicts")
    assert (kept["reason"], kept["updated_at"], kept["data"]) == ("older", T1, '{"name":"b"}')
    assert (kept["change_id"], kept["device_id"], kept["kept_at"]) == (late["change_id"], "laptop", clock.now)


def test_6_a_kept_loser_that_is_pushed_again_is_kept_once(home: Household, tenant_file: TenantFile) -> None:
    home.results(tag("a", T2))
    late = tag("b", T1)
    assert judged(home, late) == judged(home, late) == ["superseded"]
    assert len(tenant_file.conflicts()) == 1


def test_6_a_loser_whose_content_equals_the_winners_is_not_kept(home: Household, tenant_file: TenantFile) -> None:
    home.results(tag("a", T2))
    assert judged(home, tag("a", T1, base_updated_at=None)) == ["superseded"]
    assert tenant_file.conflicts() == []


@pytest.mark.parametrize("base", [None, T1])
def test_6_a_loser_is_not_kept_if_a_later_change_of_the_push_was_made_on_top_of_it(
    home: Household, tenant_file: TenantFile, base: str | None
) -> None:
    home.results(tag("foreign", T3))
    first, second, third = (tag(name, T2, base_updated_at=base) for name in "abc")
    assert judged(home, first, second, third) == ["superseded"] * 3
    assert tenant_file.conflicts() == [("older", third["change_id"])]


def test_6_a_loser_is_not_kept_if_what_was_made_on_top_of_it_wins(home: Household, tenant_file: TenantFile) -> None:
    home.results(foreign := tag("foreign", T2))
    sent = [tag("a", T1, base_updated_at=None), tag("b", T3, base_updated_at=None)]
    assert judged(home, *sent) == ["superseded", "applied"]
    assert tenant_file.conflicts() == [("overwritten", foreign["change_id"])]


@pytest.mark.parametrize(
    "later",
    [
        tag("b", T1, base_updated_at=T2),
        tag("b", T1),
        tag("b", "never", base_updated_at=None),
        change("e2", base_updated_at=None, updated_at=T1),
        tag("b", T1, base_updated_at=None, entity_type="recipients"),
    ],
    ids=["another base", "no base", "rejected", "another entity", "another entity type"],
)
def test_6_a_loser_is_kept_if_the_later_change_is_not_one_made_on_top_of_it(
    home: Household, tenant_file: TenantFile, later: dict[str, Any]
) -> None:
    home.results(tag("foreign", T3))
    first = tag("a", T1, base_updated_at=None)
    home.results(first, later)
    assert ("older", first["change_id"]) in tenant_file.conflicts()


@pytest.mark.parametrize("base", [..., None])
def test_6_a_change_without_a_base_is_kept_whatever_follows_it(
    home: Household, tenant_file: TenantFile, base: object
) -> None:
    home.results(tag("foreign", T3))
    home.results(*(sent := [tag("a", T1), tag("b", T2, base_updated_at=base)]))
    assert tenant_file.conflicts() == [("older", each["change_id"]) for each in sent]
