"""Failpoints: a process dies at every single step of what it does to files, and again while that is being mended.

A step is a statement that SQLite runs and that changes something, or a call that changes names or syncs. Reads are no
steps: to die before one is to die before the step that follows it.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from finwise import create_domain
from finwise.domain import Domain
from finwise.domain.sync import PushRequest
from finwise.domain.user import User
from finwise.domain.users import NewUser
from harness.callers import as_caller
from proofs.children import in_child
from proofs.failpoints.installation import GONE, HOME, NEW, NOW, USER, change, prepare, settings
from proofs.failpoints.outcome import READ, look, states_of
from proofs.failpoints.steps import Steps
from proofs.proof import MEMORY, MOST_SAID, Result, main

PAIRS = 150  # deaths while mending at scale 1, beside every death in the work itself

Operation = Callable[[Domain, User, Path], object]


def _backup(folder: Path) -> Path:
    return next((folder / "backups").glob("finwise-*Z"))


OPERATIONS: dict[str, Operation] = {
    "create": lambda domain, user, folder: domain.tenants.create(user, NEW, "New", None, NOW + 2),
    "push": lambda domain, user, folder: domain.sync.push(
        HOME, PushRequest([change("a", "pushed"), change("b", "pushed")]), NOW + 2
    ),
    "delete": lambda domain, user, folder: domain.tenants.delete(as_caller(user), HOME, NOW + 2),
    "restore": lambda domain, user, folder: domain.restores.from_backup(HOME, _backup(folder), NOW + 2),
    "restore from the trash": lambda domain, user, folder: domain.restores.from_trash(GONE, NOW + 2),
    "restore while somebody reads": lambda domain, user, folder: domain.restores.from_backup(
        HOME, _backup(folder), NOW + 3
    ),
    "delete while somebody reads": lambda domain, user, folder: domain.tenants.delete(as_caller(user), HOME, NOW + 3),
    "backup": lambda domain, user, folder: domain.backups.make(folder / "backups", NOW + 2),
    "maintenance": lambda domain, user, folder: domain.maintenance.run(NOW + 200 * 86_400_000_000),
}


def run(folder: Path, name: str, last: int | None) -> Any:
    """Does an operation in a child that dies before step `last`: the number of steps, or None if it died."""

    def work(_: Callable[[object], None]) -> int:
        domain = create_domain(settings(folder))
        user = domain.users.register(NewUser(USER, "Ada", "ada@example.org", None), "", NOW)[0]
        reader = _read(domain, folder) if name.endswith(READ) else None
        steps = Steps(last)
        steps.install()
        domain.close()
        OPERATIONS[name](domain, user, folder)
        if reader:
            reader.close()
        return steps.number

    return in_child(work)


def _read(domain: Domain, folder: Path) -> sqlite3.Connection:
    """Holds a snapshot, so that what is pushed after it stays in the log: the file cannot be whole without it."""
    reader = sqlite3.connect(folder / "tenant_databases" / f"tenant_{HOME}.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sync_entities").fetchall()
    domain.sync.push(HOME, PushRequest([change("late", "in the log")]), NOW + 2)
    return reader


def mend(folder: Path, last: int | None = None) -> Any:
    """What a server does when it starts, in a child that dies before step `last`."""

    def work(_: Callable[[object], None]) -> int:
        steps = Steps(last)
        steps.install()
        create_domain(settings(folder)).close()
        return steps.number

    return in_child(work)


def trial(template: Path, name: str, last: int | None, last_of_mending: int | None) -> tuple[list[str], int]:
    """One death, or two: what is wrong afterwards, and how many steps the mending had."""
    with tempfile.TemporaryDirectory(prefix="finwise-failpoints-", dir=MEMORY) as made:
        folder = Path(made, "installation")
        shutil.copytree(template, folder)
        ended = run(folder, name, last)
        if ended.error:
            return [ended.error], 0
        if last_of_mending:
            mend(folder, last_of_mending)
        mended = mend(folder)
        if mended.error:
            return [f"mending failed: {mended.error}"], 0
        mended_once = _picture(folder)
        mend(folder)
        found = [] if _picture(folder) == mended_once else ["mending a second time changes something"]
        return found + look(folder, name, done=not ended.killed), int(mended.said)


def _picture(folder: Path) -> tuple[dict[str, str], list[str]]:
    """What is to be the same however often it is mended."""
    return states_of(folder), sorted(str(file) for file in (folder / "tenant_databases").rglob("*.db"))


def prove(scale: float, seed: int) -> Result:
    """Dies at every step of every operation; then at random steps of the mending, too. Below scale 1: at some."""
    chance = random.Random(seed)
    result = Result("A process may die at any step; the next one finishes or undoes it", {})
    with tempfile.TemporaryDirectory(prefix="finwise-template-") as made:
        template = Path(made, "template")
        prepare(template)
        deaths = [(name, step) for name in OPERATIONS for step in range(1, _steps(template, name, result) + 1)]
        mendings = {}
        for name, step in _some(deaths, len(deaths) * scale, chance):
            if len(result.violations) < MOST_SAID:
                found, mendings[name, step] = trial(template, name, step, None)
                result.violations += [f"{name}, died at step {step}: {line}" for line in found]
        pairs = [(name, step, second) for (name, step), steps in mendings.items() for second in range(1, steps + 1)]
        twice = 0
        for name, step, second in _some(pairs, PAIRS * scale, chance):
            if len(result.violations) < MOST_SAID:
                found, _ = trial(template, name, step, second)
                result.violations += [
                    f"{name}, died at step {step}, then at {second} of mending: {line}" for line in found
                ]
                twice += 1
    result.trials = {"deaths": len(mendings), "deaths followed by another while mending": twice}
    result.figures = {"pairs there are": len(pairs)}
    result.figures |= {f"steps of {name}": sum(each == name for each, _ in deaths) for name in OPERATIONS}
    return result


def _some(of: list[Any], number: float, chance: random.Random) -> list[Any]:
    """So many of them, in their order; all where there are not more."""
    return of if len(of) <= number else [of[place] for place in sorted(chance.sample(range(len(of)), int(number)))]


def _steps(template: Path, name: str, result: Result) -> int:
    """How many steps an operation has that nothing cuts off."""
    with tempfile.TemporaryDirectory(prefix="finwise-failpoints-", dir=MEMORY) as made:
        folder = Path(made, "installation")
        shutil.copytree(template, folder)
        ended = run(folder, name, None)
        if ended.error:
            result.violations.append(f"{name} fails by itself: {ended.error}")
        return int(ended.said or 0)


main(__name__, prove)
