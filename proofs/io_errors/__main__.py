"""Whatever call to the disk fails, and however long: nothing acknowledged is lost, nothing half done stays in the way.

Each thing that FinWise does is done once for every write, sync and change of a name it makes, and that one fails: with
EIO or ENOSPC, alone or with all that follow. A write that fails has written half. Each time the answer must be success
or an error that FinWise knows, what was acknowledged must be there, the files whole, and once the disk works again a
retry must succeed. What it does not show: errors when reading, and several errors with pauses between them.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from finwise.errors import Conflict, FinWiseError, NotFound, Quarantined, TenantDeleted
from finwise.store import connection
from harness.callers import as_caller
from proofs.disk import disk
from proofs.io_errors.house import NEW, OLD, OTHER, TENANT, USER, House
from proofs.proof import MOST_SAID, Result, main

ERRORS = (errno.EIO, errno.ENOSPC)
PART = 0.25  # of all sites, at scale 1


class Site(NamedTuple):
    """A call that fails: which one of those that an act makes, with what, and whether all after it fail as well."""

    act: str
    at: int
    error: int
    on: bool


class Outcome(NamedTuple):
    """What came of it: which call failed, whether the act succeeded all the same, and what was wrong."""

    site: Site
    failed: str
    succeeded: bool
    wrong: list[str]


class Act(NamedTuple):
    """Something that FinWise does; `before` prepares the files, `has_come` says whether its effect is there."""

    before: tuple[Callable[[House], None], ...]
    do: Callable[[House], None]
    has_come: Callable[[House], bool]


def _is_deleted(house: House) -> bool:
    try:
        house.domain.tenants.to_read(as_caller(USER), TENANT)
    except TenantDeleted:
        return bool(list(house.folder.glob(f"tenants/trash/*{TENANT}.db")))
    return False


def _has_backup(house: House) -> bool:
    backups = (house.folder / "backups").glob("*Z")
    return any(not house.domain.backups.problems(backup) for backup in backups)


def _book(house: House) -> None:
    house.sign_up()
    house.create()
    house.push(OLD)


ACTS = {
    "sign up": Act((), House.sign_up, lambda house: house.domain.users.exists(USER.email)),
    "create": Act((House.sign_up,), House.create, lambda house: house.ids() == set()),
    "first push": Act(
        (House.sign_up, House.create), lambda house: house.push(NEW), lambda house: len(house.ids()) == 3
    ),
    "push": Act((_book,), lambda house: house.push(NEW), lambda house: f"{NEW}-2" in house.ids()),
    "large push": Act((_book,), lambda house: house.push(NEW, 6, 4_000), lambda house: f"{NEW}-5" in house.ids()),
    "push a deletion": Act((_book,), House.push_deletion, lambda house: f"{OLD}-1" not in house.ids()),
    "delete": Act((_book,), House.delete, _is_deleted),
    "maintenance": Act((_book, House.push_deletion), House.run_maintenance, lambda house: True),
    "back up": Act((_book,), House.back_up, _has_backup),
    "restore": Act(
        (_book, House.back_up, lambda house: house.push(NEW)),
        House.restore,
        lambda house: f"{NEW}-0" not in house.ids(),
    ),
    "restore from trash": Act((_book, House.delete), House.restore_from_trash, lambda house: f"{OLD}-2" in house.ids()),
}
KEEPS = {
    "push": {0, 1, 2},
    "large push": {0, 1, 2},
    "push a deletion": {0, 2},
    "maintenance": {0, 2},
    "back up": {0, 1, 2},
}
KEEPS |= {"restore": {0, 1, 2}, "restore from trash": {0, 1, 2}}  # act -> numbers of old entities that always stay


def prove(scale: float, seed: int) -> Result:
    """Tries a part of all calls of each act; from scale 4 on all of them."""
    result = Result("No failing disk call loses or blocks anything", {"failed calls": 0})
    workers = min(os.cpu_count() or 1, 4)
    with disk.workspace() as space:
        library = disk.build(space)
        running = []
        for number in range(workers):
            folder = space / str(number)
            folder.mkdir()
            arguments = [str(folder), str(number), str(workers), str(min(1.0, scale * PART)), str(seed)]
            running.append(disk.start(library, folder, None, "proofs.io_errors.__main__:run", *arguments))
        said = [disk.finish(process) for process in running]
    outcomes = [_read_outcome(line) for text in said for line in text.splitlines()]
    result.trials["failed calls"] = len(outcomes)
    result.figures["acts"] = len(ACTS)
    for act in ACTS:
        of_act = [outcome for outcome in outcomes if outcome.site.act == act]
        result.figures[f"{act}: failed calls, of them succeeded all the same"] = (
            f"{len(of_act)}, {sum(outcome.succeeded for outcome in of_act)}"
        )
    result.violations += [_sentence(outcome, wrong) for outcome in outcomes for wrong in outcome.wrong]
    return result


def _sentence(outcome: Outcome, wrong: str) -> str:
    site = outcome.site
    how = "from then on" if site.on else "once"
    return f"{site.act}: {errno.errorcode[site.error]} {how} at call {site.at} ({outcome.failed}): {wrong}"


def _read_outcome(line: str) -> Outcome:
    said = json.loads(line)
    return Outcome(Site(*said["site"]), said["failed"], said["succeeded"], said["wrong"])


def run() -> None:
    """The program that runs under disk.c: its share of all sites, each in a process of its own."""
    logging.disable()
    connection.WAL_PAGES = 4
    folder, number, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    part, seed = float(sys.argv[4]), sys.argv[5]
    wrong = 0
    for place, site in enumerate(_sites(folder, part, seed)):
        if place % workers == number and wrong < MOST_SAID:
            tried = _apart(_try, folder, site)
            wrong += len(tried["wrong"])
            print(json.dumps(tried), flush=True)


def _sites(folder: Path, part: float, seed: str) -> Iterator[Site]:
    chance = random.Random(seed)
    for act in ACTS:
        calls = _apart(_prepare, folder, act)["calls"]
        for at in range(1, calls + 1):
            for error in ERRORS:
                for on in (False, True):
                    if chance.random() < part:
                        yield Site(act, at, error, on)


def _apart(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """What `work` returns in a child of this process, which has no threads; so nothing of it stays behind."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, json.dumps(work(*arguments)).encode())
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{arguments}: {error!r}\n")
            os._exit(1)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"{arguments} ended with {status}")
    answer: dict[str, Any] = json.loads(said)
    return answer


def _prepare(folder: Path, act: str) -> dict[str, Any]:
    """Makes the files that an act begins with, and counts the calls of the act."""
    control, template = disk.Control(), folder / act
    house = House(template)
    for step in ACTS[act].before:
        step(house)
    house.domain.close()
    shutil.rmtree(folder / "trial", ignore_errors=True)
    shutil.copytree(template, folder / "trial")
    house = House(folder / "trial")
    control.arm()
    ACTS[act].do(house)
    calls = control.calls()
    house.domain.close()
    return {"calls": calls}


def _try(folder: Path, site: Site) -> dict[str, Any]:
    """Does an act while a call fails, then looks at what there is, then does it again."""
    act, control = ACTS[site.act], disk.Control()
    shutil.rmtree(folder / "trial", ignore_errors=True)
    shutil.copytree(folder / site.act, folder / "trial")
    wrong: list[str] = []
    house = House(folder / "trial")
    control.arm(site.at, site.error, on=site.on)
    succeeded = _do(act, house, wrong)
    failed = control.failed()
    if site.on:
        house.domain.close()  # the disk stays as it is until the server ends
        control.arm()
        house = House(folder / "trial")
    control.arm()
    try:
        wrong += _found_wrong(site.act, act, house, succeeded)
    except Exception as error:
        wrong.append(f"once the disk works again: {error!r}")
    house.domain.close()
    wrong += _damages(folder / "trial")
    return {"site": site, "failed": failed, "succeeded": succeeded, "wrong": wrong}


def _do(act: Act, house: House, wrong: list[str]) -> bool:
    try:
        act.do(house)
    except FinWiseError:
        return False
    except Exception as error:
        cause = f", because of {error.__cause__!r}" if error.__cause__ else ""
        wrong.append(f"the error is none that FinWise knows: {error!r}{cause}")
        return False
    return True


def _found_wrong(name: str, act: Act, house: House, succeeded: bool) -> Iterator[str]:
    if succeeded and not act.has_come(house):
        yield "it was acknowledged, and is not there"
    if _is_quarantined(house):
        yield "the tenant is quarantined, as if its file were damaged"
    _retry(name, act, house)
    if not act.has_come(house):
        yield "it was done again, and is not there"
    if name not in ("sign up", "delete"):
        house.domain.tenants.to_write(as_caller(USER), TENANT)
    if name in KEEPS:
        lost = {f"{OLD}-{number}" for number in KEEPS[name]} - house.ids()
        if lost:
            yield f"acknowledged before, and gone: {', '.join(sorted(lost))}"
    if name not in ("sign up", "delete"):
        yield from house.domain.verification.verify(TENANT)
    yield from house.domain.verification.verify_users()
    if name != "sign up":
        house.create(OTHER)  # what failed is in nobody's way


def _is_quarantined(house: House) -> bool:
    try:
        house.domain.tenants.to_write(as_caller(USER), TENANT)
    except Quarantined:
        return True
    except FinWiseError:
        pass  # not created yet, deleted, or in between
    return False


def _retry(name: str, act: Act, house: House) -> None:
    """Does it again; what was begun is finished by the reconciliation first, as at each start."""
    house.domain.life.finish(house.now)
    try:
        act.do(house)
    except (TenantDeleted, NotFound, Conflict):
        if name != "delete":
            raise


def _damages(folder: Path) -> Iterator[str]:
    """What SQLite finds in every database, the trash and backups included."""
    for file in sorted(folder.glob("**/*.db")):
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True)) as made:
            said = made.execute("PRAGMA integrity_check").fetchall()
        if said != [("ok",)]:
            yield f"{file.name} is damaged: {said[0][0]}"


main(__name__, prove)
