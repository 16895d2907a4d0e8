"""Mutants: deliberate bugs, each of which a proof has to catch. A proof that does not notice them proves nothing.

Each changes places of a copy of `finwise/` (mutants.toml); the proof named with it runs on that copy and must end with
1. A mutant that does not find its place exactly once, or whose proof could not be run, fails as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from proofs.mutation import ROOT, Misplaced, Mutant, apply, mutants
from proofs.proof import VIOLATED, Result, main

PATIENCE = 300  # seconds; the longest takes a tenth of it
LANES = max(1, min(4, os.cpu_count() or 1))
TRIES = 3  # with another seed each: some bugs show only where processes happen to meet


def prove(scale: float, seed: int) -> Result:
    """Runs every mutant, some at a time. `scale` is that of the proofs that have to notice, times their own."""
    listed = mutants()
    # A proof that cries over code without a bug would catch everything.
    controls = [Mutant("no bug at all", proof, []) for proof in sorted({mutant.proof for mutant in listed})]
    chosen = [*controls, *listed]
    with ThreadPoolExecutor(LANES) as lanes:
        ends = list(lanes.map(lambda mutant: _survived(mutant, scale, seed), chosen))
    result = Result("Every deliberate bug is noticed", {})
    result.violations = [line for line in ends if line]
    caught = sum(line is None for line in ends[len(controls) :])
    result.figures = {"mutants": len(listed), "caught": caught, "runs without a bug": len(controls)}
    return result


def _survived(mutant: Mutant, scale: float, seed: int) -> str | None:
    """What is wrong with who should have noticed; None if the mutant was caught."""
    with tempfile.TemporaryDirectory(prefix="finwise-mutant-") as made:
        copy = Path(made)
        for name in ("finwise", "harness", "proofs", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("setup.cfg", "pyproject.toml", "openapi.json", "README.md"):
            shutil.copy(ROOT / name, copy / name)
        try:
            for edit in mutant.edits:
                apply(edit, copy)
        except Misplaced as reason:
            return f"{mutant.name}: {reason}"
        said = None
        for tried in range(TRIES):
            said = _verdict(mutant, _run(_command(mutant, scale, seed + tried), copy))
            if said is None or not mutant.edits:
                break
        return said


def _command(mutant: Mutant, scale: float, seed: int) -> list[str]:
    if mutant.proof.startswith("tests/"):
        return [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutant.proof]
    told = [f"proofs.{mutant.proof}", "--scale", str(mutant.scale * scale), "--seed", str(seed)]
    return [sys.executable, "-m", *told]


def _run(command: list[str], copy: Path) -> subprocess.CompletedProcess[str] | None:
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return None


def _verdict(mutant: Mutant, ended: subprocess.CompletedProcess[str] | None) -> str | None:
    if ended is None:
        return f"{mutant.name}: {mutant.proof} did not end"
    if not mutant.edits:
        return f"{mutant.proof} is violated without a bug: {ended.stdout[-300:]}" if ended.returncode else None
    if ended.returncode == VIOLATED and ("VIOLATED" in ended.stdout or "failed" in ended.stdout):
        return None
    if ended.returncode == 0:
        return f"{mutant.name}: {mutant.proof} did not notice"
    return f"{mutant.name}: {mutant.proof} ended with {ended.returncode}: {(ended.stderr or ended.stdout)[-300:]}"


main(__name__, prove)
