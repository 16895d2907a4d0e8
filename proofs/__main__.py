"""`python -m proofs`: all proofs, two at a time except those that measure, and their figures as a table.

--scale 1 is the short lane, some ten minutes, of which CI runs half; --scale 20 is the long one. --write puts the
table into a page, between its markers. Ends with 1 if anything was violated, or could not be run without --may-skip.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from finwise.version import __version__
from harness import page
from proofs.proof import NOT_RUN, bound

LANES = 2
PROOFS = (
    "model",
    "network",
    "kill",
    "failpoints",
    "power_loss",
    "io_errors",
    "bit_damage",
    "races",
    "cursor",
    "descriptors",
    "litestream",
    "requests",
    "strangers",
    "mutants",
)
LONGEST = "mutants"
ALONE = "strangers"  # which measures, and runs after the others


class Ran(NamedTuple):
    """How a proof ended."""

    proof: str
    code: int
    told: dict[str, Any] | None  # its result; None: it could not be run
    output: str


def run(proof: str, scale: float, seed: int) -> Ran:
    """Runs one proof in a process of its own."""
    # A mutant is caught or not; trying more on each shows nothing new.
    scale = 1.0 if proof == "mutants" else scale
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "result.json")
        command = [sys.executable, "-m", f"proofs.{proof}", "--scale", str(scale), "--seed", str(seed)]
        ended = subprocess.run([*command, "--json", str(told)], capture_output=True, text=True)
        print(ended.stdout + ended.stderr, end="", flush=True)
        result = json.loads(told.read_text(encoding="utf-8")) if told.exists() else None
        return Ran(proof, ended.returncode, result, ended.stdout + ended.stderr)


def table(runs: list[Ran], scale: float, seed: int) -> str:
    """The figures, as a page shows them."""
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        f"FinWise {__version__}, {moment}, scale {scale:g}, seed {seed}.",
        "",
        "| proof | n | rate of failures, 95 % | violations | seconds |",
        "|---|---|---|---|---|",
    ]
    for proof, code, told, _ in runs:
        if told is None:
            lines.append(f"| `{proof}` | {'not run' if code == NOT_RUN else 'ended with an error'} | | | |")
            continue
        trials = "<br>".join(f"{number:,} {what}" for what, number in told["trials"].items())
        bounds = "<br>".join(bound(number) for number in told["trials"].values())
        lines.append(f"| `{proof}` | {trials} | {bounds} | {len(told['violations'])} | {told['seconds']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Runs all, or those named."""
    parser = argparse.ArgumentParser(prog="python -m proofs", description=__doc__)
    parser.add_argument("proofs", nargs="*", choices=[[], *PROOFS], help="only these")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="PAGE")
    parser.add_argument("--may-skip", action="store_true", help="a proof that cannot be run here is no failure")
    options = parser.parse_args()
    chosen = options.proofs or PROOFS
    with ThreadPoolExecutor(LANES) as lanes:
        # What takes longest begins first, so that no lane waits for it alone at the end.
        begun = {
            proof: lanes.submit(run, proof, options.scale, options.seed)
            for proof in sorted(chosen, key=LONGEST.__ne__)
            if proof != ALONE
        }
        ended = {proof: ran.result() for proof, ran in begun.items()}
    runs = [ended.get(proof) or run(proof, options.scale, options.seed) for proof in chosen]
    print(text := table(runs, options.scale, options.seed))
    if options.write:
        page.put(options.write, text)
    accepted = {0, NOT_RUN} if options.may_skip else {0}
    failed = [ran.proof for ran in runs if ran.code not in accepted]
    if failed:
        sys.exit(f"FAILED: {', '.join(failed)}")


if __name__ == "__main__":
    main()
