from multiprocessing.connection import Connection

import pytest

from finwise import create_domain
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.users import User
from finwise.errors import NotFound, Unauthorized
from tests.store.accounts import add_user
from tests.store.processes import Peer

NOW = 1_768_000_000_000_000
DAY = 24 * 60 * 60 * 1_000_000


@pytest.fixture
def user(domain: Domain) -> User:
    return add_user(domain)


def test_a_token_names_its_user(domain: Domain, user: User) -> None:
    issued = domain.tokens.add_for(user.email, "phone", NOW)
    assert domain.tokens.authenticate(issued.secret, NOW) == (issued.token.id, user)


def test_a_token_that_was_never_given_is_unknown(domain: Domain, user: User) -> None:
    domain.tokens.add_for(user.email, "phone", NOW)
    with pytest.raises(Unauthorized):
        domain.tokens.authenticate("fw_made_up", NOW)


def test_a_token_expires(domain: Domain, user: User) -> None:
    issued = domain.tokens.add_for(user.email, "phone", NOW)
    domain.tokens.authenticate(issued.secret, NOW + 90 * DAY - 1_000)
    with pytest.raises(Unauthorized):
        domain.tokens.authenticate(issued.secret, NOW + 90 * DAY)
    assert domain.tokens.list_of(user, NOW + 90 * DAY) == []


def test_the_secret_is_nowhere_in_the_file(domain: Domain, user: User, settings: Settings) -> None:
    issued = domain.tokens.add_for(user.email, "phone", NOW)
    domain.close()
    content = settings.users_db.read_bytes()
    assert b"phone" in content
    assert issued.secret.encode() not in content
    assert issued.secret.removeprefix("fw_").encode() not in content


def test_tokens_are_listed_oldest_first_and_without_those_of_others(domain: Domain, user: User) -> None:
    second = domain.tokens.add_for(user.email, "tablet", NOW + 1_000)
    first = domain.tokens.add_for(user.email, "phone", NOW)
    domain.tokens.add_for(add_user(domain).email, "theirs", NOW)
    assert domain.tokens.list_of(user, NOW + 1_000) == [first.token, second.token]


def test_a_revoked_token_is_unknown_and_the_others_stay(domain: Domain, user: User) -> None:
    revoked, kept = (domain.tokens.add_for(user.email, name, NOW) for name in ("phone", "tablet"))
    domain.tokens.revoke(user, revoked.token.id)
    with pytest.raises(Unauthorized):
        domain.tokens.authenticate(revoked.secret, NOW)
    domain.tokens.authenticate(kept.secret, NOW)
    with pytest.raises(NotFound):
        domain.tokens.revoke(user, revoked.token.id)


def test_nobody_revokes_the_token_of_another_user(domain: Domain, user: User) -> None:
    issued = domain.tokens.add_for(user.email, "phone", NOW)
    with pytest.raises(NotFound):
        domain.tokens.revoke(add_user(domain), issued.token.id)
    domain.tokens.authenticate(issued.secret, NOW)


def test_a_token_that_one_process_revokes_is_unknown_in_another_at_once(
    domain: Domain, user: User, settings: Settings
) -> None:
    issued = domain.tokens.add_for(user.email, "phone", NOW)
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
