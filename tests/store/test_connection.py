import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from finwise.errors import Busy, Conflict, FinWiseError, Quarantined, ReadOnly, StorageFull
from finwise.store import connection as module
from finwise.store.connection import checkpoint, connect, snapshot, transaction
from finwise.store.sqlite_errors import translated

pytestmark = pytest.mark.usefixtures("shipped_settings")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a new file in the mode of all FinWise files, with one table."""
    with closing(connect(path, create=True)) as opened:
        opened.execute("PRAGMA journal_mode = WAL").fetchall()
        opened.execute("CREATE TABLE words (word UNIQUE)")
        yield opened


@pytest.fixture
def other(path: Path, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A second connection to the file, which does not wait."""
    with closing(connect(path)) as opened:
        opened.execute("PRAGMA busy_timeout = 0")
        yield opened


def words(connection: sqlite3.Connection) -> list[str]:
    return [word for (word,) in connection.execute("SELECT word FROM words ORDER BY rowid").fetchall()]


def test_a_missing_file_is_not_made_unless_it_shall_be(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(path)
    assert not path.exists()
    connect(path, create=True).close()
    assert path.exists()


@pytest.mark.parametrize("name", ["with space.db", "100%41.db", "a#b.db", "ä&mode=memory.db"])
def test_the_name_of_a_file_is_never_read_as_something_else(tmp_path: Path, name: str) -> None:
    connect(tmp_path / name, create=True).close()
    assert [found.name for found in tmp_path.iterdir()] == [name]


SETTINGS = {
    "synchronous": 2,
    "fullfsync": 1,
    "checkpoint_fullfsync": 1,
    "foreign_keys": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "wal_autocheckpoint": 1_000,
    "busy_timeout": 10_000,
}


class BuiltOtherwise(module.Connection):
    """A connection of an SQLite whose builder chose other defaults, as some systems do."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for pragma in ("synchronous = NORMAL", "foreign_keys = OFF", "trusted_schema = ON", "cell_size_check = OFF"):
            self.execute(f"PRAGMA {pragma}")


@pytest.mark.parametrize("built", [module.Connection, BuiltOtherwise])
def test_a_connection_has_the_settings_that_are_relied_on_however_sqlite_was_built(
    path: Path, monkeypatch: pytest.MonkeyPatch, built: type[module.Connection]
) -> None:
    monkeypatch.setattr(module, "Connection", built)
    with closing(connect(path, create=True)) as connection:
        found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in SETTINGS}
    assert found == SETTINGS


def test_a_failed_connection_leaves_nothing_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []

    class Remembered(module.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            opened.append(self)

    monkeypatch.setattr(module, "Connection", Remembered)
    path.write_bytes(b"no database at all " * 500)
    with pytest.raises(sqlite3.DatabaseError):
        connect(path)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


def test_a_transaction_is_committed_when_its_block_ends(
    connection: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    with transaction(connection):
        connection.execute("INSERT INTO words VALUES ('a')")
        assert words(other) == []
    assert words(other) == ["a"]
    assert not connection.in_transaction


def test_a_transaction_is_undone_when_its_block_raises(
    connection: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    with pytest.raises(ZeroDivisionError):
        insert_and_fail(connection)
    assert words(connection) == words(other) == []
    assert not connection.in_transaction


def insert_and_fail(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        connection.execute("INSERT INTO words VALUES ('a')")
        _ = 1 // 0


def test_a_transaction_whose_commit_fails_is_undone(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE letters (word REFERENCES words (word) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), transaction(connection):
        connection.execute("INSERT INTO letters VALUES ('of no word')")
    assert not connection.in_transaction
    assert connection.execute("SELECT count(*) FROM letters").fetchone() == (0,)


def test_a_transaction_excludes_other_writers_from_its_first_moment(
    connection: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    with transaction(connection):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("INSERT INTO words VALUES ('b')")
        assert words(other) == []
    other.execute("INSERT INTO words VALUES ('b')")


def test_a_snapshot_is_of_one_moment_and_leaves_nothing_open(
    connection: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    with snapshot(connection):
        assert words(connection) == []
        other.execute("INSERT INTO words VALUES ('b')")
        assert words(connection) == []
    assert words(connection) == ["b"]
    assert not connection.in_transaction


def test_a_snapshot_that_fails_leaves_nothing_open(connection: sqlite3.Connection) -> None:
    with pytest.raises(ZeroDivisionError), snapshot(connection):
        _ = 1 // 0
    assert not connection.in_transaction


# Writing back


def wal_size(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


def fill(connection: sqlite3.Connection) -> None:
    for _ in range(1_500):  # commits of a page or two; of a dozen where chance splits pages of the index
        connection.execute("INSERT INTO words VALUES (randomblob(1000))")


def test_the_log_is_written_back_and_used_anew_and_keeps_its_size(connection: sqlite3.Connection, path: Path) -> None:
    fill(connection)
    size = wal_size(path)
    assert size < (module.WAL_PAGES + 50) * (4096 + 24)
    fill(connection)
    assert wal_size(path) < size + 50 * (4096 + 24)  # the last commit before it is overwritten may be longer


def test_a_reader_keeps_the_log_until_it_ends_and_sees_what_it_saw(
    connection: sqlite3.Connection, other: sqlite3.Connection, path: Path
) -> None:
    with snapshot(other):
        before = words(other)
        fill(connection)
        fill(connection)
        assert words(other) == before
    size = wal_size(path)
    assert size > 2 * module.WAL_PAGES * 4096
    fill(connection)
    assert wal_size(path) < size + 50 * (4096 + 24)  # the commit that ends it, and no more
    assert len(words(other)) == len(before) + 4_500


def test_a_log_that_a_reader_has_made_large_is_cut_off_when_it_is_used_anew(
    path: Path, connection: sqlite3.Connection, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 2 * module.WAL_PAGES * 4096
    monkeypatch.setattr(module, "_SETTINGS", (*module._SETTINGS, f"PRAGMA journal_size_limit = {limit}"))
    with closing(connect(path)) as opened:
        with snapshot(other):
            words(other)
            fill(opened)
            fill(opened)
        assert wal_size(path) > limit
        fill(opened)
        assert wal_size(path) == limit


def test_a_checkpoint_empties_the_log_into_the_file(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("INSERT INTO words VALUES ('a')")
    assert wal_size(path) > 0
    checkpoint(connection)
    assert wal_size(path) == 0
    assert words(connection) == ["a"]
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (10_000,), "the connection is used again"


def test_a_checkpoint_does_not_wait_for_a_slow_reader(
    path: Path, connection: sqlite3.Connection, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 600)
    connection.execute("INSERT INTO words VALUES ('a')")
    with closing(connect(path)) as opened, ThreadPoolExecutor() as threads, snapshot(other):
        words(other)
        threads.submit(checkpoint, opened).result(timeout=15)
        assert wal_size(path) > 0
        assert opened.execute("PRAGMA busy_timeout").fetchone() == (600_000,)


def test_a_checkpoint_that_fails_is_logged_and_undoes_nothing(
    connection: sqlite3.Connection, other: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction(connection):
        connection.execute("INSERT INTO words VALUES ('a')")
        checkpoint(connection)  # which SQLite refuses within a transaction
    assert "could not be written back" in caplog.text
    assert words(other) == ["a"]
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (10_000,)


def test_every_connection_has_the_limit_of_a_log(connection: sqlite3.Connection) -> None:
    assert connection.execute("PRAGMA journal_size_limit").fetchone() == (module.WAL_LIMIT,)


# What SQLite's errors mean


def meaning(work: Callable[[], object]) -> FinWiseError:
    with pytest.raises(FinWiseError) as caught, translated():
        work()
    return caught.value


def test_a_file_that_somebody_writes_is_busy(connection: sqlite3.Connection, other: sqlite3.Connection) -> None:
    with transaction(connection):
        error = meaning(lambda: other.execute("BEGIN IMMEDIATE"))
    assert type(error) is Busy
    assert error.retry_after
    assert isinstance(error.__cause__, sqlite3.OperationalError)


def test_a_snapshot_that_became_too_old_to_write_is_busy(
    connection: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    with snapshot(other):
        words(other)
        connection.execute("INSERT INTO words VALUES ('a')")
        error = meaning(lambda: other.execute("INSERT INTO words VALUES ('b')"))
    assert type(error) is Busy


def test_a_table_that_is_being_read_is_busy(connection: sqlite3.Connection) -> None:
    connection.executemany("INSERT INTO words VALUES (?)", [("a",), ("b",)])
    reading = connection.execute("SELECT word FROM words")
    reading.fetchone()
    assert type(meaning(lambda: connection.execute("DROP TABLE words"))) is Busy
    reading.close()


def test_a_file_that_cannot_be_opened_is_busy(tmp_path: Path) -> None:
    assert type(meaning(lambda: connect(tmp_path / "missing" / "a.db"))) is Busy


def test_a_file_that_is_no_database_is_quarantined(path: Path) -> None:
    path.write_bytes(b"no database at all " * 500)
    error = meaning(lambda: connect(path).execute("SELECT * FROM sqlite_schema"))
    assert type(error) is Quarantined
    assert error.retry_after


def test_a_damaged_page_is_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    with closing(connect(path, create=True)) as connection:
        connection.execute("CREATE TABLE words (word)")
        connection.execute("INSERT INTO words VALUES ('a')")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    with closing(connect(path)) as connection:
        assert type(meaning(lambda: words(connection))) is Quarantined


def test_text_that_is_not_utf_8_is_quarantined(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO words VALUES (CAST(x'ff' AS TEXT))")
    assert type(meaning(lambda: words(connection))) is Quarantined


def test_a_file_that_takes_no_writes_is_read_only(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only = ON")
    error = meaning(lambda: connection.execute("INSERT INTO words VALUES ('a')"))
    assert type(error) is ReadOnly
    assert error.retry_after


def test_a_full_disk_is_full(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA max_page_count = 2").fetchall()
    error = meaning(lambda: connection.execute("INSERT INTO words VALUES (zeroblob(100000))"))
    assert type(error) is StorageFull


def test_what_refers_to_nothing_is_a_conflict(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE letters (word REFERENCES words (word))")
    error = meaning(lambda: connection.execute("INSERT INTO letters VALUES ('of no word')"))
    assert type(error) is Conflict


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (sqlite3.SQLITE_BUSY_RECOVERY, Busy),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Busy),
        (sqlite3.SQLITE_LOCKED_SHAREDCACHE, Busy),
        (sqlite3.SQLITE_NOMEM, Busy),
        (sqlite3.SQLITE_PROTOCOL, Busy),
        (sqlite3.SQLITE_CORRUPT_INDEX, Quarantined),
        (sqlite3.SQLITE_READONLY_DBMOVED, ReadOnly),
        (sqlite3.SQLITE_IOERR_WRITE, StorageFull),
        (sqlite3.SQLITE_IOERR_FSYNC, StorageFull),
        (sqlite3.SQLITE_IOERR_TRUNCATE, StorageFull),
        (sqlite3.SQLITE_IOERR_SHMSIZE, StorageFull),
    ],
)
def test_errors_that_are_hard_to_make_have_their_meaning_too(code: int, wanted: type[FinWiseError]) -> None:
    error = sqlite3.OperationalError("made up")
    error.sqlite_errorcode = code
    with pytest.raises(wanted), translated():
        raise error


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("SELECT * FROM nothing", sqlite3.OperationalError),
        ("SELECT FROM WHERE", sqlite3.OperationalError),
        ("INSERT INTO words VALUES ('a'), ('a')", sqlite3.IntegrityError),
        ("SELECT ?", sqlite3.ProgrammingError),
        ("SELECT 1; SELECT 2", sqlite3.ProgrammingError),
    ],
)
def test_programming_mistakes_pass_through(
    connection: sqlite3.Connection, statement: str, wanted: type[sqlite3.Error]
) -> None:
    # Python 3.11 says Warning where later ones say ProgrammingError.
    with pytest.raises((wanted, sqlite3.Warning)), translated():
        connection.execute(statement)


def test_a_closed_connection_is_a_programming_mistake(path: Path) -> None:
    connection = connect(path, create=True)
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError), translated():
        connection.execute("SELECT 1")


def test_other_errors_pass_through() -> None:
    with pytest.raises(ZeroDivisionError), translated():
        _ = 1 // 0


def test_the_log_of_a_file_that_litestream_replicates_is_left_to_it(path: Path, connection: sqlite3.Connection) -> None:
    with transaction(connection):
        connection.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
    with closing(connect(path)) as opened:
        fill(opened)
        assert wal_size(path) > 1_500 * 4096


def test_the_log_of_a_file_that_litestream_replicates_no_more_does_not_grow_without_end(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(connection):
        connection.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
    monkeypatch.setattr(module, "REPLICATED_WAL_PAGES", 1_200)
    with closing(connect(path)) as opened:
        fill(opened)
        size = wal_size(path)
        fill(opened)
        assert size <= wal_size(path) < size + 50 * (4096 + 24)
