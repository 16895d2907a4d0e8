"""What a server's processes do when it stops or dies."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import wait

STOP_SECONDS = 10  # seconds that a server's processes have to finish their answers when it is told to stop


def follow_master() -> None:
    """Ends this process if its parent dies: it would keep the port, and a restart would fail."""
    master = multiprocessing.parent_process()
    if master is not None:
        threading.Thread(target=_end_after, args=(master.sentinel,), name="master", daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)
