"""Plain English: code, documentation and the page avoid words that make a reader stop."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENDINGS = {".c", ".cfg", ".css", ".html", ".js", ".md", ".mjs", ".py", ".sql", ".toml", ".ts", ".vue", ".yml"}
NOT_OURS = {".venv", "node_modules", "dist", "built", "build", "instance", "tenant_databases"}
GERMAN = {"de.ts"}

WORDS = {
    r"(?<![a-z])whoever(?![a-z])": "name the person or the process",  # in a name of a test, too
    r"\bbe (it|they)\b(?= (a|an|alone|by|early|in|it|only|they|this)\b)": "say 'even if', 'whether' or nothing",
    r"\banew\b": "again",
    r"\b(is|are|else is) at it\b": "say what is being done",
    r"\b(is no|who is no) member\b": "non-member, or 'is not a member'",
    r"\bfor who (is|knows|runs|wants|wonders|writes)\b": "for people who",
    r"\bthere no more\b": "no longer exists",
    r"\bin (the )?place of\b": "instead of, or replace",
    r"\btold from\b": "distinguished from",
    r"\bfor ever\b": "forever",
    r"\bthereof\b|\bwherein\b|\bhereby\b|\bwhence\b|\blest\b": "plain words",
    r"\bsees to it\b|\bas \w+ has it\b": "makes sure; say who does what",
    r"\bbut for (that|those|them|one|two)\b": "except",
    r"\b(Busy|Conflict|Forbidden|Invalid|NotFound|Unauthorized) where\b": "raises … if",
}


def texts() -> Iterator[Path]:
    """Every text file of ours in English, except this one."""
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in NOT_OURS and not name.endswith(".egg-info")]
        for path in (Path(folder, name) for name in names):
            if path.suffix in ENDINGS and path.name not in GERMAN and path != Path(__file__):
                yield path


def stumbles(text: str) -> list[str]:
    """The words in a text that should go, each with what to say instead."""
    return [
        f"{match[0]!r}: {instead}"
        for word, instead in WORDS.items()
        for match in re.finditer(word, text, re.IGNORECASE)
    ]


def test_no_text_has_a_word_that_makes_a_reader_stop() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {found}" for path in texts() for found in stumbles(path.read_text("utf-8"))
    ] == []


def test_a_transaction_has_one_name_the_one_of_the_api() -> None:
    said = {path.relative_to(ROOT) for path in texts() if "booking" in path.read_text("utf-8").lower()}
    assert {path for path in said if path.parts[0] != "benchmarks" and path.name != "performance.md"} == set()


def test_all_kinds_of_text_are_read() -> None:
    read = {path.relative_to(ROOT).as_posix() for path in texts()}
    assert read >= {"README.md", "docs/protocol.md", "finwise/config.py", "frontend/page/words/en.ts", "setup.cfg"}


@pytest.mark.parametrize(
    "text",
    [
        "Whoever runs it",
        "def test_whoever_runs_it",
        "read anew",
        "be it a damaged one",
        "Somebody else is at it.",
        "Raises Busy where",
    ],
)
def test_the_worst_words_are_noticed(text: str) -> None:
    assert stumbles(text)


@pytest.mark.parametrize("text", ["for who in people", "the book may be it", "a new one", "look at it", "no member is"])
def test_ordinary_words_are_not(text: str) -> None:
    assert stumbles(text) == []
