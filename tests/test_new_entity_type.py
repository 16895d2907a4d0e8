"""An entity type is added as docs/architecture.md says: one class in entities.py, and no test minds.

A copy of the repository gets the class, and processes of its own use and test it.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from finwise.entities import CATALOGUE

ROOT = Path(__file__).parents[1]
NAME = "sundials"  # not the example of the docs: somebody may have added that one

ADDED = f"""

@entity("{NAME}")
class Sundial(Entity):
    \"\"\"Something that shows the time.\"\"\"

    name = Name(expected=True)
    accountId = Id()
    amount = Number(expected=True)
"""

HOUSEHOLD = f"""
import json
from pathlib import Path
import finwise
from finwise.config import Settings
from tests.household import Household, change

folder = Path.cwd()
assert Path(finwise.__file__).is_relative_to(folder), finwise.__file__
settings = Settings(instance=str(folder / "instance"), tenant_databases=str(folder / "tenants"), maintenance_hours=0)
home = Household(finwise.create_app(settings).test_client()).create()
good = change("s1", entity_type="{NAME}", data={{"name": "Garden", "amount": 900, "someday": [1]}})
said = {{
    "results": home.results(good, change(entity_type="{NAME}", data={{"name": "Garden", "amount": "900"}})),
    "pull": home.pull(),
    "initial": home.initial(entity_types="{NAME}"),
    "health": home.get("/healthz").get_json(),
    "document": home.get("/openapi.json").get_json(),
}}
print(json.dumps(said))
"""

# The tests that look at the whole catalogue, less the slow ones that look at each type alone.
TESTS = [
    "tests/test_entities.py",
    "tests/test_demo.py",
    "tests/api/test_document.py",
    "tests/test_protocol_errors.py::test_healthz_names_protocol_server_version_the_limits_and_the_entity_types",
]
SLOW = ("quick_check", "flat_check", "is_told", "starts")


def run(folder: Path, *arguments: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(folder), **variables},
        cwd=folder,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the server and its tests, with one more class in entities.py."""
    folder = tmp_path_factory.mktemp("extended").resolve()
    ignored = shutil.ignore_patterns("__pycache__", "built", "test_new_entity_type.py")
    for name in ("finwise", "harness", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "wsgi.py"):
        shutil.copy(ROOT / name, folder)
    with (folder / "finwise" / "entities.py").open("a", encoding="utf-8") as catalogue:
        catalogue.write(ADDED)
    settings = {"FINWISE_INSTANCE": str(folder / "unused"), "FINWISE_TENANT_DATABASES": str(folder / "unused")}
    run(folder, "-m", "flask", "--app", "wsgi", "openapi", "write", "openapi.json", **settings)
    return folder


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, Any]:
    """What the copy answered a household."""
    answers: dict[str, Any] = json.loads(run(folder, "-c", HOUSEHOLD))
    return answers


def test_it_is_pushed_and_checked(said: dict[str, Any]) -> None:
    applied, rejected = said["results"]
    assert applied["status"] == "applied"
    assert (rejected["status"], list(rejected["errors"])) == ("rejected", ["data.amount"])


def test_it_is_pulled_and_loaded(said: dict[str, Any]) -> None:
    for load in (said["pull"], said["initial"]):
        [entity] = load["changes"]
        assert (entity["entity_type"], entity["id"]) == (NAME, "s1")
        assert entity["data"] == {"name": "Garden", "amount": 900, "someday": [1]}
        assert load["digest"][NAME] != "0" * 16


def test_it_is_named_in_healthz(said: dict[str, Any]) -> None:
    assert said["health"]["entity_types"] == [*CATALOGUE, NAME]


@pytest.mark.parametrize("union", ["Change", "Entity"])
def test_it_is_in_the_document(said: dict[str, Any], union: str) -> None:
    components = said["document"]["components"]["schemas"]
    reference = f"#/components/schemas/Sundial{union}"
    assert {"$ref": reference} in components[union]["oneOf"]
    assert components[union]["discriminator"]["mapping"][NAME] == reference
    assert len(components[union]["oneOf"]) == len(components[union]["discriminator"]["mapping"]) == len(CATALOGUE) + 1
    assert set(components["Sundial"]["properties"]) == {"name", "accountId", "amount"}
    assert components["Sundial"]["properties"]["amount"] == {"type": ["number", "null"]}


def test_it_is_a_view_in_the_tenant_s_file(said: dict[str, Any], folder: Path) -> None:
    [file] = (folder / "tenants").glob("tenant_*.db")
    connection = sqlite3.connect(file)
    try:
        rows = connection.execute(f"SELECT id, name, accountId, amount FROM {NAME}").fetchall()
    finally:
        connection.close()
    assert rows == [("s1", "Garden", None, 900)]


def test_no_test_of_the_catalogue_minds(folder: Path) -> None:
    run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", f"not ({' or '.join(SLOW)})", *TESTS)
