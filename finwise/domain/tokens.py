"""Tokens: what a device shows instead of a password. Opaque, random, stored as SHA-256 only, revocable one by one."""

import secrets
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple
from uuid import uuid4

from finwise.domain.events import tell
from finwise.domain.logins import Logins, PasswordHasher
from finwise.domain.names import canonical_email, canonical_name, email_key
from finwise.domain.tenant import TenantStore
from finwise.domain.times import millis_text
from finwise.domain.token import Caller, Token, TokenStore
from finwise.domain.user import User, UserStore
from finwise.errors import FinWiseError, NotFound, Unauthorized

_MINUTE = 60 * 1_000_000  # µs
_DAY = 24 * 60 * _MINUTE
MOST_TOKENS = 1_000  # of a user, so that a program which logs in each time does not fill users.db
USE_NOTED_EVERY = 10 * _MINUTE  # so that a poll stays a read


class NewToken(NamedTuple):
    """What a token is to be: the name of the device, and for scripts the only tenant it opens, and only to read."""

    device_name: str
    tenant_id: str | None = None
    read_only: bool = False


class Issued(NamedTuple):
    """A new token with its secret, which cannot be shown a second time."""

    token: Token
    secret: str
    user: User


class Tokens:
    """Logging in, and what users do with their tokens.

    `days`: how long a token lives without being used. `by_name`: whether people log in by their names, too.
    """

    def __init__(
        self,
        store: TokenStore,
        users: UserStore,
        tenants: TenantStore,
        logins: Logins,
        passwords: PasswordHasher,
        days: int,
        *,
        by_name: bool,
    ) -> None:
        self._store = store
        self._users = users
        self._tenants = tenants
        self._logins = logins
        self._passwords = passwords
        self._by_name = by_name
        self._lifetime = days * _DAY
        self._moved_every = min(_DAY, self._lifetime // 2)

    def log_in(self, email: str, password: str, new: NewToken, address: str, now: int) -> Issued:
        """A new token for the person with this e-mail, or with this name if the installation allows it.

        Raises Unauthorized, the same for an unknown e-mail and a wrong password; SlowDown, NotFound.
        """
        user = self._find(email)
        account = email_key(user.email if user else email)  # guessing by name gives no further attempts
        hashed = user.hashed_password if user else None
        if not self._logins.verify(hashed, account, password, address, now) or user is None:
            raise Unauthorized("Wrong e-mail or password.")
        issued = self.issue(user, new, now)
        present = self._users.find(user.uuid)
        if present is None or present.hashed_password != hashed:  # changed meanwhile, which revokes all others
            self._store.delete(user.uuid, issued.token.id)
            raise Unauthorized("The password was changed just now. Log in again.")
        with suppress(FinWiseError):  # the next login will do it
            if hashed and self._passwords.is_outdated(hashed, password):
                self._users.put_hash(user.uuid, self._passwords.hash(password), instead_of=hashed)
        tell("login.succeeded", user_id=user.uuid, token_id=issued.token.id)
        return issued

    def admit(self, user: User, new: NewToken, now: int) -> Issued:
        """A new token for somebody who logs in by another way than a password. Raises what `issue` raises."""
        issued = self.issue(user, new, now)
        tell("login.succeeded", user_id=user.uuid, token_id=issued.token.id)
        return issued

    def issue(self, user: User, new: NewToken, now: int) -> Issued:
        """A new token for a user who was authenticated elsewhere. Raises NotFound if the tenant is not theirs.

        A user who has MOST_TOKENS loses the one that was unused for longest.
        """
        if new.tenant_id is not None:
            tenant = self._tenants.find_for(user.uuid, new.tenant_id)
            if tenant is None or tenant.role is None:
                raise NotFound("There is no such tenant.")
        secret = f"fw_{secrets.token_urlsafe(32)}"
        token = Token(
            str(uuid4()),
            user.uuid,
            new.device_name,
            millis_text(now),
            millis_text(now + self._lifetime),
            tenant_id=new.tenant_id,
            read_only=new.read_only,
        )
        for gone in self._store.add(token, _hash(secret), MOST_TOKENS):
            tell("token.revoked", user_id=user.uuid, token_id=gone)
        return Issued(token, secret, user)

    def add_for(self, email: str, new: NewToken, now: int) -> Issued:
        """A new token without a password, on the operator's word. Raises NotFound."""
        user = self._users.find_by_email(email_key(email))
        if user is None:
            raise NotFound("There is no user with this e-mail.")
        issued = self.issue(user, new, now)
        tell(
            "token.added",
            user_id=user.uuid,
            token_id=issued.token.id,
            tenant_id=new.tenant_id,
            read_only=new.read_only,
        )
        return issued

    def authenticate(self, secret: str, now: int) -> Caller:
        """The caller with this token; each use extends its expiry. Raises Unauthorized."""
        caller = self._store.find_caller(_hash(secret), millis_text(now))
        if caller is None:
            raise Unauthorized("The token is unknown, revoked or expired. Log in again.")
        self._note_use(caller.token, now)
        return caller

    def list_of(self, user: User, now: int) -> list[Token]:
        """The user's own tokens, oldest first."""
        return self._store.list_of(user.uuid, millis_text(now))

    def rename(self, user: User, token_id: str | None, device_name: str, now: int) -> Token:
        """Gives the device of one of the user's own tokens another name. Raises NotFound."""
        token = token_id and self._store.rename(user.uuid, token_id, device_name, millis_text(now))
        if not token:
            raise NotFound("You have no such token.")
        return token

    def revoke(self, user: User, token_id: str | None) -> None:
        """Ends one of the user's own tokens, in every process at once. Raises NotFound."""
        if token_id is None or not self._store.delete(user.uuid, token_id):
            raise NotFound("You have no such token.")
        tell("token.revoked", user_id=user.uuid, token_id=token_id)

    def revoke_all(self, user: User, *, but: str | None) -> None:
        """Ends all of the user's own tokens but one, in every process at once."""
        self._store.delete_all(user.uuid, but=but)
        tell("token.all_revoked", user_id=user.uuid)

    def _find(self, email: str) -> User | None:
        """Whose e-mail this is, or whose name. A name that two people have is nobody's."""
        user = self._users.find_by_email(email_key(email))
        if user or not self._by_name or canonical_email(email):
            return user
        name = canonical_name(email)
        return self._users.find_by_name(name) if name else None

    def _note_use(self, token: Token, now: int) -> None:
        """Notes the use of a token only now and then, so that most polls write nothing."""
        if token.last_used_at is None or token.last_used_at <= millis_text(now - USE_NOTED_EVERY):
            is_fresh = token.expires_at > millis_text(now + self._lifetime - self._moved_every)
            expires_at = token.expires_at if is_fresh else millis_text(now + self._lifetime)
            self._store.put_use(token.id, millis_text(now), expires_at)


def _hash(secret: str) -> str:
    """What is stored of a token: found by its index, so no comparison can be timed; 256 random bits need no salt."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
