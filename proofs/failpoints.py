"""Failpoints: a process dies at every single step of what it does to files, and again while that is being mended.

A step is a statement that SQLite runs and that changes something, or a call that changes names or syncs. Reads are no
steps: to die before one is to die before the step that follows it.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

from finwise import create_domain
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.user import User
from finwise.domain.users import NewUser
from finwise.errors import CursorExpired
from harness.callers import as_caller
from proofs.children import in_child
from proofs.proof import MEMORY, MOST_SAID, Result, main

PAIRS = 150  # deaths while mending at scale 1, beside every death in the work itself
NOW = 1_790_000_000_000_000  # µs
USER, OTHER, HOME, NEW, GONE = (f"{number}0000000-0000-4000-8000-000000000000" for number in range(1, 6))

READ = " while somebody reads"

_CHANGES_SOMETHING = re.compile(
    r"\s*(BEGIN|COMMIT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|VACUUM|PRAGMA (?:wal_checkpoint|journal_mode ?=|\w+ = ))",
    re.IGNORECASE,
)
_SETTINGS = re.compile(
    r"PRAGMA (foreign_keys|synchronous|trusted_schema|cell_size_check|wal_auto|busy_t|max_page)", re.I
)
_CALLS = ("fsync", "replace", "rename", "unlink", "mkdir")

Operation = Callable[[Domain, User, Path], object]


class Steps:
    """Counts the steps of this process, and kills it before the one with number `last`."""

    def __init__(self, last: int | None = None) -> None:
        self.number = 0
        self._last = last

    def __call__(self, statement: str = "") -> None:
        if statement and (not _CHANGES_SOMETHING.match(statement) or _SETTINGS.match(statement)):
            return
        self.number += 1
        if self.number == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """From now on every connection and every call of this process is watched."""
        connect = sqlite3.connect

        def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            if arguments[0] != ":memory:":
                connection.set_trace_callback(self)
            return connection

        setattr(sqlite3, "connect", watched)  # noqa: B010 - mypy knows an overloaded function there
        for name in _CALLS:
            setattr(os, name, self._watched(getattr(os, name)))

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self()
            return call(*arguments, **options)

        return watched


def settings(folder: Path) -> Settings:
    """An installation in a folder."""
    return Settings(str(folder / "instance"), str(folder / "tenant_databases"))


def change(entity_id: str, name: str | None) -> dict[str, object]:
    """A change of a tag, newer than what is stored; without a name a deletion."""
    moment = "2026-02-01T00:00:00.000Z"
    return {
        "change_id": str(uuid4()),
        "entity_type": "tags",
        "id": entity_id,
        "updated_at": moment,
        "deleted_at": None if name else moment,
        "data": {"name": name} if name else None,
    }


def prepare(folder: Path) -> None:
    """Two books, one of which has a deletion, is in a backup and has gone on since; and one in the trash."""
    domain = create_domain(settings(folder))
    user, _ = domain.users.register(NewUser(USER, "Ada", "ada@example.org", None), "", NOW)
    for tenant_id in (HOME, OTHER, GONE):
        domain.tenants.create(user, tenant_id, "Book", None, NOW)
        domain.sync.push(tenant_id, PushRequest([change("old", "old")]), NOW)
    domain.sync.push(HOME, PushRequest([change("dead", None)]), NOW)
    domain.tenants.delete(as_caller(user), GONE, NOW)
    domain.backups.make(folder / "backups", NOW)
    domain.sync.push(HOME, PushRequest([change("since", "since the backup")]), NOW + 1)
    domain.close()


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
    "compact": lambda domain, user, folder: domain.upkeep.run(NOW + 200 * 86_400_000_000),
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


def look(folder: Path, name: str, *, done: bool) -> list[str]:
    """What is wrong after an operation that was `done` or died, and was mended."""

    def work(_: Callable[[object], None]) -> list[str]:
        return list(_wrong(folder, name, done))

    ended = in_child(work)
    return ended.said if ended.error is None else [f"looking at it failed: {ended.error}"]


def _wrong(folder: Path, name: str, done: bool) -> list[str]:
    domain = create_domain(settings(folder))
    user = domain.users.register(NewUser(USER, "Ada", "ada@example.org", None), "", NOW)[0]
    states = _states(folder)
    found = [
        f"tenant {tenant_id} stays {state}" for tenant_id, state in states.items() if state not in ("active", "deleted")
    ]
    for tenant_id, state in states.items():
        there = (folder / "tenant_databases" / f"tenant_{tenant_id}.db").exists()
        if there != (state == "active"):
            found.append(f"tenant {tenant_id} is {state}, its file is {'there' if there else 'missing'}")
        elif there:
            found += domain.verification.verify(tenant_id)
    if not found:
        check = _CHECKS[name.removesuffix(READ)]
        pushed = frozenset({"old", "since", "late"} if name.endswith(READ) else {"old", "since"})
        found += check(domain, user, folder, states, done, pushed)
        if _names(domain, OTHER) != {"old"}:
            found.append("another tenant has changed")
    domain.close()
    return found


def _states(folder: Path) -> dict[str, str]:
    with closing(sqlite3.connect(folder / "instance" / "users.db")) as connection:
        return dict(connection.execute("SELECT uuid, state FROM tenants").fetchall())


def _names(domain: Domain, tenant_id: str) -> set[str]:
    with domain.sync.initial(tenant_id, None) as load:
        return {entity.id for entity in load.entities}


def _check_create(
    domain: Domain, user: User, folder: Path, states: dict[str, str], done: bool, pushed: frozenset[str]
) -> list[str]:
    if done and NEW not in states:
        return ["a creation that was acknowledged is gone"]
    tenant, _ = domain.tenants.create(user, NEW, "New", None, NOW + 3)  # as a device says it again
    domain.sync.push(NEW, PushRequest([change("first", "first")]), NOW + 3)
    return [] if _names(domain, tenant.uuid) == {"first"} else ["a new tenant is not empty"]


def _check_push(
    domain: Domain, user: User, folder: Path, states: dict[str, str], done: bool, pushed: frozenset[str]
) -> list[str]:
    names = _names(domain, HOME) - {"old", "since"}
    if names not in ({"a", "b"}, set()):
        return [f"half of a push is stored: {names}"]
    return ["an acknowledged push is gone"] if done and not names else []


def _check_delete(
    domain: Domain, user: User, folder: Path, states: dict[str, str], done: bool, pushed: frozenset[str]
) -> list[str]:
    if states[HOME] == "active":
        return ["an acknowledged deletion is undone"] if done else _holds(domain, pushed)
    domain.restores.from_trash(HOME, NOW + 4)
    return _holds(domain, pushed)


def _check_restore(
    domain: Domain, user: User, folder: Path, states: dict[str, str], done: bool, pushed: frozenset[str]
) -> list[str]:
    names = _names(domain, HOME)
    if names - {"late"} == {"old", "since"}:
        return ["an acknowledged restore did not happen"] if done else _holds(domain, pushed)
    if names != {"old"}:
        return [f"the restored book holds {names}"]
    domain.restores.from_trash(HOME, NOW + 4)  # what was replaced
    return _holds(domain, pushed)


def _check_trash(
    domain: Domain, user: User, folder: Path, states: dict[str, str], done: bool, pushed: frozenset[str]
) -> list[str]:
    if states[GONE] == "deleted":
        if done:
            return ["an acknowledged restore did not happen"]
        domain.restores.from_trash(GONE, NOW + 4)
    return [] if _names(domain, GONE) == {"old"} else ["what came out of the trash is not what was deleted"]


def _check_backup(
    domain: Domain, user: User, folder: Path, states: dict[str, str], done: bool, pushed: frozenset[str]
) -> list[str]:
    complete = list((folder / "backups").glob("finwise-*Z"))
    found = [line for backup in complete for line in domain.backups.problems(backup)]
    if done and len(complete) != 2:
        found.append("an acknowledged backup is not there")
    return found + _holds(domain, pushed)


def _check_compact(
    domain: Domain, user: User, folder: Path, states: dict[str, str], done: bool, pushed: frozenset[str]
) -> list[str]:
    try:
        is_told = "dead" in {version.id for version in domain.sync.pull(HOME, PullRequest()).entities}
    except CursorExpired:
        return _holds(domain, pushed)
    if done:
        return ["what was to be forgotten is still there"]
    return _holds(domain, pushed) if is_told else ["a deletion is forgotten, and who lacks it is not sent away"]


def _holds(domain: Domain, expected: frozenset[str]) -> list[str]:
    """Whether everything is there that was pushed before."""
    names = _names(domain, HOME)
    return [] if names == expected else [f"the book holds {sorted(names)} instead of {sorted(expected)}"]


_CHECKS: dict[str, Callable[[Domain, User, Path, dict[str, str], bool, frozenset[str]], list[str]]] = {
    "create": _check_create,
    "push": _check_push,
    "delete": _check_delete,
    "restore": _check_restore,
    "restore from the trash": _check_trash,
    "backup": _check_backup,
    "compact": _check_compact,
}


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
    return _states(folder), sorted(str(file) for file in (folder / "tenant_databases").rglob("*.db"))


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
