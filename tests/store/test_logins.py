from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from finwise.domain.logins import Most
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
    return failed.add_within(account, address, now=now, window=WINDOW, most=Most(MOST, 1_000, 1_000))


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


def test_an_address_has_so_many_attempts_whatever_the_account(failed: FailedLogins) -> None:
    def at(number: int, now: int, address: str = ADDRESS) -> int | None:
        return failed.add_within(f"{number}", address, now=now, window=WINDOW, most=Most(1, MOST, 1_000))

    assert [at(number, 10 + number) for number in range(MOST)] == [None] * MOST
    assert at(MOST, 20) == 10 + WINDOW
    assert at(MOST, 20, address="192.0.2.2") is None
    assert at(MOST, 10 + WINDOW) is None


def test_an_account_has_so_many_attempts_whatever_the_address(failed: FailedLogins) -> None:
    def of(number: int, now: int, account: str = ACCOUNT) -> int | None:
        return failed.add_within(account, f"{number}", now=now, window=WINDOW, most=Most(1, 1_000, MOST))

    assert [of(number, 10 + number) for number in range(MOST)] == [None] * MOST
    assert of(MOST, 20) == 10 + WINDOW
    assert of(MOST, 20, account="bob@example.org") is None
    assert of(MOST, 10 + WINDOW) is None


@pytest.mark.parametrize(
    ("most", "free_at"),
    [(Most(1, 2, 3), 30), (Most(9, 2, 3), 20), (Most(9, 9, 3), 10), (Most(2, 9, 2), 20)],
    ids=["here", "address", "account", "two at once"],
)
def test_whoever_must_wait_waits_for_the_last_of_the_limits(failed: FailedLogins, most: Most, free_at: int) -> None:
    for now in (10, 20, 30):
        failed.add_within(ACCOUNT, ADDRESS, now=now, window=WINDOW, most=Most(9, 9, 9))
    assert failed.add_within(ACCOUNT, ADDRESS, now=40, window=WINDOW, most=most) == free_at + WINDOW
    assert failed.add_within(ACCOUNT, ADDRESS, now=free_at + WINDOW - 1, window=WINDOW, most=most) is not None
    assert failed.add_within(ACCOUNT, ADDRESS, now=free_at + WINDOW, window=WINDOW, most=most) is None


def test_attempts_from_elsewhere_do_not_count_where_somebody_has_logged_in_before(failed: FailedLogins) -> None:
    def of(address: str, account: str = ACCOUNT) -> int | None:
        return failed.add_within(account, address, now=20, window=WINDOW, most=Most(2, 1_000, MOST))

    failed.add_known(ACCOUNT, ADDRESS, 5)
    failed.add_known("bob@example.org", "192.0.2.99", 5)
    for number in range(MOST):
        assert of(f"elsewhere {number}") is None
    assert of("192.0.2.99") is not None, "known is an address for one account"
    assert [of(ADDRESS) is None for _ in range(3)] == [True, True, False], "its own attempts count there too"


def test_an_address_is_known_as_long_as_somebody_logs_in_from_it_within_ninety_days(
    failed: FailedLogins, tmp_path: Path
) -> None:
    day = 86_400 * 1_000_000
    failed.add_known(ACCOUNT, ADDRESS, 0)
    failed.add_known(ACCOUNT, ADDRESS, 60 * day)
    failed.add_known(ACCOUNT, "192.0.2.2", 61 * day)
    failed.add_known(ACCOUNT, "192.0.2.3", 150 * day)
    count = "SELECT count(*) FROM known_addresses"
    assert value(tmp_path / "users.db", count) == 3
    failed.add_known(ACCOUNT, "192.0.2.3", 150 * day + 1)
    assert value(tmp_path / "users.db", f"{count} WHERE address = '{ADDRESS}'") == 0
    assert value(tmp_path / "users.db", count) == 2


def test_attempts_in_several_processes_at_once_are_counted_together(tmp_path: Path) -> None:
    let_in = outcomes(attempt_often, *[(tmp_path,)] * 3)
    assert sum(let_in) == 40 * MOST


def attempt_often(pipe: Connection, root: Path) -> None:
    """Says how many attempts were let in: at each of 40 accounts more than may be."""
    failed = FailedLogins(open_central(root))
    ready(pipe)
    answers = [attempt(failed, 10, account=str(number)) for number in range(40) for _ in range(MOST)]
    pipe.send(answers.count(None))
