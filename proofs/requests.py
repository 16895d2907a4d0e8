"""Requests: whatever is sent, no answer is a server error, and what is refused repeats nothing and leaves no trace.

Valid requests to every route, in the name of several people, are made and most of them spoilt: bytes of bodies flipped,
cut off and doubled, members replaced by odd values, paths, queries, headers and methods changed. Others are of the
right form and refused for what they ask. Texts that must never come back are planted in all, and the log is read.
Seeds make every run the same, except for what the server makes up itself (tokens, epochs).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.requests.rounds import Round, attempt
from harness.requests.valid import VALID
from proofs.proof import Result, main

REQUESTS = 5_000  # at scale 1
ROUND = 500  # requests to one installation; then there is another, so that the files stay few


def prove(scale: float, seed: int) -> Result:
    """Rounds of requests, each to an installation of its own."""
    result = Result("No request is a server error; what is refused changes nothing and repeats nothing", {})
    told, size = Round(), max(ROUND, round(REQUESTS * scale))
    for number in range(-(-size // ROUND)):
        with tempfile.TemporaryDirectory(prefix="finwise-requests-") as made:
            _add(told, attempt(Path(made), seed * 1_000 + number, min(ROUND, size - number * ROUND)))
    missed = sorted(VALID.keys() - told.reached)
    result.violations = told.violations + ([f"routes that never answered as they should: {missed}"] if missed else [])
    result.trials = {"requests": told.sent, "of them refused": told.refused}
    result.figures = {
        "routes": len(VALID),
        "answers by status": ", ".join(f"{status}: {told.statuses[status]}" for status in sorted(told.statuses)),
        "failures made on purpose": told.bugs,
        "log lines": told.lines,
    }
    return result


def _add(told: Round, one: Round) -> None:
    told.sent, told.refused = told.sent + one.sent, told.refused + one.refused
    told.bugs, told.lines = told.bugs + one.bugs, told.lines + one.lines
    told.statuses += one.statuses
    told.reached |= one.reached
    told.violations += one.violations


main(__name__, prove)
