"""Users: who they are, signing up, changing, leaving."""

import unicodedata
from typing import NamedTuple, Protocol

from finwise.domain.logins import Logins, PasswordHasher
from finwise.errors import Conflict, NotFound


class User(NamedTuple):
    """A person. `hashed_password` None: no login by password."""

    uuid: str
    name: str
    email: str
    hashed_password: str | None


class NewUser(NamedTuple):
    """What somebody signs up with; `password` None: no login by password."""

    uuid: str
    name: str
    email: str
    password: str | None


class UserChange(NamedTuple):
    """What is to change about a user; None stays as it is."""

    name: str | None = None
    email: str | None = None
    email_key: str | None = None
    hashed_password: str | None = None


class UserStore(Protocol):
    """users.db, as far as it is about users."""

    def find(self, uuid: str) -> User | None: ...
    def find_by_email(self, email_key: str) -> User | None: ...

    def add(self, user: User, email_key: str, now: int) -> bool:
        """False where the UUID or the e-mail is taken; then nothing is changed."""

    def put(self, uuid: str, change: UserChange, *, keep_token: str) -> User:
        """Changes what is not None, and only that, for others may change the rest at the same moment.

        A new hash revokes all of the user's tokens but one. Raises Conflict where the e-mail is taken.
        """

    def put_hash(self, uuid: str, hashed: str, *, instead_of: str) -> None:
        """Replaces the hash of a password by another one of the same password."""

    def delete(self, uuid: str) -> None:
        """The user and the user's tokens. Raises Conflict while the user owns tenants."""


def email_key(email: str) -> str:
    """The form in which two spellings of one e-mail address are equal."""
    return unicodedata.normalize("NFKC", email).casefold()


class Users:
    """Signing up, and what users do with their own record."""

    def __init__(self, store: UserStore, logins: Logins, passwords: PasswordHasher) -> None:
        self._store = store
        self._logins = logins
        self._passwords = passwords

    def exists(self, email: str) -> bool:
        """Whether somebody has signed up with this e-mail."""
        return self._store.find_by_email(email_key(email)) is not None

    def register(self, new: NewUser, address: str, now: int) -> tuple[User, bool]:
        """The user, and whether it is new. Said again with the same content, it is the present user.

        Raises Conflict where the UUID or the e-mail is taken by other content, SlowDown after too many such attempts.
        """
        known = self._store.find(new.uuid)
        if known is None and self._store.find_by_email(email_key(new.email)) is None:
            hashed = None if new.password is None else self._passwords.hash(new.password)
            user = User(new.uuid, new.name, new.email, hashed)
            if self._store.add(user, email_key(new.email), now):
                return user, True
            known = self._store.find(new.uuid)  # somebody was faster, most likely this device itself
        if known is None or not self._is_repeated(known, new, address, now):
            raise Conflict("The UUID or the e-mail is taken. Log in, or sign up with others.")
        return known, False

    def change(self, user: User, *, name: str | None, email: str | None, password: str | None, token_id: str) -> User:
        """The user with what is not None changed. A new password revokes all tokens but the one this was asked with."""
        key = None if email is None else email_key(email)
        hashed = None if password is None else self._passwords.hash(password)
        return self._store.put(user.uuid, UserChange(name, email, key, hashed), keep_token=token_id)

    def delete(self, user: User) -> None:
        """Raises Conflict while the user owns tenants."""
        self._store.delete(user.uuid)

    def _is_repeated(self, known: User, new: NewUser, address: str, now: int) -> bool:
        """Signing up again counts as a login, in cost and in throttle, so that nobody can try passwords here."""
        same = (known.name, known.email) == (new.name, new.email)
        if known.hashed_password is None and new.password is None:
            return same
        account = email_key(known.email)
        return self._logins.verify(known.hashed_password, account, new.password or "", address, now) and same


def require_self(user: User, uuid: str | None) -> User:
    """The user, if that is who the UUID names. Raises NotFound: others do not exist for a user."""
    if user.uuid != uuid:
        raise NotFound("There is no such user.")
    return user
