"""Tokens: what a device shows instead of a password. Opaque, random, stored as SHA-256 only, revocable one by one."""

import secrets
from hashlib import sha256
from typing import NamedTuple, Protocol
from uuid import uuid4

from finwise.domain.logins import Logins, PasswordHasher
from finwise.domain.times import millis_text
from finwise.domain.users import User, UserStore, email_key
from finwise.errors import NotFound, Unauthorized

_DAY = 24 * 60 * 60 * 1_000_000  # µs


class Token(NamedTuple):
    """A device's token without its secret; times are canonical text."""

    id: str
    user_id: str
    device_name: str
    created_at: str
    expires_at: str


class Issued(NamedTuple):
    """A new token with its secret text, which nobody can tell a second time."""

    token: Token
    secret: str
    user: User


class TokenStore(Protocol):
    """users.db, as far as it is about tokens."""

    def add(self, token: Token, hashed: str) -> None: ...

    def find_user(self, hashed: str, now: str) -> tuple[str, User] | None:
        """The id and the user of a token that has not expired."""

    def list_of(self, user_id: str, now: str) -> list[Token]:
        """The tokens of a user that have not expired, oldest first."""

    def delete(self, user_id: str, token_id: str) -> bool:
        """Whether the user had such a token."""


class Tokens:
    """Logging in, and what users do with their tokens."""

    def __init__(
        self, store: TokenStore, users: UserStore, logins: Logins, passwords: PasswordHasher, days: int
    ) -> None:
        self._store = store
        self._users = users
        self._logins = logins
        self._passwords = passwords
        self._lifetime = days * _DAY

    def log_in(self, email: str, password: str, device_name: str, address: str, now: int) -> Issued:
        """A new token. Raises Unauthorized, alike for an unknown e-mail and a wrong password, and SlowDown."""
        account = email_key(email)
        user = self._users.find_by_email(account)
        hashed = user.hashed_password if user else None
        if not self._logins.verify(hashed, account, password, address, now) or user is None:
            raise Unauthorized("E-mail and password do not belong together.")
        issued = self._issue(user, device_name, now)
        present = self._users.find(user.uuid)
        if present is None or present.hashed_password != hashed:  # changed meanwhile, which revokes all others
            self._store.delete(user.uuid, issued.token.id)
            raise Unauthorized("The password was changed just now. Log in again.")
        if hashed and self._passwords.is_outdated(hashed):
            self._users.put_hash(user.uuid, self._passwords.hash(password), instead_of=hashed)
        return issued

    def add_for(self, email: str, device_name: str, now: int) -> Issued:
        """A new token without a password, on the operator's word. Raises NotFound."""
        user = self._users.find_by_email(email_key(email))
        if user is None:
            raise NotFound("There is no user with this e-mail.")
        return self._issue(user, device_name, now)

    def authenticate(self, secret: str, now: int) -> tuple[str, User]:
        """The token's id and its user. Raises Unauthorized."""
        found = self._store.find_user(_hashed(secret), millis_text(now))
        if found is None:
            raise Unauthorized("The token is unknown, revoked or expired. Log in again.")
        return found

    def list_of(self, user: User, now: int) -> list[Token]:
        """The user's own tokens, oldest first."""
        return self._store.list_of(user.uuid, millis_text(now))

    def revoke(self, user: User, token_id: str | None) -> None:
        """Ends one of the user's own tokens, in every process at once. Raises NotFound."""
        if token_id is None or not self._store.delete(user.uuid, token_id):
            raise NotFound("You have no such token.")

    def _issue(self, user: User, device_name: str, now: int) -> Issued:
        secret = f"fw_{secrets.token_urlsafe(32)}"
        expires_at = millis_text(now + self._lifetime)
        token = Token(str(uuid4()), user.uuid, device_name, millis_text(now), expires_at)
        self._store.add(token, _hashed(secret))
        return Issued(token, secret, user)


def _hashed(secret: str) -> str:
    """What is stored of a token: found by its index, so no comparison can be timed; 256 random bits need no salt."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
