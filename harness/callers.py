"""Callers of the domain, without HTTP and without passwords."""

from finwise.domain.token import Caller, Token
from finwise.domain.user import User


def as_caller(user: User) -> Caller:
    """The user with a token of its own that may do everything."""
    return Caller(user, Token("token", user.uuid, "test", "", ""))
