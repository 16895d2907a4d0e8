"""`python -m benchmarks`: the same work for FinWise, its peers and the floors, by turns, round by round.

All servers of a round are up at once, and each does a part of a measure in its turn (work.py). --write puts the tables
into a page, between its marks. --smoke does very little of it, to see that it works. Ends with 1 if a server did not do
what was asked of it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path

from benchmarks import machine
from benchmarks.markdown import shown
from benchmarks.peers import PEERS
from benchmarks.report import details, report
from benchmarks.targets import FINWISE, FLOOR
from benchmarks.work import Round, Size, run
from harness import page

MARK = "work"
SMOKE = Size(bookings=200, pulls=10, seconds=0.5)
END = object()
BRIEF = ("push", "load", "delta", "empty", "small", "noise")  # what is printed of each round


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", default=",".join(PEERS), help="names separated by commas; all: %(default)s")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bookings", type=int, default=Size.bookings, help="of the book that is pushed and loaded")
    parser.add_argument("--seconds", type=float, default=Size.seconds, help="of small pushes; half of it, polls")
    parser.add_argument("--folder", type=Path, help="where the servers keep their data; else the temporary folder")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of all rounds here")
    parser.add_argument("--smoke", action="store_true", help="FinWise and a floor, very little, some seconds")
    options = parser.parse_args()
    if options.smoke:
        options.peers, options.rounds = f"{FINWISE},{FLOOR}", 1
    options.peers = options.peers.split(",")
    if unknown := set(options.peers) - PEERS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    return options


def measure(names: list[str], rounds: int, size: Size, folder: Path) -> dict[str, list[Round]]:
    """Round by round, every server in each."""
    done: dict[str, list[Round]] = {name: [] for name in names}
    for number in range(1, rounds + 1):
        begun = time.monotonic()
        for name, ran in _round(names, size, folder / f"{number}").items():
            done[name].append(ran)
            brief = ", ".join(f"{key} {shown(ran.figures.get(key))}" for key in BRIEF)
            print(f"round {number}, {name}: {brief}", flush=True)
            for failure in ran.failures:
                print(f"  FAILED: {failure}", flush=True)
        print(f"round {number} took {time.monotonic() - begun:.0f} s", flush=True)
    return done


def _round(names: list[str], size: Size, folder: Path) -> dict[str, Round]:
    """The servers take turns until all are done."""
    done = {name: Round() for name in names}
    with ExitStack() as stack:
        running = []
        for name in names:
            turns = stack.enter_context(closing(run(PEERS[name](folder / name), size, done[name])))
            next(turns, END)  # starts it, before the next one looks for a free port
            running.append(turns)
        while running:
            running = [turns for turns in running if next(turns, END) is not END]
    return done


def main() -> None:
    """Runs what is asked for."""
    options = _options()
    size = SMOKE if options.smoke else Size(options.bookings, seconds=options.seconds)
    try:
        versions = [PEERS[name].version() for name in options.peers]
    except FileNotFoundError as missing:
        sys.exit(str(missing))
    with tempfile.TemporaryDirectory(prefix="finwise-bench-", dir=options.folder) as made:
        rounds = measure(options.peers, options.rounds, size, Path(made))
        where = machine.described(Path(made))
    amount = f"Medians of {options.rounds} rounds, {size.bookings:,} bookings, {size.seconds:g} s of small pushes."
    text = f"{machine.moment()} {amount}\n{where}\n\n{report(rounds)}"
    print(f"\n{text}\n\n{details(rounds, PEERS)}")
    if options.json:
        figures = {name: [asdict(done) for done in each] for name, each in rounds.items()}
        told = {"machine": where, "versions": dict(zip(options.peers, versions, strict=True)), "rounds": figures}
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    if options.write:
        page.put(options.write, text, MARK)
    if any(done.failures for each in rounds.values() for done in each):
        sys.exit("FAILED: a server did not do what was asked of it; see above")


if __name__ == "__main__":
    main()
