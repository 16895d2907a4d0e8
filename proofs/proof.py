"""What every proof has in common: its options, its result, how it says it.

A proof is a module with `prove(scale, seed) -> Result` and `main(__name__, prove)` at its end, so that
`python -m proofs.kill --scale 1 --seed 1` runs it. Exit code 0: nothing was lost; 1: something was; 3: it could not be
run at all, with the reason. `scale` 1 is the short lane (a minute or so); 10 tries about ten times as much.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

VIOLATED, NOT_RUN = 1, 3
MOST_SAID = 10  # violations that are printed one by one; who has found so many need not look on
PATIENCE = 300.0  # seconds that anything may take on a slow machine before it counts as stuck

# For proofs that are not about disks: what the death of a process leaves behind is the same, and it is faster.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class CannotRun(Exception):
    """What the proof needs is not there; the text says what, and what to do."""


@dataclass
class Result:
    """What a proof did and found.

    trials: what was tried -> how often, independent of each other. No violation in n trials bounds the rate of
    violations below 3/n with 95 % confidence. figures: what else is worth knowing. violations: a sentence each.
    """

    claim: str
    trials: dict[str, int]
    figures: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def bound(trials: int) -> str:
    """The rate of violations that no violation in so many trials excludes, with 95 % confidence."""
    return f"< {3 / trials:.2g}" if trials else "-"


def main(name: str, prove: Callable[[float, int], Result]) -> None:
    """Runs a proof as a program; `name` is the module's `__name__`."""
    if name != "__main__":
        return
    options = _options()
    started = time.monotonic()
    try:
        result = prove(options.scale, options.seed)
    except CannotRun as reason:
        print(f"NOT RUN: {reason}", file=sys.stderr)
        sys.exit(NOT_RUN)
    _say(result, options.scale, options.seed, time.monotonic() - started)
    if options.json:
        told = asdict(result) | {"scale": options.scale, "seed": options.seed, "seconds": time.monotonic() - started}
        options.json.write_text(json.dumps(told), encoding="utf-8")
    sys.exit(VIOLATED if result.violations else 0)


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0, help="how much to try; 1 is the short lane")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the result here, too")
    return parser.parse_args(arguments)


def _say(result: Result, scale: float, seed: int, seconds: float) -> None:
    print(f"{result.claim} (scale {scale:g}, seed {seed}, {seconds:.0f} s)")
    for what, number in result.trials.items():
        print(f"  n = {number} {what}: {bound(number)} at 95 %" if not result.violations else f"  n = {number} {what}")
    for what, figure in result.figures.items():
        print(f"  {what}: {figure}")
    for violation in result.violations[:MOST_SAID]:
        print(f"  VIOLATED: {violation}")
    if len(result.violations) > MOST_SAID:
        print(f"  … and {len(result.violations) - MOST_SAID} more")
