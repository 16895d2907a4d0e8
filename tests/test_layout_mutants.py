"""The deliberate bugs of the proofs still fit the code: each finds its place exactly once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_mutant_finds_its_place() -> None:
    checked = subprocess.run([sys.executable, "-m", "proofs.mutation"], cwd=ROOT, capture_output=True, text=True)
    assert checked.stderr == ""
    assert checked.returncode == 0
