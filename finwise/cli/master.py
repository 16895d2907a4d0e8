"""What the processes of a server do once it is to stop, or is gone."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import wait

STOP_SECONDS = 10  # what a server's processes have to answer what they are at when it is told to stop


def follow_master() -> None:
    """Ends this process once the one that started it is gone: it would keep the port, and a restart would fail."""
    master = multiprocessing.parent_process()
    if master is not None:
        threading.Thread(target=_end_after, args=(master.sentinel,), name="master", daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)
