"""Passwords: hashed as OWASP asks, and compared in the same time whether there is one or not."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, get_native_id

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from finwise import passwords
from finwise.errors import Busy
from finwise.passwords import Passwords


@pytest.fixture
def full_cost(monkeypatch: pytest.MonkeyPatch) -> Passwords:
    """As the server hashes."""
    monkeypatch.setattr(passwords, "MEMORY", 19 * 1024)
    monkeypatch.setattr(passwords, "PASSES", 2)
    return Passwords(2)


def test_a_password_is_hashed_with_argon2id_at_the_cost_that_owasp_asks_for(full_cost: Passwords) -> None:
    found = extract_parameters(full_cost.hash("correct horse"))
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 19_456, 2, 1)


def test_the_same_password_is_never_hashed_alike(full_cost: Passwords) -> None:
    assert full_cost.hash("correct horse") != full_cost.hash("correct horse")


def test_a_password_belongs_to_its_hash_and_no_other_does(full_cost: Passwords) -> None:
    hashed = full_cost.hash("correct horse")
    assert full_cost.verify(hashed, "correct horse")
    assert not full_cost.verify(hashed, "correct horses")
    assert not full_cost.verify("no hash at all", "correct horse")


def test_where_there_is_no_password_as_much_is_computed(full_cost: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    verify = PasswordHasher.verify

    def note(self: PasswordHasher, hashed: str, password: str) -> bool:
        compared.append(extract_parameters(hashed))
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", note)
    assert not full_cost.verify(None, "correct horse")
    assert not full_cost.verify(None, "the password of nobody")
    assert compared == [extract_parameters(full_cost.hash("x"))] * 2


def test_a_hash_of_other_cost_is_outdated(full_cost: Passwords) -> None:
    assert not full_cost.is_outdated(full_cost.hash("correct horse"), "correct horse")
    assert full_cost.is_outdated(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("correct horse"), "x")


COMPOSED, DECOMPOSED = "Schl\u00fcssel zum Tor", "Schlu\u0308ssel zum Tor"


@pytest.mark.parametrize("chosen", [COMPOSED, DECOMPOSED])
def test_a_password_fits_in_either_unicode_form(chosen: str) -> None:
    small = Passwords(2)
    hashed = small.hash(chosen)
    assert [small.verify(hashed, typed) for typed in (COMPOSED, DECOMPOSED)] == [True, True]
    assert [small.is_outdated(hashed, typed) for typed in (COMPOSED, DECOMPOSED)] == [False, False]
    assert not small.verify(hashed, COMPOSED.replace("\u00fc", "u"))


@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_a_hash_of_the_decomposed_form_is_accepted_and_outdated(typed: str) -> None:
    small = Passwords(2)
    hashed = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(DECOMPOSED)
    assert small.verify(hashed, typed)
    assert small.is_outdated(hashed, typed)


def test_where_there_is_no_password_each_form_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Passwords(2)
    hashed = small.hash("another")
    counted: list[str] = []
    verify = PasswordHasher.verify

    def note(self: PasswordHasher, hashed: str, password: str) -> bool:
        counted.append(hashed)
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", note)
    assert not small.verify(hashed, DECOMPOSED)
    wrong = len(counted)
    assert not small.verify(None, DECOMPOSED)
    assert len(counted) == 2 * wrong


def test_when_all_places_are_taken_the_next_one_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Passwords(1)
    verify = PasswordHasher.verify

    def meanwhile(self: PasswordHasher, hashed: str, password: str) -> bool:
        with pytest.raises(Busy):
            small.hash("another")
        return verify(self, hashed, password)

    hashed = small.hash("correct horse")
    monkeypatch.setattr(PasswordHasher, "verify", meanwhile)
    assert small.verify(hashed, "correct horse")


def test_when_all_places_are_taken_who_has_a_lower_rank_takes_that_of_a_higher_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the owner of an account comes while strangers guess."""
    small = Passwords(3)
    hashed = small.hash("correct horse")
    begun, released = Event(), Event()
    done: list[str] = []

    def verify(self: PasswordHasher, hashed: str, password: str) -> bool:
        begun.set()
        assert released.wait(60)
        done.append(password)
        return True

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(small.verify, hashed, "running", 9)
        assert begun.wait(60)
        strangers = [pool.submit(small.verify, hashed, f"stranger {rank}", rank) for rank in (7, 8)]
        try:
            while len(small._waiting) < 2:
                time.sleep(0.001)
            with pytest.raises(Busy):
                small.verify(hashed, "one more", 8)
            owner = pool.submit(small.verify, hashed, "owner", 0)
            with pytest.raises(Busy):
                strangers[1].result(60)
        finally:
            released.set()
        assert all(each.result(60) for each in (first, owner, strangers[0]))
    assert done == ["running", "owner", "stranger 7"]


HASHED_BY_FORTY_THREADS = """
import threading
from finwise.passwords import Passwords

def used():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) // 256

passwords = Passwords(40)
before = used()
threads = [threading.Thread(target=passwords.hash, args=("correct horse",)) for _ in range(40)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(used() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_hashes_that_many_threads_ask_for_leave_the_memory_of_few() -> None:
    ran = subprocess.run([sys.executable, "-c", HASHED_BY_FORTY_THREADS], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 80  # MiB


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no priority for each thread")
def test_hashing_gives_way_to_sync() -> None:
    hasher = Passwords(1)
    hashing = hasher._in_turn(lambda: os.getpriority(os.PRIO_PROCESS, get_native_id()), 0)
    assert hashing > os.getpriority(os.PRIO_PROCESS, get_native_id())
