"""One's own book, to take away: as a SQLite file and as JSON."""

import errno
import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from finwise.config import Settings
from finwise.entities import CATALOGUE
from finwise.store import connection as connections
from harness.problems import assert_problem
from tests.household import Household, change
from tests.store.files import value
from tests.tenant_file import TenantFile

SQLITE, JSON = "application/vnd.sqlite3", "application/json"


def copies(settings: Settings) -> list[Path]:
    return list(Path(settings.tenant_databases, "copies").iterdir())


def test_the_file_opens_with_any_sqlite_tool(home: Household, settings: Settings, tmp_path: Path) -> None:
    home.results(change("t1"), change("t2", deleted_at="2026-01-09T19:01:00.000Z"))
    answer = home.get(f"/tenants/{home.tenant_id}/export", buffered=True)
    assert answer.mimetype == SQLITE
    assert answer.headers["Content-Disposition"] == f'attachment; filename="finwise-{home.tenant_id}.db"'
    taken = tmp_path / "taken.db"
    taken.write_bytes(answer.data)
    assert value(taken, "SELECT name FROM tags") == "holiday"
    assert value(taken, "PRAGMA integrity_check") == "ok"
    assert value(taken, "SELECT count(*) FROM sqlite_schema WHERE type = 'view'") == len(CATALOGUE)
    assert copies(settings) == [], "nothing stays behind"


@pytest.fixture
def plain_deletes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is deleted stays in its place until that is taken, as SQLite does unless it is built like Debian's."""
    monkeypatch.setattr(connections, "_SETTINGS", (*connections._SETTINGS, "PRAGMA secure_delete = OFF"))


@pytest.mark.usefixtures("plain_deletes")
def test_the_file_names_no_device_and_no_token(home: Household, tenant_file: TenantFile) -> None:
    tokens = [home.token]
    for device in ("laptop", "phone", "laptop"):  # a device that logs in again replaces what was known of it
        home.results(change(), device_id=device)
        home.token = home.log_in().get_json()["token"]
        tokens.append(home.token)
    home.pull()
    ids = [each["id"] for each in home.get("/auth/tokens").get_json()]
    assert len(ids) == len(tokens)
    assert tenant_file.rows("SELECT count(*) AS number FROM sync_devices")[0]["number"] > 1
    taken = home.get(f"/tenants/{home.tenant_id}/export", buffered=True).data
    assert [each for each in ids if each.encode() in taken] == []


def test_the_file_is_of_one_moment(home: Household, tmp_path: Path) -> None:
    home.results(change("before"))
    answer = home.get(f"/tenants/{home.tenant_id}/export")
    home.results(change("after"))
    taken = tmp_path / "taken.db"
    taken.write_bytes(b"".join(answer.iter_encoded()))
    answer.close()
    assert value(taken, "SELECT group_concat(id) FROM tags") == "before"


def test_a_file_that_is_taken_while_others_write_has_their_pushes_whole_or_not_at_all(
    home: Household, tmp_path: Path
) -> None:
    stopped, begun = Event(), Event()

    def write() -> None:
        number = 0
        while not stopped.is_set():
            number += 1
            data = {"name": "x", "note": f"{number:06}" + "x" * 5_000}
            home.results(*(change(f"t{each}", base_updated_at=None, data=data) for each in range(20)))
            begun.set()

    notes = "SELECT count(DISTINCT json_extract(entity, '$.data.note')) || ' of ' || count(*) FROM sync_entities"
    with ThreadPoolExecutor() as pool:
        writer = pool.submit(write)
        try:
            assert begun.wait(30)
            for number in range(15):
                taken = tmp_path / f"{number}.db"
                taken.write_bytes(home.get(f"/tenants/{home.tenant_id}/export", buffered=True).data)
                assert value(taken, notes) == "1 of 20"
                assert value(taken, "PRAGMA integrity_check") == "ok"
        finally:
            stopped.set()
        writer.result()


def test_asking_for_the_head_alone_leaves_nothing_behind(home: Household, settings: Settings) -> None:
    home.results(change())
    answer = home.request("HEAD", f"/tenants/{home.tenant_id}/export")
    answer.close()
    assert (answer.status_code, answer.mimetype, answer.data) == (200, SQLITE, b"")
    assert copies(settings) == []


def test_a_client_that_goes_away_half_way_leaves_nothing_behind(home: Household, settings: Settings) -> None:
    home.results(change())
    answer = home.get(f"/tenants/{home.tenant_id}/export")
    assert len(copies(settings)) == 1
    next(iter(answer.iter_encoded()))
    answer.close()
    assert copies(settings) == []


def test_the_json_is_what_an_import_reads(home: Household) -> None:
    home.results(change("t1"), change("t2", entity_type="recipients", data={"name": "Shop", "newer": [1]}))
    home.results(change("t3", deleted_at="2026-01-09T19:01:00.000Z"))
    answer = home.get(f"/tenants/{home.tenant_id}/export", headers={"Accept": JSON})
    assert answer.mimetype == JSON
    assert answer.headers["Content-Disposition"] == f'attachment; filename="finwise-{home.tenant_id}.json"'
    assert answer.headers["Vary"] == "Accept, Authorization"
    assert {name: len(entities) for name, entities in json.loads(answer.data).items()} == {"tags": 1, "recipients": 1}
    other = Household(home.client).create()
    brought = other.post(f"/tenants/{other.tenant_id}/import", data=answer.data, content_type=JSON)
    assert brought.get_json()["applied"] == 2

    def held(household: Household) -> list[dict[str, object]]:
        return sorted(household.initial()["changes"], key=lambda entity: entity["id"])

    assert held(other) == held(home)


def test_an_empty_book_is_an_empty_object(home: Household) -> None:
    answer = home.get(f"/tenants/{home.tenant_id}/export", headers={"Accept": JSON})
    assert json.loads(answer.data) == {}


def test_other_forms_are_not_served(home: Household) -> None:
    answer = home.get(f"/tenants/{home.tenant_id}/export", headers={"Accept": "text/csv"})
    assert_problem(answer, 406, "not_acceptable")


def test_a_copy_that_vanishes_while_it_is_made_says_nothing_about_the_book(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.results(change("t1"))

    def vanish(source: sqlite3.Connection, target: Path) -> None:
        target.open("rb").close()  # there is none: somebody has emptied the folder of copies

    monkeypatch.setattr("finwise.store.copies.copy", vanish)
    assert_problem(home.get(f"/tenants/{home.tenant_id}/export", buffered=True), 503, "busy")
    assert [entity["id"] for entity in home.pull()["changes"]] == ["t1"]


def test_a_disk_without_room_for_the_copies_is_called_full(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(folder: Path, **_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    home.results(change("t1"))
    monkeypatch.setattr("finwise.store.folder.make_folder", no_room)
    assert_problem(home.get(f"/tenants/{home.tenant_id}/export"), 507, "storage_full")


def test_books_of_others_are_unknown(home: Household, settings: Settings) -> None:
    eve = Household(home.client)
    for media_type in (SQLITE, JSON):
        answer = eve.get(f"/tenants/{home.tenant_id}/export", headers={"Accept": media_type})
        assert_problem(answer, 404, "not_found")
    assert not Path(settings.tenant_databases, "copies").exists()
