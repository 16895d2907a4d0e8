"""A lane: places for bodies that are arriving, bounded in all and by sender."""

from threading import Condition, Lock

from finwise.errors import Busy, SlowDown

_RETRY_AFTER = 2  # seconds


class Lane:
    """Places for bodies that are arriving: `most` in all, `each` of one sender, who may wait `patience` seconds."""

    def __init__(self, most: int, each: int, patience: float) -> None:
        self._most = most
        self._each = each
        self._patience = patience
        self._held: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._taken = 0
        self._guard = Lock()
        self._changed = Condition(self._guard)

    def enter(self, sender: str) -> None:
        """Takes a place. Raises SlowDown if the sender has its share, Busy if no place is free."""
        with self._guard:
            if not self._is_free(sender) and not self._waited(sender):
                if self._held.get(sender, 0) >= self._each:
                    raise SlowDown(
                        "Too many of your requests are still being sent.",
                        retry_after=_RETRY_AFTER,
                        limit="bodies of a sender",
                    )
                raise Busy("Too many requests are still being sent. Try again in a moment.", retry_after=_RETRY_AFTER)
            self._held[sender] = self._held.get(sender, 0) + 1
            self._taken += 1

    def _waited(self, sender: str) -> bool:
        """Whether a place became free. As many of a sender wait as may have a place: each holds a thread."""
        waiting = self._waiting.get(sender, 0)
        if waiting >= self._each:
            return False
        self._waiting[sender] = waiting + 1
        try:
            return self._changed.wait_for(lambda: self._is_free(sender), self._patience)
        finally:
            reduce_count(self._waiting, sender, 1)

    def leave(self, sender: str) -> None:
        """Gives a place back."""
        with self._guard:
            reduce_count(self._held, sender, 1)
            self._taken -= 1
            if self._waiting:
                self._changed.notify_all()

    def _is_free(self, sender: str) -> bool:
        return self._taken < self._most and self._held.get(sender, 0) < self._each


def reduce_count(counts: dict[str, int], key: str, by: int) -> None:
    """Less of a key, which is forgotten with its last. Counters are slower, and every request counts."""
    left = counts.pop(key) - by
    if left > 0:
        counts[key] = left
