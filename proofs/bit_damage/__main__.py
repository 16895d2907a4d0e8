"""Whatever bit flips in a file: what is answered is what was stored, or says that it cannot be.

An installation with a household's book is copied and damaged: one bit, a few, a run of bytes, a sector of zeros, an end
that is missing; in the tenant's file, in its log after the server was killed, in users.db; while nobody uses the files,
or while a server has read them. Then everything is asked for, something is pushed, and everything is asked for again.
Each answer has to be the whole truth, or an error that the protocol names; never a 500. A body that breaks off is an
error as well. What it does not show: damage in memory, two damages at once, and wrong letters in the names that
users.db holds.
"""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from finwise.errors import FinWiseError
from proofs.bit_damage.household import OF_PEOPLE, Household, Kept, Told, answer_of, prepare
from proofs.proof import MEMORY, Result, main

TRIES = 100  # at scale 1

Damage = Callable[[bytearray, random.Random], None]


def flip_a_bit(file: bytearray, chance: random.Random) -> None:
    """The most frequent one."""
    file[chance.randrange(len(file))] ^= 1 << chance.randrange(8)


def flip_some(file: bytearray, chance: random.Random) -> None:
    """Far from each other."""
    for _ in range(chance.randint(2, 8)):
        flip_a_bit(file, chance)


def overwrite_a_run(file: bytearray, chance: random.Random) -> None:
    """A few bytes in a row."""
    place, length = chance.randrange(len(file)), chance.randint(2, 16)
    file[place : place + length] = chance.randbytes(len(file[place : place + length]))


def zero_a_sector(file: bytearray, chance: random.Random) -> None:
    """What a disk may give for a sector that it cannot read."""
    place = chance.randrange(len(file) // 512) * 512
    file[place : place + 512] = bytes(512)


def cut_off(file: bytearray, chance: random.Random) -> None:
    """A file whose end was lost."""
    del file[chance.randrange(len(file)) :]


DAMAGES = {flip_a_bit: 12, flip_some: 2, overwrite_a_run: 2, zero_a_sector: 2, cut_off: 1}  # and how often of 19
FILES = {"tenant": 10, "tenant-wal": 4, "users": 3, "tenant while it is served": 4}  # and how often of 21


class Truth(NamedTuple):
    """What is answered while nothing is damaged: to each question before the push, to the push, to each after it."""

    before: dict[str, Any]
    push: Any
    after: dict[str, Any]


class Trial:
    """One damage, and what is answered then. told: how often an answer said that it is damaged."""

    def __init__(self, stopped: Kept, killed: Kept, seed: str) -> None:
        self._chance = random.Random(seed)
        (self.damage,) = self._chance.choices(list(DAMAGES), list(DAMAGES.values()))
        (self.file,) = self._chance.choices(list(FILES), list(FILES.values()))
        self._kept = killed if self.file.endswith("-wal") else stopped
        self.told: Counter[str] = Counter()

    def run(self, folder: Path, truth: Truth) -> Iterator[str]:
        """What was answered wrongly."""
        shutil.copytree(self._kept.folder, folder)
        is_served = self.file.endswith("served")
        if not is_served:
            self._spoil(folder)
        try:
            home = Household(self._kept, folder)
        except FinWiseError:
            self.told["the server does not start"] += 1
            return
        try:
            if is_served:
                answer_of(home.pages)
                self._spoil(folder)
            yield from self._compared(home, truth.before)
            pushed = answer_of(home.pushed)
            if isinstance(pushed, Told):
                self.told[str(pushed)] += 1
                yield from self._compared(home, truth.before)
            elif pushed != truth.push:
                yield f"push: {pushed}"
            else:
                yield from self._compared(home, truth.after)
        finally:
            home.close()

    def _compared(self, home: Household, truth: dict[str, Any]) -> Iterator[str]:
        unproven = OF_PEOPLE if self.file == "users" else frozenset()
        for question, ask in home.everything():
            answer = answer_of(ask)
            if isinstance(answer, Told):
                self.told[str(answer)] += 1
            elif isinstance(answer, str) or (answer != truth[question] and question not in unproven):
                said = answer if isinstance(answer, str) else "other contents"
                yield f"{question}: {said}"

    def _spoil(self, folder: Path) -> None:
        name = self.file.split()[0]
        path = folder / "instance" / "users.db" if name.startswith("users") else next((folder / "tenants").glob("*.db"))
        path = path.with_name(f"{path.name}-wal") if name.endswith("-wal") else path
        content = bytearray(path.read_bytes())
        self.damage(content, self._chance)
        with path.open("r+b") as file:
            file.write(content)
            file.truncate(len(content))


def _truth(kept: Kept, folder: Path) -> Truth:
    shutil.copytree(kept.folder, folder)
    home = Household(kept, folder)
    try:
        before = {question: ask() for question, ask in home.everything()}
        return Truth(before, home.pushed(), {question: ask() for question, ask in home.everything()})
    finally:
        home.close()


def prove(scale: float, seed: int) -> Result:
    """Damages the files so and so often."""
    logging.disable()
    tries = max(1, int(scale * TRIES))
    result = Result("Damaged bits are told, and nothing wrong is answered", {"damages": tries})
    told: Counter[str] = Counter()
    harmless = 0
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        space = Path(name)
        stopped, killed = prepare(space)
        truth = _truth(stopped, space / "truth")
        for number in range(tries):
            trial, folder = Trial(stopped, killed, f"{seed} {number}"), space / "trial"
            wrong = list(trial.run(folder, truth))
            shutil.rmtree(folder)
            told += trial.told
            harmless += not trial.told and not wrong
            what = f"{number}: {trial.damage.__name__}, {trial.file}"
            result.violations += [f"{what}: {each}" for each in wrong]
    result.figures["without any effect"] = harmless
    result.figures["answers that told"] = ", ".join(f"{what}: {times}" for what, times in told.most_common())
    return result


main(__name__, prove)
