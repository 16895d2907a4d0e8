"""No module of the package imports itself through others; tests, proofs and benchmarks do not import each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.source import PACKAGE, ROOT, imported

# What is around the package: each room, and the other rooms that it may import. What they share stands in `harness`.
ROOMS: Mapping[str, set[str]] = {
    "finwise": set(),
    "harness": {"finwise"},
    "tests": {"finwise", "harness"},
    "proofs": {"finwise", "harness"},
    "benchmarks": {"finwise", "harness"},
}


def package_modules() -> dict[str, ast.Module]:
    """The syntax trees of the package's modules, by their full names."""
    return {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in PACKAGE.rglob("*.py")
    }


def graph(modules: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Which of these modules each of them imports, at its top or in a function."""
    return {name: set(_targets(tree, modules)) - {name} for name, tree in modules.items()}


def _targets(tree: ast.Module, modules: Mapping[str, ast.Module]) -> Iterator[str]:
    for name in imported(tree):
        module = name if name in modules else name.rpartition(".")[0]
        if module in modules:
            yield module


def circle(modules: Mapping[str, ast.Module]) -> list[str]:
    """One circle of imports, as names of modules; empty if there is none."""
    try:
        TopologicalSorter(graph(modules)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_through_others() -> None:
    assert circle(package_modules()) == []


def test_no_module_imports_for_type_checkers_only() -> None:
    found = [name for name, tree in package_modules().items() if "typing.TYPE_CHECKING" in imported(tree)]
    assert found == []


@pytest.mark.parametrize(
    "back",
    [
        "from finwise.a import A",
        "from finwise import a",
        "import finwise.a",
        "def f():\n    from finwise.a import A",
        "if TYPE_CHECKING:\n    from finwise.a import A",
    ],
)
def test_a_circle_is_seen_wherever_it_is_closed(back: str) -> None:
    sources = {
        "finwise": "",
        "finwise.a": "from finwise.b import B",
        "finwise.b": "import finwise.c",
        "finwise.c": back,
    }
    modules = {name: ast.parse(source) for name, source in sources.items()}
    assert set(circle(modules)) == {"finwise.a", "finwise.b", "finwise.c"}


def test_modules_that_import_each_other_in_one_direction_are_no_circle() -> None:
    sources = {"finwise.a": "from finwise.b import B\nfrom finwise.c import C", "finwise.b": "import finwise.c"}
    assert circle({name: ast.parse(source) for name, source in {**sources, "finwise.c": "import json"}.items()}) == []


def strangers(room: str, tree: ast.Module) -> list[str]:
    """What a module imports from a room that its own does not know."""
    others = ROOMS.keys() - ROOMS[room] - {room}
    return [name for name in imported(tree) if name.partition(".")[0] in others]


@pytest.mark.parametrize("room", ROOMS)
def test_tests_proofs_and_benchmarks_do_not_import_each_other(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    trees = [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in files]
    assert [f"{path.relative_to(ROOT)} imports {name}" for path, tree in trees for name in strangers(room, tree)] == []


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("finwise", "from harness.server import Server"),
        ("harness", "import tests.household"),
        ("tests", "def test():\n    from proofs.requests import prove"),
        ("proofs", "from tests import household"),
        ("benchmarks", "from proofs import page"),
    ],
)
def test_a_room_that_is_not_to_be_known_is_seen(room: str, source: str) -> None:
    assert strangers(room, ast.parse(source))
