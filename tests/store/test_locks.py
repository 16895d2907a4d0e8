import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from finwise.errors import Busy
from finwise.store import locks
from finwise.store.locks import STRIPES, are_kept, locked, stripe
from tests.store.files import is_held
from tests.store.processes import Peer, outcomes, ready

TURNS = 150


def test_a_lock_lets_one_thread_in_at_a_time(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as threads:
        for turn in [threads.submit(take_turns, tmp_path, TURNS) for _ in range(6)]:
            turn.result()
    assert count(tmp_path) == 6 * TURNS


def test_a_lock_lets_one_process_in_at_a_time(tmp_path: Path) -> None:
    outcomes(take_turns_elsewhere, *[(tmp_path,)] * 4)
    assert count(tmp_path) == 4 * TURNS


def test_a_lock_is_free_after_its_holder_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a.lock"):
        _ = 1 // 0
    assert not is_held(tmp_path / "a.lock")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no folder of a process's open files")
def test_who_does_not_get_a_lock_keeps_no_file_open(tmp_path: Path) -> None:
    with locked(tmp_path / "a.lock"):
        before = len(os.listdir("/dev/fd"))
        for _ in range(3):
            with pytest.raises(Busy), locked(tmp_path / "a.lock", wait=False):
                pass
        assert len(os.listdir("/dev/fd")) == before


def test_a_lock_is_free_after_its_holder_was_killed(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    with Peer(hold, lock) as holder:
        assert holder.hear() == "held"
        assert is_held(lock)
        holder.kill()
        assert not is_held(lock)


def test_who_waits_for_a_process_that_is_killed_is_served(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    with Peer(hold, lock) as holder:
        assert holder.hear() == "held"
        with Peer(hold, lock) as waiting:
            holder.kill()
            assert waiting.hear() == "held"


def test_two_locks_do_not_exclude_each_other(tmp_path: Path) -> None:
    with locked(tmp_path / "a.lock"), locked(tmp_path / "b.lock"):
        assert is_held(tmp_path / "a.lock")
        assert is_held(tmp_path / "b.lock")


def test_who_does_not_wait_is_told_at_once_that_another_process_holds_it(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    with Peer(hold, lock) as holder:
        assert holder.hear() == "held"
        with Peer(hold_unless_held, lock) as other:
            assert other.hear() == "busy"
        holder.kill()
    with locked(lock, wait=False):
        assert is_held(lock)


def test_locks_of_a_local_disk_are_kept_and_the_probe_is_given_back(tmp_path: Path) -> None:
    assert are_kept(tmp_path)
    assert are_kept(tmp_path)
    assert not is_held(tmp_path / "probe.lock")


def test_locks_that_keep_nobody_out_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_acquire", lambda descriptor, wait: True)
    assert not are_kept(tmp_path)


def test_a_lock_file_stays_so_that_all_lock_the_same_one(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    with locked(lock):
        before = lock.stat().st_ino
    with locked(lock):
        assert lock.stat().st_ino == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_lock_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    with locked(tmp_path / "a.lock"):
        assert (tmp_path / "a.lock").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform == "win32", reason="locks of Windows can only be asked for again and again")
def test_all_waiting_processes_get_their_share(tmp_path: Path) -> None:
    # With SQLite's own waiting one of eight processes was served once while another one was 1,677 times.
    (tmp_path / "count").write_text("0")
    served = outcomes(be_served, *[(tmp_path, 1_200)] * 4)
    assert sum(served) == 1_200
    assert max(served) <= 4 * min(served), served


def test_a_tenant_has_the_same_lock_in_every_process_and_version() -> None:
    assert stripe(Path("locks"), "5b1c0a52-7a4f-4a71-9d0c-1f2e3d4c5b6a") == Path("locks", "1d3.lock")


def test_tenants_share_a_limited_number_of_locks_evenly() -> None:
    random = Random(1)
    tenants = [str(UUID(int=random.getrandbits(128))) for _ in range(10 * STRIPES)]
    shares = Counter(stripe(Path(), tenant_id).name for tenant_id in tenants)
    assert 0.95 * STRIPES < len(shares) <= STRIPES
    assert max(shares.values()) < 50  # 10 on average


def take_turns(folder: Path, turns: int) -> None:
    """Counts in a file, by reading and writing; a holder leaves a mark that nobody else may find."""
    for _ in range(turns):
        with locked(folder / "a.lock"):
            os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))
            (folder / "count").write_text(str(count(folder) + 1))
            (folder / "inside").unlink()


def take_turns_elsewhere(pipe: Connection, folder: Path) -> None:
    ready(pipe)
    take_turns(folder, TURNS)
    pipe.send("done")


def count(folder: Path) -> int:
    file = folder / "count"
    return int(file.read_text()) if file.exists() else 0


def hold(pipe: Connection, lock: Path) -> None:
    with locked(lock):
        pipe.send("held")
        pipe.recv()


def hold_unless_held(pipe: Connection, lock: Path) -> None:
    try:
        with locked(lock, wait=False):
            pipe.send("held")
    except Busy:
        pipe.send("busy")


def be_served(pipe: Connection, folder: Path, most: int) -> None:
    """Says how often it held the lock until all together had `most` turns."""
    ready(pipe)
    served = 0
    while take_a_turn(folder, most):
        served += 1
    pipe.send(served)


def take_a_turn(folder: Path, most: int) -> bool:
    with locked(folder / "a.lock"):
        before = count(folder)
        if before < most:
            (folder / "count").write_text(str(before + 1))
        return before < most
