"""A power loss takes nothing that was acknowledged.

The real code works below disk.c, which records every write, sync and change of a name. Then the power is cut at many
moments of that record: what was not synced is gone, or each sector and each name of it is there or not, by chance. The
real code opens what is left, and everything acknowledged up to that moment must be found.

So that silence means something, the same work is recorded with `PRAGMA synchronous = OFF`: there something must be
lost. What it does not show: disks that lie about a sync, and what a file system does wrong.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from finwise.domain.user import User
from proofs.disk import disk
from proofs.disk.promises import Findings, Promises, check
from proofs.disk.recorded_work import AS_IT_IS, OWNER_EMAIL
from proofs.proof import Result, main

POINTS = 1_100  # crash points at scale 1
RECORDINGS = 2
COMPARED = 0.05  # crash points of each other setting, of those
KEPT = (0.1, 0.5, 0.9)


class Point(NamedTuple):
    """A moment, as the number of records before it, and what it does to what was not synced."""

    records: int
    model: str  # none, mix
    seed: int


class Lost(NamedTuple):
    """What a power loss at a point has done."""

    point: Point
    findings: Findings


class Recording(NamedTuple):
    """What was recorded: the log, the folder that it is about, the setting it was done with."""

    log: Path
    folder: Path
    synchronous: str


def prove(scale: float, seed: int) -> Result:
    """Nothing is lost with the settings as they are, and something with those that sync less."""
    result = Result("A power loss takes nothing that was acknowledged", {"crash points": 0})
    points = max(1, round(POINTS * scale))
    recordings = max(1, round(RECORDINGS * scale))
    with disk.workspace() as space:
        library = disk.build(space)
        for number in range(recordings):
            recording = _record(library, space, AS_IT_IS, f"{seed}/{number}")
            share = points // recordings + (number < points % recordings)
            found = _cut(recording, share, space, seed + number)
            result.trials["crash points"] += share
            result.violations += _violations(found)
            if number == 0:
                _count(recording, result)
        if result.violations:
            return result
        for synchronous in ("OFF", "NORMAL"):
            recording = _record(library, space, synchronous, f"{seed}/0")
            tried = max(20, round(points * COMPARED))
            lost = sum(bool(each.findings.lost) for each in _cut(recording, tried, space, seed))
            result.figures[f"crash points that lose something with synchronous = {synchronous}"] = f"{lost} of {tried}"
            if synchronous == "OFF" and lost == 0:
                result.violations.append("the harness is blind: it sees no loss where nothing is ever synced")
    return result


def _record(library: Path, space: Path, synchronous: str, seed: str) -> Recording:
    folder, log = space / "recorded", space / "log"
    shutil.rmtree(folder, ignore_errors=True)
    log.unlink(missing_ok=True)
    folder.mkdir()
    disk.finish(disk.start(library, folder, log, "proofs.disk.recorded_work:run", str(folder), synchronous, seed))
    return Recording(log, folder, synchronous)


def _cut(recording: Recording, count: int, space: Path, seed: int) -> list[Lost]:
    """Cuts the power at so many points, in as many processes as there are processors."""
    points = sorted(_points(disk.read_log(recording.log), count, seed))
    workers = min(os.cpu_count() or 1, 4)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        tasks = [
            pool.submit(_cut_at, recording, points[begin::workers], space / f"cut-{begin}") for begin in range(workers)
        ]
        return sorted(chain.from_iterable(task.result() for task in tasks), key=lambda lost: lost.point)


def _points(records: list[disk.Record], count: int, seed: int) -> Iterator[Point]:
    """Half of them just after an acknowledgement, when a device has forgotten and the disk may not know yet."""
    chance = random.Random(seed)
    acknowledged = [number for number, record in enumerate(records, start=1) if record.kind == "K"]
    for number in range(count):
        moment = chance.choice(acknowledged) if number % 2 else chance.randrange(1, len(records) + 1)
        yield Point(moment, "none" if number % 3 == 0 else "mix", chance.getrandbits(32))


def _cut_at(recording: Recording, points: list[Point], place: Path) -> list[Lost]:
    logging.disable()  # a server that starts after a power loss has much to say
    replayed, promises = disk.Disk(recording.folder), Promises()
    records = disk.read_log(recording.log)
    owner: User | None = None
    done, found = 0, []
    for point in points:
        for record in records[done : point.records]:
            if record.kind == "K":
                promises.follow(json.loads(record.data))
            else:
                replayed.replay(record)
        done = point.records
        owner = owner or _owner(records)
        chance = random.Random(point.seed) if point.model == "mix" else None
        replayed.write_after_loss(place, chance, random.Random(point.seed).choice(KEPT))
        found.append(Lost(point, check(promises, recording.folder, place, owner)))
        shutil.rmtree(place)
    return found


def _owner(records: list[disk.Record]) -> User:
    marks = (json.loads(record.data) for record in records if record.kind == "K")
    uuid = next(mark["owner"] for mark in marks if mark.get("what") == "register")
    return User(uuid, "Ada", OWNER_EMAIL, None)


def _violations(found: list[Lost]) -> list[str]:
    return [
        f"power lost after record {lost.point.records} ({lost.point.model}): {finding}"
        for lost in found
        for finding in lost.findings.lost + lost.findings.broken
    ]


def _count(recording: Recording, result: Result) -> None:
    records = disk.read_log(recording.log)
    kinds = [record.kind for record in records]
    pushes = [record for record in records if record.kind == "K" and b'"stored"' in record.data]
    result.figures["recorded calls"] = len(kinds) - kinds.count("K")
    result.figures["acknowledged pushes"] = len(pushes)
    result.figures["syncs per acknowledged push, everything included"] = round(
        (kinds.count("S") + kinds.count("D")) / max(1, len(pushes)), 1
    )


main(__name__, prove)
