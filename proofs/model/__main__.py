"""Proof by a model: devices with wrong clocks and a bad network against the real rules and the real store.

Two drivers make things happen in one and the same world (`world.py`): a weighted random one, fast (`driver.py`), and
the rules of Hypothesis (`rules.py`). After every step a referee (`referee.py`) holds the tenant's file, every answer
and every device against the invariants that it lists, and follows what became of every edit.

A model that is never in trouble shows nothing: how often it got into which trouble is counted, and too seldom is a
violation, too.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from proofs.model import rules
from proofs.model.difficulty import too_easy
from proofs.model.driver import MOST_VIOLATIONS, RUN, RUNS_PER_INSTALLATION, run_world
from proofs.model.installation import Installation
from proofs.proof import MEMORY, Result, main

STEPS = 40_000  # weighted ones at scale 1
EXAMPLES = 200  # of Hypothesis, at scale 1


def prove(scale: float, seed: int) -> Result:
    """Both drivers; `scale` multiplies steps and examples."""
    cases: Counter[str] = Counter()
    violations: list[str] = []
    steps = 0
    runs = max(1, round(scale * STEPS / RUN))
    for first in range(0, runs, RUNS_PER_INSTALLATION):
        with _folder() as folder, Installation(Path(folder)) as installation:
            for run in range(first, min(runs, first + RUNS_PER_INSTALLATION)):
                if len(violations) < MOST_VIOLATIONS:
                    steps += run_world(installation, cases, violations, seed, run)
    weighted = Counter(cases)
    examples = checked = 0
    if not violations:  # otherwise the question is answered, and a mutant's proof need not go on
        with _folder() as folder:
            examples, checked = rules.prove(Path(folder), max(1, round(scale * EXAMPLES)), seed, cases, violations)
    if not violations:
        violations += too_easy(weighted, scale)
    acknowledged = {"acknowledged edits": cases.pop("acknowledged", 0)}
    trials = acknowledged | {"weighted steps": steps, "runs": runs, "Hypothesis examples": examples}
    return Result(CLAIM, trials, {"Hypothesis steps": checked} | dict(sorted(cases.items())), violations)


CLAIM = "No acknowledged edit vanishes unseen, and all devices converge, in the model"


def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory where there is one: what a disk does is shown by other proofs."""
    return tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True)


main(__name__, prove)
