"""A whole book over HTTP: brought as JSON or SQLite, and emptied, by its owner alone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from finwise import create_app
from finwise.config import Settings
from harness.problems import assert_problem
from tests.conftest import settings_in
from tests.household import Household, change

JSON, NDJSON, SQLITE = "application/json", "application/x-ndjson", "application/vnd.sqlite3"
LEDGER = (Path(__file__).parents[1] / "data" / "ledger.json").read_bytes()


def bring(home: Household, content: bytes | dict[str, Any], media_type: str = JSON, **options: Any) -> TestResponse:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    path = f"/tenants/{home.tenant_id}/import{options.pop('query', '')}"
    return home.post(path, data=body, content_type=media_type, **options)


def held(home: Household) -> dict[str, Any]:
    return {entity["id"]: entity["data"] for entity in home.initial()["changes"]}


def database(file: Path, *statements: str) -> bytes:
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return file.read_bytes()


def left_behind(settings: Settings) -> list[Path]:
    return list(Path(settings.tenant_databases, "copies").iterdir())


def test_a_book_is_stored_and_its_devices_get_it(home: Household, settings: Settings) -> None:
    since = home.pull()["next_since"]
    answer = bring(home, LEDGER)
    assert answer.get_json() == {
        "applied": 2565,
        "unchanged": 0,
        "superseded": 0,
        "rejected": 0,
        "conflicts": 0,
        "rejections": [],
    }
    assert len(home.pull(since=since, limit=5_000)["changes"]) > 1_000
    assert bring(home, LEDGER).get_json()["unchanged"] == 2565
    assert left_behind(settings) == []


@pytest.mark.parametrize("media_type", [JSON, SQLITE])
def test_what_was_exported_comes_back_in_another_book(home: Household, media_type: str) -> None:
    home.results(change("t1"), change("t2", entity_type="recipients", data={"name": "Shop", "newer": [1]}))
    home.results(change("t3", deleted_at="2026-01-09T19:01:00.000Z"))
    exported = home.get(f"/tenants/{home.tenant_id}/export", headers={"Accept": media_type}, buffered=True).data
    other = Household(home.client).create()
    assert bring(other, exported, media_type).get_json()["applied"] == 2
    assert held(other) == held(home)


def test_progress_comes_in_lines_and_the_outcome_last(home: Household) -> None:
    answer = bring(home, LEDGER, headers={"Accept": NDJSON}, buffered=True)
    assert answer.mimetype == NDJSON
    *progress, outcome = map(json.loads, answer.data.splitlines())
    assert [0 < line["progress"] <= 1 for line in progress] == [True] * len(progress)
    assert outcome["applied"] == 2565
    assert len(home.initial()["changes"]) == 2565


def test_with_progress_an_error_is_the_last_line_and_nothing_is_stored(home: Household) -> None:
    answer = bring(home, LEDGER[:-10], headers={"Accept": NDJSON}, buffered=True)
    last = json.loads(answer.data.splitlines()[-1])
    assert (last["status"], last["code"]) == (422, "invalid")
    assert held(home) == {}


def test_a_reader_that_goes_away_undoes_the_import(home: Household, settings: Settings) -> None:
    answer = bring(home, LEDGER, headers={"Accept": NDJSON})
    next(iter(answer.iter_encoded()))
    answer.close()
    assert held(home) == {}
    assert left_behind(settings) == []
    assert bring(home, LEDGER).get_json()["applied"] == 2565, "nothing is held by it"


def test_newer_versions_stay_unless_everything_is_dated_now(home: Household) -> None:
    home.results(change("t1", data={"name": "newer"}))
    old = {"tags": [{"id": "t1", "name": "older", "updated_at": "2020-01-01T00:00:00.000Z"}]}
    assert bring(home, old).get_json()["superseded"] == 1
    assert held(home)["t1"] == {"name": "newer"}
    assert bring(home, old, query="?dated_now=true").get_json()["applied"] == 1
    assert held(home)["t1"] == {"name": "older"}


def test_a_rejected_entity_is_named_and_the_others_are_stored(home: Household) -> None:
    entities = [{"id": "no spaces", "name": "x"}, {"id": "t1", "name": "fine"}]
    [refused] = bring(home, {"tags": entities}).get_json()["rejections"]
    assert (refused["place"], refused["entity_type"], refused["id"], refused["code"]) == (1, "tags", None, "invalid_id")
    assert list(held(home)) == ["t1"]


TABLES = (
    "CREATE TABLE tags (id VARCHAR NOT NULL, name VARCHAR, color VARCHAR, createdAt DATETIME, updatedAt DATETIME)",
    "INSERT INTO tags VALUES ('t1', 'holiday', NULL, '2025-08-12 20:20:31.759603', '2025-08-13 07:24:41.532000')",
    'CREATE TABLE category_groups (id VARCHAR, name VARCHAR, "sortOrder" INTEGER, "isIncomeGroup" BOOLEAN)',
    "INSERT INTO category_groups VALUES ('g1', 'Income', 3, 1)",
    """CREATE TABLE automation_rules (id VARCHAR, name VARCHAR, stage VARCHAR, conditions JSON, actions JSON,
         priority INTEGER, isActive BOOLEAN)""",
    "INSERT INTO automation_rules VALUES ('r1', 'Rule', 'PRE', '[]', '[]', 1, 0)",
    "CREATE TABLE alembic_version (version_num VARCHAR)",
)


def test_a_database_with_a_table_for_each_type_is_read(home: Household, tmp_path: Path) -> None:
    assert bring(home, database(tmp_path / "a.db", *TABLES), SQLITE).get_json()["applied"] == 3
    assert held(home) == {
        "t1": {"name": "holiday"},
        "g1": {"name": "Income", "sortOrder": 3, "isIncomeGroup": True},
        "r1": {"name": "Rule", "stage": "PRE", "conditions": [], "actions": [], "priority": 1, "isActive": False},
    }
    [tag] = [entity for entity in home.initial()["changes"] if entity["id"] == "t1"]
    assert (tag["created_at"], tag["updated_at"]) == ("2025-08-12T20:20:31.759Z", "2025-08-13T07:24:41.532Z")


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE tags (id, name)", "INSERT INTO tags VALUES ('t1', x'00ff')"),
        ("CREATE TABLE tags (id, name)", "INSERT INTO tags VALUES ('t1', 9e999)"),
        ("CREATE TABLE tags (id, name)", "INSERT INTO tags VALUES ('t1', CAST(x'ff' AS TEXT))"),
    ],
)
def test_a_value_that_json_lacks_is_rejected_by_itself(
    home: Household, tmp_path: Path, statements: tuple[str, ...]
) -> None:
    content = database(tmp_path / "a.db", *statements, "INSERT INTO tags VALUES ('t2', 'fine')")
    outcome = bring(home, content, SQLITE).get_json()
    assert (outcome["applied"], outcome["rejections"][0]["code"]) == (1, "invalid_data")


def test_views_virtual_tables_and_generated_columns_are_not_read(home: Household, tmp_path: Path) -> None:
    content = database(
        tmp_path / "a.db",
        "CREATE TABLE recipients (id, name, big GENERATED ALWAYS AS (zeroblob(100000000)))",
        "INSERT INTO recipients VALUES ('r1', 'Shop')",
        "CREATE VIEW tags AS SELECT 't1' AS id, 'x' AS name",
        "CREATE VIRTUAL TABLE accounts USING fts5 (id, name)",
        "INSERT INTO accounts VALUES ('a1', 'Bank')",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'CREATE VIRTUAL', 'CREATE  VIRTUAL')",
    )
    assert bring(home, content, "application/octet-stream").get_json()["applied"] == 1
    assert held(home) == {"r1": {"name": "Shop"}}


def test_an_export_whose_entities_are_computed_is_refused(home: Household, tmp_path: Path) -> None:
    entity = """'{"entity_type":"tags","id":"t' || stamp || '","data":{"name":"x"}}'"""
    content = database(
        tmp_path / "a.db",
        f"CREATE TABLE sync_entities (stamp, is_deleted, entity AS ({entity}))",
        "INSERT INTO sync_entities VALUES (1, 0)",
    )
    assert_problem(bring(home, content, SQLITE), 422, "invalid")
    assert held(home) == {}


@pytest.mark.parametrize("content", [b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_database_that_is_none_is_refused(home: Household, content: bytes) -> None:
    assert_problem(bring(home, content, SQLITE), 422, "invalid")


def test_other_media_types_are_refused(home: Household) -> None:
    assert_problem(bring(home, b"{}", "text/csv"), 415, "unsupported_media_type")
    assert_problem(bring(home, b"{}", headers={"Content-Encoding": "gzip"}), 415, "unsupported_media_type")


def test_a_book_above_the_limit_is_refused_and_the_limit_is_told(tmp_path: Path) -> None:
    app = create_app(replace(settings_in(tmp_path), max_import_mib=1))
    home = Household(app.test_client()).create()
    answer = bring(home, b" " * (1024 * 1024) + b"{}")
    assert_problem(answer, 413, "too_large")
    assert answer.get_json()["limits"]["max_import_bytes"] == 1024 * 1024


def test_a_book_beyond_the_quota_is_not_stored_at_all(tmp_path: Path) -> None:
    app = create_app(replace(settings_in(tmp_path), quota_mib=1))
    home = Household(app.test_client()).create()
    tags = [{"id": f"t{number}", "name": "x", "note": "n" * 1_000} for number in range(3_000)]
    assert_problem(bring(home, {"tags": tags}), 507, "quota_exceeded")
    assert held(home) == {}


def reset(home: Household, name: str = "Home") -> TestResponse:
    return home.post(f"/tenants/{home.tenant_id}/reset", json={"name": name})


def test_a_reset_deletes_everything_and_the_devices_get_the_deletions(home: Household) -> None:
    bring(home, LEDGER)
    since = home.pull(limit=10_000)["next_since"]
    assert reset(home).get_json() == {"deleted": 2565}
    assert held(home) == {}
    found = home.pull(since=since, limit=10_000)
    assert len(found["changes"]) > 0
    assert all(entity["deleted_at"] for entity in found["changes"])
    assert home.get(f"/sync/conflicts/{home.tenant_id}").get_json() == []
    assert reset(home).get_json() == {"deleted": 0}


def test_a_reset_with_another_name_deletes_nothing(home: Household) -> None:
    home.results(change("t1"))
    assert_problem(reset(home, "Another book"), 422, "invalid")
    assert list(held(home)) == ["t1"]


def test_a_full_book_can_be_reset(tmp_path: Path) -> None:
    app = create_app(replace(settings_in(tmp_path), quota_mib=1))
    home = Household(app.test_client()).create()
    data = {"name": "x", "note": "n" * 9_000}
    while home.push(*(change(data=data) for _ in range(20))).status_code == 200:
        pass
    assert reset(home).get_json()["deleted"] > 0
    assert held(home) == {}
