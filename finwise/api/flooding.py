"""How many requests a token may make. Counted by each process for itself: a count for all would be a write a poll."""

from threading import Lock

_MINUTE = 60_000_000  # µs
_MOST_TOKENS = 10_000  # that are counted; beyond, those that have rested are forgotten


class Flow:
    """Up to `per_minute` requests at once, and that many a minute in the long run (a token bucket each)."""

    def __init__(self, per_minute: int) -> None:
        self._cost = _MINUTE // per_minute if per_minute else 0
        self._guard = Lock()
        self._empty_at: dict[str, int] = {}  # token -> when all that it has taken is given back, µs

    def wait(self, token_id: str, now: int) -> int:
        """Counts a request. Returns 0, or if the token has used up its requests, the seconds to wait."""
        if not self._cost:
            return 0
        with self._guard:
            known = self._empty_at.get(token_id, 0)
            # Threads ask the clock a moment before they are here, so one may come a little late. What lies a minute
            # further ahead than it can is from before the clock was set back; nobody is to wait for that.
            begun = max(known, now) if known <= now + 2 * _MINUTE else now
            if begun + self._cost > now + _MINUTE:
                return -(-(begun + self._cost - now - _MINUTE) // 1_000_000)
            self._empty_at[token_id] = begun + self._cost
            if len(self._empty_at) > _MOST_TOKENS:
                self._empty_at = {key: at for key, at in self._empty_at.items() if at > now}
            return 0
