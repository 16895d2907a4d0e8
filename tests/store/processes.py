"""Other processes for tests about files: each runs one function of a test module and talks through a pipe.

Nothing of the test's own process is in them, so that a test means the same on every system. Windows spawns them. Other
systems fork them from a process that has only imported FinWise, which saves each of them the imports.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.store.files import open_databases, store

PATIENCE = 60  # seconds after which a process that says nothing counts as stuck

if sys.platform == "win32":
    _PROCESSES = multiprocessing.get_context("spawn")
else:
    _PROCESSES = multiprocessing.get_context("forkserver")
    _PROCESSES.set_forkserver_preload(["finwise", "tests.household", "tests.store.files"])


class Peer:
    """A process that runs `work(pipe, *arguments)` while the context is open."""

    def __init__(self, work: Callable[..., None], *arguments: object) -> None:
        self._pipe, self._theirs = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(target=work, args=(self._theirs, *arguments), daemon=True)

    def __enter__(self) -> Peer:
        self._process.start()
        self._theirs.close()  # so that the death of the process ends `hear`
        return self

    def __exit__(self, *failure: object) -> None:
        self._pipe.close()
        self._process.join(5)
        self.kill()
        self._process.close()

    def hear(self) -> Any:
        """What the process says next. Raises EOFError if it has ended."""
        assert self._pipe.poll(PATIENCE), "the process says nothing"
        return self._pipe.recv()

    def say(self, something: object) -> None:
        self._pipe.send(something)

    def kill(self) -> None:
        """Ends the process as `kill -9` does: nothing of it runs any more."""
        self._process.kill()
        self._process.join()


def ready(pipe: Connection) -> None:
    """Called by a process's function: waits until all that `outcomes` started are ready."""
    pipe.send("ready")
    pipe.recv()


def outcomes(work: Callable[..., None], *each: tuple[object, ...]) -> list[Any]:
    """What processes that run at the same time say after `ready`: one process per tuple of arguments."""
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(work, *arguments)) for arguments in each]
        for peer in peers:
            assert peer.hear() == "ready"
        for peer in peers:
            peer.say("go")
        return [peer.hear() for peer in peers]


def kill_while_writing(root: Path, tenant_id: str) -> None:
    """Another process stores 1 in the book; it is killed in the middle of storing 2."""
    with Peer(_commit_and_go_on, root, tenant_id) as writer:
        assert writer.hear() == "committed"
        assert writer.hear() == "writing"
        writer.kill()


def _commit_and_go_on(pipe: Connection, root: Path, tenant_id: str) -> None:
    databases = open_databases(root)
    with databases.read(tenant_id):  # keeps the file open, so that the end of the commit does not write it back
        store(databases, tenant_id, 1)
        pipe.send("committed")
        store(databases, tenant_id, 2, then=lambda _: _say_and_wait(pipe))


def _say_and_wait(pipe: Connection) -> None:
    pipe.send("writing")
    pipe.recv()


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """What this process writes beyond that fails, as on a full disk."""
    if sys.platform == "win32":
        raise NotImplementedError("Windows has no such limit. Skip the test there.")
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
