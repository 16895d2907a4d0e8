"""Copies of tenants' files, as their owners take them away."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol


class Fingerprint(NamedTuple):
    """What a file is known by: its size in bytes, its SHA-256 in hex digits."""

    bytes: int
    sha256: str


class Copies(Protocol):
    """Copies of the tenants' files."""

    def of(self, tenant_id: str) -> AbstractContextManager[Iterator[bytes]]:
        """A tenant's book as the bytes of a SQLite file, in pieces, of one moment. Raises what Books raises."""

    def remove_leftovers(self, before: int) -> None:
        """Removes what processes that died left behind before a moment, in µs."""
