"""The processes of `finwise serve`: every one that dies is replaced."""

import time
from typing import Any

from granian import Granian

from finwise.domain.events import tell

_QUIET_SECONDS = 60  # after which a death is no longer counted with those before it
_MOST_SECONDS = 1.0  # between the death of a process and the start of the next


class Server(Granian):  # type: ignore[misc, valid-type] # a class of its own on each system, and untyped
    """Granian, which by itself ends the whole server if a process dies soon after another."""

    _deaths = 0
    _died_at = 0.0

    def _respawn_workers(self, workers: Any, *given: Any, **options: Any) -> None:
        now = time.monotonic()
        self._deaths = self._deaths + 1 if now - self._died_at < _QUIET_SECONDS else 1
        self._died_at = now
        tell("process.replaced", deaths=self._deaths)
        time.sleep(pause_after(self._deaths))
        super()._respawn_workers(workers, *given, **options)
        self.respawned_wrks.clear()  # or the next death would be taken for a loop of crashes


def pause_after(deaths: int) -> float:
    """Seconds until a process is replaced: none for the first death, more with each that follows soon."""
    return min(_MOST_SECONDS, 0.1 * 2 ** (deaths - 2)) if deaths > 1 else 0.0
