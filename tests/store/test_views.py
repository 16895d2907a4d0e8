import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from finwise import entities, now
from finwise.domain import Domain
from finwise.domain.change import Rejection
from finwise.domain.sync import PullRequest, PushRequest
from finwise.entities import columns
from finwise.kinds import kinds_of
from finwise.store.databases import Databases
from finwise.store.pool import Pool
from finwise.store.views import Columns
from tests.household import change
from tests.store.accounts import add_tenant, add_user
from tests.store.files import QUOTA, open_folder, outside, tenant_file, value


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    return add_tenant(domain, add_user(domain))


@pytest.fixture
def path(tmp_path: Path, tenant_id: str) -> Path:
    return tenant_file(tmp_path, tenant_id)


def columns_of(path: Path, view: str) -> list[str]:
    with outside(path) as connection:
        return [row[1] for row in connection.execute(f'PRAGMA table_info("{view}")').fetchall()]


def views_of(path: Path) -> set[str]:
    with outside(path) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall()}


def test_every_entity_type_has_a_view_with_its_fields_as_columns(domain: Domain, tenant_id: str, path: Path) -> None:
    domain.sync.pull(tenant_id, PullRequest())
    assert views_of(path) == set(columns())
    for entity_type, fields in columns().items():
        assert columns_of(path, entity_type) == ["id", "created_at", "updated_at", *fields]


def test_a_view_shows_the_fields_of_the_living_entities_of_its_type(domain: Domain, tenant_id: str, path: Path) -> None:
    at = "2026-01-09T19:01:00.000Z"
    changes = [
        change("t1", data={"name": 'it\'s "ä"'}),
        change("t2", data={"name": "left out"}),
        change("t2", data=..., deleted_at=at, updated_at="2026-01-09T19:02:00.000Z"),
        change("t3", data=..., deleted_at=at),
        change("p1", entity_type="recipients", data={"name": "Baker", "unknown": 1}),
    ]
    results = domain.sync.push(tenant_id, PushRequest(changes), now()).results
    assert not [result for result in results if isinstance(result, Rejection)]
    with outside(path) as connection:
        assert connection.execute("SELECT id, created_at, updated_at, name FROM tags").fetchall() == [
            ("t1", at, at, 'it\'s "ä"')
        ]
        assert connection.execute("SELECT id, name FROM recipients").fetchall() == [("p1", "Baker")]


FITTING: dict[str, list[object]] = {
    "id": ["A-Z_a.z:0", "x" * 64],
    "day": ["2024-02-29", "0001-01-01"],
    "number": [0, -1.5, 3],
}
ODD: dict[str, list[object]] = {
    "id": ["", "a b", "a,b", "\u00e9", "a\n", "x" * 65],
    "day": ["", "2025-02-31", "25-02-01", "now", "2025-07-01T00:00:00.000Z", "2460000.5"],
    "number": ["", "x", "12"],
}


@pytest.mark.parametrize("entity_type", columns())
def test_a_view_shows_null_for_what_does_not_fit_and_says_so(
    domain: Domain, tenant_id: str, path: Path, entity_type: str
) -> None:
    kinds = kinds_of(entities.CATALOGUE[entity_type])
    cases = [
        (name, value, value if value in FITTING[kind.column] else None)
        for name, kind in kinds.items()
        if kind.column in ODD
        for value in (*FITTING[kind.column], *ODD[kind.column])
        if kind.holds(value)
    ]
    changes = [
        change(f"e{at}", entity_type=entity_type, data={name: value}) for at, (name, value, _) in enumerate(cases)
    ]
    results = domain.sync.push(tenant_id, PushRequest(changes), now()).results
    assert not [result for result in results if isinstance(result, Rejection)]
    with outside(path) as connection:
        for at, (name, value, shown) in enumerate(cases):
            row = connection.execute(f'SELECT "{name}" FROM {entity_type} WHERE id = ?', (f"e{at}",)).fetchone()
            assert row == (shown,), (name, value)
        (text,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (entity_type,)).fetchone()
    assert text.count("/* NULL: none, or no ") == sum(kind.column in ODD for kind in kinds.values())


def test_a_plain_sqlite_tool_without_finwise_reads_the_views(domain: Domain, tenant_id: str, path: Path) -> None:
    domain.sync.push(tenant_id, PushRequest([change("t1", data={"name": "holiday"})]), now())
    script = (
        "import sqlite3, sys\n"
        "print(sqlite3.connect(sys.argv[1]).execute('SELECT id, name FROM tags').fetchall())\n"
        "assert not [name for name in sys.modules if name.startswith('finwise')]\n"
    )
    read = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert read.stdout.strip() == "[('t1', 'holiday')]"


def with_columns(tmp_path: Path, catalogue: Columns) -> Databases:
    return Databases(open_folder(tmp_path), catalogue, Pool(), lambda _: QUOTA)


def test_a_changed_catalogue_changes_the_views_at_the_next_write(
    domain: Domain, tenant_id: str, path: Path, tmp_path: Path
) -> None:
    domain.sync.push(tenant_id, PushRequest([change("t1", data={"name": "holiday", "icon": "sun"})]), now())
    changed = with_columns(tmp_path, {"tags": {"icon": "value", "name": "value"}, "wishes": {"price": "number"}})
    with changed.read(tenant_id):
        pass
    assert views_of(path) == set(columns()), "reading changes nothing"
    with changed.transact(tenant_id):
        pass
    assert views_of(path) == {"tags", "wishes"}
    assert columns_of(path, "wishes") == ["id", "created_at", "updated_at", "price"]
    assert value(path, "SELECT icon || ' ' || name FROM tags") == "sun holiday"


def test_the_same_catalogue_leaves_the_views_as_they_are(
    domain: Domain, tenant_id: str, path: Path, tmp_path: Path
) -> None:
    domain.sync.pull(tenant_id, PullRequest())
    before = value(path, "PRAGMA schema_version")
    with with_columns(tmp_path, entities.columns()).transact(tenant_id):
        pass
    assert value(path, "PRAGMA schema_version") == before


def test_a_change_of_views_that_fails_leaves_the_former_ones(
    domain: Domain, tenant_id: str, path: Path, tmp_path: Path
) -> None:
    domain.sync.pull(tenant_id, PullRequest())
    name_is_taken = with_columns(tmp_path, {"wishes": {}, "sync_entities": {}})
    with pytest.raises(sqlite3.OperationalError), name_is_taken.transact(tenant_id):
        pass
    assert views_of(path) == set(columns())


def test_fields_with_odd_names_become_columns(tmp_path: Path, path: Path, tenant_id: str) -> None:
    odd = with_columns(tmp_path, {"tags": dict.fromkeys(("select", "with space", 'say "hi"'), "value")})
    with odd.transact(tenant_id):
        pass
    assert columns_of(path, "tags")[3:] == ["select", "with space", 'say "hi"']


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("sqlite3")), reason="needs bash and SQLite's shell")
def test_the_documented_command_reads_a_book_though_sqlite_distrusts_schemas(
    domain: Domain, tenant_id: str, path: Path, tmp_path: Path
) -> None:
    shown = {"date": "2026-01-09", "amount": -4.2, "description": "bread"}
    others = {"accountId": "a", "valueDate": "2026-01-09", "type": "EXPENSE", "tagIds": [], "runningBalance": 0}
    data = shown | others | {"payee": "Bakery"}
    domain.sync.push(tenant_id, PushRequest([change("b1", entity_type="transactions", data=data)]), now())
    page = (Path(__file__).parents[2] / "docs" / "self-hosting.md").read_text("utf-8")
    (command,) = re.findall(r"<!-- command: views -->\n```sh\n(.+?)```", page, re.DOTALL)
    (tmp_path / ".sqliterc").write_text("PRAGMA trusted_schema = OFF;")
    script = command.replace("tenant_databases/tenant_<UUID>.db", str(path))
    environment = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "2026-01-09|-4.2|bread\n", done.stderr


def test_an_sqlite_that_distrusts_schemas_reads_the_views_once_it_is_told_to_trust_them(
    domain: Domain, tenant_id: str, path: Path
) -> None:
    domain.sync.push(tenant_id, PushRequest([change("t1", data={"name": "holiday"})]), now())
    with outside(path) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        with suppress(sqlite3.OperationalError):  # of some versions: unsafe use of json_extract()
            assert connection.execute("SELECT name FROM tags").fetchall() == [("holiday",)]
        connection.execute("PRAGMA trusted_schema = ON")
        assert connection.execute("SELECT name FROM tags").fetchall() == [("holiday",)]
