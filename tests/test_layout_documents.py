"""The documents lead to every module, and every path and class that they name exists."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.test_words import NOT_OURS

ROOT = Path(__file__).parents[1]
PAGES = [
    "CONTRIBUTING.md",
    "frontend/README.md",
    *(f"docs/{name}.md" for name in ("architecture", "performance", "protocol", "reliability", "security")),
]
GUIDES = ("CONTRIBUTING.md", "docs/architecture.md", "docs/protocol.md")  # in these a stranger looks for a line
# What a build, a server or a command makes, and folders of an operator.
MADE = re.compile(r"finwise/api/built/|instance/|tenant_databases/|/srv/|dist/|(missing|sources)\.txt|manifest\.json")
OF_OTHERS = {"Protocol", "LockFileEx"}


def tree() -> list[str]:
    """The paths of all files of ours, each with a slash in front."""
    found = []
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in NOT_OURS and not name.endswith(".egg-info")]
        found += [f"/{Path(folder, name).relative_to(ROOT).as_posix()}" for name in names]
    return found


def paths(page: str) -> list[str]:
    """What a page names as a file or a folder of the tree; patterns such as `<noun>.py` aside."""
    named = re.findall(r"`([\w./-]+(?:\.(?:c|cfg|js|json|md|py|sql|toml|ts|txt|vue)|/))`", text(page))
    return [path for path in named if not path.startswith("/") and not MADE.match(path)]


def leads(path: str, files: list[str]) -> bool:
    """Whether a file ends with this path, or a folder does."""
    return any(f"/{path}" in file if path.endswith("/") else file.endswith(f"/{path}") for file in files)


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_in_the_tree(page: str) -> None:
    files = tree()
    assert [path for path in paths(page) if not leads(path, files)] == []


def test_every_module_of_the_package_is_named_in_a_guide() -> None:
    named = [f"/{path}" for page in GUIDES for path in paths(page) if path.endswith(".py")]
    modules = [file for file in tree() if re.fullmatch(r"/finwise/.*\.py", file) and "/__" not in file]
    assert modules
    assert [module for module in modules if not module.endswith(tuple(named))] == []


def test_every_class_that_the_architecture_names_exists() -> None:
    code = "\n".join(text(file[1:]) for file in tree() if file.endswith((".py", ".ts")))
    named = re.findall(r"`([A-Z][a-z]\w+)(?:\.(\w+))?`", text("docs/architecture.md"))
    assert named
    words = {word for pair in named for word in pair if word} - OF_OTHERS
    assert [
        word for word in sorted(words) if not re.search(rf"^ *(export )?(class|def|type) {word}\b", code, re.M)
    ] == []


def test_a_path_that_leads_nowhere_is_seen() -> None:
    files = ["/finwise/domain/merge.py"]
    assert all(leads(path, files) for path in ("domain/merge.py", "merge.py", "finwise/domain/"))
    assert not any(leads(path, files) for path in ("erge.py", "store/merge.py", "main/"))
