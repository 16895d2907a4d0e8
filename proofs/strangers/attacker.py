"""A process that attacks until it is killed, and prints what is answered: `python -m proofs.strangers.attacker`.

It has the lowest priority: what is measured is what the server lets strangers take. Outside of a proof their own work
is done by their own machines.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from proofs.strangers.attacks import ATTACKS, Attack, Stranger, Victim

READY_SECONDS = 2  # after which an attack is under way, although not each stranger got through
AGAIN = 0.02  # seconds until a stranger whose connection ended comes again


@contextmanager
def attacked(name: str, victim: Victim) -> Iterator[Counter[str]]:
    """The attack is under way within the context; what was answered how often is there after it."""
    command = [sys.executable, "-m", "proofs.strangers.attacker", name, json.dumps(asdict(victim))]
    attacker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    answered: Counter[str] = Counter()
    assert attacker.stdout is not None
    first = ""
    try:
        first = attacker.stdout.readline()
        if not first:
            raise RuntimeError(f"the attack {name} did not begin")
        yield answered
    finally:
        attacker.kill()  # as attackers end: all connections at once, in the middle of whatever they do
        lines, _ = attacker.communicate()
        if whole := f"{first}{lines}".rpartition("\n")[0]:
            answered.update(json.loads(whole.rpartition("\n")[2]))


async def attack(chosen: Attack, victim: Victim) -> None:
    """Attacks until it is killed, and prints what was answered so far, once all have begun or some seconds are over."""
    answered: Counter[str] = Counter()
    begun: set[int] = set()
    all_begun = asyncio.Event()

    def stranger(number: int) -> Stranger:
        def note(what: object) -> None:
            answered[str(what)] += 1
            begun.add(number)
            if len(begun) == chosen.strangers:
                all_begun.set()

        return Stranger(number, f"127.0.1.{1 + number % chosen.addresses}", victim, note)

    async def attack_again_and_again(me: Stranger) -> None:
        while True:
            try:
                await chosen.act(me)
            except (OSError, EOFError, TimeoutError):
                answered["broken"] += 1
            await asyncio.sleep(AGAIN)

    acting = [asyncio.ensure_future(attack_again_and_again(stranger(number))) for number in range(chosen.strangers)]
    with suppress(TimeoutError):
        await asyncio.wait_for(all_begun.wait(), READY_SECONDS)
    while not begun:
        await asyncio.sleep(AGAIN)
    _have_the_lowest_priority()
    while not any(each.done() for each in acting):  # which only a mistake does
        print(json.dumps(answered), flush=True)
        await asyncio.sleep(0.2)
    await asyncio.gather(*acting)


def _have_the_lowest_priority() -> None:
    os.nice(19)
    with suppress(OSError):  # Linux may share out its processors by session first
        Path("/proc/self/autogroup").write_text("19", encoding="ascii")


def main() -> None:
    """What the command line says: the attack's name, and the victim as JSON."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    name, victim = sys.argv[1], Victim(**json.loads(sys.argv[2]))
    asyncio.run(attack(ATTACKS[name], victim))


if __name__ == "__main__":
    main()
