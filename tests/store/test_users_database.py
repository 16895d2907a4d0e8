import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from finwise.errors import Conflict, NewerSchema, Quarantined
from finwise.store import cache
from finwise.store import connection as connections
from finwise.store import pool as pool_module
from finwise.store import users_database as module
from finwise.store.pool import Pool
from finwise.store.users_database import UsersDatabase
from tests.household import new_id
from tests.store.files import is_held, open_users_database, outside, value
from tests.store.processes import Peer, outcomes, ready


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.db"


def add_user(users_database: UsersDatabase, name: str = "Ada") -> str:
    uuid = new_id()
    with users_database.transact() as connection:
        connection.execute(
            "INSERT INTO users (uuid, name, email, email_key, created_at) VALUES (?, ?, ?, ?, '')",
            (uuid, name, uuid, uuid),
        )
    return uuid


def count(users_database: UsersDatabase) -> int:
    with users_database.read() as connection:
        number: int = connection.execute("SELECT count(*) FROM users").fetchone()[0]
    return number


def test_the_file_has_the_tables_of_users_and_tenants(users_database: UsersDatabase, path: Path) -> None:
    with outside(path) as connection:
        users = {row[1]: row for row in connection.execute("PRAGMA table_info(users)").fetchall()}
        tenants = {row[1]: row for row in connection.execute("PRAGMA table_info(tenants)").fetchall()}
        references = connection.execute("PRAGMA foreign_key_list(tenants)").fetchall()
    is_required, is_key = 3, 5
    assert {"uuid", "name", "email", "hashed_password"} <= set(users)
    assert {"uuid", "name", "user_id"} <= set(tenants)
    assert [name for name, row in users.items() if row[is_key]] == ["uuid"]
    assert [name for name, row in tenants.items() if row[is_key]] == ["uuid"]
    assert not users["hashed_password"][is_required]
    assert users["email"][is_required]
    assert [row[2:5] for row in references] == [("users", "user_id", "uuid")]


def test_an_email_is_there_once(users_database: UsersDatabase, path: Path) -> None:
    with outside(path) as connection:
        unique = [
            [column[2] for column in connection.execute(f"PRAGMA index_info('{index[1]}')").fetchall()]
            for index in connection.execute("PRAGMA index_list(users)").fetchall()
            if index[2]
        ]
    assert ["email"] in unique
    assert ["email_key"] in unique


def test_a_tenant_of_nobody_is_refused(users_database: UsersDatabase) -> None:
    with pytest.raises(Conflict), users_database.transact() as connection:
        connection.execute(
            "INSERT INTO tenants VALUES (?, 'Home', ?, 'active', '', NULL, NULL, NULL)", (new_id(), new_id())
        )


def test_a_user_with_tenants_cannot_be_removed_past_the_rules(users_database: UsersDatabase) -> None:
    user_id = add_user(users_database)
    with users_database.transact() as connection:
        connection.execute(
            "INSERT INTO tenants VALUES (?, 'Home', ?, 'active', '', NULL, NULL, NULL)", (new_id(), user_id)
        )
    with pytest.raises(Conflict), users_database.transact() as connection:
        connection.execute("DELETE FROM users")
    assert count(users_database) == 1


@pytest.mark.usefixtures("shipped_settings")
@pytest.mark.parametrize(
    ("pragma", "wanted"),
    [
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("wal_autocheckpoint", 1_000),
        ("journal_mode", "wal"),
    ],
)
def test_every_connection_has_the_settings_that_are_relied_on(
    users_database: UsersDatabase, pragma: str, wanted: object
) -> None:
    for way in (users_database.read, users_database.transact):
        with way() as connection:
            assert connection.execute(f"PRAGMA {pragma}").fetchone()[0] == wanted


def test_opening_again_keeps_what_is_there(users_database: UsersDatabase, tmp_path: Path, pool: Pool) -> None:
    add_user(users_database)
    assert count(open_users_database(tmp_path, pool)) == 1


def test_processes_that_start_at_the_same_moment_make_one_file(tmp_path: Path, path: Path) -> None:
    assert sorted(outcomes(start_and_add, *[(tmp_path,)] * 4)) == ["added"] * 4
    assert value(path, "SELECT count(*) FROM users") == 4


def test_starting_holds_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    def connect(database: Path, *, create: bool = False) -> sqlite3.Connection:
        held.append(is_held(tmp_path / "locks" / "users.lock"))
        return connections.connect(database, create=create)

    monkeypatch.setattr(module, "connect", connect)
    open_users_database(tmp_path)
    assert held == [True]


def start_and_add(pipe: Connection, root: Path) -> None:
    ready(pipe)
    add_user(open_users_database(root))
    pipe.send("added")


def test_a_transaction_that_fails_stores_nothing(users_database: UsersDatabase) -> None:
    with pytest.raises(ZeroDivisionError):
        add_and_fail(users_database)
    assert count(users_database) == 0
    add_user(users_database)
    assert count(users_database) == 1


def add_and_fail(users_database: UsersDatabase) -> None:
    with users_database.transact() as connection:
        connection.execute("INSERT INTO users VALUES ('u', 'Ada', 'e', 'e', NULL, '', 0, NULL)")
        _ = 1 // 0


def test_two_processes_see_each_others_changes(users_database: UsersDatabase, tmp_path: Path) -> None:
    with Peer(add_and_count_when_told, tmp_path) as other:
        assert other.hear() == 1
        assert count(users_database) == 1
        add_user(users_database)
        other.say("go on")
        assert other.hear() == 2


def add_and_count_when_told(pipe: Connection, root: Path) -> None:
    users_database = open_users_database(root)
    add_user(users_database)
    pipe.send(count(users_database))
    pipe.recv()
    pipe.send(count(users_database))


def test_no_commit_of_several_processes_and_threads_is_lost(
    users_database: UsersDatabase, tmp_path: Path, path: Path
) -> None:
    user_id = add_user(users_database, "0")
    outcomes(count_up, *[(tmp_path, user_id)] * 3)
    assert value(path, "SELECT name FROM users") == str(3 * 2 * 25)


def count_up(pipe: Connection, root: Path, user_id: str) -> None:
    """Two threads that read a number and write the next one."""
    users_database = open_users_database(root)

    def count_in_a_thread() -> None:
        for _ in range(25):
            with users_database.transact() as connection:
                (name,) = connection.execute("SELECT name FROM users WHERE uuid = ?", (user_id,)).fetchone()
                connection.execute("UPDATE users SET name = ? WHERE uuid = ?", (str(int(name) + 1), user_id))

    ready(pipe)
    with ThreadPoolExecutor(2) as threads:
        for counting in [threads.submit(count_in_a_thread) for _ in range(2)]:
            counting.result()
    pipe.send("done")


def test_who_writes_holds_the_lock_when_it_commits(
    users_database: UsersDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "locks" / "users.lock"
    held = []
    monkeypatch.setattr(connections, "leave", lambda: held.append(is_held(lock)))  # right before COMMIT
    with users_database.transact():
        held.append(is_held(lock))
    with users_database.read():
        held.append(is_held(lock))
    assert held == [True, True, False]


def test_who_reads_does_not_wait_for_who_writes(users_database: UsersDatabase) -> None:
    with users_database.transact() as connection:
        connection.execute("INSERT INTO users VALUES ('u', 'Ada', 'e', 'e', NULL, '', 0, NULL)")
        assert count(users_database) == 0
    assert count(users_database) == 1


def test_two_threads_at_once_have_a_connection_each(users_database: UsersDatabase) -> None:
    with users_database.read() as mine, ThreadPoolExecutor() as threads:

        def theirs() -> object:
            with users_database.read() as connection:
                return connection

        assert threads.submit(theirs).result() is not mine


def test_after_closing_nothing_is_open_and_everything_still_works(
    users_database: UsersDatabase, pool: Pool, path: Path
) -> None:
    add_user(users_database)
    pool.close()
    assert not Path(f"{path}-wal").exists(), "the last connection takes the log along"
    assert count(users_database) == 1


def overwrite(path: Path) -> None:
    path.write_bytes(b"no database at all " * 500)


def make_newer(path: Path) -> None:
    with outside(path) as connection:
        connection.execute("PRAGMA user_version = 999")


@pytest.mark.parametrize(("spoil", "wanted"), [(overwrite, Quarantined), (make_newer, NewerSchema)])
def test_a_file_that_cannot_be_used_is_refused_and_left_as_it_is(
    users_database: UsersDatabase,
    pool: Pool,
    tmp_path: Path,
    path: Path,
    spoil: Callable[[Path], None],
    wanted: type[Exception],
) -> None:
    add_user(users_database)
    pool.close()
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(wanted):
        open_users_database(tmp_path, pool)
    assert path.read_bytes() == before


def test_a_users_db_of_a_newer_finwise_does_not_take_the_place_of_an_empty_one(
    users_database: UsersDatabase, path: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "newer.db", isolation_level=None)) as newer:
        newer.execute("PRAGMA user_version = 1000")
        with pytest.raises(NewerSchema):
            users_database.replace_by(newer)
    with users_database.read() as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] < 1000
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)


# ---- answers that are remembered ----


class Asked:
    """Asks how many users there are, and counts how often the file was looked at for it."""

    def __init__(self, users_database: UsersDatabase) -> None:
        self.users_database = users_database
        self.looks = 0

    def count(self, keeps: bool = True) -> int | None:
        def find(connection: connections.Connection) -> int:
            self.looks += 1
            number: int = connection.execute("SELECT count(*) FROM users").fetchone()[0]
            return number

        return self.users_database.ask(("count",), find, lambda _: keeps)


def test_an_answer_is_remembered_and_asked_again_after_any_commit_of_any_process(
    users_database: UsersDatabase, tmp_path: Path, path: Path
) -> None:
    asked, other = Asked(users_database), open_users_database(tmp_path)
    assert (asked.count(), asked.count(), asked.looks) == (0, 0, 1)
    add_user(users_database)
    assert (asked.count(), asked.count(), asked.looks) == (1, 1, 2)
    add_user(other)
    assert (asked.count(), asked.count(), asked.looks) == (2, 2, 3)
    with outside(path) as connection:
        connection.execute("DELETE FROM users")
    assert (asked.count(), asked.count(), asked.looks) == (0, 0, 4)


def test_no_connection_of_several_remembers_what_another_has_changed(users_database: UsersDatabase) -> None:
    asked = Asked(users_database)
    for number in range(3):
        with users_database.read(), users_database.read():
            assert asked.count() == number  # on a third connection
        assert asked.count() == number
        add_user(users_database)
    assert asked.count() == 3


def test_a_change_that_is_undone_is_not_remembered(users_database: UsersDatabase) -> None:
    asked = Asked(users_database)
    add_user(users_database)
    with pytest.raises(ZeroDivisionError):
        _empty_and_fail(users_database)
    assert asked.count() == 1


def _empty_and_fail(users_database: UsersDatabase) -> None:
    with users_database.transact() as connection:
        connection.execute("DELETE FROM users")
        _ = 1 // 0


def test_what_is_not_there_and_what_is_not_to_be_kept_is_asked_each_time(users_database: UsersDatabase) -> None:
    asked = Asked(users_database)
    looks: list[object] = []
    for _ in range(3):
        asked.count(keeps=False)
        users_database.ask(("nothing",), looks.append)
    assert (asked.looks, len(looks)) == (3, 3)


def test_answers_are_few_whatever_is_asked(users_database: UsersDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_ANSWERS", 10)
    for number in range(100):
        assert users_database.ask((number,), lambda _, number=number: number + 1) == number + 1  # type: ignore[misc]
        with users_database.read() as connection:
            assert len(connection.cache) <= 11


def test_within_a_moment_all_answers_are_as_of_its_beginning(users_database: UsersDatabase, tmp_path: Path) -> None:
    asked, other = Asked(users_database), open_users_database(tmp_path)
    with users_database.hold_permissions():
        assert asked.count() == 0
        add_user(other)
        assert (asked.count(), asked.looks) == (0, 1)
    assert (asked.count(), asked.looks) == (1, 2)


def test_a_moment_is_that_of_one_thread(users_database: UsersDatabase, tmp_path: Path) -> None:
    asked, other = Asked(users_database), open_users_database(tmp_path)
    with users_database.hold_permissions(), ThreadPoolExecutor(1) as threads:
        assert asked.count() == 0
        add_user(other)
        assert threads.submit(asked.count).result() == 1


def test_a_request_that_is_refused_within_a_moment_leaves_the_connection_to_the_next(
    users_database: UsersDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    with pytest.raises(NewerSchema), users_database.hold_permissions():
        raise NewerSchema("refused", retry_after=1)
    monkeypatch.setattr(pool_module, "connect", opened.append)
    assert Asked(users_database).count() == 0
    assert opened == []
