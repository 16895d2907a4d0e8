"""What devices are told when a tenant's file is full, damaged, being restored or gone; the others notice nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from finwise import create_app, now
from finwise.config import Settings
from harness.problems import assert_problem
from tests.conftest import Clock
from tests.household import Household, change
from tests.store.files import outside

OLD = {"updated_at": "2026-01-01T00:00:00.000Z"}
GONE = {"deleted_at": "2026-01-10T00:00:00.000Z", "updated_at": "2026-01-10T00:00:00.000Z", "data": None}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Flask]:
    """A server that gives each tenant 1 MiB."""
    folders = (str(tmp_path / "instance"), str(tmp_path / "tenant_databases"))
    app = create_app(Settings(*folders, quota_mib=1, maintenance_hours=0))
    yield app
    app.extensions["finwise"].close()


def test_above_its_quota_a_tenant_is_told_so_and_may_read_and_delete(small: Flask) -> None:
    home, neighbour = Household(small.test_client()).create(), Household(small.test_client()).create()
    home.results(change("t1"))
    much = [change(f"n{number}", data={"name": "x", "note": "x" * 9_000}) for number in range(200)]
    answer = home.push(change("t1", **GONE), *much)
    assert_problem(answer, 507, "quota_exceeded")
    assert [entity["id"] for entity in home.pull()["changes"]] == ["t1"]
    assert home.pull()["changes"][0]["deleted_at"] is None, "nothing of the push was stored"
    assert home.results(change("t1", **GONE))[0]["status"] == "applied"
    assert neighbour.results(change())[0]["status"] == "applied"


def test_above_its_quota_a_loser_is_not_restored_but_may_be_dismissed(
    home: Household, settings: Settings, clock: Clock
) -> None:
    home.results(change("t1"), change("t2"))
    home.results(
        change("t1", **OLD, data={"name": "late"}), change("t2", **OLD, deleted_at=OLD["updated_at"], data=None)
    )
    home.results(*(change(data={"name": "x", "note": "x" * 9_000}) for _ in range(200)))
    home.client.application.extensions["finwise"].close()
    app = create_app(replace(settings, quota_mib=1), clock)
    home.client = app.test_client()
    path = f"/sync/conflicts/{home.tenant_id}"
    lost, deletion = home.get(path).get_json()
    digest = home.initial()["digest"]
    assert_problem(home.post(f"{path}/{lost['conflict_id']}/restore"), 507, "quota_exceeded")
    assert home.get(path).get_json() == [lost, deletion]
    assert home.initial()["digest"] == digest
    seen = {"base_updated_at": deletion["entity"]["updated_at"]}
    restored = home.post(f"{path}/{deletion['conflict_id']}/restore", json=seen).get_json()
    assert restored["deleted_at"] is not None
    assert home.post(f"{path}/{lost['conflict_id']}/dismiss").status_code == 204
    assert home.get(path).get_json() == []
    app.extensions["finwise"].close()


def test_a_damaged_book_stays_quarantined_until_it_was_proven_whole(home: Household, settings: Settings) -> None:
    home.results(change("t1"))
    domain = home.client.application.extensions["finwise"]
    domain.close()
    file = Path(settings.tenant_databases, f"tenant_{home.tenant_id}.db")
    whole = file.read_bytes()
    file.write_bytes(b"no database " * 1_000)
    assert_problem(home.get(f"/sync/changes/{home.tenant_id}"), 503, "quarantined")
    domain.close()
    file.write_bytes(whole)
    assert_problem(home.get(f"/sync/changes/{home.tenant_id}"), 503, "quarantined")
    assert domain.verification.verify(home.tenant_id) == []
    assert domain.verification.release(home.tenant_id)
    assert [entity["id"] for entity in home.pull()["changes"]] == ["t1"]


def test_a_damaged_book_is_quarantined_and_may_be_deleted(home: Household, settings: Settings) -> None:
    other = Household(home.client).create()
    for each in (home, other):
        each.results(change("t1"))
    home.client.application.extensions["finwise"].close()
    Path(settings.tenant_databases, f"tenant_{home.tenant_id}.db").write_bytes(b"no database " * 1_000)
    for _ in range(2):
        answer = home.get(f"/sync/changes/{home.tenant_id}")
        assert_problem(answer, 503, "quarantined")
        assert int(answer.headers["Retry-After"]) > 0
    for path in (f"/sync/initial/{home.tenant_id}", f"/sync/conflicts/{home.tenant_id}"):
        assert_problem(home.get(path), 503, "quarantined")
    assert_problem(home.push(change()), 503, "quarantined")
    assert [entity["id"] for entity in other.pull()["changes"]] == ["t1"]
    assert home.client.get("/readyz").status_code == 200
    assert home.request("DELETE", f"/tenants/{home.tenant_id}").status_code == 204
    assert_problem(home.get(f"/sync/changes/{home.tenant_id}"), 410, "tenant_deleted")


def test_while_a_book_is_restored_devices_are_asked_to_wait(home: Household, settings: Settings) -> None:
    with outside(settings.users_db) as connection:
        connection.execute("UPDATE tenants SET state = 'restoring'")
    for answer in (home.get(f"/sync/changes/{home.tenant_id}"), home.push(change())):
        assert_problem(answer, 503, "busy")
        assert int(answer.headers["Retry-After"]) > 0
    assert [tenant["uuid"] for tenant in home.get("/tenants").get_json()] == [home.tenant_id]


def test_a_deleted_book_that_comes_back_has_another_epoch(home: Household) -> None:
    home.results(change("t1"))
    since = home.pull()["next_since"]
    assert home.request("DELETE", f"/tenants/{home.tenant_id}").status_code == 204
    assert_problem(home.push(change()), 410, "tenant_deleted")
    home.client.application.extensions["finwise"].restores.from_trash(home.tenant_id, now())
    answer = home.get(f"/sync/changes/{home.tenant_id}", query_string={"since": since})
    assert_problem(answer, 410, "epoch_changed")
    assert answer.get_json()["give_back"] is True
    assert [entity["id"] for entity in home.initial()["changes"]] == ["t1"]
