"""The folder of the tenants' files: what counts as one, and moving one away without losing what is in its log."""

from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from finwise.errors import Busy
from finwise.store import folder as folders
from finwise.store.databases import Databases
from finwise.store.folder import Folder, move_database, remove_database, sorted_files, with_sidecars
from finwise.store.trash import DELETED, Trash
from tests.household import new_id
from tests.store.files import STORED, create, names, open_folder, outside
from tests.store.processes import Peer, kill_while_writing

MOMENT = 1_790_000_000_000_000  # µs; a whole second, whose name must have its digits after the point all the same


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return open_folder(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with all that can lie beside it; each holds its own name."""
    for each in with_sidecars(tmp_path / "a.db"):
        each.write_text(each.name)
    return tmp_path / "a.db"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere" / "b.db"


def test_only_whole_names_of_files_count_as_tenants(folder: Folder) -> None:
    tenant_id = new_id()
    for each in with_sidecars(folder.file(tenant_id)):
        each.touch()
    for name in (f"tenant_{new_id()}.db-wal", f"tenant_{new_id()}.db.bak", f".tenant_{new_id()}.db", "tenant_1.db"):
        (folder.path / name).touch()
    folder.below(f".tenant_{tenant_id}.db-litestream")
    assert folder.tenant_ids() == {tenant_id}


def test_a_file_is_moved_with_all_that_lies_beside_it(file: Path, target: Path) -> None:
    assert move_database(file, target)
    assert names(file) == []
    assert [each.read_text() for each in with_sidecars(target)] == [each.name for each in with_sidecars(file)]


@pytest.mark.parametrize("done", range(5))
def test_a_move_goes_on_wherever_it_was_cut_off(
    file: Path, target: Path, done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, steps = Path.replace, iter(range(5))

    def replace_or_die(source: Path, destination: Path) -> Path:
        if next(steps) == done:
            raise KeyboardInterrupt
        return replace(source, destination)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_or_die)
        try:
            move_database(file, target)
        except KeyboardInterrupt:
            assert len(names(target)) == done
            assert file.exists() == (done == 0), "the log never goes before the file"
    for _ in range(2):
        assert move_database(file, target)
        assert names(file) == []
        assert [each.read_text() for each in with_sidecars(target)] == [each.name for each in with_sidecars(file)]


def test_a_file_that_another_process_has_open_stays_with_its_log(
    file: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where an open file cannot be moved."""

    def refuse(source: Path, destination: Path) -> Path:
        raise PermissionError

    monkeypatch.setattr(folders, "_MOVE_TRIES", 2)
    monkeypatch.setattr(Path, "replace", refuse)
    assert not move_database(file, target)
    assert len(names(file)) == 4


def test_a_file_that_is_open_for_a_moment_only_is_moved(
    file: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, refusals = Path.replace, [PermissionError()]

    def refuse_once(source: Path, destination: Path) -> Path:
        if refusals:
            raise refusals.pop()
        return replace(source, destination)

    monkeypatch.setattr(Path, "replace", refuse_once)
    assert move_database(file, target)
    assert names(file) == []


def test_a_file_is_removed_with_all_that_lies_beside_it(file: Path) -> None:
    for _ in range(2):
        assert remove_database(file)
        assert names(file) == []


def test_what_a_killed_process_left_in_the_log_is_in_the_moved_file(
    databases: Databases, tenant_id: str, path: Path, tmp_path: Path, target: Path
) -> None:
    create(databases, tenant_id)
    kill_while_writing(tmp_path, tenant_id)
    assert Path(f"{path}-wal").stat().st_size, "what was committed is in the log alone"
    assert move_database(path, target)
    with outside(target) as connection:
        assert connection.execute(STORED).fetchone()[0] == 1


def test_files_are_listed_by_name_and_sidecars_are_no_files(file: Path, tmp_path: Path) -> None:
    for name in ("c.db", "b.db", "0.db"):
        (tmp_path / name).touch()
    assert [each.name for each in sorted_files(tmp_path)] == ["0.db", "a.db", "b.db", "c.db"]
    assert list(sorted_files(tmp_path / "nothing")) == []


def test_names_in_the_trash_sort_by_time_to_the_microsecond(folder: Folder, tenant_id: str, path: Path) -> None:
    trash = Trash(folder)
    moments = [MOMENT + later for later in (1_000_000, 1, 0, 999_999, 10)]
    for moment in moments:
        path.write_text(str(moment))
        assert trash.put(tenant_id, DELETED, moment)
    assert [int(each.read_text()) for each in sorted_files(trash.path)] == sorted(moments)
    newest = trash.find(tenant_id)
    assert newest
    assert int(newest.read_text()) == max(moments)


def test_what_came_at_the_very_moment_is_not_older(folder: Folder, tenant_id: str, path: Path) -> None:
    trash = Trash(folder)
    path.touch()
    trash.put(tenant_id, DELETED, MOMENT)
    assert trash.purge(MOMENT) == 0
    assert trash.find(tenant_id)
    assert trash.purge(MOMENT + 1) == 1
    assert trash.find(tenant_id) is None


def test_a_lock_that_another_process_holds_is_respected_until_that_dies(folder: Folder, tmp_path: Path) -> None:
    with Peer(hold, tmp_path, "work") as holder:
        assert holder.hear() == "held"
        with pytest.raises(Busy), folder.alone("work", wait=False):
            pass
        with folder.alone("other", wait=False):
            pass
        holder.kill()
        with folder.alone("work"):
            pass


def hold(pipe: Connection, root: Path, work: str) -> None:
    with open_folder(root).alone(work):
        pipe.send("held")
        pipe.recv()
