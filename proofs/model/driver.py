"""The weighted random driver: what happens in a world, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

from proofs.model.decisions import DECISIONS
from proofs.model.device import FORMS
from proofs.model.installation import Installation
from proofs.model.state import FOUND, HOUR, MILLI, MINUTE, SECOND, said
from proofs.model.world import (
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

RUN = 150  # steps that one world sees
RUNS_PER_INSTALLATION = 40
MOST_VIOLATIONS = 3  # then the search ends

WAITS = (0, 0, 0, 0, 0, 0, 1, MILLI, MILLI, 5 * MILLI, SECOND, MINUTE)


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
    world.run_maintenance()


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
    (lambda world, random: world.run_maintenance(), 0.3),
    (_age, 1.2),
    (lambda world, random: world.back_up(), 0.8),
    (lambda world, random: world.restore(random.randrange(9)), 0.8),
    (lambda world, random: world.decide(random.randrange(9), random.choice(DECISIONS)), 2),
    (_permute, 0.5),
)
