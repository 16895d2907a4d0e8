from multiprocessing.connection import Connection

import pytest

from finwise import create_domain
from finwise.config import Settings
from finwise.domain import Domain, tokens
from finwise.domain.times import millis_text
from finwise.domain.token import Caller
from finwise.domain.tokens import NewToken
from finwise.domain.user import User
from finwise.errors import NotFound, Unauthorized
from finwise.store.users_database import UsersDatabase
from tests.store.accounts import add_user
from tests.store.processes import Peer

NOW = 1_768_000_000_000_000
MINUTE = 60 * 1_000_000
DAY = 24 * 60 * MINUTE


@pytest.fixture
def user(domain: Domain) -> User:
    return add_user(domain)


def test_a_token_names_its_user(domain: Domain, user: User) -> None:
    issued = domain.tokens.add_for(user.email, NewToken("phone"), NOW)
    assert domain.tokens.authenticate(issued.secret, NOW) == Caller(user, issued.token)


def test_a_token_that_was_never_given_is_unknown(domain: Domain, user: User) -> None:
    domain.tokens.add_for(user.email, NewToken("phone"), NOW)
    with pytest.raises(Unauthorized):
        domain.tokens.authenticate("fw_made_up", NOW)


def test_a_token_expires_when_it_was_not_used_for_so_long(domain: Domain, user: User) -> None:
    used, unused = (domain.tokens.add_for(user.email, NewToken("phone"), NOW) for _ in range(2))
    domain.tokens.authenticate(used.secret, NOW + 90 * DAY - 1_000)
    with pytest.raises(Unauthorized):
        domain.tokens.authenticate(unused.secret, NOW + 90 * DAY)
    domain.tokens.authenticate(used.secret, NOW + 90 * DAY)
    assert domain.tokens.list_of(user, NOW + 180 * DAY) == []


def test_a_use_is_noted_every_ten_minutes_and_an_expiry_moved_once_a_day(domain: Domain, user: User) -> None:
    issued = domain.tokens.add_for(user.email, NewToken("phone"), NOW)
    noted = []
    for now in (NOW, NOW + 9 * MINUTE, NOW + 10 * MINUTE, NOW + DAY):
        domain.tokens.authenticate(issued.secret, now)
        noted.append(domain.tokens.list_of(user, now)[0])
    assert [each.last_used_at for each in noted] == [
        millis_text(now) for now in (NOW, NOW, NOW + 10 * MINUTE, NOW + DAY)
    ]
    assert [each.expires_at for each in noted] == [millis_text(now + 90 * DAY) for now in (NOW, NOW, NOW, NOW + DAY)]


def test_of_too_many_tokens_of_a_user_the_one_unused_for_longest_gives_way(
    domain: Domain, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 3)
    others = domain.tokens.add_for(add_user(domain).email, NewToken("phone"), NOW)
    first, second, third = (domain.tokens.add_for(user.email, NewToken(str(day)), NOW + day * DAY) for day in range(3))
    domain.tokens.authenticate(first.secret, NOW + 3 * DAY)
    early = domain.tokens.add_for(user.email, NewToken("a clock that was set back"), NOW - DAY)
    kept = [each.id for each in domain.tokens.list_of(user, NOW + 4 * DAY)]
    assert sorted(kept) == sorted([first.token.id, third.token.id, early.token.id])
    with pytest.raises(Unauthorized):
        domain.tokens.authenticate(second.secret, NOW + 4 * DAY)
    domain.tokens.authenticate(others.secret, NOW + 4 * DAY)


def test_a_poll_between_is_a_read(domain: Domain, user: User, users_database: UsersDatabase) -> None:
    issued = domain.tokens.add_for(user.email, NewToken("phone"), NOW)
    domain.tokens.authenticate(issued.secret, NOW)
    with users_database.read() as connection:
        version = connection.execute("PRAGMA data_version").fetchone()
        for second in range(100):
            domain.tokens.authenticate(issued.secret, NOW + second * 5_000_000)
        assert connection.execute("PRAGMA data_version").fetchone() == version


def test_a_request_does_not_wait_until_the_use_of_its_token_is_noted(
    domain: Domain, user: User, users_database: UsersDatabase
) -> None:
    issued = domain.tokens.add_for(user.email, NewToken("phone"), NOW)
    with users_database.transact():
        assert domain.tokens.authenticate(issued.secret, NOW).token.last_used_at is None


def test_the_secret_is_nowhere_in_the_file(domain: Domain, user: User, settings: Settings) -> None:
    issued = domain.tokens.add_for(user.email, NewToken("phone"), NOW)
    domain.close()
    content = settings.users_db.read_bytes()
    assert b"phone" in content
    assert issued.secret.encode() not in content
    assert issued.secret.removeprefix("fw_").encode() not in content


def test_tokens_are_listed_oldest_first_and_without_those_of_others(domain: Domain, user: User) -> None:
    second = domain.tokens.add_for(user.email, NewToken("tablet"), NOW + 1_000)
    first = domain.tokens.add_for(user.email, NewToken("phone"), NOW)
    domain.tokens.add_for(add_user(domain).email, NewToken("theirs"), NOW)
    assert domain.tokens.list_of(user, NOW + 1_000) == [first.token, second.token]


def test_a_revoked_token_is_unknown_and_the_others_stay(domain: Domain, user: User) -> None:
    revoked, kept = (domain.tokens.add_for(user.email, NewToken(name), NOW) for name in ("phone", "tablet"))
    domain.tokens.revoke(user, revoked.token.id)
    with pytest.raises(Unauthorized):
        domain.tokens.authenticate(revoked.secret, NOW)
    domain.tokens.authenticate(kept.secret, NOW)
    with pytest.raises(NotFound):
        domain.tokens.revoke(user, revoked.token.id)


def test_nobody_revokes_the_token_of_another_user(domain: Domain, user: User) -> None:
    issued = domain.tokens.add_for(user.email, NewToken("phone"), NOW)
    with pytest.raises(NotFound):
        domain.tokens.revoke(add_user(domain), issued.token.id)
    domain.tokens.authenticate(issued.secret, NOW)


def test_a_token_that_one_process_revokes_is_unknown_in_another_at_once(
    domain: Domain, user: User, settings: Settings
) -> None:
    issued = domain.tokens.add_for(user.email, NewToken("phone"), NOW)
    with Peer(authenticate_when_told, settings, issued.secret) as other:
        assert other.hear() == "known"
        other.say("again")
        assert other.hear() == "known"
        domain.tokens.revoke(user, issued.token.id)
        other.say("again")
        assert other.hear() == "unknown"


def authenticate_when_told(pipe: Connection, settings: Settings, secret: str) -> None:
    tokens = create_domain(settings).tokens
    for _ in range(3):
        try:
            tokens.authenticate(secret, NOW)
            pipe.send("known")
        except Unauthorized:
            pipe.send("unknown")
        pipe.recv()
