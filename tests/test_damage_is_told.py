"""Whatever leaves the store is compared with its checksum: nothing wrong is answered, and nothing is missing unsaid."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from finwise import create_domain
from finwise.config import Settings
from finwise.errors import Quarantined
from finwise.store.id_hash import id_hash
from tests.household import Household, change
from tests.tenant_file import TenantFile

T1 = "json_extract(entity, '$.id') = 't1'"
PAGE = 4096
READS = ["changes", "initial", "initial as lines", "export", "copy", "conflicts"]


def ask(home: Household, what: str) -> TestResponse:
    """One of the ways in which a book leaves the server."""
    if what in ("export", "copy"):
        media_type = "application/json" if what == "export" else "application/vnd.sqlite3"
        return home.get(f"/tenants/{home.tenant_id}/export", headers={"Accept": media_type}, buffered=True)
    kind, _, lines = what.partition(" as ")
    accept = "application/x-ndjson" if lines else "application/json"
    return home.get(f"/sync/{kind}/{home.tenant_id}", headers={"Accept": accept}, buffered=True)


def is_quarantined(answer: TestResponse) -> bool:
    return answer.status_code == 503 and answer.get_json()["code"] == "quarantined"


@pytest.fixture
def full(home: Household) -> Household:
    """A book with twenty entities, a tombstone and a conflict."""
    home.results(*(change(f"t{number}") for number in range(20)))
    home.results(change("gone", deleted_at="2026-01-09T19:01:00.000Z"))
    home.results(change("t1", updated_at="2026-01-01T00:00:00.000Z", base_updated_at=None, data={"name": "late"}))
    return home


@pytest.mark.parametrize("what", READS)
def test_what_is_whole_is_answered(full: Household, what: str) -> None:
    assert ask(full, what).status_code == 200


@pytest.mark.parametrize("what", READS)
@pytest.mark.parametrize(
    "damage",
    [
        f"entity = replace(entity, 'holiday', 'holidai') WHERE {T1}",
        f"entity = CAST(replace(CAST(entity AS BLOB), 'o', x'ff') AS TEXT) WHERE {T1}",
        f"checksum = checksum + 1 WHERE {T1}",
    ],
)
def test_a_damaged_entity_is_not_answered(full: Household, tenant_file: TenantFile, damage: str, what: str) -> None:
    tenant_file.execute(f"UPDATE sync_entities SET {damage}")
    assert is_quarantined(ask(full, what))
    assert is_quarantined(ask(full, "changes")), "nobody uses the file any more"


@pytest.mark.parametrize("what", ["initial", "initial as lines", "export", "copy"])
@pytest.mark.parametrize(
    "damage",
    [
        f"UPDATE sync_entities SET is_deleted = 1 WHERE {T1}",
        "UPDATE sync_entities SET is_deleted = 0 WHERE is_deleted",
        f"DELETE FROM sync_entities WHERE {T1}",
        "UPDATE sync_book SET digests = replace(digests, 'a', 'b')",
    ],
)
def test_an_entity_that_is_missing_is_noticed(full: Household, tenant_file: TenantFile, damage: str, what: str) -> None:
    tenant_file.execute(damage)
    assert is_quarantined(ask(full, what))


def test_a_flipped_stamp_in_the_index_hides_nothing_from_a_page(full: Household, tenant_file: TenantFile) -> None:
    since = full.pull(limit=5)["next_since"]
    tenant_file.execute(f"UPDATE sync_entities SET stamp = stamp + 4503599627370496 WHERE {T1}")
    answer = full.get(f"/sync/changes/{full.tenant_id}", query_string={"since": since})
    assert is_quarantined(answer)


def test_a_conflict_that_is_missing_is_noticed(full: Household, tenant_file: TenantFile) -> None:
    tenant_file.execute("DELETE FROM sync_conflicts")
    assert is_quarantined(ask(full, "conflicts"))


def test_a_long_first_load_breaks_off_where_it_is_damaged(home: Household, tenant_file: TenantFile) -> None:
    home.results(*(change(f"t{number}") for number in range(1_000)))
    tenant_file.execute(
        "UPDATE sync_entities SET entity = replace(entity, 'holiday', 'holidai') WHERE entity LIKE '%\"t990\"%'"
    )
    answer = home.get(f"/sync/initial/{home.tenant_id}", headers={"Accept": "application/x-ndjson"})
    pieces = answer.iter_encoded()
    next(pieces)
    with pytest.raises(Quarantined):
        list(pieces)
    answer.close()
    assert is_quarantined(ask(home, "initial")), "who comes again is told"


def test_an_entity_that_the_index_does_not_name_is_not_stored_a_second_time(
    full: Household, tenant_file: TenantFile
) -> None:
    full.client.application.extensions["finwise"].close()  # which folds the log in
    (index,) = tenant_file.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'sync_entities_id'")
    file = bytearray(tenant_file.path.read_bytes())
    place = file.index(id_hash("t1").to_bytes(4, "big"), (index["rootpage"] - 1) * PAGE, index["rootpage"] * PAGE)
    file[place] ^= 1
    tenant_file.path.write_bytes(file)
    edit = change("t1", updated_at="2026-02-01T00:00:00.000Z", base_updated_at="2026-01-09T19:01:00.000Z")
    assert is_quarantined(full.push(edit))


def test_a_file_whose_tables_are_not_finwises_is_damaged_and_no_error_of_the_server(
    full: Household, tenant_file: TenantFile
) -> None:
    tenant_file.execute("ALTER TABLE sync_entities RENAME COLUMN entity TO entiuy")
    assert is_quarantined(ask(full, "changes"))


def test_a_server_does_not_start_if_a_name_in_users_db_has_changed(home: Household, settings: Settings) -> None:
    home.client.application.extensions["finwise"].close()
    with closing(sqlite3.connect(settings.users_db)) as connection:
        connection.execute("ALTER TABLE users RENAME COLUMN email TO emaim")
    with pytest.raises(Quarantined, match="backup"):
        create_domain(settings)


def test_a_book_that_lacks_its_last_commits_is_told_after_the_server_was_killed(
    full: Household, tenant_file: TenantFile, tmp_path: Path
) -> None:
    before = tmp_path / "before.db"
    shutil.copyfile(tenant_file.path, before)
    log_before = Path(f"{tenant_file.path}-wal").read_bytes()
    full.results(change("last"))
    full.client.application.extensions["finwise"].close()  # its connections; what follows is what a killed one leaves
    for sidecar in ("-wal", "-shm"):
        Path(f"{tenant_file.path}{sidecar}").unlink(missing_ok=True)
    shutil.copyfile(before, tenant_file.path)
    Path(f"{tenant_file.path}-wal").write_bytes(log_before)
    assert is_quarantined(ask(full, "changes"))


def test_a_purge_does_not_remove_a_living_entity_that_a_bit_made_a_tombstone(
    full: Household, tenant_file: TenantFile
) -> None:
    tenant_file.execute(f"UPDATE sync_entities SET is_deleted = 1 WHERE {T1}")
    domain = full.client.application.extensions["finwise"]
    with pytest.raises(Quarantined):
        domain.maintenance.run_for(full.tenant_id, 2**52)
    assert len(tenant_file.rows("SELECT 1 FROM sync_entities")) == 21
