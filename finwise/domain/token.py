"""The record of a token, its user, and the store of tokens."""

from typing import NamedTuple, Protocol

from finwise.domain.user import User


class Token(NamedTuple):
    """A device's token without its secret; times are canonical text."""

    id: str
    user_id: str
    device_name: str
    created_at: str
    expires_at: str
    last_used_at: str | None = None  # to some minutes
    tenant_id: str | None = None
    read_only: bool = False


class Caller(NamedTuple):
    """Who asks, and with which token."""

    user: User
    token: Token

    @property
    def is_restricted(self) -> bool:
        """Whether the token is for a script: it opens books, but does nothing in its user's name."""
        return self.token.tenant_id is not None or self.token.read_only


class TokenStore(Protocol):
    """users.db, as far as it is about tokens."""

    def add(self, token: Token, hashed: str, most: int) -> list[str]:
        """Leaves the user so `most` tokens; those unused for longest go: their ids.

        Raises Conflict if the user no longer exists.
        """

    def find_caller(self, hashed: str, now: str) -> Caller | None:
        """A token that has not expired, and its user."""

    def list_of(self, user_id: str, now: str) -> list[Token]:
        """The tokens of a user that have not expired, oldest first."""

    def put_use(self, token_id: str, used_at: str, expires_at: str) -> None:
        """Notes a use if that is possible at once; an expiry only moves forward."""

    def rename(self, user_id: str, token_id: str, device_name: str, now: str) -> Token | None:
        """The token with another name; None if the user has no such token that has not expired."""

    def delete(self, user_id: str, token_id: str) -> bool:
        """Whether the user had such a token."""

    def delete_all(self, user_id: str, *, but: str | None) -> None:
        """Removes all of a user's tokens except one."""
