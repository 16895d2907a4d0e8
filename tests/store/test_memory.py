from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from finwise import create_domain, entities, now
from finwise.config import MEMORY, Settings
from finwise.domain import Domain
from finwise.domain.cursor import Cursor
from finwise.domain.sync import PullRequest, PushRequest
from finwise.errors import BadSetting, Quarantined, TenantDeleted
from finwise.store.memory import MemoryDatabases
from harness.callers import as_caller
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user
from tests.store.files import BOTH, STORED, refusal, store, stored


@pytest.fixture
def databases() -> MemoryDatabases:
    return MemoryDatabases(entities.columns())


@pytest.fixture
def tenant_id(databases: MemoryDatabases) -> Iterator[str]:
    made = new_id()
    create(databases, made)
    yield made
    databases.delete(made, 0)


@pytest.fixture
def domain(tmp_path: Path) -> Iterator[Domain]:
    opened = create_domain(Settings(instance=str(tmp_path / "instance"), tenant_databases=MEMORY))
    yield opened
    opened.close()


def create(databases: MemoryDatabases, tenant_id: str) -> None:
    databases.create(tenant_id, lambda: True)


def test_a_book_in_memory_makes_no_file(domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    tenant_id = add_tenant(domain, add_user(domain))
    domain.sync.push(tenant_id, PushRequest([change()]), now())
    made = {path.name for path in set(tmp_path.rglob("*")) - set(before)}
    assert made <= {"users.db-wal", "users.db-shm"}


def test_pushing_and_pulling_works_as_on_files(domain: Domain) -> None:
    tenant_id = add_tenant(domain, add_user(domain))
    domain.sync.push(tenant_id, PushRequest([change("e1"), change("e2")]), now())
    page = domain.sync.pull(tenant_id, PullRequest(limit=1))
    assert [version.id for version in page.entities] == ["e1"]
    rest = domain.sync.pull(tenant_id, PullRequest(Cursor(page.next_stamp, page.epoch)))
    assert [version.id for version in rest.entities] == ["e2"]


def test_two_tenants_are_separate(domain: Domain) -> None:
    user = add_user(domain)
    one, other = add_tenant(domain, user), add_tenant(domain, user)
    domain.sync.push(one, PushRequest([change("e1")]), now())
    assert domain.sync.pull(other, PullRequest()).entities == []
    assert domain.sync.pull(one, PullRequest()).epoch != domain.sync.pull(other, PullRequest()).epoch
    domain.tenants.delete(as_caller(user), other, now())
    assert len(domain.sync.pull(one, PullRequest()).entities) == 1


@pytest.mark.parametrize("way", BOTH)
def test_whichever_request_comes_first_makes_the_schema_and_the_epoch(
    databases: MemoryDatabases, tenant_id: str, way: str
) -> None:
    epochs = set()
    for each in (way, *BOTH):
        with getattr(databases, each)(tenant_id) as connection:
            epochs.add(connection.execute("SELECT epoch FROM sync_book").fetchone()[0])
    assert len(epochs) == 1


def test_a_transaction_that_fails_stores_nothing(databases: MemoryDatabases, tenant_id: str) -> None:
    store(databases, tenant_id, 1)
    with pytest.raises(ZeroDivisionError):
        store_and_fail(databases, tenant_id)
    assert stored(databases, tenant_id) == 1


def store_and_fail(databases: MemoryDatabases, tenant_id: str) -> None:
    with databases.transact(tenant_id) as connection:
        connection.execute("UPDATE sync_book SET last_stamp = 2")
        _ = 1 // 0


def test_what_is_written_in_a_read_is_not_stored(databases: MemoryDatabases, tenant_id: str) -> None:
    store(databases, tenant_id, 1)
    with databases.read(tenant_id) as connection:
        connection.execute("UPDATE sync_book SET last_stamp = 2")
    assert stored(databases, tenant_id) == 1


def test_creating_again_changes_nothing(databases: MemoryDatabases, tenant_id: str) -> None:
    store(databases, tenant_id, 1)
    create(databases, tenant_id)
    assert stored(databases, tenant_id) == 1


def test_a_tenant_that_is_not_wanted_any_more_is_not_created(databases: MemoryDatabases) -> None:
    tenant_id = new_id()
    databases.create(tenant_id, lambda: False)
    assert refusal(databases, tenant_id, "read") is Quarantined


@pytest.mark.parametrize("way", BOTH)
def test_an_unknown_tenant_is_quarantined(databases: MemoryDatabases, way: str) -> None:
    assert refusal(databases, new_id(), way) is Quarantined


@pytest.mark.parametrize("way", BOTH)
def test_a_deleted_tenant_is_deleted(databases: MemoryDatabases, tenant_id: str, way: str) -> None:
    store(databases, tenant_id, 1)
    assert databases.delete(tenant_id, 0)
    assert refusal(databases, tenant_id, way) is TenantDeleted
    assert databases.delete(tenant_id, 0)
    assert refusal(databases, tenant_id, way) is TenantDeleted


def test_a_tenant_is_there_until_it_is_deleted(databases: MemoryDatabases, tenant_id: str) -> None:
    assert databases.tenant_ids() == {tenant_id}
    assert databases.exists(tenant_id)
    databases.delete(tenant_id, 0)
    assert databases.tenant_ids() == set()
    assert not databases.exists(tenant_id)


def test_what_is_about_files_finds_none_and_changes_nothing(databases: MemoryDatabases, tenant_id: str) -> None:
    store(databases, tenant_id, 1)
    with databases.alone():
        databases.set_aside(tenant_id, 0, lambda: True)
        databases.shrink(tenant_id)
        databases.remove_leftovers(set())
        assert databases.replace(tenant_id, 0)
        assert databases.purge_trash(0) == 0
        assert databases.find_in_trash(tenant_id, None) is None
    assert stored(databases, tenant_id) == 1


def test_a_restore_into_memory_is_refused(databases: MemoryDatabases, tenant_id: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting):
        databases.stage(tenant_id, tmp_path / "backup.db")


def test_upkeep_of_books_in_memory_works_as_on_files(domain: Domain) -> None:
    tenant_id = add_tenant(domain, add_user(domain))
    gone = change("gone", deleted_at="2026-01-09T19:01:00.000Z", data=None)
    domain.sync.push(tenant_id, PushRequest([gone, change("kept")]), now())
    domain.upkeep.run(now() + 181 * 86_400_000_000)
    with domain.sync.initial(tenant_id, None) as load:
        assert [entity.id for entity in load.entities] == ["kept"]
    assert domain.upkeep.compact(tenant_id, now() + 181 * 86_400_000_000).tombstones == 0


def test_threads_lose_no_commit(databases: MemoryDatabases, tenant_id: str) -> None:
    def count_up() -> None:
        for _ in range(50):
            with databases.transact(tenant_id) as connection:
                (number,) = connection.execute(STORED).fetchone()
                connection.execute("UPDATE sync_book SET last_stamp = ?", (number + 1,))

    with ThreadPoolExecutor(4) as threads:
        for counting in [threads.submit(count_up) for _ in range(4)]:
            counting.result()
    assert stored(databases, tenant_id) == 200


def test_a_reader_misses_nothing_while_threads_push(domain: Domain) -> None:
    tenant_id = add_tenant(domain, add_user(domain))

    def push_many(seed: int) -> int:
        random = Random(seed)
        pushes = [[change() for _ in range(random.randint(1, 6))] for _ in range(40)]
        return sum(len(domain.sync.push(tenant_id, PushRequest(changes), now()).results) for changes in pushes)

    seen: set[str] = set()
    since: Cursor | None = None
    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(push_many, seed) for seed in range(4)]
        while True:
            over = all(writer.done() for writer in writers)
            page = domain.sync.pull(tenant_id, PullRequest(since, limit=7))
            seen |= {version.id for version in page.entities}
            since = Cursor(page.next_stamp, page.epoch)
            if over and not page.has_more:
                break
    assert len(seen) == sum(writer.result() for writer in writers)
