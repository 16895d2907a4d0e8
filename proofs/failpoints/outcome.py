"""What an operation must leave behind, whether it was done or died and was mended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from finwise import create_domain
from finwise.domain import Domain
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.user import User
from finwise.domain.users import NewUser
from finwise.errors import CursorExpired
from proofs.children import in_child
from proofs.failpoints.installation import GONE, HOME, NEW, NOW, OTHER, USER, change, settings

READ = " while somebody reads"


def look(folder: Path, name: str, *, done: bool) -> list[str]:
    """What is wrong after an operation that was `done` or died, and was mended."""

    def work(_: Callable[[object], None]) -> list[str]:
        return list(_wrong(folder, name, done))

    ended = in_child(work)
    return ended.said if ended.error is None else [f"looking at it failed: {ended.error}"]


def _wrong(folder: Path, name: str, done: bool) -> list[str]:
    domain = create_domain(settings(folder))
    user = domain.users.register(NewUser(USER, "Ada", "ada@example.org", None), "", NOW)[0]
    states = states_of(folder)
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


def states_of(folder: Path) -> dict[str, str]:
    """The state of each tenant, as users.db says."""
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


def _check_maintenance(
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
    "maintenance": _check_maintenance,
}
