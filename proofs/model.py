"""Proof by a model: devices with wrong clocks and a bad network against the real rules and the real store.

Two drivers make things happen in one and the same world (`model_world.py`): a weighted random one, fast, and the rules
of Hypothesis (`model_rules.py`). After every step a referee (`model_referee.py`) holds the tenant's file, every answer
and every device against the invariants I1 to I14 of docs/reliability.md, and follows what became of every edit.

A model that is never in trouble shows nothing: how often it got into which trouble is counted, and too seldom is a
violation, too.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from proofs import model_rules
from proofs.model_device import FORMS
from proofs.model_installation import Installation
from proofs.model_referee import FOUND, HOUR, MILLI, MINUTE, SECOND, said
from proofs.model_world import (
    DECISIONS,
    DEVICES,
    FAULT,
    KEYS,
    LATE,
    LOST_ANSWER,
    LOST_REQUEST,
    OK,
    SKEWS,
    TWICE,
    World,
)
from proofs.proof import MEMORY, Result, main

STEPS, RUN = 40_000, 150  # weighted steps at scale 1, and how many of them one world sees
EXAMPLES = 200  # of Hypothesis, at scale 1
RUNS_PER_INSTALLATION = 40
MOST_VIOLATIONS = 3  # then the search ends

WAITS = (0, 0, 0, 0, 0, 0, 1, MILLI, MILLI, 5 * MILLI, SECOND, MINUTE)


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
    examples = rules = 0
    if not violations:  # otherwise the question is answered, and a mutant's proof need not go on
        with _folder() as folder:
            examples, rules = model_rules.prove(Path(folder), max(1, round(scale * EXAMPLES)), seed, cases, violations)
    if not violations:
        violations += _too_easy(weighted, scale)
    acknowledged = {"acknowledged edits": cases.pop("acknowledged")}
    trials = acknowledged | {"weighted steps": steps, "runs": runs, "Hypothesis examples": examples}
    return Result(CLAIM, trials, {"Hypothesis steps": rules} | dict(sorted(cases.items())), violations)


CLAIM = "No acknowledged edit vanishes unseen, and all devices converge, in the model"


def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory where there is one: what a disk does is shown by other proofs."""
    return tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True)


def run_world(installation: Installation, cases: Counter[str], violations: list[str], seed: int, run: int) -> int:
    """One world of RUN steps and its end; the number of steps."""
    random = Random(f"{seed} {run}")
    world = World(installation, cases, [random.choice(SKEWS) for _ in DEVICES])
    actions, weights = zip(*ACTIONS, strict=True)
    steps = 0
    try:
        while steps < RUN:
            steps += 1
            world.wait(random.choice(WAITS))
            random.choices(actions, weights)[0](world, random)
        world.finish()
    except FOUND as error:
        violations.append(f"run {run}, step {steps}: {said(error)}")
    finally:
        world.close()
    return steps


def _device(random: Random) -> int:
    return random.randrange(len(DEVICES))


def _edit(world: World, random: Random) -> None:
    kind = random.choices(("write", "same", "delete"), (65, 12, 23))[0]
    key = random.choices(range(len(KEYS)), (4, 3, 2, 1))[0]
    world.edit(_device(random), key, kind, random.randrange(FORMS), random.random() < 0.7)


def _push(world: World, random: Random) -> None:
    fates = {OK: 55, LOST_REQUEST: 8, LOST_ANSWER: 12, LATE: 13, TWICE: 8, FAULT: 4}
    fate = random.choices(tuple(fates), tuple(fates.values()))[0]
    world.push(_device(random), fate, random.choice((1, 2, 100)), random.randint(1, 3))


def _pull(world: World, random: Random) -> None:
    fate = LOST_ANSWER if random.random() < 0.2 else OK
    world.pull(_device(random), fate, random.randint(1, 3), random.choice((1, 1, 2, 100)))


def _permute(world: World, random: Random) -> None:
    size = random.randint(2, 6)
    orders = [random.sample(range(size), size) for _ in range(3)]
    cuts = [random.randrange(size) for _ in range(4)]
    world.permute(orders, cuts, [random.randrange(4) for _ in range(size)])


def _age(world: World, random: Random) -> None:
    """Days pass, and what is old is forgotten."""
    world.wait(random.choice((40, 49, 60)) * HOUR)
    world.compact()


Action = Callable[[World, Random], None]

ACTIONS: tuple[tuple[Action, float], ...] = (
    (_edit, 40),
    (_push, 27),
    (_pull, 18),
    (lambda world, random: world.deliver_late(random.randrange(9)), 5),
    (lambda world, random: world.jump(_device(random), random.choice(SKEWS)), 3),
    (lambda world, random: world.jump_server(random.choice((0, 0, -5 * SECOND, -HOUR, HOUR))), 0.3),
    (lambda world, random: world.reinstall(_device(random)), 0.7),
    (lambda world, random: world.spoil(_device(random), random.randrange(9)), 1),
    (lambda world, random: world.wait(random.choice((1, 13, 30, 60)) * HOUR), 0.5),
    (lambda world, random: world.settle(), 0.7),
    (lambda world, random: world.compact(), 0.3),
    (_age, 1.2),
    (lambda world, random: world.back_up(), 0.8),
    (lambda world, random: world.restore(random.randrange(9)), 0.8),
    (lambda world, random: world.decide(random.randrange(9), random.choice(DECISIONS)), 2),
    (_permute, 0.5),
)


SHARES = (  # what, of what, at least that much
    ("edits over a foreign version", "edits", 0.10),
    ("ties", "contested", 0.03),
    ("too late", "contested", 0.20),
    ("delete versus edit", "contested", 0.05),
    ("late deliveries", "pushes", 0.05),
    ("pushes: lost answer", "pushes", 0.05),
    ("pushes: lost request", "pushes", 0.03),
    ("doubled", "pushes", 0.03),
    ("clamped", "judged", 0.03),
    ("contested", "judged", 0.20),
)
FALSE_CONFLICTS = 0.05  # of all conflicts at most
NUMBERS = {  # at scale 1
    "conflicts: restored": 70,
    "conflicts: restored blindly": 70,
    "conflicts: restored too late": 70,
    "conflicts: dismissed": 70,
    "edits of one millisecond": 100,
    "late deliveries refused": 100,
    "purges of tombstones": 70,
    "410 cursor_expired": 40,
    "410 epoch_changed": 40,
    "restores": 60,
    "given back": 30,
    "rolled back, given back": 30,
    "reinstalls": 140,
    "bad changes": 140,
    "pushes that failed": 140,
    "pulls ended between pages": 140,
    "unsent edits that a pull left alone": 700,
    "orders of one set of changes": 200,
    "jumps of a device's clock": 340,
    "jumps of the server's clock": 40,
}


def _too_easy(cases: Counter[str], scale: float) -> list[str]:
    """What the weighted driver saw too seldom; small runs are spared the numbers they cannot reach."""
    shares = [
        f"the run was too easy: {cases[what]} {what} among {cases[whole]} {whole}, {share:.0%} are wanted"
        for what, whole, share in SHARES
        if cases[what] < share * cases[whole]
    ]
    numbers = [
        f"the run was too easy: {what} happened {cases[what]} times, {int(number * scale)} are wanted"
        for what, number in NUMBERS.items()
        if cases[what] < int(number * scale)
    ]
    return shares + numbers + _too_many(cases)


def _too_many(cases: Counter[str]) -> list[str]:
    false, kept = cases["false conflicts"], cases["conflicts"]
    return [f"{false} of {kept} conflicts are none"] if false > FALSE_CONFLICTS * kept else []


main(__name__, prove)
