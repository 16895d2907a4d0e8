"""The record of a user, and where records of users are kept."""

from typing import NamedTuple, Protocol

DEMO_EMAIL = "demo@finwise.example"  # of the demo user (demo.py), who is open to everybody and never an administrator


class User(NamedTuple):
    """A person."""

    uuid: str
    name: str
    email: str
    hashed_password: str | None  # None: no login by password
    is_admin: bool = False  # may look after the installation
    created_at: str = ""  # canonical, as updated_at; empty before it is stored
    updated_at: str = ""


class UserChange(NamedTuple):
    """What is to change about a user; None stays as it is."""

    name: str | None = None
    email: str | None = None
    email_key: str | None = None
    hashed_password: str | None = None
    is_admin: bool | None = None


class UserStore(Protocol):
    """users.db, as far as it is about users."""

    def find(self, uuid: str) -> User | None: ...
    def find_by_email(self, email_key: str) -> User | None: ...

    def find_by_name(self, name: str) -> User | None:
        """The only user of this name; None if there are several."""

    def find_first(self) -> User | None:
        """The user who signed up first, of those who still exist; the demo user does not count."""

    def add(self, user: User, email_key: str, now: int, code: str | None = None) -> bool:
        """False if the UUID or the e-mail is taken; then nothing is changed. The first user is an administrator.

        The demo user never is, and does not count. With the hash of an invitation's `code`, the user takes it. Raises
        NotFound if it cannot be taken.
        """

    def is_invited(self, code: str, now: int) -> bool:
        """Whether somebody new could take the invitation with this hash of a code."""

    def put(self, uuid: str, change: UserChange, now: int, *, keep_token: str | None) -> User:
        """Changes only what is not None, because others may change the rest at the same moment.

        A new hash revokes all of the user's tokens but one. Raises NotFound; Conflict if the e-mail is taken, or if
        no administrator would be left.
        """

    def put_hash(self, uuid: str, hashed: str, *, instead_of: str) -> None:
        """Replaces the hash of a password by another one of the same password."""

    def begin_leaving(self, uuid: str, now: int) -> list[str]:
        """Begins to delete the tenants that the user alone may open: which those are.

        Raises Conflict if others may open one, or the user is the last administrator among others.
        """

    def delete(self, uuid: str) -> None:
        """The user and the user's tokens. Raises Conflict while the user owns tenants."""
