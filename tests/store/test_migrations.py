import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from finwise.errors import NewerSchema
from finwise.store import migrations
from finwise.store.connection import connect, transaction
from finwise.store.migrations import is_current, migrate, scripts

KINDS = ["tenant", "users"]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(connect(":memory:")) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the migrations of the kind `trial` are read from."""
    monkeypatch.setattr(migrations, "files", lambda package: tmp_path)
    scripts.cache_clear()
    trial = tmp_path / "trial"
    trial.mkdir()
    yield trial
    scripts.cache_clear()


def version(connection: sqlite3.Connection) -> int:
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def run(connection: sqlite3.Connection, kind: str) -> None:
    with transaction(connection):
        migrate(connection, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_database_is_brought_to_the_last_version(connection: sqlite3.Connection, kind: str) -> None:
    assert not is_current(connection, kind)
    run(connection, kind)
    assert is_current(connection, kind)
    assert version(connection) == len(scripts(kind)) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_migrating_again_changes_nothing(connection: sqlite3.Connection, kind: str) -> None:
    run(connection, kind)
    before = schema(connection)
    changes = connection.total_changes
    run(connection, kind)
    assert schema(connection) == before
    assert connection.total_changes == changes


@pytest.mark.parametrize("kind", KINDS)
def test_a_newer_database_is_refused_and_left_alone(connection: sqlite3.Connection, kind: str) -> None:
    connection.execute(f"PRAGMA user_version = {len(scripts(kind)) + 1}")
    with pytest.raises(NewerSchema) as caught:
        is_current(connection, kind)
    assert caught.value.retry_after
    with pytest.raises(NewerSchema):
        run(connection, kind)
    assert schema(connection) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_migration_belongs_to_the_callers_transaction(connection: sqlite3.Connection, kind: str) -> None:
    connection.execute("BEGIN")
    migrate(connection, kind)
    assert connection.in_transaction
    connection.execute("ROLLBACK")
    assert schema(connection) == []
    assert version(connection) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_script_ends_with_a_whole_statement(kind: str) -> None:
    # What follows the last semicolon is not run; nothing but comments may stand there.
    folder = Path(migrations.__file__).parent / kind
    for script, file in zip(scripts(kind), sorted(folder.glob("*.sql")), strict=True):
        rest = file.read_text(encoding="utf-8").rpartition(script[-1])[2]
        assert all(line.startswith("--") for line in rest.splitlines() if line.strip()), file.name


def test_the_sqlite_functions_a_tenants_schema_asks_for_are_there(connection: sqlite3.Connection) -> None:
    run(connection, "tenant")
    (epoch,) = connection.execute("SELECT epoch FROM sync_book").fetchone()
    assert len(epoch) == 8
    assert set(epoch) <= set("0123456789abcdef")


def test_scripts_are_read_in_their_order_and_as_single_statements(folder: Path) -> None:
    (folder / "0010_c.sql").write_text("CREATE TABLE c (x);")
    (folder / "0002_b.sql").write_text("CREATE TABLE b (x);\nCREATE TABLE b2 (x);\n")
    (folder / "0001_a.sql").write_text("CREATE TABLE a (x);\n")
    (folder / "README.md").write_text("CREATE TABLE d (x);\n")
    assert scripts("trial") == (
        ("CREATE TABLE a (x);",),
        ("CREATE TABLE b (x);", "CREATE TABLE b2 (x);"),
        ("CREATE TABLE c (x);",),
    )


def test_a_semicolon_in_a_comment_a_text_or_a_trigger_does_not_end_a_statement(
    folder: Path, connection: sqlite3.Connection
) -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  UPDATE a SET x = 1;\n  UPDATE a SET x = 2;\nEND;"
    (folder / "0001.sql").write_text(
        f"-- one; two\nCREATE TABLE a (x DEFAULT ';\n' -- three;\n);\n{trigger}\nINSERT INTO a VALUES (0);\n-- end;\n"
    )
    assert len(scripts("trial")[0]) == 3
    run(connection, "trial")
    assert connection.execute("SELECT x FROM a").fetchall() == [(2,)]


def test_an_older_database_gets_only_what_it_lacks(folder: Path, connection: sqlite3.Connection) -> None:
    (folder / "0001.sql").write_text("CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\n")
    run(connection, "trial")
    (folder / "0002.sql").write_text("ALTER TABLE a ADD y;\n")
    scripts.cache_clear()
    assert not is_current(connection, "trial")
    run(connection, "trial")
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, None)]
    assert version(connection) == 2


def test_a_migration_that_fails_half_way_leaves_nothing(folder: Path, connection: sqlite3.Connection) -> None:
    (folder / "0001.sql").write_text("CREATE TABLE a (x);\n")
    run(connection, "trial")
    before = schema(connection)
    (folder / "0002.sql").write_text("CREATE TABLE b (x);\n")
    (folder / "0003.sql").write_text("CREATE TABLE c (x);\nINSERT INTO nowhere VALUES (1);\n")
    scripts.cache_clear()
    with pytest.raises(sqlite3.OperationalError):
        run(connection, "trial")
    assert schema(connection) == before
    assert version(connection) == 1
