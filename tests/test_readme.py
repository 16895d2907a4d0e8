"""The front door is true: what the README shows works as it is written there."""

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from finwise.cli import main
from tests.server import Server

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def command(name: str) -> str:
    """The shell block behind a marker."""
    match = re.search(rf"<!-- command: {name} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert match, name
    return match[1]


def commands(group: click.Group, path: str = "finwise") -> list[str]:
    found = []
    for name, member in group.commands.items():
        found += commands(member, f"{path} {name}") if isinstance(member, click.Group) else [f"{path} {name}"]
    return found


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="the session is for a shell with curl")
def test_the_session_with_curl_runs_as_it_is_written(server: Server) -> None:
    script = command("session").replace("http://127.0.0.1:8000", server.url)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"status":"applied"') == 2
    assert '"name":"Our bank"' in done.stdout.splitlines()[-1]


def test_every_command_stands_in_the_readme_and_explains_itself() -> None:
    for name in commands(main):
        assert f"`{name}" in README
    for member in main.commands.values():
        assert member.help


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_dependency_stands_in_the_readme() -> None:
    required = re.search(r"install_requires =\n((?: {4}.+\n)+)", (ROOT / "setup.cfg").read_text("utf-8"))
    assert required
    for line in required[1].splitlines():
        assert line.split()[0] in README.lower()
