"""Maintenance by the server: a thread in each process checks from time to time if it is due, and one runs it."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from finwise.domain.upkeep import Upkeep
from finwise.errors import FinWiseError

LOOK_EVERY = 10 * 60  # seconds

log = logging.getLogger(__name__)


def start(upkeep: Upkeep, clock: Callable[[], int], look_every: float = LOOK_EVERY) -> Event:
    """Begins to look, and goes on until the event is set or the process ends."""
    stopped = Event()
    Thread(target=_look, args=(upkeep, clock, look_every, stopped), name="upkeep", daemon=True).start()
    return stopped


def _look(upkeep: Upkeep, clock: Callable[[], int], look_every: float, stopped: Event) -> None:
    while not stopped.wait(look_every):
        try:
            upkeep.run_if_due(clock())
        except FinWiseError as error:
            log.warning("upkeep was put off: %s", error.detail)
        except Exception:  # the next time it may do; without this thread nothing would ever be forgotten
            log.exception("upkeep failed")
