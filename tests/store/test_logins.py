from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from finwise.domain.logins import DAY, FIRST, WINDOW, Most
from finwise.store import logins
from finwise.store.logins import FailedLogins
from finwise.store.users_database import UsersDatabase
from tests.store.files import open_users_database, value
from tests.store.processes import outcomes, ready

ACCOUNT, ADDRESS = "ada@example.org", "192.0.2.1"
SITE = "2001:db8::/48"
MOST = 3
ANY = 1_000
ONE_ADDRESS = Most(MOST, ANY, ANY, ANY)
COUNT = "SELECT count(*) FROM failed_logins"
KNOWN = "SELECT count(*) FROM known_addresses"


@pytest.fixture
def failed(users_database: UsersDatabase) -> FailedLogins:
    return FailedLogins(users_database)


def attempt(
    failed: FailedLogins,
    now: int,
    account: str = ACCOUNT,
    address: str = ADDRESS,
    most: Most = ONE_ADDRESS,
    site: str | None = None,
) -> int | None:
    """When the attempt may be made; None: it was made."""
    return failed.add_within(account, address, site or address, now=now, most=most).free_at


def test_so_many_attempts_are_let_in_and_then_none(failed: FailedLogins) -> None:
    assert [attempt(failed, now) for now in (10, 20, 30)] == [None, None, None]
    assert attempt(failed, 40) == 10 + WINDOW
    assert attempt(failed, 10 + WINDOW - 1) == 10 + WINDOW


def test_a_refused_attempt_does_not_lengthen_the_waiting(failed: FailedLogins) -> None:
    for now in (10, 20, 30, 40, 50):
        attempt(failed, now)
    assert attempt(failed, 10 + WINDOW) is None
    assert attempt(failed, 11 + WINDOW) == 20 + WINDOW


def test_an_attempt_is_forgotten_after_a_day(failed: FailedLogins, tmp_path: Path) -> None:
    for now in (10, 20, 30):
        attempt(failed, now)
    assert attempt(failed, 30 + DAY) is None
    assert value(tmp_path / "users.db", COUNT) == 1


def test_an_attempt_that_lies_ahead_was_counted_before_the_clock_was_put_back(failed: FailedLogins) -> None:
    for now in (10, 20, 30):
        attempt(failed, DAY + now)
    assert attempt(failed, 10) is None


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
        return attempt(failed, now, f"{number}", address, Most(1, MOST, ANY, ANY))

    assert [at(number, 10 + number) for number in range(MOST)] == [None] * MOST
    assert at(MOST, 20) == 10 + WINDOW
    assert at(MOST, 20, address="192.0.2.2") is None
    assert at(MOST, 10 + WINDOW) is None


def test_who_shares_an_address_with_somebody_who_guesses_at_others_logs_in_where_that_has_been_done_before(
    failed: FailedLogins,
) -> None:
    most = Most(1, MOST, ANY, ANY)
    failed.add_known(ACCOUNT, ADDRESS, 5)
    for number in range(MOST):
        attempt(failed, 10, f"{number}", ADDRESS, most)
    assert attempt(failed, 20, "nobody", ADDRESS, most) is not None
    assert attempt(failed, 20, ACCOUNT, ADDRESS, most) is None


# ---- many guess at an account ----

CROWDED = Most(2, ANY, MOST, ANY)


def crowd(
    failed: FailedLogins, now: int = 10, most: Most = CROWDED, site: str | None = None, elsewhere: str = ""
) -> None:
    """As many failures from elsewhere as take an account to the slower lane."""
    for number in range(most.account):
        assert attempt(failed, now, ACCOUNT, f"elsewhere {elsewhere} {number}", most, site) is None


def test_an_address_that_has_not_guessed_is_let_in_whatever_others_do(failed: FailedLogins) -> None:
    for number in range(100):
        assert attempt(failed, 10, ACCOUNT, f"elsewhere {number}", CROWDED) is None
    assert attempt(failed, 20, ACCOUNT, ADDRESS, CROWDED) is None


def test_while_many_guess_at_an_account_each_address_has_its_attempts_within_a_day(failed: FailedLogins) -> None:
    for now in (10, 20):
        assert attempt(failed, now, most=CROWDED) is None
    for number, moment in enumerate(range(WINDOW, DAY, WINDOW)):
        crowd(failed, moment, elsewhere=f"{number}")
        assert attempt(failed, moment, most=CROWDED) is not None
    assert attempt(failed, 20 + DAY, most=CROWDED) is None


def test_the_slower_lane_ends_with_the_guessing(failed: FailedLogins) -> None:
    for now in (10, 20):
        attempt(failed, now, most=CROWDED)
    crowd(failed, WINDOW)
    assert attempt(failed, 2 * WINDOW - 1, most=CROWDED) == 2 * WINDOW
    assert attempt(failed, 2 * WINDOW, most=CROWDED) is None


def test_another_account_is_not_in_the_slower_lane(failed: FailedLogins) -> None:
    for now in (10, 20):
        attempt(failed, now, "bob@example.org", most=CROWDED)
    crowd(failed, WINDOW + 20)
    assert attempt(failed, WINDOW + 20, "bob@example.org", most=CROWDED) is None


def test_a_known_address_is_not_in_the_slower_lane(failed: FailedLogins) -> None:
    failed.add_known(ACCOUNT, ADDRESS, 5)
    failed.add_known("bob@example.org", "192.0.2.99", 5)
    for address in (ADDRESS, "192.0.2.99"):
        for now in (10, 20):
            attempt(failed, now, ACCOUNT, address, CROWDED)
    crowd(failed, WINDOW + 20)
    assert attempt(failed, WINDOW + 20, ACCOUNT, "192.0.2.99", CROWDED) is not None, "known for another account"
    tries = [attempt(failed, WINDOW + 20, ACCOUNT, ADDRESS, CROWDED) is None for _ in range(3)]
    assert tries == [True, True, False], "its own attempts count there too"


def test_in_the_slower_lane_the_networks_of_one_site_have_so_many_attempts_together(failed: FailedLogins) -> None:
    most = Most(2, ANY, MOST, MOST + 1)
    crowd(failed, 10, most, SITE)
    assert attempt(failed, 20, ACCOUNT, "another network", most, SITE) is None
    assert attempt(failed, 20, ACCOUNT, "one more network", most, SITE) == 10 + WINDOW
    assert attempt(failed, 20, ACCOUNT, "a network elsewhere", most, "2001:db8:1::/48") is None


@pytest.mark.parametrize(
    ("most", "free_at"),
    [
        (Most(1, 2, ANY, ANY), 30 + WINDOW),
        (Most(9, 2, ANY, ANY), 20 + WINDOW),
        (Most(2, 9, ANY, ANY), 20 + WINDOW),
        (Most(9, 3, 3, ANY), 10 + WINDOW),
        (Most(2, 3, 1, ANY), 30 + WINDOW),
    ],
    ids=["here", "address", "two at once", "the slower lane, with attempts left", "the slower lane"],
)
def test_a_login_that_must_wait_waits_for_the_last_of_the_limits(
    failed: FailedLogins, most: Most, free_at: int
) -> None:
    for now in (10, 20, 30):
        attempt(failed, now, most=Most(9, 9, 9, 9))
    assert attempt(failed, 40, most=most) == free_at
    assert attempt(failed, free_at - 1, most=most) is not None
    assert attempt(failed, free_at, most=most) is None


# ---- who goes first ----


def test_who_is_known_goes_first_and_then_who_has_failed_least(failed: FailedLogins) -> None:
    def rank(address: str, now: int = WINDOW) -> int:
        return failed.add_within(ACCOUNT, address, address, now=now, most=Most(9, 9, 9, 9)).rank

    failed.add_known(ACCOUNT, "known", WINDOW - 10_000_000)
    failed.add_known(ACCOUNT, "known a moment ago", WINDOW - 1)
    attempt(failed, WINDOW, address="guessing"), attempt(failed, WINDOW, "bob@example.org", "guessing")
    assert rank("known") == FIRST
    assert FIRST < rank("known a moment ago") == rank("new") < rank("guessing")


# ---- what is kept ----


def test_what_strangers_send_is_kept_within_bounds(
    failed: FailedLogins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "MOST_ATTEMPTS", 10)
    typed = "a password in the wrong field, or anything else" * 5
    for number in range(25):
        assert attempt(failed, 10 + number, typed, f"{number}") is None
    assert value(tmp_path / "users.db", COUNT) == 10
    assert value(tmp_path / "users.db", "SELECT min(failed_at) FROM failed_logins") == 25, "the last ones are kept"
    assert value(tmp_path / "users.db", "SELECT max(length(account)) FROM failed_logins") == 32


def test_an_account_has_so_many_known_addresses(
    failed: FailedLogins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "MOST_KNOWN", 3)
    failed.add_known("bob@example.org", ADDRESS, 0)
    for number in range(10):
        failed.add_known(ACCOUNT, f"{number}", number)
    assert value(tmp_path / "users.db", KNOWN) == 4
    assert value(tmp_path / "users.db", f"SELECT min(seen_at) FROM known_addresses WHERE account = '{ACCOUNT}'") == 7


def test_an_address_is_known_as_long_as_somebody_logs_in_from_it_within_ninety_days(
    failed: FailedLogins, tmp_path: Path
) -> None:
    failed.add_known(ACCOUNT, ADDRESS, 0)
    failed.add_known(ACCOUNT, ADDRESS, 60 * DAY)
    failed.add_known(ACCOUNT, "192.0.2.2", 61 * DAY)
    failed.add_known(ACCOUNT, "192.0.2.3", 150 * DAY)
    assert value(tmp_path / "users.db", KNOWN) == 3
    failed.add_known(ACCOUNT, "192.0.2.3", 150 * DAY + 1)
    assert value(tmp_path / "users.db", f"{KNOWN} WHERE address = '{ADDRESS}'") == 0
    assert value(tmp_path / "users.db", KNOWN) == 2


def test_attempts_in_several_processes_at_once_are_counted_together(tmp_path: Path) -> None:
    let_in = outcomes(attempt_often, *[(tmp_path,)] * 3)
    assert sum(let_in) == 40 * MOST


def attempt_often(pipe: Connection, root: Path) -> None:
    """Says how many attempts were let in: at each of 40 accounts more than may be."""
    failed = FailedLogins(open_users_database(root))
    ready(pipe)
    answers = [attempt(failed, 10, account=str(number)) for number in range(40) for _ in range(MOST)]
    pipe.send(answers.count(None))
