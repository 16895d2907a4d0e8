"""Entities as an app writes them, odd ones among them: all are stored, and reach a second device unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.household import Household, change
from tests.tenant_file import TenantFile

RECORDS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "odd_records.json").read_text("utf-8"))
CHANGES = [
    change(f"e{place}", entity_type=record["entity_type"], data=record["data"]) for place, record in enumerate(RECORDS)
]


def test_every_record_is_stored_and_comes_to_a_second_device_as_it_was_sent(home: Household) -> None:
    assert {result["status"] for result in home.results(*CHANGES)} == {"applied"}
    sent = {each["id"]: each["data"] for each in CHANGES}
    for load in (home.pull(), home.initial()):
        assert {entity["id"]: entity["data"] for entity in load["changes"]} == sent


def test_a_warning_names_the_field_and_repeats_nothing_of_the_record(home: Household) -> None:
    warned = dict(zip((each["what"] for each in RECORDS), home.results(*CHANGES), strict=True))
    assert warned["an import of the 31st of February"]["warnings"] == {"data.date": ["Give a day such as 2026-01-09."]}
    assert warned["two tags joined by a comma"]["warnings"] == {"data.tagIds": ["Give a list of ids."]}
    assert "Bakery" not in str(warned["a recipient with a name of 300 characters"])
    for ordinary in ("a move of budget between categories, in no account", "a goal whose day was cleared"):
        assert "warnings" not in warned[ordinary]


def test_a_repeated_push_gets_the_same_warnings(home: Household) -> None:
    first, again = home.results(*CHANGES), home.results(*CHANGES)
    assert [result.get("warnings") for result in again] == [result.get("warnings") for result in first]


def test_the_views_show_null_for_what_does_not_fit(home: Household, tenant_file: TenantFile) -> None:
    home.results(*CHANGES)
    of = {record["what"]: f"e{place}" for place, record in enumerate(RECORDS)}
    shown = {row["id"]: row for row in tenant_file.rows("SELECT id, date, accountId FROM transactions")}
    assert shown[of["an import of the 31st of February"]]["date"] is None
    assert shown[of["a move of budget between categories, in no account"]]["accountId"] is None
    assert shown[of["a transaction without a description"]]["date"] == "2025-07-01"
    assert tenant_file.rows("SELECT sortOrder FROM category_groups") == [{"sortOrder": None}]
