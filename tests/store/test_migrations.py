import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from finwise.errors import NewerSchema, OlderSchema
from finwise.store import migrations
from finwise.store.connection import connect, transaction
from finwise.store.migrations import is_current, migrate, schemas, version_of

KINDS = ["tenant", "users"]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(connect(":memory:")) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the migrations of the kind `trial` are read from."""
    monkeypatch.setattr(migrations, "files", lambda package: tmp_path)
    schemas.cache_clear()
    trial = tmp_path / "trial"
    trial.mkdir()
    yield trial
    schemas.cache_clear()


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
    assert version_of(connection) == schemas(kind).present > 0


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
    connection.execute(f"PRAGMA user_version = {schemas(kind).present + 1}")
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
    assert version_of(connection) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_script_ends_with_a_whole_statement(kind: str) -> None:
    # What follows the last semicolon is not run; nothing but comments may stand there.
    for file in (Path(migrations.__file__).parent / kind).glob("*.sql"):
        last = migrations._statements(file.read_text(encoding="utf-8"))[-1]
        rest = file.read_text(encoding="utf-8").rpartition(last)[2]
        assert all(line.startswith("--") for line in rest.splitlines() if line.strip()), file.name


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_leads_to_the_present_version(kind: str) -> None:
    known = schemas(kind)
    for begin in known.steps:
        version = begin
        while version != known.present:
            version = known.steps[version][0]
    assert known.steps


def test_the_sqlite_functions_a_tenants_schema_asks_for_are_there(connection: sqlite3.Connection) -> None:
    run(connection, "tenant")
    (epoch,) = connection.execute("SELECT epoch FROM sync_book").fetchone()
    assert len(epoch) == 8
    assert set(epoch) <= set("0123456789abcdef")


def test_a_semicolon_in_a_comment_a_text_or_a_trigger_does_not_end_a_statement(
    folder: Path, connection: sqlite3.Connection
) -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  UPDATE a SET x = 1;\n  UPDATE a SET x = 2;\nEND;"
    (folder / "schema_1.sql").write_text(
        f"-- one; two\nCREATE TABLE a (x DEFAULT ';\n' -- three;\n);\n{trigger}\nINSERT INTO a VALUES (0);\n-- end;\n"
    )
    assert len(schemas("trial").made[1]) == 3
    run(connection, "trial")
    assert connection.execute("SELECT x FROM a").fetchall() == [(2,)]


def test_an_older_database_goes_the_steps_it_lacks_and_a_new_one_none(
    folder: Path, connection: sqlite3.Connection
) -> None:
    (folder / "schema_1.sql").write_text("CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\n")
    run(connection, "trial")
    (folder / "schema_3.sql").write_text("CREATE TABLE a (x, y, z);\n")
    (folder / "from_1_to_2.sql").write_text("ALTER TABLE a ADD y DEFAULT 2;\n")
    (folder / "from_2_to_3.sql").write_text("ALTER TABLE a ADD z DEFAULT 3;\n")
    (folder / "README.md").write_text("CREATE TABLE d (x);\n")
    schemas.cache_clear()
    assert not is_current(connection, "trial")
    run(connection, "trial")
    assert connection.execute("SELECT x, y, z FROM a").fetchall() == [(1, 2, 3)]
    assert version_of(connection) == 3
    with closing(connect(":memory:")) as new:
        run(new, "trial")
        assert new.execute("SELECT x, y, z FROM a").fetchall() == []


def test_a_database_from_which_no_step_leads_on_is_refused_and_left_alone(
    folder: Path, connection: sqlite3.Connection
) -> None:
    (folder / "schema_3.sql").write_text("CREATE TABLE a (x);\n")
    (folder / "from_2_to_3.sql").write_text("CREATE TABLE a (x);\n")
    for version in (1, -1):
        connection.execute(f"PRAGMA user_version = {version:d}")
        with pytest.raises(OlderSchema) as caught:
            run(connection, "trial")
        assert caught.value.retry_after
    assert schema(connection) == []


def test_a_migration_that_fails_half_way_leaves_nothing(folder: Path, connection: sqlite3.Connection) -> None:
    (folder / "schema_1.sql").write_text("CREATE TABLE a (x);\n")
    run(connection, "trial")
    before = schema(connection)
    (folder / "schema_3.sql").write_text("CREATE TABLE a (x);\n")
    (folder / "from_1_to_2.sql").write_text("CREATE TABLE b (x);\n")
    (folder / "from_2_to_3.sql").write_text("CREATE TABLE c (x);\nINSERT INTO nowhere VALUES (1);\n")
    schemas.cache_clear()
    with pytest.raises(sqlite3.OperationalError):
        run(connection, "trial")
    assert schema(connection) == before
    assert version_of(connection) == 1
