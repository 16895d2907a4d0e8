"""Users: who they are, signing up, changing, leaving."""

from typing import NamedTuple
from uuid import uuid4

from finwise.domain.access import CLOSED, INVITATION
from finwise.domain.events import tell
from finwise.domain.invitations import hashed_code, unknown
from finwise.domain.life import Life
from finwise.domain.logins import FIRST, Logins, PasswordHasher
from finwise.domain.names import email_key
from finwise.domain.user import User, UserChange, UserStore
from finwise.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized

_AFTER_LOGINS = 1_000  # the rank of strangers who sign up: anybody can, without end
_SIGN_UP = "sign up"  # no e-mail, so that attempts at it are counted apart from those of any account


class NewUser(NamedTuple):
    """What somebody signs up with."""

    uuid: str
    name: str
    email: str
    password: str | None  # None: no login by password


class Users:
    """Signing up, and what users do with their own record. `sign_up`: who may, one of access.SIGN_UPS."""

    def __init__(self, store: UserStore, life: Life, logins: Logins, passwords: PasswordHasher, sign_up: str) -> None:
        self._store = store
        self._life = life
        self._logins = logins
        self._passwords = passwords
        self._sign_up = sign_up

    def exists(self, email: str) -> bool:
        """Whether somebody has signed up with this e-mail."""
        return self._store.find_by_email(email_key(email)) is not None

    def has_anybody(self) -> bool:
        """Whether somebody has signed up; the demo user does not count."""
        return self._store.find_first() is not None

    def uuid_of(self, email: str) -> str | None:
        """Whose e-mail this is."""
        user = self._store.find_by_email(email_key(email))
        return user.uuid if user else None

    def register(self, new: NewUser, address: str, now: int, invitation: str | None = None) -> tuple[User, bool]:
        """The user, and whether it is new. Said again with the same content, it is the present user.

        `invitation`: a code; with one for a tenant the user becomes its member.
        Raises Forbidden if signing up takes an invitation or is closed, NotFound if the invitation cannot be
        used, Conflict if the UUID or the e-mail is taken by other content, SlowDown after too many such attempts.
        """
        known = self._store.find(new.uuid)
        if known is None:
            self._require_admission(invitation)
            if user := self._admit(new, address, now, invitation and hashed_code(invitation)):
                return user, True
            known = self._store.find(new.uuid)  # somebody was faster, most likely this device itself
        if known is None or not self._is_repetition(known, new, address, now):
            raise Conflict("The UUID or the e-mail is taken. Log in, or sign up with others.")
        return known, False

    def add(self, new: NewUser, now: int) -> User:
        """A user on the word of an administrator or the operator. Raises Conflict if UUID or e-mail are taken."""
        user = self._make(new)
        if not self._store.add(user, email_key(new.email), now):
            raise Conflict("The UUID or the e-mail is taken.")
        return self._welcome(user)

    def admit(self, email: str, now: int) -> User:
        """The user whom a trusted proxy names; signed up if signing up is open. Raises Forbidden."""
        user = self._store.find_by_email(email_key(email))
        if user is None:
            self._require_admission(None)
            user = self._find_or_add(NewUser(str(uuid4()), email.partition("@")[0], email, None), now)
        return user

    def only(self, now: int) -> User:
        """The one person of an installation without logins, made if there is none yet."""
        return self._store.find_first() or self._find_or_add(NewUser(str(uuid4()), "Me", "me@localhost", None), now)

    def require_password(self, user: User, current: str | None, token_id: str, now: int) -> None:
        """Checks that the person who sets a new password knows the current one; a user without one needs none.

        Raises Invalid, and SlowDown after too many wrong ones: they count as failed logins, from the token, so that
        nobody who guesses elsewhere keeps a device from it.
        """
        if user.hashed_password is None:
            return
        if current is None:
            raise Invalid("Send your current password as well.", errors={"current_password": ["Missing."]})
        if not self._logins.verify(user.hashed_password, email_key(user.email), current, f"token {token_id}", now):
            raise Invalid("The current password is wrong.", errors={"current_password": ["Wrong."]})

    def change(
        self, user: User, now: int, *, name: str | None, email: str | None, password: str | None, token_id: str
    ) -> User:
        """The user with what is not None changed. A new password revokes all tokens but the one this was asked with."""
        key = None if email is None else email_key(email)
        hashed = None if password is None else self._passwords.hash(password)
        changed = self._store.put(user.uuid, UserChange(name, email, key, hashed), now, keep_token=token_id)
        if (name, email) != (None, None):
            tell("user.changed", user_id=user.uuid)
        if password is not None:
            tell("password.changed", user_id=user.uuid)
        return changed

    def delete(self, user: User, now: int) -> None:
        """Deletes the account; the tenants that the user alone may open go to the trash.

        Raises Conflict if others may open one: it needs another owner, or an end, first.
        """
        for tenant_id in self._store.begin_leaving(user.uuid, now):
            self._life.go_on(tenant_id, now)
        self._store.delete(user.uuid)
        tell("user.deleted", user_id=user.uuid)

    def _admit(self, new: NewUser, address: str, now: int, code: str | None) -> User | None:
        """A new user; None if the UUID or the e-mail is taken. Raises NotFound, SlowDown.

        The invitation is checked first: strangers do not learn which e-mails are taken, and their attempts do not
        slow down people with an invitation.
        """
        is_invited = code is not None and self._store.is_invited(code, now)
        account = f"{_SIGN_UP} {code}" if is_invited else _SIGN_UP
        with self._logins.attempt(account, address, now, event="sign_up.throttled") as rank:
            if code is not None and not is_invited:
                raise unknown()
            key = email_key(new.email)
            if self._store.find_by_email(key) is not None:
                return None
            user = self._make(new, rank if is_invited else rank + _AFTER_LOGINS)
            if not self._store.add(user, key, now, code):
                return None
        self._logins.take_back(account, address, now)
        return self._welcome(user)

    def _welcome(self, user: User) -> User:
        """A user that was added, as it stands there: the first one is an administrator."""
        stored = self._store.find(user.uuid) or user
        tell("user.added", user_id=stored.uuid, is_admin=stored.is_admin)
        return stored

    def _find_or_add(self, new: NewUser, now: int) -> User:
        """Two devices may log in for the first time at the same moment."""
        key = email_key(new.email)
        made = self._make(new)
        if self._store.add(made, key, now):
            return self._welcome(made)
        user = self._store.find_by_email(key)
        if user is None:
            raise Unauthorized("The user was deleted just now. Log in again.")
        return user

    def _make(self, new: NewUser, rank: int = FIRST) -> User:
        hashed = None if new.password is None else self._passwords.hash(new.password, rank)
        return User(new.uuid, new.name, new.email, hashed)

    def _require_admission(self, invitation: str | None) -> None:
        """Where nobody has signed up yet, the first one may."""
        if self._sign_up == CLOSED:
            raise Forbidden("Signing up is closed here. Ask the person who runs this server.")
        if self._sign_up == INVITATION and invitation is None and self._store.find_first() is not None:
            raise Forbidden("Signing up needs an invitation. Ask somebody who has an account here.")

    def _is_repetition(self, known: User, new: NewUser, address: str, now: int) -> bool:
        """Signing up again costs as much as a login and counts as one, so that nobody can guess passwords here."""
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
