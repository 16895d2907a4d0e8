"""Races: deleting, restoring and backing up books while devices write to them and read them.

Shows that each of the three is safe against other processes that push and pull at the same moment: what was
acknowledged before a deletion is in the trash, what was acknowledged before a backup is in the copy, and a restored
book is answered as the old one or as the new one, never as a mixture. It does not show what happens when one of them
is interrupted halfway.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread
from typing import Any
from uuid import uuid4

import httpx

from harness.account import Account, sign_up
from harness.device import Device, StartAgain
from harness.server import Server
from proofs.proof import PATIENCE, CannotRun, Result, main
from proofs.witness import (
    TIMEOUT,
    UNREACHABLE,
    Findings,
    Json,
    Key,
    Ledger,
    Stored,
    damage,
    differing,
    digests,
    key_of,
    known_change_ids,
    stored,
    tenant_file,
    time_text,
)

DELETED_TENANTS, RESTORES, BACKUPS = 40, 8, 4  # at scale 1
COME_AGAIN = frozenset({"busy", "slow_down"})  # the codes after which a device tries again
RESTORES_OF_ONE = 4  # of one backup, one after the other
PUSHERS = 6
NEIGHBOURS = 3  # tenants before and after the one to be deleted that are pushed to
GENERATION = 1100  # entities that are always written together: a mixture of two states shows


@dataclass
class Race:
    """One server and what is going on around it."""

    server: Server
    account: Account
    findings: Findings
    dice: Random
    ends: Event = field(default_factory=Event)
    guard: Lock = field(default_factory=Lock)
    acknowledged: int = 0
    refused: int = 0

    @property
    def databases(self) -> Path:
        return self.server.folder / "tenant_databases"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.account.url, headers=self.account.headers, timeout=TIMEOUT)

    def new_tenant(self) -> str:
        tenant_id = str(uuid4())
        with self.client() as http:
            http.post("/tenants", json={"uuid": tenant_id, "name": "Race"}).raise_for_status()
        return tenant_id

    def note(self, ledger: Ledger, changes: Sequence[Json], answer: httpx.Response) -> None:
        ledger.note(changes, answer.json()["results"], self.findings)
        with self.guard:
            self.acknowledged += len(changes)

    def wait_for_more(self, changes: int) -> None:
        """Until so many more changes are acknowledged. Raises RuntimeError if they are not."""
        target, deadline = self.acknowledged + changes, time.monotonic() + PATIENCE
        while self.acknowledged < target:
            if time.monotonic() > deadline:
                raise RuntimeError("the devices' pushes are not acknowledged any more")
            time.sleep(0.005)

    def refuse(self) -> None:
        with self.guard:
            self.refused += 1

    @contextmanager
    def alongside(self, *works: Callable[[], None]) -> Iterator[None]:
        """Runs each of the works again and again, in a thread of its own, until the context is left."""
        self.ends.clear()
        threads = [Thread(target=self._repeat, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ends.set()
            for thread in threads:
                thread.join()

    def _repeat(self, work: Callable[[], None]) -> None:
        try:
            while not self.ends.is_set():
                work()
        except Exception as error:  # whatever an answer made of it: a device that stops is a finding, too
            self.findings.add("an answer cannot be understood, or none came", repr(error))

    def command(self, *arguments: str) -> bool:
        """Runs `finwise …` as the operator does, beside the server. False, and a finding, where it failed."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FINWISE_")}
        done = subprocess.run(
            [sys.executable, "-m", "finwise", *arguments],
            cwd=self.server.folder,
            env=inherited,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-400:]
            self.findings.add(f"`finwise {arguments[0]}` failed beside a server", said)
        return done.returncode == 0


def prove(scale: float, seed: int) -> Result:
    """The three races one after the other, each with a server of its own; the first that is lost ends it."""
    result = Result("Races: deleting, restoring and backing up lose nothing while devices push and pull", trials={})
    for name, race in (("deletions", _delete), ("restores", _restore), ("backups", _back_up)):
        findings = Findings()
        with _racing(findings, Random(f"{seed} {name}")) as racing:
            try:
                result.trials |= {f"{name} while devices push and pull": race(racing, scale)}
            except (
                RuntimeError,
                httpx.HTTPError,
                sqlite3.Error,
                OSError,
                LookupError,
                ValueError,
                subprocess.SubprocessError,
            ) as error:
                findings.add("a book cannot be served or read", repr(error)[-400:])
        result.figures |= {
            f"changes acknowledged during {name}": racing.acknowledged,
            f"requests refused during {name}": racing.refused,
        }
        result.violations += [f"{name}: {sentence}" for sentence in findings.sentences()]
        if result.violations:
            break
    return result


@contextmanager
def _racing(findings: Findings, dice: Random) -> Iterator[Race]:
    with tempfile.TemporaryDirectory(prefix="finwise-races-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder), "--workers", "2", "--threads", "16", FINWISE_TENANTS_PER_USER="1000000")
        try:
            server.start()
            account = sign_up(server.url)
        except (RuntimeError, httpx.HTTPError) as error:
            raise CannotRun(str(error)) from error
        try:
            yield Race(server, account, findings, dice)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                server.kill()


def _tag(name: str, entity_id: str | None = None, **more: Any) -> Json:
    return {
        "change_id": str(uuid4()),
        "entity_type": "tags",
        "id": entity_id or str(uuid4()),
        "updated_at": time_text(time.time()),
        "deleted_at": None,
        "data": {"name": name} | more,
    }


def _code(answer: httpx.Response) -> str:
    with suppress(ValueError, LookupError):
        return str(answer.json()["code"])
    return ""


# Deletions


class Deletions:
    """Tenants that are deleted one after the other, and what was told about each."""

    def __init__(self, race: Race, number: int) -> None:
        self.race = race
        self.ledgers = [Ledger(race.new_tenant()) for _ in range(number)]
        self.place = 0  # of the tenant that is deleted next
        self.begun: set[str] = set()
        self.gone: dict[str, float] = {}  # tenant -> when its DELETE had returned

    def pusher(self, dice: Random) -> Callable[[], None]:
        """A device that pushes to the tenants around the one being deleted."""

        def push() -> None:
            with self.race.client() as http:
                for _ in range(30):
                    self._push(http, self._near(dice), dice)

        return push

    def puller(self, dice: Random) -> Callable[[], None]:
        """A device that pulls from the tenants around the one being deleted."""

        def pull() -> None:
            with self.race.client() as http:
                for _ in range(30):
                    ledger, began = self._near(dice), time.monotonic()
                    answer = http.get(f"/sync/changes/{ledger.tenant_id}")
                    self._judge(answer, ledger.tenant_id, began, "pull")

        return pull

    def delete_all(self) -> None:
        for place, ledger in enumerate(self.ledgers):
            self.place = place
            self._wait_for_pushes(ledger)
            self.begun.add(ledger.tenant_id)
            twice = self.race.dice.random() < 0.3
            deleters = [Thread(target=self._delete, args=(ledger.tenant_id,)) for _ in range(1 + twice)]
            for deleter in deleters:
                deleter.start()
            for deleter in deleters:
                deleter.join()
        time.sleep(0.3)  # the last ones are pushed to for a while, too

    def _wait_for_pushes(self, ledger: Ledger) -> None:
        enough = self.race.dice.randint(5, 40)
        deadline = time.monotonic() + PATIENCE
        while len(ledger.changes) < enough:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no push to tenant {ledger.tenant_id} is acknowledged before it is deleted")
            time.sleep(0.002)

    def _delete(self, tenant_id: str) -> None:
        with self.race.client() as http:
            answer = http.delete(f"/tenants/{tenant_id}")
        if answer.status_code == 204:
            self.gone.setdefault(tenant_id, time.monotonic())
        elif _code(answer) != "tenant_deleted":
            self.race.findings.add(f"a DELETE was answered with {answer.status_code}", answer.text[:300])

    def _near(self, dice: Random) -> Ledger:
        """The tenant at hand more often than its neighbours."""
        offset = dice.choice((0, 0, 0, dice.randint(-NEIGHBOURS, NEIGHBOURS)))
        return self.ledgers[min(max(0, self.place + offset), len(self.ledgers) - 1)]

    def _push(self, http: httpx.Client, ledger: Ledger, dice: Random) -> None:
        shared = (None, None, f"shared-{dice.randrange(5)}")
        changes = [_tag(str(dice.random()), dice.choice(shared)) for _ in range(dice.randint(1, 5))]
        began = time.monotonic()
        answer = http.post("/sync/changes", json={"tenant_id": ledger.tenant_id, "changes": changes})
        if self._judge(answer, ledger.tenant_id, began, "push"):
            self.race.note(ledger, changes, answer)

    def _judge(self, answer: httpx.Response, tenant_id: str, began: float, what: str) -> bool:
        """Whether the answer was 200, which it must not be once a DELETE has returned."""
        was_gone = self.gone.get(tenant_id, began) < began
        was_begun = tenant_id in self.begun
        if answer.status_code == 200:
            if was_gone:
                self.race.findings.add(f"a {what} was served after the DELETE had returned", f"tenant {tenant_id}")
            return True
        self.race.refuse()
        expected = {"tenant_deleted"} if was_gone else {"tenant_deleted", *COME_AGAIN} if was_begun else COME_AGAIN
        if _code(answer) not in expected:
            self.race.findings.add(
                f"a {what} around a DELETE was answered with {answer.status_code}", answer.text[:300]
            )
        return False

    def compare(self) -> None:
        """Whether each tenant's file is in the trash with all that was acknowledged, and nothing is in its place."""
        for ledger in self.ledgers:
            left = sorted(file.name for file in self.race.databases.glob(f"tenant_{ledger.tenant_id}*"))
            if left:
                self.race.findings.add("files of a deleted tenant are left in their place", ", ".join(left))
            self._compare(ledger, _in_trash(self.race.databases, ledger.tenant_id))

    def _compare(self, ledger: Ledger, files: Sequence[Path]) -> None:
        findings = self.race.findings
        if len(files) != 1:
            findings.add("a deleted tenant has not one file in the trash", f"{ledger.tenant_id}: {len(files)}")
            return
        for line in damage(files[0]):
            findings.add("SQLite finds damage in the trash", f"tenant {ledger.tenant_id}: {line}")
        ledger.compare({row.key: row for row in stored(files[0])}, findings)
        _require_known(ledger.changes, known_change_ids(files[0]), findings, "the file in the trash")


def _delete(race: Race, scale: float) -> int:
    number = max(5, round(DELETED_TENANTS * scale))
    deletions = Deletions(race, number)
    pushers = [deletions.pusher(Random(race.dice.random())) for _ in range(PUSHERS)]
    with race.alongside(*pushers, deletions.puller(Random(race.dice.random()))):
        deletions.delete_all()
    race.server.stop()
    deletions.compare()
    return number


def _in_trash(databases: Path, tenant_id: str) -> list[Path]:
    """The tenant's files in the trash, in the order they came: their names begin with the time."""
    return sorted((databases / "trash").glob(f"*tenant_{tenant_id}.db"))


def _require_known(changes: Sequence[Json], known: set[str], findings: Findings, where: str) -> None:
    for change in changes:
        if change["change_id"] not in known:
            findings.add(f"acknowledged changes are not known to {where}", f"{change['id']}, {change['updated_at']}")


# Restores


class Returning(Device):
    """A device that writes down what is acknowledged, and goes on where the server is busy.

    When the server begins a new life, it gives back what the server lacks, as every device does.
    """

    race: Race
    ledger: Ledger

    def join(self, race: Race, ledger: Ledger) -> Returning:
        """From now on what it is told goes into the ledger."""
        self.race, self.ledger = race, ledger
        self._changes: dict[str, Json] = {}
        return self

    def keep_in_step(self) -> None:
        """Syncs until it succeeds; a server that is busy is asked again."""
        deadline = time.monotonic() + PATIENCE  # with each restore it has to load the whole book again
        while time.monotonic() < deadline:
            try:
                self.sync()
            except httpx.HTTPStatusError as error:
                self._answer_to(error.response)
            except StartAgain:  # the next restore was faster than this device
                self.race.refuse()
            except UNREACHABLE as error:
                self.race.findings.add("a request got no answer", repr(error))
            else:
                return
        self.race.findings.add("a device does not come to an end of its sync", f"tenant {self.tenant_id}")

    def _answer_to(self, refusal: httpx.Response) -> None:
        self.race.refuse()
        if _code(refusal) not in COME_AGAIN:
            self.race.findings.add(f"a device was answered with {refusal.status_code}", refusal.text[:300])
        time.sleep(0.02)

    def _push(self, http: httpx.Client) -> None:
        self.queue.sort(key=lambda entry: entry.key[0])  # a generation goes in one push, however long the queue is
        self._changes |= {entry.change["change_id"]: entry.change for entry in self.queue[: self.batch]}
        super()._push(http)

    def _settle(self, key: Key, result: dict[str, Any]) -> None:
        self.ledger.note([self._changes.pop(result["change_id"])], [result], self.race.findings)
        with self.race.guard:
            self.race.acknowledged += 1
        super()._settle(key, result)


class Restores:
    """A book that is put back to a backup again and again while devices use it."""

    def __init__(self, race: Race) -> None:
        self.race = race
        self.tenant_id = race.account.tenant_id
        self.ledger = Ledger(self.tenant_id)  # of the devices that give back
        self.one_way = Ledger(self.tenant_id)  # of one that only pushes, without a cursor
        self.devices = [self._device() for _ in range(3)]
        self.one_way_since: list[Json] = []  # what it pushed after the last restore had returned
        self.returned = False  # whether the restore at hand has
        self.generation = 0
        self.epochs: list[str] = []  # those seen, in their order
        self.expected: dict[str, set[int]] = {}  # epoch -> the generations it may show

    def _device(self) -> Returning:
        account = self.race.account
        device = Returning(account.url, account.token, account.tenant_id, batch=5_000)
        return device.join(self.race, self.ledger)

    def restore(self, times: int) -> None:
        """Backs up one generation, writes the next, and puts the former back again and again, all being at work."""
        self._write_generation()
        backup = _back_up_to(self.race, self.race.server.folder / f"backup-{self.generation}", self.tenant_id)
        if backup is None:
            return
        self._write_generation()
        self.epochs = [self._present_epoch()]
        self.expected = {self.epochs[0]: {self.generation}}
        works = [self._editor(device, Random(self.race.dice.random())) for device in self.devices]
        with self.race.alongside(*works, self._watch, self._watch, self._push_one_way):
            for _ in range(times):
                self._restore_once(backup)
        self._compare()

    def _restore_once(self, backup: Path) -> None:
        before = self._present_epoch()
        self._meet(before)
        self.returned = False
        time.sleep(self.race.dice.uniform(0, 0.2))
        if self.race.command("restore", "--tenant", self.tenant_id, "--backup", str(backup)):
            self.one_way_since = []  # another list, for what is answered only now was said before
            self.returned = True
            if self._present_epoch() == before:
                raise RuntimeError(f"after a restore the book is still in the life before it, {before}")
            self._wait_for_new_life(before)

    def _present_epoch(self) -> str:
        deadline = time.monotonic() + PATIENCE
        with self.race.client() as http:
            while True:
                answer = http.get(f"/sync/initial/{self.tenant_id}")
                if _code(answer) != "busy" or time.monotonic() > deadline:
                    return str(answer.raise_for_status().json()["epoch"])

    def _meet(self, epoch: str) -> None:
        """From its start on a life may show what was restored or, as it was given back, what there was before."""
        with self.race.guard:
            if epoch not in self.expected:
                self.epochs.append(epoch)
                self.expected[epoch] = {self.generation - 1, self.generation}

    def _write_generation(self) -> None:
        self.generation += 1
        for number in range(GENERATION):
            data = {"name": f"{number}", "generation": self.generation}
            self.devices[0].edit("account_groups", f"generation-{number}", data | {"sortOrder": number})
        for device in self.devices:
            device.keep_in_step()

    def _editor(self, device: Returning, dice: Random) -> Callable[[], None]:
        def edit() -> None:
            for _ in range(dice.randint(1, 4)):
                entity_id = dice.choice((str(uuid4()), f"shared-{dice.randrange(10)}"))
                device.edit("tags", entity_id, None if dice.random() < 0.1 else {"name": str(dice.random())})
            device.keep_in_step()
            time.sleep(0.01)  # what is written here is given back at each restore

        return edit

    def _push_one_way(self) -> None:
        time.sleep(0.01)
        changes = [_tag("one way")]
        since = self.one_way_since if self.returned else []
        with self.race.client() as http:
            answer = http.post("/sync/changes", json={"tenant_id": self.tenant_id, "changes": changes})
        if answer.status_code == 200:
            self.race.note(self.one_way, changes, answer)
            since += changes
        elif _code(answer) in COME_AGAIN:
            self.race.refuse()
        else:
            self.race.findings.add(f"a push around a restore was answered with {answer.status_code}", answer.text[:300])

    def _watch(self) -> None:
        """A first load and a pull from the beginning: each must be of one life and of one generation."""
        latest = self.epochs[-1]  # known before the request was sent
        with self.race.client() as http:
            for path in (f"/sync/initial/{self.tenant_id}", f"/sync/changes/{self.tenant_id}?limit=10000"):
                answer = http.get(path)
                if answer.status_code == 200:
                    self._look_at(answer.json(), latest)
                elif _code(answer) not in COME_AGAIN:
                    kind = f"a load around a restore was answered with {answer.status_code}"
                    self.race.findings.add(kind, answer.text[:300])

    def _look_at(self, page: Json, latest: str) -> None:
        findings, epoch = self.race.findings, page["epoch"]
        self._meet(epoch)
        if self.epochs.index(epoch) < self.epochs.index(latest):
            findings.add("the old life was answered after the new one had been seen", f"{epoch} after {latest}")
        if page["next_since"].partition("~")[2] != epoch:
            findings.add("an answer names two lives", f"epoch {epoch}, next_since {page['next_since']}")
        shown = [
            entity["data"]["generation"] for entity in page["changes"] if entity["entity_type"] == "account_groups"
        ]
        if len(set(shown)) != 1 or len(shown) != GENERATION or not self.expected[epoch] >= set(shown):
            counts = {generation: shown.count(generation) for generation in sorted(set(shown))}
            wanted = f"{GENERATION} of one of {sorted(self.expected[epoch])}"
            findings.add(
                "an answer is a mixture of two states", f"of generations {counts} in epoch {epoch}, not {wanted}"
            )
        living = [(key_of(entity), entity["updated_at"]) for entity in page["changes"] if entity["data"] is not None]
        if differ := differing(page["digest"], digests(living)):
            findings.add("an answer's digest is not that of its entities", ", ".join(differ))

    def _wait_for_new_life(self, before: str) -> None:
        """Until the devices have met the new life, while all go on."""
        deadline = time.monotonic() + PATIENCE
        while any(not device.since or device.since.endswith(before) for device in self.devices):
            if time.monotonic() > deadline:
                raise RuntimeError(f"a device is not told of the new life that followed {before}")
            time.sleep(0.01)

    def _compare(self) -> None:
        for device in (*self.devices, *self.devices):  # what the last one gives back reaches the first one, too
            device.keep_in_step()
        findings = self.race.findings
        rows = {row.key: row for row in stored(tenant_file(self.race.databases, self.tenant_id))}
        living = {key: row.told for key, row in rows.items() if row.data is not None}
        for device in self.devices:
            held = {key: (entity["updated_at"], entity["data"]) for key, entity in device.living().items()}
            if differ := sorted(key for key in living.keys() | held.keys() if living.get(key) != held.get(key)):
                example = f"{differ[0]}: stored {living.get(differ[0])}, held {held.get(differ[0])}"
                findings.add("a device and the restored server differ in the end", f"{len(differ)} entities, {example}")
        self.ledger.compare(rows, findings)
        self._compare_one_way()

    def _compare_one_way(self) -> None:
        """What was pushed by one that gives nothing back is in the present file or in one that was replaced."""
        known = known_change_ids(tenant_file(self.race.databases, self.tenant_id))
        _require_known(self.one_way_since, known, self.race.findings, "the file that a restore put in place before")
        for file in _in_trash(self.race.databases, self.tenant_id):
            known |= known_change_ids(file)
        _require_known(self.one_way.changes, known, self.race.findings, "the restored file or the replaced one")


def _restore(race: Race, scale: float) -> int:
    number = max(1, round(RESTORES * scale))
    restores = Restores(race)
    for done in range(0, number, RESTORES_OF_ONE):
        restores.restore(min(number - done, RESTORES_OF_ONE))
    race.server.stop()
    for line in damage(tenant_file(race.databases, restores.tenant_id)):
        race.findings.add("SQLite finds damage in a restored file", line)
    return number


# Backups


class Writers:
    """Devices that write without end; each push carries its number and its size, so that half of one shows.

    To one tenant nobody writes while a backup is made: of what was acknowledged last, nothing may be missing there. In
    the others a copy that is a little old would not show, since the command takes a while to begin.
    """

    def __init__(self, race: Race) -> None:
        self.race = race
        self.ledgers = [
            Ledger(tenant_id) for tenant_id in (race.account.tenant_id, race.new_tenant(), race.new_tenant())
        ]

        self.quiet: Ledger | None = None

    def writer(self, dice: Random) -> Callable[[], None]:
        def write() -> None:
            with self.race.client() as http:
                for _ in range(30):
                    if (ledger := dice.choice(self.ledgers)) is not self.quiet:
                        self._push(http, ledger, dice)

        return write

    def _push(self, http: httpx.Client, ledger: Ledger, dice: Random) -> None:
        size, number = dice.randint(2, 30), str(uuid4())
        changes = [_tag(str(place), push=number, size=size) for place in range(size)]
        changes.append(_tag(number, f"shared-{dice.randrange(10)}"))
        answer = http.post("/sync/changes", json={"tenant_id": ledger.tenant_id, "changes": changes})
        if answer.status_code == 200:
            self.race.note(ledger, changes, answer)
        elif _code(answer) in COME_AGAIN:
            self.race.refuse()
        else:
            self.race.findings.add(f"a push beside a backup was answered with {answer.status_code}", answer.text[:300])

    def copies(self) -> list[Ledger]:
        """What has been acknowledged so far."""
        copied = []
        for ledger in self.ledgers:
            with ledger.guard:
                copied.append(Ledger(ledger.tenant_id, list(ledger.changes), dict(ledger.newest)))
        return copied


def _back_up(race: Race, scale: float) -> int:
    number = max(2, round(BACKUPS * scale))
    writers = Writers(race)
    made: list[tuple[list[Ledger], Path]] = []
    with race.alongside(*(writers.writer(Random(race.dice.random())) for _ in range(PUSHERS))):
        for turn in range(number):
            race.wait_for_more(600)
            writers.quiet = writers.ledgers[turn % len(writers.ledgers)]
            before = writers.copies()
            folder = _back_up_to(race, race.server.folder / f"backups-{turn}")
            writers.quiet = None
            if folder:
                made.append((before, folder))
    for before, folder in made:
        _compare_backup(before, folder, race.findings)
    return number


def _back_up_to(race: Race, folder: Path, tenant_id: str | None = None) -> Path | None:
    """The backup that the command made below a folder of its own."""
    options = ("--tenant", tenant_id) if tenant_id else ()
    if not race.command("backup", str(folder), *options):
        return None
    found = sorted(folder.iterdir())
    if len(found) != 1 or not (found[0] / "manifest.json").is_file():
        race.findings.add("a backup is not one folder with a manifest", ", ".join(file.name for file in found))
        return None
    return found[0]


def _compare_backup(before: Sequence[Ledger], folder: Path, findings: Findings) -> None:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    entries = {entry["uuid"]: entry for entry in manifest["tenants"]}
    for problem in manifest["problems"]:
        findings.add("a backup names a problem", str(problem))
    for line in damage(folder / "users.db"):
        findings.add("SQLite finds damage in a backup of users.db", line)
    for ledger in before:
        entry = entries.get(ledger.tenant_id)
        if entry is None:
            findings.add("a backup lacks a tenant", ledger.tenant_id)
            continue
        _compare_copy(ledger, folder / entry["file"], entry, findings)


def _compare_copy(ledger: Ledger, file: Path, entry: Mapping[str, Any], findings: Findings) -> None:
    where = f"tenant {ledger.tenant_id} in {file.parent.name}"
    if hashlib.sha256(file.read_bytes()).hexdigest() != entry["sha256"]:
        findings.add("a copy is not the file that the manifest names", where)
    for line in damage(file):
        findings.add("SQLite finds damage in a backup", f"{where}: {line}")
    rows = stored(file)
    ledger.compare({row.key: row for row in rows}, findings)
    _require_known(ledger.changes, known_change_ids(file), findings, "a backup that began later")
    _require_whole_pushes(rows, where, findings)
    if differ := differing(entry["digest"], digests((row.key, row.updated_at) for row in rows if row.data is not None)):
        findings.add("a backup's digest is not that of its entities", f"{where}: {', '.join(differ)}")


def _require_whole_pushes(rows: Sequence[Stored], where: str, findings: Findings) -> None:
    held: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for row in rows:
        if row.data and "push" in row.data:
            held[row.data["push"]] = held.get(row.data["push"], 0) + 1
            sizes[row.data["push"]] = row.data["size"]
    for push, size in sizes.items():
        if held[push] != size:
            findings.add("a copy holds a part of a push", f"{held[push]} of {size} changes, {where}")


main(__name__, prove)
