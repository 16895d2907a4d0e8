"""Connections that wait for their next use."""

import multiprocessing
import sqlite3
import sys
from pathlib import Path

import pytest

from finwise.errors import Quarantined
from finwise.store import pool as pools
from finwise.store.connection import connect
from finwise.store.pool import Pool


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database(tmp_path / "a.db")


def database(path: Path) -> Path:
    connection = connect(path, create=True)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("CREATE TABLE things (name TEXT)")
    connection.close()
    return path


def is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_a_connection_is_used_again(path: Path) -> None:
    pool = Pool()
    with pool.connection(path) as first:
        pass
    with pool.connection(path) as second:
        assert second is first


def test_two_borrowers_at_once_have_two_connections(path: Path) -> None:
    pool = Pool()
    with pool.connection(path) as first, pool.connection(path) as second:
        assert first is not second


def test_a_connection_whose_borrower_failed_is_closed(path: Path) -> None:
    pool = Pool()
    with pytest.raises(ZeroDivisionError), pool.connection(path) as connection:
        raise ZeroDivisionError
    assert not is_open(connection)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
def test_a_connection_to_a_replaced_file_is_not_used_again(path: Path, tmp_path: Path) -> None:
    pool = Pool()
    with pool.connection(path) as former:
        former.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    database(tmp_path / "b.db").replace(path)
    with pool.connection(path) as present:
        assert present is not former
    assert not is_open(former)


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(Quarantined), Pool().connection(tmp_path / "none.db"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_waiting_connections_are_bounded_and_the_longest_waiting_goes_first(tmp_path: Path) -> None:
    pool = Pool()
    lent = []
    for number in range(pools.SIZE + 3):
        with pool.connection(database(tmp_path / f"{number}.db")) as connection:
            lent.append(connection)
    assert [is_open(connection) for connection in lent] == [False] * 3 + [True] * pools.SIZE
    pool.close()


def test_connections_that_wait_long_are_closed_and_the_log_is_folded_in(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept = []
    monkeypatch.setattr(pools.Pool, "_sweep_later", lambda self: swept.append(self))
    pool = Pool()
    with pool.connection(path) as connection:
        connection.execute("INSERT INTO things VALUES ('x')")
    assert Path(f"{path}-wal").exists()
    assert swept == [pool]
    pool._sweep()
    assert is_open(connection)  # it has not waited long enough
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.0)
    pool._sweep()
    assert not is_open(connection)
    assert not Path(f"{path}-wal").exists()


def test_sweeping_ends_when_nothing_waits_and_begins_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept = []
    monkeypatch.setattr(pools.Pool, "_sweep_later", lambda self: swept.append(self))
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.0)
    pool = Pool()
    for times in (1, 2):
        with pool.connection(path):
            pass
        assert len(swept) == times
        pool._sweep()


def test_close_ends_those_of_one_file_only(path: Path, tmp_path: Path) -> None:
    pool = Pool()
    with pool.connection(path) as one, pool.connection(database(tmp_path / "b.db")) as other:
        pass
    pool.close(path)
    assert (is_open(one), is_open(other)) == (False, True)
    pool.close()
    assert not is_open(other)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_a_connection_is_not_used_across_a_fork(path: Path) -> None:
    pool = Pool()
    with pool.connection(path) as parents:
        pass
    context = multiprocessing.get_context("fork")
    queue = context.Queue()

    def child() -> None:
        with pool.connection(path) as own:
            queue.put(own is parents)

    process = context.Process(target=child)
    process.start()
    assert queue.get(timeout=30) is False
    process.join(30)
    with pool.connection(path) as again:
        assert again is parents
