"""The documentation is true: commands run as written, links lead somewhere, tables name all there is."""

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from finwise.cli import main
from harness.server import Server

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "frontend" / "README.md"]


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def command(page: str, name: str) -> str:
    """The shell block behind a marker."""
    match = re.search(rf"<!-- command: {name} -->\n```sh\n(.*?)```", text(page), re.DOTALL)
    assert match, name
    return match[1]


def commands(group: click.Group, path: str = "finwise") -> list[str]:
    found = []
    for name, member in group.commands.items():
        found += commands(member, f"{path} {name}") if isinstance(member, click.Group) else [f"{path} {name}"]
    return found


def answers(server: Server, script: str) -> str:
    """What a shell session prints when it is run against a server."""
    script = script.replace("http://127.0.0.1:8000", server.url)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


needs_curl = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")


@needs_curl
def test_the_readmes_session_with_curl_runs_as_it_is_written(server: Server) -> None:
    printed = answers(server, command("README.md", "session"))
    assert printed.count('"status":"applied"') == 1
    assert '"name":"Bank"' in printed.splitlines()[-1]


@needs_curl
def test_the_second_device_of_the_protocols_page_goes_on_where_the_readme_ends(server: Server) -> None:
    printed = answers(server, command("README.md", "session") + "\n" + command("docs/protocol.md", "session"))
    assert printed.count('"status":"applied"') == 2
    assert '"name":"Our bank"' in printed.splitlines()[-1]


@pytest.mark.parametrize("name", ["serve", "test"])
def test_the_readme_and_the_makefile_give_the_same_command(name: str) -> None:
    recipe = re.search(rf"^{name}:.*\n\t(.+)\n", text("Makefile"), re.MULTILINE)
    assert recipe
    assert command("README.md", name).strip() == recipe[1]


def test_every_recipe_is_explained_to_contributors_or_readers() -> None:
    for name in re.findall(r"^(\w+):", text("Makefile"), re.MULTILINE):
        assert f"make {name}" in text("CONTRIBUTING.md") or f"command: {name} -->" in text("README.md"), name


def test_the_readme_is_short() -> None:
    assert len(text("README.md").splitlines()) <= 120


def test_every_command_stands_in_the_reference_and_explains_itself() -> None:
    for name in commands(main):
        assert f"`{name}" in text("docs/reference.md")
    for member in main.commands.values():
        assert member.help


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, heading in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)]+))?\)", page.read_text("utf-8")):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if heading:
            assert heading in headings(linked), f"{target}#{heading}"


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them of its headings."""
    found = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_every_dependency_stands_in_the_contributors_table_with_a_reason() -> None:
    required = re.search(r"install_requires =\n((?: {4}.+\n)+)", text("setup.cfg"))
    assert required
    for line in required[1].splitlines():
        assert line.split()[0] in text("CONTRIBUTING.md").lower()
