"""Damaged files are found out, whatever the damage, and whole ones are left in peace."""

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from finwise import now
from finwise.domain import Domain, digest
from finwise.domain.change import read_entity
from finwise.domain.sync import PullRequest, PushRequest
from finwise.store.connection import connect, snapshot
from finwise.store.damages import damages
from finwise.store.entity_rows import intact_version, row_of
from tests.household import change
from tests.store.accounts import add_tenant, add_user
from tests.store.files import outside

COPIES = 160
PAGE = 4096
T7 = "json_extract(entity, '$.id') = 't7'"

Damage = Callable[[bytearray, random.Random], None]


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    made = add_tenant(domain, add_user(domain))
    changes = [change(f"t{number}", data={"name": f"tag {number} " + "x" * 40}) for number in range(400)]
    domain.sync.push(made, PushRequest(changes), now())
    late = [change(f"t{number}", updated_at="2026-01-01T00:00:00Z", base_updated_at=None) for number in range(9)]
    domain.sync.push(made, PushRequest(late), now())
    return made


@pytest.fixture
def copy(domain: Domain, tenant_id: str, tmp_path: Path) -> Path:
    """A single file that is whole and nobody's."""
    folder = domain.backups.make(tmp_path / "backups", now(), tenant_id).folder
    return folder / f"tenant_{tenant_id}.db"


def found(path: Path) -> list[str]:
    try:
        with closing(connect(path)) as connection, snapshot(connection):
            return damages(connection)
    except sqlite3.DatabaseError as error:
        return [str(error)]


def content(path: Path) -> object:
    """All that a device could ever get of a file; what went wrong where it cannot be read."""
    try:
        with outside(path) as connection:
            return [
                connection.execute(query).fetchall()
                for query in (
                    "SELECT * FROM sync_entities ORDER BY stamp",
                    "SELECT * FROM sync_conflicts ORDER BY rowid",
                    "SELECT epoch, last_stamp, horizon, digests FROM sync_book",
                )
            ]
    except (sqlite3.Error, OverflowError) as error:
        return repr(error)


def flip_a_bit(file: bytearray, chance: random.Random) -> None:
    file[chance.randrange(100, len(file))] ^= 1 << chance.randrange(8)


def zero_a_page(file: bytearray, chance: random.Random) -> None:
    page = chance.randrange(len(file) // PAGE)
    file[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)


def fill_a_page_with_noise(file: bytearray, chance: random.Random) -> None:
    page = chance.randrange(len(file) // PAGE)
    file[page * PAGE : (page + 1) * PAGE] = chance.randbytes(PAGE)


def cut_off(file: bytearray, chance: random.Random) -> None:
    del file[chance.randrange(1, len(file) // PAGE) * PAGE :]


def spoil_the_header(file: bytearray, chance: random.Random) -> None:
    file[chance.randrange(100)] ^= 1 << chance.randrange(8)


def test_a_whole_file_has_no_damage_and_looking_changes_nothing(copy: Path) -> None:
    before = copy.read_bytes()
    assert found(copy) == []
    assert copy.read_bytes() == before


def test_the_file_itself_has_no_place_for_a_second_row_of_a_stamp(copy: Path) -> None:
    with outside(copy) as connection, pytest.raises(sqlite3.IntegrityError, match=r"sync_entities\.stamp"):
        connection.execute("UPDATE sync_entities SET stamp = (SELECT stamp FROM sync_entities LIMIT 1)")


def test_a_second_row_of_an_entity_is_noticed_even_where_all_its_sums_are_right(copy: Path) -> None:
    with closing(connect(copy)) as connection:
        first = """SELECT stamp, is_deleted, checksum, crc, CAST(entity AS BLOB), change_id, device_id
                   FROM sync_entities ORDER BY stamp LIMIT 1"""
        tombstone = intact_version(connection.execute(first).fetchone())._replace(data=None)
        one, between, other = (tombstone._replace(stamp=stamp, id=each) for stamp, each in enumerate("xyx", start=1))
        for row in map(row_of, (one, between, other)):
            connection.execute("INSERT INTO sync_entities VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("UPDATE sync_book SET digests = ?", (_digests(connection),))
        connection.execute(
            "UPDATE sync_book SET checksum = checksum(epoch, last_stamp, horizon, writes, conflicts, digests, sums)"
        )
    assert found(copy) == ["Entities that stand in it more than once: 1."]


def _digests(connection: sqlite3.Connection) -> str:
    rows = connection.execute("SELECT CAST(entity AS BLOB) FROM sync_entities").fetchall()
    return json.dumps({"tags": digest.add(digest.ZERO, sum(digest.weight(read_entity(*row)) for row in rows))})


@pytest.mark.parametrize("damage", [flip_a_bit, zero_a_page, fill_a_page_with_noise, cut_off, spoil_the_header])
def test_no_damage_that_changes_what_devices_get_stays_unnoticed(copy: Path, tmp_path: Path, damage: Damage) -> None:
    whole, harmful = content(copy), 0
    for seed in range(COPIES // 5):
        damaged = tmp_path / f"{seed}.db"
        shutil.copyfile(copy, damaged)
        file = bytearray(copy.read_bytes())
        damage(file, random.Random(f"{damage.__name__} {seed}"))
        damaged.write_bytes(file)
        if content(damaged) != whole:
            harmful += 1
            assert found(damaged), seed
    assert harmful > 3


@pytest.mark.parametrize(
    "statement",
    [
        f"DELETE FROM sync_entities WHERE {T7}",
        f'UPDATE sync_entities SET entity = replace(entity, \'"name":"\', \'"name":"an\') WHERE {T7}',
        f"UPDATE sync_entities SET entity = replace(entity, '\"data\":', '\"date\":') WHERE {T7}",
        f'UPDATE sync_entities SET entity = replace(entity, \'"id":"t7"\', \'"id":"t8"\') WHERE {T7}',
        f'UPDATE sync_entities SET entity = replace(entity, \'"updated_at":"2\', \'"updated_at":"3\') WHERE {T7}',
        f"UPDATE sync_entities SET entity = replace(entity, 'tags', 'recipients') WHERE {T7}",
        f"UPDATE sync_entities SET id_hash = id_hash + 1 WHERE {T7}",
        f"UPDATE sync_entities SET is_deleted = 1 WHERE {T7}",
        f"UPDATE sync_entities SET stamp = stamp + 1000000 WHERE {T7}",
        f"UPDATE sync_entities SET device_id = 'another' WHERE {T7}",
        "UPDATE sync_conflicts SET data = '{}' WHERE id = 't7'",
        'UPDATE sync_book SET digests = \'{"tags": "0123456789abcdef"}\'',
        "UPDATE sync_book SET digests = '[]'",
        "UPDATE sync_book SET sums = '{\"tags\": 5}'",
        f"UPDATE sync_entities SET change_id = 'another' WHERE {T7}",
        "UPDATE sync_conflicts SET conflict_id = 'another' WHERE id = 't7'",
        "UPDATE sync_book SET last_stamp = 1",
        "UPDATE sync_book SET last_stamp = last_stamp + 1",
        "UPDATE sync_book SET horizon = 1",
        "UPDATE sync_book SET epoch = 'another'",
        "DELETE FROM sync_book",
        "CREATE TRIGGER evil AFTER INSERT ON sync_entities BEGIN DELETE FROM sync_entities; END",
        "CREATE TABLE more (text)",
        "ALTER TABLE sync_entities ADD COLUMN more TEXT",
        "DROP INDEX sync_entities_stamp",
    ],
)
def test_what_was_changed_past_finwise_is_noticed(copy: Path, statement: str) -> None:
    with outside(copy) as connection:
        connection.execute(statement)
    assert found(copy)


def test_views_and_the_tables_of_litestream_are_no_damage(copy: Path) -> None:
    with outside(copy) as connection:
        connection.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
        connection.execute("CREATE TABLE _litestream_lock (id INTEGER)")
        connection.execute("CREATE VIEW mine AS SELECT 1")
    assert found(copy) == []


def test_a_virtual_table_under_a_name_of_litestream_is_not_taken_for_its_own(copy: Path) -> None:
    with outside(copy) as connection:
        connection.execute("CREATE VIRTUAL TABLE _litestream_seq USING fts5(text)")
    assert found(copy)


def test_a_book_in_use_is_proven_while_it_is_written_to(domain: Domain, tenant_id: str) -> None:
    assert domain.verification.verify(tenant_id) == []
    domain.sync.push(tenant_id, PushRequest([change("new"), change("t1", deleted_at="2026-02-01T00:00:00Z")]), now())
    assert domain.verification.verify(tenant_id) == []
    assert len(domain.sync.pull(tenant_id, PullRequest(limit=1_000)).entities) == 401


def test_users_db_is_proven_too(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    assert domain.verification.verify_users() == []
    with outside(tmp_path / "instance" / "users.db") as connection:
        connection.execute("UPDATE tenants SET user_id = 'nobody'")
    assert domain.verification.verify_users() == ["A row of tenants belongs to nothing."]
