"""The build step of the package: makes the page that `/app/` serves, where Node is there to make it.

Everything else about the package stands in setup.cfg. Without the page all the rest works, and `/app/` says what was
missing and what to do; no reason to refuse an installation.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FRONTEND = Path(__file__).parent / "frontend"
BUILT = Path(__file__).parent / "finwise" / "api" / "built"
FINGERPRINT = BUILT / "sources.txt"  # of what the page was made from
NOTICE = BUILT / "missing.txt"  # why there is no page, for /app/ to say

SOURCES = ("package.json", "package-lock.json", "src/**/*", "page/**/*")
LEAST_NODE = 20
SECONDS = 900  # for npm to fetch, and to build


class NoPage(Exception):
    """Why the page was not built, as a sentence for the person who installs."""


class BuildWithPage(build_py):
    """Builds the page first, so that it is among the package's files."""

    def run(self) -> None:
        """Never fails because of the page."""
        try:
            _build()
        except NoPage as reason:
            _note(str(reason))
        if not self.editable_mode:  # names change with contents: those of earlier builds would be packed as well
            shutil.rmtree(Path(self.build_lib, BUILT.relative_to(FRONTEND.parent)), ignore_errors=True)
        super().run()


def _build() -> None:
    """The page in BUILT, built again only if its sources have changed. Raises NoPage."""
    present = _fingerprint()
    if FINGERPRINT.is_file() and FINGERPRINT.read_text("ascii") == present:
        return
    npm = _npm()
    if not _is_installed():
        _run(
            npm, "ci", "--no-audit", "--no-fund", "--fetch-retries=1", failed="npm could not fetch what the page needs."
        )
    _run(npm, "run", "build:page", failed="Building the page failed; npm run build:page in frontend/ shows how.")
    FINGERPRINT.write_text(present, "ascii")


def _fingerprint() -> str:
    """SHA-256 over names and contents. Raises NoPage where there are no sources."""
    if not (FRONTEND / "package-lock.json").is_file():
        raise NoPage("The sources of the page (the folder frontend) are not here.")
    digest = hashlib.sha256()
    for file in sorted(file for pattern in SOURCES for file in FRONTEND.glob(pattern) if file.is_file()):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(FRONTEND).as_posix()}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def _npm() -> str:
    """Where npm is. Raises NoPage without it, or without a Node that is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        raise NoPage(f"Node.js {LEAST_NODE} with npm was not found.")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - found in PATH
    version = re.match(r"v(\d+)\.", said)
    if version is None or int(version[1]) < LEAST_NODE:
        raise NoPage(f"Node.js {LEAST_NODE} or newer is needed; this one is {said.strip() or 'of no known version'}.")
    return npm


def _is_installed() -> bool:
    """Whether npm's own record of what it has installed is as new as the lock file."""
    record, lock = FRONTEND / "node_modules" / ".package-lock.json", FRONTEND / "package-lock.json"
    return record.is_file() and record.stat().st_mtime >= lock.stat().st_mtime


def _run(*command: str, failed: str) -> None:
    """Raises NoPage."""
    try:
        done = subprocess.run(command, cwd=FRONTEND, timeout=SECONDS, check=False)  # noqa: S603 - npm and our own words
    except (OSError, subprocess.TimeoutExpired):
        raise NoPage(failed) from None
    if done.returncode:
        raise NoPage(failed)


def _note(reason: str) -> None:
    """Says so here, which pip shows with -v, and leaves it for `finwise serve` and `/app/`."""
    kept = " The page of an earlier build stays." if (BUILT / "index.html").is_file() else ""
    sys.stderr.write(f"\n*** FinWise is installed without a new page at /app/: {reason}{kept}\n\n")
    BUILT.mkdir(exist_ok=True)
    NOTICE.write_text(reason, "utf-8")


setup(cmdclass={"build_py": BuildWithPage})
