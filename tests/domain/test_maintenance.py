"""What is old is forgotten, what depends on it is told so, and nobody gets a wrong answer."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event

import pytest

from finwise import create_app, create_domain, maintenance_thread
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.book import Contact
from finwise.domain.cursor import Cursor
from finwise.domain.push import Result
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.times import millis_text, next_milli
from finwise.domain.tokens import NewToken
from finwise.errors import CursorExpired, Quarantined
from harness.callers import as_caller
from tests.household import change
from tests.store.accounts import add_tenant, add_user
from tests.store.files import outside, tenant_file, value
from tests.store.processes import outcomes, ready

DAY = 86_400_000_000  # µs
START = 1_790_000_000_000_000  # µs
DEAD = {"deleted_at": "2026-01-10T00:00:00.000Z", "updated_at": "2026-01-10T00:00:00.000Z", "data": None}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(str(tmp_path / "instance"), str(tmp_path / "tenant_databases"))


@pytest.fixture
def domain(settings: Settings) -> Iterator[Domain]:
    opened = create_domain(settings)
    yield opened
    opened.close()


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    """Two entities, one of which was deleted at START."""
    made = add_tenant(domain, add_user(domain))
    domain.sync.push(made, PushRequest([change("kept"), change("gone")]), START - 1)
    domain.sync.push(made, PushRequest([change("gone", **DEAD)]), START)
    return made


def cursor(domain: Domain, tenant_id: str) -> Cursor:
    page = domain.sync.pull(tenant_id, PullRequest())
    return Cursor(page.next_stamp, page.epoch)


def ids(domain: Domain, tenant_id: str) -> set[str]:
    with domain.sync.initial(tenant_id, None) as load:
        return {entity.id for entity in load.entities}


def test_a_tombstone_is_kept_for_its_days_and_then_forgotten(domain: Domain, tenant_id: str) -> None:
    assert domain.maintenance.run_for(tenant_id, START + 180 * DAY).tombstones == 0
    assert domain.maintenance.run_for(tenant_id, START + 180 * DAY + 2).tombstones == 1
    assert domain.maintenance.run_for(tenant_id, START + 180 * DAY + 2) == (0, 0, 0, 0)
    assert ids(domain, tenant_id) == {"kept"}


def test_a_cursor_that_has_not_seen_the_deletion_gets_no_answer_any_more(domain: Domain, tenant_id: str) -> None:
    before = Cursor(START - 1, cursor(domain, tenant_id).epoch)
    assert [version.id for version in domain.sync.pull(tenant_id, PullRequest(before)).entities] == ["gone"]
    domain.maintenance.run_for(tenant_id, START + 181 * DAY)
    for since in (before, None):
        with pytest.raises(CursorExpired):
            domain.sync.pull(tenant_id, PullRequest(since))
    with pytest.raises(CursorExpired):
        domain.sync.push(tenant_id, PushRequest([change("gone")], pull=PullRequest(before)), START + 181 * DAY)
    assert ids(domain, tenant_id) == {"kept"}, "nothing of the push was stored"


def test_a_cursor_that_has_seen_the_deletion_goes_on(domain: Domain, tenant_id: str) -> None:
    since = cursor(domain, tenant_id)
    domain.maintenance.run_for(tenant_id, START + 181 * DAY)
    assert domain.sync.pull(tenant_id, PullRequest(since)).entities == []
    domain.sync.push(tenant_id, PushRequest([change("new")]), START + 182 * DAY)
    assert [version.id for version in domain.sync.pull(tenant_id, PullRequest(since)).entities] == ["new"]


def test_forgetting_moves_neither_the_last_stamp_nor_the_digest(domain: Domain, tenant_id: str) -> None:
    before = domain.sync.pull(tenant_id, PullRequest())
    since = Cursor(before.next_stamp, before.epoch)
    domain.maintenance.run_for(tenant_id, START + 181 * DAY)
    after = domain.sync.pull(tenant_id, PullRequest(since))
    assert (after.next_stamp, after.digest) == (before.next_stamp, before.digest)
    assert domain.verification.verify(tenant_id) == []


def test_an_entity_that_is_made_again_has_a_time_that_none_of_its_forgotten_versions_had(
    domain: Domain, tenant_id: str
) -> None:
    """So a device that knew the forgotten version of that time overwrites nothing unseen."""
    forgotten = change("gone")["updated_at"]
    domain.maintenance.run_for(tenant_id, START + 181 * DAY)
    (made,) = domain.sync.push(
        tenant_id, PushRequest([change("gone", updated_at=forgotten)]), START + 181 * DAY
    ).results
    assert isinstance(made, Result)
    assert made.version is not None
    assert made.version.updated_at == next_milli(millis_text(START))
    late = change("gone", base_updated_at=forgotten, data={"name": "by who knew the forgotten one"})
    domain.sync.push(tenant_id, PushRequest([late]), START + 181 * DAY)
    with domain.conflicts.list_of(tenant_id) as found:
        assert [each.kept.loser.change_id for chunk in found.chunks for each in chunk] == [late["change_id"]]


def test_the_horizon_lies_beyond_the_time_of_each_deletion_that_was_forgotten(domain: Domain, tenant_id: str) -> None:
    """Many edits at once are dated 1 ms apart, beyond the clock; their tombstone waits until more is stored."""
    edits = [change("fast", updated_at=millis_text(START), base_updated_at=None) for _ in range(3)]
    deletion = change("fast", **DEAD | {"updated_at": millis_text(START), "base_updated_at": None})
    domain.sync.push(tenant_id, PushRequest([*edits, deletion]), START)
    assert domain.maintenance.run_for(tenant_id, START + 181 * DAY).tombstones == 1, (
        "only the one that was there before"
    )
    domain.sync.push(tenant_id, PushRequest([change("later")]), START + 181 * DAY)
    assert domain.maintenance.run_for(tenant_id, START + 181 * DAY).tombstones == 1
    again = change("fast", updated_at=millis_text(START + 3_000))
    (made,) = domain.sync.push(tenant_id, PushRequest([again]), START + 181 * DAY).results
    assert isinstance(made, Result)
    assert made.version is not None
    assert made.version.updated_at == millis_text(START + 4_000)


def test_a_deletion_that_is_pushed_again_after_it_was_forgotten_is_recognised(domain: Domain, tenant_id: str) -> None:
    again = change("brief", **DEAD)
    domain.sync.push(tenant_id, PushRequest([again]), START)
    domain.maintenance.run_for(tenant_id, START + 181 * DAY)
    (result,) = domain.sync.push(tenant_id, PushRequest([again]), START + 181 * DAY).results
    assert isinstance(result, Result)
    assert (result.verdict.status, result.version) == ("superseded", None)
    assert domain.maintenance.run_for(tenant_id, START + 360 * DAY).change_ids == 0
    assert domain.maintenance.run_for(tenant_id, START + 362 * DAY).change_ids == 2


def test_a_conflict_is_kept_for_its_days(domain: Domain, tenant_id: str) -> None:
    late = change("kept", updated_at="2026-01-01T00:00:00.000Z", base_updated_at=None, data={"name": "late"})
    domain.sync.push(tenant_id, PushRequest([late]), START)
    assert domain.maintenance.run_for(tenant_id, START + 90 * DAY).conflicts == 0
    assert domain.maintenance.run_for(tenant_id, START + 91 * DAY).conflicts == 1


def test_a_device_that_was_not_heard_of_for_long_is_forgotten(domain: Domain, tenant_id: str) -> None:
    domain.sync.pull(tenant_id, PullRequest(contact=Contact("phone", START)))
    domain.sync.pull(tenant_id, PullRequest(contact=Contact("laptop", START + 100 * DAY)))
    assert domain.maintenance.run_for(tenant_id, START + 181 * DAY).devices == 1
    assert [device.heard.token_id for device in domain.devices.list_of(tenant_id)] == ["laptop"]


def test_a_tombstone_that_cannot_be_read_any_more_is_not_forgotten_but_noticed(
    domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    path = tenant_file(tmp_path, tenant_id)
    with outside(path) as connection:
        connection.execute("UPDATE sync_entities SET entity = 'nothing' WHERE is_deleted")
    with pytest.raises(Quarantined):
        domain.maintenance.run_for(tenant_id, START + 181 * DAY)
    assert value(path, "SELECT count(*) FROM sync_entities") == 2


def test_space_that_nobody_uses_is_given_back(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    big = [change(f"big-{number}", data={"name": "x", "note": "x" * 9_000}) for number in range(500)]
    domain.sync.push(tenant_id, PushRequest(big), START + 1)
    domain.sync.push(tenant_id, PushRequest([change(each["id"], **DEAD) for each in big]), START + 2)
    path = tenant_file(tmp_path, tenant_id)
    before = value(path, "PRAGMA page_count")
    domain.maintenance.run_for(tenant_id, START + 3)
    assert value(path, "PRAGMA page_count") < before / 4
    assert domain.verification.verify(tenant_id) == []
    assert ids(domain, tenant_id) == {"kept"}


def test_one_tenant_in_trouble_does_not_keep_the_others_from_it(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    broken = add_tenant(domain, add_user(domain))
    domain.close()
    tenant_file(tmp_path, broken).write_bytes(b"no database " * 1_000)
    domain.maintenance.run(START + 181 * DAY)
    assert value(tenant_file(tmp_path, tenant_id), "SELECT count(*) FROM sync_entities") == 1


def test_the_trash_is_emptied_of_what_is_old(domain: Domain, tmp_path: Path) -> None:
    user = add_user(domain)
    gone = add_tenant(domain, user)
    domain.tenants.delete(as_caller(user), gone, START)
    domain.maintenance.run(START + 30 * DAY)
    assert list((tmp_path / "tenant_databases" / "trash").glob("*.db"))
    domain.maintenance.run(START + 30 * DAY + 1)
    assert not list((tmp_path / "tenant_databases" / "trash").iterdir())


def test_tokens_and_invitations_are_forgotten_thirty_days_after_they_expired(domain: Domain, tmp_path: Path) -> None:
    domain.tokens.add_for(add_user(domain).email, NewToken("phone"), START)
    domain.invitations.invite(None, None, None, START)
    users_db = tmp_path / "instance" / "users.db"

    def left_at(moment: int) -> tuple[int, int]:
        domain.maintenance.run(moment)
        return value(users_db, "SELECT count(*) FROM tokens"), value(users_db, "SELECT count(*) FROM invitations")

    assert left_at(START + (7 + 30) * DAY) == (1, 1)
    assert left_at(START + (7 + 30) * DAY + 1_000) == (1, 0)
    assert left_at(START + (90 + 30) * DAY) == (1, 0)
    assert left_at(START + (90 + 30) * DAY + 1_000) == (0, 0)


def test_maintenance_is_done_by_one_process_and_not_before_its_time(settings: Settings) -> None:
    each = (settings, START)
    assert sorted(outcomes(run_if_due, each, each, each)) == [False, False, True]
    assert outcomes(run_if_due, (settings, START + DAY - 1)) == [False]
    assert outcomes(run_if_due, (settings, START + DAY)) == [True]


def run_if_due(pipe: Connection, settings: Settings, moment: int) -> None:
    domain = create_domain(settings)
    ready(pipe)
    pipe.send(domain.maintenance.run_if_due(moment))
    domain.close()


def test_a_clock_that_was_ahead_once_does_not_stop_it_for_ever(domain: Domain) -> None:
    assert domain.maintenance.run_if_due(START + 10_000 * DAY)
    assert domain.maintenance.run_if_due(START)


def test_a_clock_that_jumps_ahead_makes_nothing_forgotten_and_is_told(
    domain: Domain, tenant_id: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user = add_user(domain)
    gone = add_tenant(domain, user)
    assert domain.maintenance.run_if_due(START)
    late = change("kept", updated_at="2026-01-01T00:00:00.000Z", base_updated_at=None, data={"name": "late"})
    domain.sync.push(tenant_id, PushRequest([late]), START)
    domain.tenants.delete(as_caller(user), gone, START)
    assert not domain.maintenance.run_if_due(START + 400 * DAY)
    assert [record.event for record in caplog.records if hasattr(record, "event")][-1] == "maintenance.put_off"
    assert domain.maintenance.run_if_due(START + DAY), "the clock was mended"
    path = tenant_file(tmp_path, tenant_id)
    assert value(path, "SELECT count(*) FROM sync_entities") == 2
    assert value(path, "SELECT count(*) FROM sync_conflicts") == 1
    assert list((tmp_path / "tenant_databases" / "trash").glob("*.db"))


def test_a_server_that_was_off_for_long_forgets_with_the_next_maintenance_that_is_in_time(
    domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    assert domain.maintenance.run_if_due(START)
    assert not domain.maintenance.run_if_due(START + 400 * DAY)
    assert not domain.maintenance.run_if_due(START + 401 * DAY - 1)
    assert domain.maintenance.run_if_due(START + 401 * DAY)
    assert value(tenant_file(tmp_path, tenant_id), "SELECT count(*) FROM sync_entities") == 1


def test_it_can_be_turned_off(tmp_path: Path) -> None:
    domain = create_domain(Settings(str(tmp_path / "i"), str(tmp_path / "t"), maintenance_hours=0))
    assert not domain.maintenance.run_if_due(START)
    domain.close()


def test_the_server_looks_again_and_again_whatever_happened(
    domain: Domain, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked, thrice = [], Event()

    def look(now: int) -> bool:
        looked.append(now)
        if len(looked) == 1:
            raise CursorExpired
        if len(looked) == 2:
            raise RuntimeError
        thrice.set()
        return True

    monkeypatch.setattr(domain.maintenance, "run_if_due", look)
    stopped = maintenance_thread.start(domain.maintenance, lambda: START, look_every=0.001)
    assert thrice.wait(30)
    stopped.set()
    assert {"maintenance was put off", "maintenance failed"} <= {
        record.message.partition(":")[0] for record in caplog.records
    }


def test_an_application_looks_unless_it_is_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(maintenance_thread, "start", lambda maintenance, clock: started.append(maintenance))
    for hours in (0, 24):
        app = create_app(Settings(str(tmp_path / "i"), str(tmp_path / "t"), maintenance_hours=hours))
        app.extensions["finwise"].close()
    assert len(started) == 1
