"""Books that are backed up while devices write to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from proofs.races.race import COME_AGAIN, PUSHERS, Race, code_of, require_known, tag
from proofs.witness import (
    Findings,
    Ledger,
    Stored,
    damage,
    differing,
    digests,
    known_change_ids,
    stored,
)

BACKUPS = 4  # at scale 1


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
        changes = [tag(str(place), push=number, size=size) for place in range(size)]
        changes.append(tag(number, f"shared-{dice.randrange(10)}"))
        answer = http.post("/sync/changes", json={"tenant_id": ledger.tenant_id, "changes": changes})
        if answer.status_code == 200:
            self.race.note(ledger, changes, answer)
        elif code_of(answer) in COME_AGAIN:
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


def back_up(race: Race, scale: float) -> int:
    """Makes backups while devices write: how many."""
    number = max(2, round(BACKUPS * scale))
    writers = Writers(race)
    made: list[tuple[list[Ledger], Path]] = []
    with race.alongside(*(writers.writer(Random(race.dice.random())) for _ in range(PUSHERS))):
        for turn in range(number):
            race.wait_for_more(600)
            writers.quiet = writers.ledgers[turn % len(writers.ledgers)]
            before = writers.copies()
            folder = back_up_to(race, race.server.folder / f"backups-{turn}")
            writers.quiet = None
            if folder:
                made.append((before, folder))
    for before, folder in made:
        _compare_backup(before, folder, race.findings)
    return number


def back_up_to(race: Race, folder: Path, tenant_id: str | None = None) -> Path | None:
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
    require_known(ledger.changes, known_change_ids(file), findings, "a backup that began later")
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
