from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from finwise.store.central import Central
from finwise.store.logins import FailedLogins
from tests.store.files import open_central, value
from tests.store.processes import outcomes, ready

ACCOUNT, ADDRESS = "ada@example.org", "192.0.2.1"
WINDOW = 1_000
MOST = 3


@pytest.fixture
def failed(central: Central) -> FailedLogins:
    return FailedLogins(central)


def attempt(failed: FailedLogins, now: int, account: str = ACCOUNT, address: str = ADDRESS) -> int | None:
    return failed.add_within(account, address, now=now, window=WINDOW, most=MOST)


def test_so_many_attempts_are_let_in_and_then_none(failed: FailedLogins) -> None:
    assert [attempt(failed, now) for now in (10, 20, 30)] == [None, None, None]
    assert attempt(failed, 40) == 10 + WINDOW
    assert attempt(failed, 10 + WINDOW - 1) == 10 + WINDOW


def test_a_refused_attempt_does_not_lengthen_the_waiting(failed: FailedLogins) -> None:
    for now in (10, 20, 30, 40, 50):
        attempt(failed, now)
    assert attempt(failed, 10 + WINDOW) is None
    assert attempt(failed, 11 + WINDOW) == 20 + WINDOW


def test_an_attempt_leaves_the_window_when_it_is_as_old_as_that(failed: FailedLogins, tmp_path: Path) -> None:
    for now in (10, 20, 30):
        attempt(failed, now)
    assert attempt(failed, 30 + WINDOW) is None
    assert value(tmp_path / "users.db", "SELECT count(*) FROM failed_logins") == 1


@pytest.mark.parametrize(("account", "address"), [("bob@example.org", ADDRESS), (ACCOUNT, "192.0.2.2")])
def test_another_account_or_address_is_counted_by_itself(failed: FailedLogins, account: str, address: str) -> None:
    for now in (10, 20, 30):
        attempt(failed, now)
    assert attempt(failed, 40, account, address) is None
    failed.delete(account, address)
    assert attempt(failed, 40) is not None


def test_after_a_success_counting_starts_anew(failed: FailedLogins) -> None:
    for now in (10, 20):
        attempt(failed, now)
    failed.delete(ACCOUNT, ADDRESS)
    assert [attempt(failed, now) for now in (30, 40, 50)] == [None, None, None]
    assert attempt(failed, 60) is not None


def test_attempts_in_several_processes_at_once_are_counted_together(tmp_path: Path) -> None:
    let_in = outcomes(attempt_often, *[(tmp_path,)] * 3)
    assert sum(let_in) == 40 * MOST


def attempt_often(pipe: Connection, root: Path) -> None:
    """Says how many attempts were let in: at each of 40 accounts more than may be."""
    failed = FailedLogins(open_central(root))
    ready(pipe)
    answers = [attempt(failed, 10, account=str(number)) for number in range(40) for _ in range(MOST)]
    pipe.send(answers.count(None))
