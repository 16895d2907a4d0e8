"""How many requests of a process may work on one book at once.

Writers of a book wait for each other at its lock, and each that waits holds a thread. Without a bound the requests of
one household would hold them all, and nobody else's would be answered.
"""

from threading import Lock

from finwise.errors import SlowDown


class Concurrency:
    """Counts the requests by book, and lets `most` of each in."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[str, int] = {}
        self._guard = Lock()

    def of(self, tenant_id: str) -> "_Counted":
        """A block that works on a book. Raises SlowDown if as many do as may."""
        return _Counted(self, tenant_id)

    def enter(self, tenant_id: str) -> None:
        """For the block alone."""
        with self._guard:
            present = self._counts.get(tenant_id, 0)
            if present >= self._most:
                raise SlowDown(
                    "Too many requests work on this book at once. Wait for their answers.",
                    retry_after=1,
                    limit="requests of a book",
                    tenant_id=tenant_id,
                )
            self._counts[tenant_id] = present + 1

    def leave(self, tenant_id: str) -> None:
        """For the block alone."""
        with self._guard:
            if left := self._counts.pop(tenant_id) - 1:
                self._counts[tenant_id] = left


class _Counted:
    """A class, as the blocks of the store: every request goes through it."""

    __slots__ = ("_concurrency", "_tenant_id")

    def __init__(self, concurrency: Concurrency, tenant_id: str) -> None:
        self._concurrency = concurrency
        self._tenant_id = tenant_id

    def __enter__(self) -> None:
        self._concurrency.enter(self._tenant_id)

    def __exit__(self, *error: object) -> None:
        self._concurrency.leave(self._tenant_id)
