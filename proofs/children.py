"""Work in a process of its own that may die: forked, so that a thousand of them cost seconds."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from proofs.proof import CannotRun

_WENT_WRONG = 70


class Ended(NamedTuple):
    """How a child ended: what it said last (None: nothing), whether it was killed, an exception's text."""

    said: Any
    killed: bool
    error: str | None


def in_child(work: Callable[[Callable[[object], None]], object]) -> Ended:
    """Runs `work(say)` in a child; what it says, and what it returns, comes back as JSON."""
    if not hasattr(os, "fork"):
        raise CannotRun("this system cannot fork; run the proof on Linux or macOS.")
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _be_child(work, reading, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    said = json.loads(lines[-1]) if lines else None
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _WENT_WRONG:
        return Ended(None, False, str(said))
    return Ended(said, os.WIFSIGNALED(status), None)


def _be_child(work: Callable[[Callable[[object], None]], object], reading: int, writing: int) -> None:
    os.close(reading)

    def say(something: object) -> None:
        os.write(writing, json.dumps(something).encode() + b"\n")

    try:
        say(work(say))
        os._exit(0)
    except BaseException:
        say(traceback.format_exc(limit=-3))
        os._exit(_WENT_WRONG)
