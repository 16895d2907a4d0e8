"""The build step of the page: made where Node is, never in the way where it is not, and said which."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("setuptools")

ROOT = Path(__file__).parents[1]
NODE = "echo v20.1.0"
NPM = """
echo "$@" >> called
[ "$1" = run ] && mkdir -p ../finwise/api/built && echo page > ../finwise/api/built/index.html
exit 0"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="what stands in for Node is a shell script")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project in little, with this build step."""
    for name in ("setup.py", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name, text in {
        "finwise/__init__.py": "",
        "finwise/version.py": '__version__ = "1"',
        "finwise/api/__init__.py": "",
        "frontend/package.json": "{}",
        "frontend/package-lock.json": "{}",
        "frontend/page/main.ts": "let page = 1",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path


def build(copy: Path, **programs: str) -> str:
    """What `build_py` says, with these programs and no other Node to be found; it never fails."""
    shelf = copy / "programs"
    shutil.rmtree(shelf, ignore_errors=True)
    shelf.mkdir()
    for name, text in programs.items():
        (shelf / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        (shelf / name).chmod(0o755)
    for name in ("sh", "mkdir"):
        (shelf / name).symlink_to(shutil.which(name) or "")
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_py"],
        cwd=copy,
        env={"PATH": str(shelf)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def calls(copy: Path) -> list[str]:
    called = copy / "frontend" / "called"
    return [line.split()[0] for line in called.read_text("utf-8").splitlines()] if called.exists() else []


def reason(copy: Path) -> str:
    return (copy / "finwise" / "api" / "built" / "missing.txt").read_text("utf-8")


def test_with_node_the_page_is_built_and_packed(copy: Path) -> None:
    assert "***" not in build(copy, node=NODE, npm=NPM)
    assert calls(copy) == ["ci", "run"]
    assert (copy / "build/lib/finwise/api/built/index.html").read_text("utf-8") == "page\n"


def test_a_page_whose_sources_have_not_changed_is_not_built_again(copy: Path) -> None:
    build(copy, node=NODE, npm=NPM)
    build(copy, node=NODE, npm=NPM)
    build(copy)  # nor is Node needed for it
    assert calls(copy) == ["ci", "run"]
    (copy / "frontend/page/main.ts").write_text("let page = 2", "utf-8")
    build(copy, node=NODE, npm=NPM)
    assert calls(copy) == ["ci", "run", "ci", "run"]


def test_files_of_an_earlier_build_are_not_packed(copy: Path) -> None:
    old = copy / "build/lib/finwise/api/built/assets/old.js"
    old.parent.mkdir(parents=True)
    old.write_text("old", "utf-8")
    build(copy, node=NODE, npm=NPM)
    assert not old.exists()


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ({}, "Node.js 20 with npm was not found."),
        ({"node": NODE}, "Node.js 20 with npm was not found."),
        ({"node": "echo v18.19.0", "npm": NPM}, "Node.js 20 or newer is needed; this one is v18.19.0."),
        ({"node": "exit 1", "npm": NPM}, "Node.js 20 or newer is needed; this one is of no known version."),
        ({"node": NODE, "npm": "exit 1"}, "npm could not fetch what the page needs."),
        ({"node": NODE, "npm": '[ "$1" = ci ]'}, "Building the page failed;"),
    ],
)
def test_without_a_page_the_rest_is_built_and_it_is_said_why(copy: Path, programs: dict[str, str], said: str) -> None:
    assert f"*** FinWise is installed without a new page at /app/: {said}" in build(copy, **programs)
    assert reason(copy).startswith(said)
    assert (copy / "build/lib/finwise/version.py").exists()
    assert (copy / "build/lib/finwise/api/built/missing.txt").exists()


def test_without_the_sources_of_the_page_it_is_said_as_well(copy: Path) -> None:
    shutil.rmtree(copy / "frontend")
    assert "The sources of the page" in build(copy, node=NODE, npm=NPM)


def test_an_earlier_page_stays_where_a_new_one_cannot_be_built(copy: Path) -> None:
    build(copy, node=NODE, npm=NPM)
    (copy / "frontend/page/main.ts").write_text("let page = 2", "utf-8")
    assert "The page of an earlier build stays." in build(copy)
    assert (copy / "build/lib/finwise/api/built/index.html").exists()
