"""The trash: named by time, whole, and emptied of what is old only."""

from pathlib import Path

import pytest

from finwise.store.databases import Databases
from finwise.store.folder import Folder
from finwise.store.trash import DELETED, ORPHAN, REPLACED, Trash
from tests.store.files import MOMENT, STORED, create, names, open_folder, outside, store, value
from tests.store.processes import kill_while_writing

DAY = 86_400_000_000  # µs


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return open_folder(tmp_path)


@pytest.fixture
def trash(folder: Folder) -> Trash:
    return Trash(folder)


def make(path: Path, content: str = "") -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)


def test_what_came_last_is_found(trash: Trash, tenant_id: str, path: Path) -> None:
    assert trash.find(tenant_id) is None
    for number, reason in enumerate([DELETED, REPLACED, DELETED]):
        make(path, str(number))
        assert trash.put(tenant_id, reason, MOMENT + number)
    found = trash.find(tenant_id)
    assert found
    assert found.read_text() == "2"


def test_a_file_is_found_among_those_of_others(trash: Trash, folder: Folder, tenant_id: str, path: Path) -> None:
    make(path)
    trash.put(tenant_id, DELETED, MOMENT)
    assert trash.find(f"{tenant_id[:-1]}{'0' if tenant_id[-1] != '0' else '1'}") is None


def test_its_name_says_when_and_why_it_came(trash: Trash, tenant_id: str, path: Path) -> None:
    make(path)
    trash.put(tenant_id, DELETED, MOMENT)
    found = trash.find(tenant_id)
    assert found
    assert found.name == f"20260921T141320.000000Z_deleted_tenant_{tenant_id}.db"


def test_sidecars_go_along(databases: Databases, trash: Trash, tenant_id: str, path: Path, tmp_path: Path) -> None:
    create(databases, tenant_id)
    kill_while_writing(tmp_path, tenant_id)  # what it committed is in the log alone
    trash.put(tenant_id, DELETED, MOMENT)
    assert names(path) == []
    found = trash.find(tenant_id)
    assert found
    assert value(found, STORED) == 1


def test_a_move_that_was_cut_off_goes_on_under_the_same_name(
    databases: Databases, trash: Trash, tenant_id: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(databases, tenant_id)
    kill_while_writing(tmp_path, tenant_id)
    replace = Path.replace
    moved: list[str] = []

    def replace_once(source: Path, target: Path) -> Path:
        if moved:
            raise KeyboardInterrupt
        moved.append(source.name)
        return replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_once)
        with pytest.raises(KeyboardInterrupt):
            trash.put(tenant_id, DELETED, MOMENT)
    assert moved == [path.name], "the file goes first: alone, without its log, nobody may write to it"
    trash.put(tenant_id, DELETED, MOMENT)
    found = trash.find(tenant_id)
    assert found
    assert value(found, STORED) == 1


def test_only_what_is_old_is_purged_for_good(trash: Trash, tenant_id: str, path: Path) -> None:
    for day in range(3):
        make(path)
        make(Path(f"{path}-wal"))
        trash.put(tenant_id, DELETED, MOMENT + day * DAY)
    assert trash.purge(MOMENT + 1 * DAY) == 1
    assert trash.purge(MOMENT + 1 * DAY) == 0
    assert len(list(trash.path.iterdir())) == 4


def test_what_nobody_has_deleted_is_never_purged(trash: Trash, tenant_id: str, path: Path) -> None:
    """Where users.db is not the one that belongs to the files, the trash has everybody's books."""
    for number, reason in enumerate([ORPHAN, DELETED, REPLACED]):
        make(path)
        trash.put(tenant_id, reason, MOMENT + number)
    assert trash.purge(MOMENT + 1_000 * DAY) == 2
    (kept,) = trash.path.iterdir()
    assert "_orphan_" in kept.name


def test_purging_an_empty_trash_does_nothing(trash: Trash) -> None:
    assert trash.purge(MOMENT) == 0


def test_what_litestream_keeps_beside_a_file_goes_with_it(trash: Trash, tenant_id: str, path: Path) -> None:
    kept = path.parent / f".{path.name}-litestream"
    for _ in range(2):
        make(path)
        trash.put(tenant_id, DELETED, MOMENT)
        make(kept / "generation")
        make(path)
        trash.purge(MOMENT + 1)
        assert kept.exists(), "the tenant is there again"
        path.unlink()
        make(path)
        trash.put(tenant_id, DELETED, MOMENT)
        trash.purge(MOMENT + 1)
        assert not kept.exists()


def test_other_names_in_the_trash_are_left_alone(trash: Trash, folder: Folder) -> None:
    for name in ("mine.db", "20200101T000000.000000Z_deleted_notes.db"):
        make(folder.below("trash") / name)
    assert trash.purge(MOMENT) == 0
    assert len(list(trash.path.iterdir())) == 2


def test_a_file_in_the_trash_is_whole_without_its_log(
    databases: Databases, trash: Trash, used_id: str, tmp_path: Path
) -> None:
    store(databases, used_id, 2)
    databases.delete(used_id, MOMENT)
    found = trash.find(used_id)
    assert found
    for sidecar in ("-wal", "-shm"):
        Path(f"{found}{sidecar}").unlink(missing_ok=True)
    with outside(found) as connection:
        assert connection.execute(STORED).fetchone()[0] == 2
