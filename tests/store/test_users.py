from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from finwise.domain.tenant import Tenant
from finwise.domain.times import millis_text
from finwise.domain.token import Token
from finwise.domain.user import User, UserChange
from finwise.errors import Conflict, NotFound
from finwise.store.tenants import TenantStore
from finwise.store.tokens import TokenStore
from finwise.store.users import UserStore
from finwise.store.users_database import UsersDatabase
from tests.household import new_id
from tests.store.files import open_users_database, value
from tests.store.processes import Peer, outcomes, ready

NOW = 1_768_000_000_000_000
LATER = NOW + 60_000_000
TIMES: dict[str, Any] = {"created_at": millis_text(NOW), "updated_at": millis_text(NOW)}  # of what was added then


@pytest.fixture
def tokens(users_database: UsersDatabase) -> TokenStore:
    return TokenStore(users_database)


@pytest.fixture
def ada(users: UserStore) -> User:
    user = User(new_id(), "Ada", "Ada@example.org", "hash", is_admin=True, **TIMES)
    assert users.add(user, "ada@example.org", NOW)
    return user


def token(user: User) -> Token:
    return Token(new_id(), user.uuid, "phone", "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z")


def test_a_user_is_found_by_uuid_and_by_email(users: UserStore, ada: User) -> None:
    assert users.find(ada.uuid) == ada
    assert users.find_by_email("ada@example.org") == ada


def test_nobody_is_found_where_nobody_is(users: UserStore, ada: User) -> None:
    assert users.find(new_id()) is None
    assert users.find_by_email("Ada@example.org") is None, "e-mails are looked for in their folded form"


def test_a_user_may_have_no_password(users: UserStore) -> None:
    user = User(new_id(), "Bob", "bob@example.org", None, is_admin=True, **TIMES)
    users.add(user, user.email, NOW)
    assert users.find(user.uuid) == user


def test_a_taken_uuid_is_not_added_again(users: UserStore, ada: User) -> None:
    assert not users.add(User(ada.uuid, "Eve", "eve@example.org", None), "eve@example.org", NOW)
    assert users.find(ada.uuid) == ada


@pytest.mark.parametrize("email", ["Ada@example.org", "ADA@example.org"])
def test_a_taken_email_is_not_added_again_however_it_is_spelled(users: UserStore, ada: User, email: str) -> None:
    assert not users.add(User(new_id(), "Eve", email, None), "ada@example.org", NOW)
    assert users.find_by_email("ada@example.org") == ada


def test_a_user_is_changed(users: UserStore, ada: User) -> None:
    at = millis_text(LATER)
    changed = ada._replace(name="Ada L.", email="Al@example.org", hashed_password="another hash", updated_at=at)
    change = UserChange("Ada L.", "Al@example.org", "al@example.org", "another hash")
    assert users.put(ada.uuid, change, LATER, keep_token="") == changed
    assert users.find(ada.uuid) == users.find_by_email("al@example.org") == changed
    assert users.find_by_email("ada@example.org") is None


def test_what_is_not_to_change_about_a_user_stays(users: UserStore, ada: User) -> None:
    assert users.put(ada.uuid, UserChange(), NOW, keep_token="") == ada
    assert users.put(ada.uuid, UserChange(name="Ada L."), NOW, keep_token="") == ada._replace(name="Ada L.")


def test_nobody_cannot_be_changed(users: UserStore) -> None:
    with pytest.raises(NotFound):
        users.put(new_id(), UserChange(name="Nobody"), NOW, keep_token="")


def test_a_hash_is_replaced_only_if_it_is_still_the_one_that_was_looked_at(users: UserStore, ada: User) -> None:
    users.put(ada.uuid, UserChange(hashed_password="first"), NOW, keep_token="")
    users.put_hash(ada.uuid, "late", instead_of="former")
    assert found(users, ada.uuid).hashed_password == "first"
    users.put_hash(ada.uuid, "second", instead_of="first")
    assert found(users, ada.uuid).hashed_password == "second"


def test_a_user_cannot_take_over_an_email(users: UserStore, ada: User) -> None:
    eve = User(new_id(), "Eve", "eve@example.org", None, **TIMES)
    users.add(eve, eve.email, NOW)
    with pytest.raises(Conflict):
        users.put(eve.uuid, UserChange(email=ada.email, email_key="ada@example.org"), NOW, keep_token="")
    assert users.find(eve.uuid) == eve


def test_a_user_who_owns_tenants_is_not_deleted(users: UserStore, tenants: TenantStore, ada: User) -> None:
    for state in ("creating", "active", "deleting"):
        tenant = Tenant(new_id(), "Home", ada.uuid, state)
        tenants.add(tenant, NOW)
        with pytest.raises(Conflict):
            users.delete(ada.uuid)
        assert users.find(ada.uuid) == ada
        tenants.put_state(tenant.uuid, "deleted", instead_of=(state,))
    users.delete(ada.uuid)
    assert users.find(ada.uuid) is None


def test_a_deleted_tenant_outlives_its_owner(users: UserStore, tenants: TenantStore, ada: User) -> None:
    tenant = Tenant(new_id(), "Home", ada.uuid, "deleted", **TIMES)
    tenants.add(tenant, NOW)
    users.delete(ada.uuid)
    assert tenants.find(tenant.uuid) == tenant._replace(user_id=None)


def test_the_tokens_of_a_deleted_user_are_gone(users: UserStore, tokens: TokenStore, ada: User, tmp_path: Path) -> None:
    tokens.add(token(ada), "hashed", most=10)
    users.delete(ada.uuid)
    assert value(tmp_path / "users.db", "SELECT count(*) FROM tokens") == 0


def test_a_new_password_deletes_all_tokens_but_one_and_leaves_those_of_others(
    users: UserStore, tokens: TokenStore, ada: User
) -> None:
    bob = User(new_id(), "Bob", "bob@example.org", None)
    users.add(bob, bob.email, NOW)
    kept, lost, others = token(ada), token(ada), token(bob)
    for number, each in enumerate((kept, lost, others)):
        tokens.add(each, str(number), most=10)
    users.put(ada.uuid, UserChange(name="Ada L."), NOW, keep_token=kept.id)
    assert len(tokens.list_of(ada.uuid, "2026")) == 2
    users.put(ada.uuid, UserChange(hashed_password="another hash"), NOW, keep_token=kept.id)
    assert tokens.list_of(ada.uuid, "2026") == [kept]
    assert tokens.list_of(bob.uuid, "2026") == [others]


def test_a_change_in_one_process_is_seen_in_another(users: UserStore, ada: User, tmp_path: Path) -> None:
    with Peer(rename_when_told, tmp_path, ada.uuid) as other:
        assert other.hear() == "Ada"
        users.put(ada.uuid, UserChange(name="Ada L."), NOW, keep_token="")
        other.say("go on")
        assert other.hear() == "Ada L."
        assert other.hear() == "renamed"
        assert users.find(ada.uuid) == ada._replace(name="Countess")


def rename_when_told(pipe: Connection, root: Path, uuid: str) -> None:
    users = UserStore(open_users_database(root))
    pipe.send(found(users, uuid).name)
    pipe.recv()
    user = found(users, uuid)
    pipe.send(user.name)
    users.put(user.uuid, UserChange(name="Countess"), NOW, keep_token="")
    pipe.send("renamed")


def found(users: UserStore, uuid: str) -> User:
    user = users.find(uuid)
    assert user is not None
    return user


def test_of_processes_that_add_the_same_emails_one_wins_each(tmp_path: Path) -> None:
    added = outcomes(add_all, *[(tmp_path,)] * 3)
    assert sum(added) == 30


def add_all(pipe: Connection, root: Path) -> None:
    users = UserStore(open_users_database(root))
    ready(pipe)
    emails = [f"{number}@example.org" for number in range(30)]
    pipe.send(sum(users.add(User(new_id(), "Ada", email, None), email, NOW) for email in emails))
