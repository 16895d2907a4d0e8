"""Patterns that read what strangers send cost linear time: one that did not would never come to its end here."""

import importlib
import pkgutil
import re
import subprocess
import sys

import finwise

LENGTH = 20_000
PIECES = [
    "0",
    "a",
    "A",
    "-",
    "_",
    ".",
    ":",
    "@",
    "T",
    "Z",
    " ",
    '"',
    "\\",
    "[",
    "{",
    "]}",
    "0-",
    "a.",
    "a@",
    ".a",
    '\\"',
    "[{",
]
ENDS = ["", "!", "\n", "\0", "\ud800"]


def patterns() -> dict[str, re.Pattern[str]]:
    """Every compiled pattern of the package, by its name."""
    found = {}
    for module in pkgutil.walk_packages(finwise.__path__, "finwise."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    found[f"{module.name}.{name}"] = value
    return found


def match_all() -> None:
    """Each pattern against long strings that almost fit."""
    for pattern in patterns().values():
        for piece in PIECES:
            for start in ("", "1", "2026-01-01T", "http://", "a@", '"'):
                for end in ENDS:
                    text = start + piece * (LENGTH // len(piece)) + end
                    pattern.fullmatch(text)
                    pattern.search(text)


def test_there_are_patterns_to_look_at() -> None:
    assert len(patterns()) > 10


def test_no_pattern_can_be_kept_busy() -> None:
    subprocess.run(
        [sys.executable, "-c", "from tests.test_patterns import match_all; match_all()"], check=True, timeout=300
    )
