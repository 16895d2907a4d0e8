"""Sections 2 and 5 of docs/protocol.md on what is stored: what a version carries, deletions, stamps."""

from finwise.domain.times import parse_micros
from tests.conftest import Clock
from tests.household import Household, change
from tests.tenant_file import TenantFile
from tests.test_protocol_judging import AHEAD, T1, T2, T2_PLUS_1, T3, deletion, held, judged, tag

# --- What the stored version carries ---


def test_the_stored_version_carries_its_change_id_its_device_id_and_its_stamp(
    home: Household, tenant_file: TenantFile, clock: Clock
) -> None:
    for device_id in ("phone", None):
        home.results(sent := tag("a", AHEAD), device_id=device_id)
        stored = tenant_file.version("e1")
        assert (stored["change_id"], stored["device_id"]) == (sent["change_id"], device_id)
        assert stored["stamp"] == clock.now
        clock.forward(seconds=1)


def test_created_at_is_the_first_one_and_stays(home: Household) -> None:
    home.results(tag("a", T2, created_at=T1))
    (edited,) = home.results(tag("b", T3, created_at=T2))
    assert edited["created_at"] == T1
    home.results(deletion(T3, base_updated_at=T3))
    home.results(change("e1", updated_at="2026-01-10T10:00:00.000Z", created_at=T3))
    assert home.pull()["changes"][0]["created_at"] == T1


def test_an_absent_created_at_is_updated_at(home: Household) -> None:
    home.results(tag("a", T2))
    home.results(tag("b", T3, created_at=T1))
    assert home.pull()["changes"][0]["created_at"] == T2


# --- Deletions ---


def test_a_deletion_drops_its_data_and_its_deleted_at_is_the_stored_updated_at(home: Household, clock: Clock) -> None:
    home.results(tag("a", AHEAD, created_at=T2, deleted_at=T1))
    (tombstone,) = home.pull()["changes"]
    assert (tombstone["data"], tombstone["updated_at"], tombstone["deleted_at"]) == (None, clock.text, clock.text)


def test_a_deletion_is_judged_as_any_other_change(home: Household, tenant_file: TenantFile) -> None:
    home.results(tag("a", T2))
    assert judged(home, deletion(T1), deletion(T2), deletion(T2_PLUS_1)) == ["superseded", "superseded", "applied"]
    assert [reason for reason, _ in tenant_file.conflicts()] == ["older", "older"]


def test_an_older_edit_does_not_bring_a_deleted_entity_back_and_a_newer_one_does(home: Household) -> None:
    home.results(deletion(T2))
    assert judged(home, tag("a", T1), tag("b", T2)) == ["superseded", "superseded"]
    assert held(home) == (None, T2)
    assert judged(home, tag("c", T3)) == ["applied"]
    assert held(home) == ("c", T3)


def test_two_tombstones_have_the_same_content(home: Household, tenant_file: TenantFile) -> None:
    home.results(deletion(T2))
    for updated_at, status in ((T1, "superseded"), (T2, "unchanged"), (T3, "applied")):
        assert judged(home, deletion(updated_at, base_updated_at=None)) == [status]
    assert tenant_file.conflicts() == []


# --- Stamps (section 5) ---


def test_stamps_are_the_later_of_the_clock_and_the_last_stamp_plus_1(
    home: Household, tenant_file: TenantFile, clock: Clock
) -> None:
    home.results(change("e1"), change("e2"))
    noon = clock.now
    clock.forward(seconds=-3600)
    home.results(change("e3"))
    clock.forward(seconds=7200)
    home.results(change("e4"))
    stamps = [tenant_file.version(entity_id)["stamp"] for entity_id in ("e1", "e2", "e3", "e4")]
    assert stamps == [noon, noon + 1, noon + 2, clock.now]
    assert tenant_file.last_stamp() == clock.now


def test_updated_at_decides_nothing_about_delivery(home: Household, clock: Clock) -> None:
    home.results(change("e1", updated_at=T3))
    since = home.pull()["next_since"]
    home.results(change("e2", updated_at="1970-01-01T00:00:00.000Z"))
    assert [entity["id"] for entity in home.pull(since)["changes"]] == ["e2"]
    assert (parse_micros(since.partition("~")[0]) or 0) == clock.now


def test_what_is_not_stored_gets_no_stamp(home: Household, tenant_file: TenantFile) -> None:
    home.results(sent := tag("a", T2))
    before = tenant_file.last_stamp()
    assert judged(home, sent, tag("b", T1), tag("a", "never")) == ["unchanged", "superseded", "rejected"]
    assert tenant_file.last_stamp() == before
