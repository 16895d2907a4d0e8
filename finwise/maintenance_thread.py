"""Maintenance by the server: a thread in each process checks from time to time if it is due, and one runs it."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from finwise.domain.maintenance import Maintenance
from finwise.errors import FinWiseError

LOOK_EVERY = 10 * 60  # seconds

log = logging.getLogger(__name__)


def start(maintenance: Maintenance, clock: Callable[[], int], look_every: float = LOOK_EVERY) -> Event:
    """Begins to look, and goes on until the event is set or the process ends."""
    stopped = Event()
    Thread(target=_look, args=(maintenance, clock, look_every, stopped), name="maintenance", daemon=True).start()
    return stopped


def _look(maintenance: Maintenance, clock: Callable[[], int], look_every: float, stopped: Event) -> None:
    while not stopped.wait(look_every):
        try:
            maintenance.run_if_due(clock())
        except FinWiseError as error:
            log.warning("maintenance was put off: %s", error.detail)
        except Exception:  # the next time it may do; without this thread nothing would ever be forgotten
            log.exception("maintenance failed")
