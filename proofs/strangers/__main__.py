"""Strangers: an ordinary household is served while others misuse the server, whose memory stays within a bound.

A server as `finwise serve` starts it, with its default settings. The household's devices poll, push and load all the
time, and are measured quiet and under each attack by turns. docs/security.md promises what is measured here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.server import Server
from proofs.proof import MEMORY, Result, main
from proofs.strangers import world
from proofs.strangers.attacks import ATTACKS
from proofs.strangers.household import KINDS, Household
from proofs.strangers.siege import Measured, Siege


def prove(scale: float, seed: int) -> Result:
    """Each attack in turn against one server."""
    result = Result("Strangers keep no household from its book, and take a bounded part of the memory", {})
    with tempfile.TemporaryDirectory(prefix="finwise-strangers-", dir=MEMORY) as made, Server(Path(made)) as server:
        with Household(world.household(server.url, server.port)) as household:
            siege = Siege(server, household, world.victim(server.url, server.port), scale)
            measured: dict[str, Measured] = {}
            for name in ATTACKS:
                measured[name], misses = siege.endure(name)
                result.violations += misses
        lost = household.lost()
    result.violations += household.wrong + [f"an acknowledged edit is not in the book: {each}" for each in lost]
    asked = sum(len(waits.seconds[kind]) for each in measured.values() for waits in each.rounds for kind in KINDS)
    result.trials = {"attacks": len(measured), "requests of the household meanwhile": asked}
    result.figures = {"p99 quiet": ", ".join(f"{kind} {siege.quiet_p99(kind) * 1000:.0f} ms" for kind in KINDS)}
    result.figures |= {ATTACKS[name].about: str(each) for name, each in measured.items()}
    return result


main(__name__, prove)
