"""Logs are written back into their files beside large pushes, by a thread that nobody waits for."""

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from finwise import now
from finwise.domain import Domain
from finwise.domain.sync import PullRequest, PushRequest
from finwise.errors import Busy
from finwise.store import write_back
from finwise.store.connection import Connection, connect
from finwise.store.pool import Pool
from finwise.store.write_back import WriteBack, is_write_back_due
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user
from tests.store.files import open_folder, outside, tenant_file, value

PATIENCE = 10  # seconds
COUNT = "SELECT count(*) FROM sync_entities"
# In a process of its own: where one that uses SQLite closes a database, SQLite's locks on it are gone.
COPY = "import shutil, sys; shutil.copyfile(*sys.argv[1:])"


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    made = add_tenant(domain, add_user(domain))
    push(domain, made, 1)
    domain.close()  # and with the last connection all of it is in the file
    return made


@pytest.fixture
def path(tmp_path: Path, tenant_id: str) -> Iterator[Path]:
    """The tenant's file, open elsewhere: else SQLite writes the log back when its last connection is closed."""
    path = tenant_file(tmp_path, tenant_id)
    with outside(path) as connection:
        connection.execute(COUNT).fetchall()
        yield path


def push(domain: Domain, tenant_id: str, entities: int) -> None:
    domain.sync.push(tenant_id, PushRequest([change(new_id()) for _ in range(entities)]), now())


def test_a_log_that_a_reader_keeps_from_being_used_anew_has_a_bound(
    domain: Domain, tenant_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, most = Path(f"{tenant_file(tmp_path, tenant_id)}-wal"), 1024 * 1024
    monkeypatch.setattr(write_back, "MOST_LOG", most)

    def push_often() -> None:
        for _ in range(40):
            push(domain, tenant_id, 300)

    with domain.sync.initial(tenant_id, None) as load:
        first = next(load.chunks)
        with pytest.raises(Busy):
            push_often()
        assert most < log.stat().st_size < 2 * most
        before = domain.sync.pull(tenant_id, PullRequest()).next_stamp
    assert len(first) == 1
    push_often()
    assert log.stat().st_size < 2 * most
    assert domain.sync.pull(tenant_id, PullRequest(limit=100_000)).next_stamp > before
    assert domain.verification.verify(tenant_id) == []


def in_the_file_alone(path: Path) -> int:
    """How many entities it holds without its log."""
    alone = path.with_name("alone.db")
    subprocess.run([sys.executable, "-c", COPY, str(path), str(alone)], check=True)
    found: int = value(alone, COUNT)
    return found


def becomes_true(is_true: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not is_true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_what_large_pushes_stored_is_soon_in_the_file(domain: Domain, tenant_id: str, path: Path) -> None:
    push(domain, tenant_id, 500)
    assert in_the_file_alone(path) == 1
    push(domain, tenant_id, 500)
    assert becomes_true(lambda: in_the_file_alone(path) == 1_001)
    size = Path(f"{path}-wal").stat().st_size
    push(domain, tenant_id, 100)
    assert Path(f"{path}-wal").stat().st_size == size > 0, "the log was truncated, not overwritten"


def test_small_pushes_leave_it_to_sqlite(domain: Domain, tenant_id: str, path: Path) -> None:
    for _ in range(30):
        push(domain, tenant_id, 40)
    time.sleep(0.5)
    assert in_the_file_alone(path) == 1


def test_a_replicated_file_is_left_to_litestream(domain: Domain, tenant_id: str, path: Path) -> None:
    with outside(path) as connection:
        connection.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
    for _ in range(3):
        push(domain, tenant_id, 500)
    time.sleep(0.5)
    assert in_the_file_alone(path) == 1


def test_it_waits_for_the_files_lock_and_nobody_for_it(
    domain: Domain, tenant_id: str, path: Path, tmp_path: Path, pool: Pool
) -> None:
    push(domain, tenant_id, 500)
    folder = open_folder(tmp_path)
    write_back = WriteBack(folder, pool)
    with folder.locked(tenant_id):
        write_back.start(tenant_id)
        write_back.start(tenant_id)  # no more than one at a time
        time.sleep(0.5)
        assert in_the_file_alone(path) == 1
    assert becomes_true(lambda: in_the_file_alone(path) == 501)


def test_a_file_that_cannot_be_written_back_keeps_no_other_from_it(
    domain: Domain, tenant_id: str, path: Path, tmp_path: Path, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    push(domain, tenant_id, 500)
    write_back = WriteBack(open_folder(tmp_path), pool)
    with caplog.at_level(logging.INFO):
        write_back.start(new_id())  # deleted meanwhile
        assert becomes_true(lambda: "could not be written back yet" in caplog.text)

    def is_written_back() -> bool:
        write_back.start(tenant_id)
        return in_the_file_alone(path) == 501

    assert becomes_true(is_written_back)


def test_where_no_thread_is_to_be_had_nothing_is_raised(tmp_path: Path, pool: Pool) -> None:
    write_back = WriteBack(open_folder(tmp_path), pool)
    write_back._thread.shutdown()
    write_back.start(new_id())
    assert write_back._idle.acquire(blocking=False), "it is tried again the next time"


@pytest.mark.parametrize(
    ("pushes", "due"),
    [([99] * 50, []), ([500, 500, 500], [1]), ([1_000], [0]), ([999], []), ([400, 99, 400, 200, 1_000], [3, 4])],
)
def test_it_is_due_after_a_thousand_rows_of_large_transactions(pushes: list[int], due: list[int]) -> None:
    connection: Connection = connect(":memory:")
    assert [place for place, rows in enumerate(pushes) if is_write_back_due(connection, rows)] == due
    connection.close()
