"""What is read before something is derived from it is checked: a write must not give damage a checksum that fits."""

import pytest

from tests.household import Household, change
from tests.tenant_file import TenantFile

BASE = "2026-01-09T19:01:00.000Z"


def is_quarantined(home: Household) -> bool:
    answer = home.get(f"/sync/changes/{home.tenant_id}")
    return answer.status_code == 503 and answer.get_json()["code"] == "quarantined"


@pytest.mark.parametrize(
    "damage",
    ["last_stamp = last_stamp + 4503599627370496", "horizon = 4503599627370496", "epoch = 'another1'"],
)
def test_a_flipped_position_is_not_given_a_checksum_by_the_next_push(
    damage: str, home: Household, tenant_file: TenantFile
) -> None:
    home.results(change("t"))
    tenant_file.execute(f"UPDATE sync_book SET {damage}")
    answer = home.push(change("u"))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "quarantined")
    assert is_quarantined(home)
    assert len(tenant_file.rows("SELECT * FROM sync_entities")) == 1


@pytest.mark.parametrize(
    "damage",
    [
        "entity = replace(entity, 'holiday', 'holidai')",
        "entity = replace(entity, '19:01', '19:03')",
        "is_deleted = 1",
        "change_id = 'a1b2c3d4-0000-4000-8000-000000000001'",
        "device_id = 'nobody'",
    ],
)
def test_a_damaged_entity_is_neither_judged_against_nor_kept_as_a_conflict(
    damage: str, home: Household, tenant_file: TenantFile
) -> None:
    home.results(change("t"))
    tenant_file.execute(f"UPDATE sync_entities SET {damage}")
    newer = change("t", updated_at="2026-01-09T20:00:00.000Z", base_updated_at=None, data={"name": "another"})
    assert home.push(newer).get_json()["code"] == "quarantined"
    assert not tenant_file.conflicts()
    assert is_quarantined(home)


@pytest.mark.parametrize("damage", ["data = replace(data, 'late', 'lame')", "reason = 'overwritten'", "kept_at = 7"])
def test_a_damaged_conflict_is_neither_listed_nor_restored(
    damage: str, home: Household, tenant_file: TenantFile
) -> None:
    home.results(change("t"))
    home.results(change("t", updated_at="2026-01-01T00:00:00.000Z", base_updated_at=None, data={"name": "late"}))
    (conflict,) = home.get(f"/sync/conflicts/{home.tenant_id}").get_json()
    tenant_file.execute(f"UPDATE sync_conflicts SET {damage}")
    path = f"/sync/conflicts/{home.tenant_id}/{conflict['conflict_id']}/restore"
    assert home.post(path, json={}).get_json()["code"] == "quarantined"
    assert is_quarantined(home)
