"""`finwise serve` as an operator knows it."""

import os
import signal
from pathlib import Path

import pytest

from harness.server import Server


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found through /proc")
def test_a_server_told_to_stop_does_so_although_one_of_its_processes_does_not_hear_it(server: Server) -> None:
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    os.kill(int(children[0]), signal.SIGSTOP)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(40)
    assert not Path(f"/proc/{children[0]}").exists()
