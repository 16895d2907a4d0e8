"""What must happen exactly once when several processes try at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import pytest

from finwise.domain.invitations import Invitation, hashed_code
from finwise.domain.tenant import ACTIVE, Tenant
from finwise.domain.user import User, UserChange
from finwise.errors import Conflict, FinWiseError, NotFound
from finwise.store.invitations import InvitationStore
from finwise.store.members import MemberStore
from finwise.store.tenants import TenantStore
from finwise.store.users import UserStore
from finwise.store.users_database import UsersDatabase
from tests.household import new_id
from tests.store.files import open_users_database, outside, value
from tests.store.processes import outcomes, ready

NOW = 1_768_000_000_000_000
ROUNDS = 20

Try = Callable[[UsersDatabase], object]


class Home(NamedTuple):
    """A tenant with its owner, a member, a third user who is none, and an open invitation."""

    tenant_id: str
    owner: str
    member: str
    stranger: str
    code: str


def add_user(users: UserStore) -> str:
    uuid = new_id()
    assert users.add(User(uuid, "Ada", f"{uuid}@example.org", None), f"{uuid}@example.org", NOW)
    return uuid


def invite(users_database: UsersDatabase, tenant_id: str, owner: str) -> str:
    code = new_id()
    invitation = Invitation(
        new_id(), tenant_id, "editor", owner, "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"
    )
    InvitationStore(users_database).add(invitation, hashed_code(code), 100)
    return code


@pytest.fixture
def homes(users_database: UsersDatabase, users: UserStore) -> list[Home]:
    add_user(users)  # the administrator, so that none of the others is the last one
    made = []
    for _ in range(ROUNDS):
        tenant_id, (owner, member, stranger) = new_id(), (add_user(users) for _ in range(3))
        assert TenantStore(users_database).add(Tenant(tenant_id, "Home", owner, ACTIVE), NOW)
        InvitationStore(users_database).use(hashed_code(invite(users_database, tenant_id, owner)), member, NOW)
        made.append(Home(tenant_id, owner, member, stranger, invite(users_database, tenant_id, owner)))
    return made


def at_once(root: Path, *tries: Sequence[Try]) -> list[list[str]]:
    """What came of each list of tries, one process each: `True`, `False` or the name of an error, in their order."""
    return outcomes(make_tries, *((root, each) for each in tries))


def make_tries(pipe: Connection, root: Path, tries: Sequence[Try]) -> None:
    users_database = open_users_database(root)
    ready(pipe)
    came = []
    for attempt in tries:
        try:
            came.append(str(attempt(users_database) is not False))
        except FinWiseError as error:
            came.append(type(error).__name__)
    pipe.send(came)


@dataclass
class SignUp:
    uuid: str

    def __call__(self, users_database: UsersDatabase) -> object:
        return UserStore(users_database).add(User(self.uuid, "Ada", f"{self.uuid}@example.org", None), self.uuid, NOW)


@dataclass
class Take:
    code: str
    user: str

    def __call__(self, users_database: UsersDatabase) -> object:
        return InvitationStore(users_database).use(hashed_code(self.code), self.user, NOW)


@dataclass
class HandOver:
    tenant_id: str
    owner: str
    to: str

    def __call__(self, users_database: UsersDatabase) -> object:
        return MemberStore(users_database).hand_over(self.tenant_id, self.owner, self.to, NOW)


@dataclass
class Remove:
    tenant_id: str
    user: str

    def __call__(self, users_database: UsersDatabase) -> object:
        return MemberStore(users_database).delete(self.tenant_id, self.user)


@dataclass
class Resign:
    """No longer being an administrator."""

    user: str

    def __call__(self, users_database: UsersDatabase) -> object:
        return UserStore(users_database).put(self.user, UserChange(is_admin=False), NOW, keep_token=None)


@dataclass
class Leave:
    user: str

    def __call__(self, users_database: UsersDatabase) -> object:
        return UserStore(users_database).begin_leaving(self.user, NOW)


def roles(users_database: UsersDatabase, home: Home) -> list[tuple[str, str]]:
    return [(member.user_id, member.role) for member in MemberStore(users_database).list_of(home.tenant_id)]


def test_of_the_first_users_in_several_processes_one_is_administrator(tmp_path: Path) -> None:
    open_users_database(tmp_path)
    came = at_once(tmp_path, *([SignUp(new_id()) for _ in range(5)] for _ in range(3)))
    assert came == [["True"] * 5] * 3
    assert value(tmp_path / "users.db", "SELECT sum(is_admin) FROM users") == 1


def test_an_invitation_taken_in_two_processes_makes_one_member(
    users_database: UsersDatabase, homes: list[Home], tmp_path: Path, users: UserStore
) -> None:
    takers = [add_user(users) for _ in homes]
    came = at_once(
        tmp_path,
        [Take(home.code, home.stranger) for home in homes],
        [Take(home.code, taker) for home, taker in zip(homes, takers, strict=True)],
    )
    for home, taker, both in zip(homes, takers, zip(*came, strict=True), strict=True):
        assert sorted(both) == [NotFound.__name__, "True"]
        assert len(roles(users_database, home)) == 3
        assert (home.stranger if both[0] == "True" else taker) in dict(roles(users_database, home))


def test_a_member_who_is_removed_while_it_becomes_the_owner_is_one_or_the_other(
    users_database: UsersDatabase, homes: list[Home], tmp_path: Path
) -> None:
    came = at_once(
        tmp_path,
        [HandOver(home.tenant_id, home.owner, home.member) for home in homes],
        [Remove(home.tenant_id, home.member) for home in homes],
    )
    for home, both in zip(homes, zip(*came, strict=True), strict=True):
        assert sorted(both) == ["False", "True"]
        after = [(home.member, "owner"), (home.owner, "editor")] if both[0] == "True" else [(home.owner, "owner")]
        assert roles(users_database, home) == after


def test_a_book_handed_over_to_two_members_at_once_has_one_owner(
    users_database: UsersDatabase, homes: list[Home], tmp_path: Path
) -> None:
    for home in homes:
        InvitationStore(users_database).use(hashed_code(home.code), home.stranger, NOW)
    came = at_once(
        tmp_path,
        [HandOver(home.tenant_id, home.owner, home.member) for home in homes],
        [HandOver(home.tenant_id, home.owner, home.stranger) for home in homes],
    )
    for home, both in zip(homes, zip(*came, strict=True), strict=True):
        assert sorted(both) == ["False", "True"]
        new_owner = home.member if both[0] == "True" else home.stranger
        everybody = {home.owner: "editor", home.member: "editor", home.stranger: "editor", new_owner: "owner"}
        assert dict(roles(users_database, home)) == everybody


def test_of_two_administrators_who_resign_at_once_one_stays(
    users_database: UsersDatabase, users: UserStore, homes: list[Home], tmp_path: Path
) -> None:
    first = value(tmp_path / "users.db", "SELECT uuid FROM users WHERE is_admin")
    second = homes[0].owner
    for _ in range(3):
        for user in (first, second):
            users.put(user, UserChange(is_admin=True), NOW, keep_token=None)
        came = at_once(tmp_path, [Resign(first)], [Resign(second)])
        assert sorted(came) == [[Conflict.__name__], ["True"]]
        assert value(tmp_path / "users.db", "SELECT sum(is_admin) FROM users") == 1


def test_a_person_who_accepts_while_the_owner_leaves_keeps_the_book_or_is_too_late(
    users_database: UsersDatabase, homes: list[Home], tmp_path: Path
) -> None:
    with outside(tmp_path / "users.db") as connection:
        connection.execute("DELETE FROM members")
    came = at_once(tmp_path, [Leave(home.owner) for home in homes], [Take(home.code, home.stranger) for home in homes])
    for home, both in zip(homes, zip(*came, strict=True), strict=True):
        assert both in (("True", NotFound.__name__), (Conflict.__name__, "True"))
        tenant = TenantStore(users_database).find(home.tenant_id)
        assert tenant is not None
        assert tenant.state == ("deleting" if both[0] == "True" else ACTIVE)
