"""Variations of an app's records: a value is refused only if the document has no such type for its field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.household import Household, change
from tests.test_odd_records import RECORDS

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "openapi.json").read_text("utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
MOST_CHANGES = 5_000  # of one push

MISSING = object()
TEXTS = ["", " ", "x", "NaN", "12,50", "12.50", "25-02-01", "2025-02-31", "2025-07-01T00:00:00.000Z", "a,b", "x" * 300]
OTHERS = [
    0,
    1,
    -1,
    1.5,
    2**53 - 1,
    True,
    False,
    [],
    [""],
    ["a,b"],
    [{}],
    [{"type": None, "value": 5}],
    {},
    {"a": [None]},
]
VALUES = [MISSING, None, *TEXTS, *OTHERS]


def _variations() -> Iterator[tuple[str, str, Any, dict[str, Any]]]:
    """Entity type, field, value, data: each known field of each record with each value."""
    for entity_type, data in ((record["entity_type"], record["data"]) for record in RECORDS):
        for field in SCHEMAS[_schema_name(entity_type)]["properties"]:
            for value in VALUES:
                rest = {name: other for name, other in data.items() if name != field}
                yield entity_type, field, value, rest if value is MISSING else rest | {field: value}


def _schema_name(entity_type: str) -> str:
    """The document's name for the data of a type."""
    entity = SCHEMAS["Entity"]["discriminator"]["mapping"][entity_type].rpartition("/")[2]
    (name,) = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(SCHEMAS[entity]))
    return str(name)


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether the document has this JSON type, and within lists and objects such types, for a value."""
    if "$ref" in schema:
        return _fits(value, SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return any(_fits(value, each) for each in schema["anyOf"])
    types = schema.get("type", [])
    if types and _name(value) not in types:
        return False
    if isinstance(value, list):
        return all(_fits(item, schema.get("items", {})) for item in value)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return all(_fits(item, known[name]) for name, item in value.items() if name in known)
    return True


def _name(value: Any) -> str:
    names = {type(None): "null", bool: "boolean", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")


def test_nothing_is_refused_but_a_type_that_the_document_does_not_have_for_the_field(home: Household) -> None:
    variations = list(_variations())
    changes = [
        change(f"v{place}", entity_type=entity_type, data=data)
        for place, (entity_type, _, _, data) in enumerate(variations)
    ]
    results = [
        result
        for at in range(0, len(changes), MOST_CHANGES)
        for result in home.results(*changes[at : at + MOST_CHANGES])
    ]
    wrong = []
    for (entity_type, field, value, _), result in zip(variations, results, strict=True):
        is_meant = value is MISSING or _fits(value, SCHEMAS[_schema_name(entity_type)]["properties"][field])
        if (result["status"] == "applied") is not is_meant:
            wrong.append((entity_type, field, value, result))
    assert not wrong, wrong[:10]


def test_a_field_may_be_missing_or_null_and_an_empty_text_stands_for_an_id_a_day_or_a_cleared_number() -> None:
    for name in map(_schema_name, sorted({record["entity_type"] for record in RECORDS})):
        assert not SCHEMAS[name].get("required")
        for field, schema in SCHEMAS[name]["properties"].items():
            assert _fits(None, schema), (name, field)
            is_of_form = field in ("sortOrder", "priority", "proportion", "recurrenceCount", "executionDay")
            if field.endswith(("Id", "Date", "date")) or is_of_form:
                assert _fits("", schema), (name, field)
            if field.endswith(("Id", "Date", "date")):
                assert set(schema["type"]) == {"string", "null"}, (name, field)
                assert "format" not in schema, (name, field)
