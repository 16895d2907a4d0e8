"""The rules. This floor knows the standard library only; stores and hashers are handed in."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from finwise.domain.sync import Sync
from finwise.domain.tenants import Tenants
from finwise.domain.tokens import Tokens
from finwise.domain.users import Users


class Health(Protocol):
    """Whether the files the server needs can be used."""

    def problems(self) -> list[str]:
        """What is wrong, a sentence each; nothing if all is well."""


class Domain(NamedTuple):
    """The rules joined to their stores: what the views and the commands call."""

    users: Users
    tenants: Tenants
    tokens: Tokens
    sync: Sync
    health: Health
    close: Callable[[], None]  # closes connections that wait for their next use, as must be done before a fork
