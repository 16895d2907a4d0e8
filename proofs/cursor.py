"""Cursor: processes push at once while readers follow the cursor and load again, and an outsider writes to the file.

No push may fail or be half there, no reader may miss a version, and every load must hold what its digest says.
"""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain, digest
from finwise.domain.change import Entity, Key
from finwise.domain.cursor import Cursor
from finwise.domain.push import Result as PushResult
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.times import millis_text
from finwise.domain.users import NewUser
from finwise.store.checksum import checksum
from proofs.proof import PATIENCE, Result, main

WRITERS, PUSHES, MOST_CHANGES, IDS = 4, 150, 6, 900
PAGE = 7

_SPAWN = multiprocessing.get_context("spawn")


class Round(NamedTuple):
    """What the processes of a round share."""

    settings: Settings
    tenant_id: str
    seed: int


def prove(scale: float, seed: int) -> Result:
    """Rounds of writers, readers and an outsider, each in a new folder."""
    result = Result("No reader of a cursor misses a version, no matter who writes meanwhile", {})
    rounds, stored, pages, loads = max(1, round(3 * scale)), 0, 0, 0
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="finwise-cursor-") as made:
            told = _round(Path(made), seed * 1_000 + number)
        result.violations += [f"round {number}: {line}" for line in told["violations"]]
        stored, pages, loads = stored + told["stored"], pages + told["pages"], loads + told["loads"]
    result.trials = {"versions stored": stored}
    result.figures = {"rounds": rounds, "pages pulled": pages, "first loads": loads, "writing processes": WRITERS}
    return result


def _round(folder: Path, seed: int) -> dict[str, Any]:
    settings = Settings(str(folder / "instance"), str(folder / "tenant_databases"))
    domain = create_domain(settings)
    user, _ = domain.users.register(NewUser(str(uuid4()), "Ada", "ada@example.org", None), "", now())
    tenant, _ = domain.tenants.create(user, str(uuid4()), "Book", None, now())
    domain.sync.pull(tenant.uuid, PullRequest())
    domain.close()
    shared = Round(settings, tenant.uuid, seed)
    said: Queue[dict[str, Any]] = _SPAWN.Queue()
    ended = _SPAWN.Event()
    writers = [_SPAWN.Process(target=tell, args=(said, write, shared, number)) for number in range(WRITERS)]
    others = [_SPAWN.Process(target=tell, args=(said, each, shared, ended)) for each in (follow, load, intrude)]
    for process in (*others, *writers):
        process.start()
    told = [said.get(timeout=PATIENCE) for _ in writers]
    ended.set()
    told += [said.get(timeout=PATIENCE) for _ in others]
    for process in (*others, *writers):
        process.join()
    return _compared(shared, told)


def _compared(shared: Round, told: list[dict[str, Any]]) -> dict[str, Any]:
    domain = create_domain(shared.settings)
    held = _everything(domain, shared.tenant_id)
    seen = {tuple(key.split(" ")): stamp for each in told for key, stamp in each.get("seen", {}).items()}
    violations = [line for each in told for line in each["violations"]]
    missed = [key for key, stamp in held.items() if seen.get(key) != stamp]
    if missed:
        violations.append(f"the reader missed {len(missed)} of {len(held)} entities, {missed[0]} for example")
    if len(set(held.values())) != len(held):
        violations.append("two versions have one stamp")
    violations += domain.verification.verify(shared.tenant_id)
    domain.close()
    return {name: sum(each.get(name, 0) for each in told) for name in ("stored", "pages", "loads")} | {
        "violations": violations
    }


def tell(said: Queue[dict[str, Any]], work: Callable[..., dict[str, Any]], *arguments: object) -> None:
    """A process: does its work and says how that went."""
    try:
        said.put(work(*arguments))
    except Exception as error:  # nothing that these processes do may fail
        said.put({"violations": [f"to {work.__name__} failed: {type(error).__name__}: {error}"]})


def write(shared: Round, number: int) -> dict[str, Any]:
    """Pushes with a clock of its own, which is wrong."""
    chance = random.Random(shared.seed * 100 + number)
    domain = create_domain(shared.settings)
    skew = chance.randint(-3_000_000, 3_000_000)
    stored, violations = 0, []
    for _ in range(PUSHES):
        changes = [_change(chance, now() + skew) for _ in range(chance.randint(1, MOST_CHANGES))]
        try:
            results = domain.sync.push(shared.tenant_id, PushRequest(changes), now()).results
        except Exception as error:  # whatever it is, a push has failed
            violations.append(f"a push failed: {type(error).__name__}: {error}")
            continue
        stored += sum(isinstance(result, PushResult) and result.verdict.status == "applied" for result in results)
    domain.close()
    return {"stored": stored, "violations": violations}


def _change(chance: random.Random, moment: int) -> dict[str, object]:
    return {
        "change_id": str(uuid4()),
        "entity_type": "tags",
        "id": f"t{chance.randrange(IDS)}" if chance.random() < 0.3 else str(uuid4()),
        "updated_at": millis_text(moment),
        "data": {"name": str(chance.random())},
    }


def follow(shared: Round, ended: Event) -> dict[str, Any]:
    """Follows the cursor in small pages, as a device does."""
    domain = create_domain(shared.settings)
    seen: dict[str, int] = {}
    since: Cursor | None = None
    pages = 0
    while True:
        last = ended.is_set()
        page = domain.sync.pull(shared.tenant_id, PullRequest(since, limit=PAGE if not last else 1_000))
        for (stamp, _), entity in zip(page.rows, page.entities, strict=True):
            seen[f"{entity.entity_type} {entity.id}"] = stamp
        since = Cursor(page.next_stamp, page.epoch)
        pages += 1
        if last and not page.has_more:
            break
    domain.close()
    return {"seen": seen, "pages": pages, "violations": []}


def load(shared: Round, ended: Event) -> dict[str, Any]:
    """Loads the whole book again and again, and adds up what it got."""
    domain = create_domain(shared.settings)
    loads, violations = 0, []
    while not ended.is_set():
        with domain.sync.initial(shared.tenant_id, None) as given:
            versions = list(given.entities)
        if _sums(versions) != {name: value for name, value in given.digest.items() if value != digest.ZERO}:
            violations.append(f"a first load of {len(versions)} entities is not what its digest says")
        loads += 1
    domain.close()
    return {"loads": loads, "violations": violations}


def intrude(shared: Round, ended: Event) -> dict[str, Any]:
    """Commits to the same file without our lock, as a tool from outside may: SQLite's own lock has to do for it.

    It holds the lock half of the time at most, however slow the disk is: SQLite's waiting is not fair, and a
    writer that waits too long is rightly told that the file is busy.
    """
    path = Path(shared.settings.tenant_databases, f"tenant_{shared.tenant_id}.db")
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        while not ended.is_set():
            began = time.monotonic()
            row = ("outsider", now(), None, None, None)
            connection.execute(
                """REPLACE INTO sync_devices (token_id, last_contact, device_id, cursor, clock_skew, checksum)
                   VALUES (?, ?, ?, ?, ?, ?)""",
                (*row, checksum(*row)),
            )
            time.sleep(max(0.001, time.monotonic() - began))
    return {"violations": []}


def _everything(domain: Domain, tenant_id: str) -> dict[Key, int]:
    """The stamp of each entity."""
    page = domain.sync.pull(tenant_id, PullRequest(limit=1_000_000))
    entities = zip(page.rows, page.entities, strict=True)
    return {(entity.entity_type, entity.id): stamp for (stamp, _), entity in entities}


def _sums(versions: list[Entity]) -> Mapping[str, str]:
    sums: dict[str, str] = {}
    for version in versions:
        sums[version.entity_type] = digest.add(sums.get(version.entity_type, digest.ZERO), digest.weight(version))
    return sums


main(__name__, prove)
