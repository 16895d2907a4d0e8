"""Requests that show no token which opened something lately: few of them are worked on at once.

Python works on one request at a time, and a poll needs it a dozen times. Each thread that computes meanwhile makes it
wait longer each time, so strangers on two hundred connections would make it wait for two hundred of their requests.
"""

from collections.abc import Callable
from threading import BoundedSemaphore, Lock

from finwise.errors import Busy, SlowDown

AT_WORK = 2  # requests of strangers in a process; more would not be answered sooner
_PATIENCE = 1.0  # seconds that a request waits for its turn
_RETRY_AFTER = 1  # seconds


class Strangers:
    """Lets `most` requests of strangers in, `each` of one address, and has them worked on one after the other."""

    def __init__(self, most: int, each: int) -> None:
        self._most = most
        self._each = each
        self._present: dict[str, int] = {}
        self._total = 0
        self._guard = Lock()
        self._at_work = BoundedSemaphore(AT_WORK)

    def enter(self, address: str) -> "Visit":
        """The visit, once it may be worked on. Raises SlowDown beyond the address's share, Busy beyond that of all."""
        self._count(address)
        if self._at_work.acquire(timeout=_PATIENCE):
            return Visit(lambda: self._leave(address))
        self._uncount(address)
        raise _busy()

    def _count(self, address: str) -> None:
        with self._guard:
            present = self._present.get(address, 0)
            if present >= self._each:
                raise SlowDown(
                    "Too many requests without a valid token come from your address at once.",
                    retry_after=_RETRY_AFTER,
                    limit="requests of an address",
                )
            if self._total >= self._most:
                raise _busy()
            self._present[address] = present + 1
            self._total += 1

    def _uncount(self, address: str) -> None:
        with self._guard:
            self._total -= 1
            if left := self._present.pop(address) - 1:
                self._present[address] = left

    def _leave(self, address: str) -> None:
        self._at_work.release()
        self._uncount(address)


class Visit:
    """A request of a stranger that is worked on."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave: Callable[[], None] | None = leave

    def end(self) -> None:
        """It is answered, or no longer counts: bodies and passwords have bounds of their own. May be called again."""
        leave, self._leave = self._leave, None
        if leave:
            leave()


def _busy() -> Busy:
    return Busy("Too many requests without a valid token at once. Try again in a moment.", retry_after=_RETRY_AFTER)
