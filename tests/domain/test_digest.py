"""The cases of tests/vectors/digest.json: by the formula alone, and as a pull answers them."""

import re
from functools import reduce
from typing import Any

import pytest

from finwise.domain import digest
from finwise.domain.change import Version
from finwise.domain.times import parse_micros
from tests.domain.memory import MemoryBook, vectors
from tests.household import new_id

CASES = vectors("digest.json")
NOW = parse_micros("2026-01-10T12:00:00Z") or 0
DATA = {
    "tags": {"name": "x"},
    "recipients": {"name": "x"},
    "category_groups": {"name": "x", "sortOrder": 0, "isIncomeGroup": False},
    "accounts": {
        "name": "x", "accountType": "CASH", "isActive": True, "isOfflineBudget": False, "accountGroupId": "g",
        "sortOrder": 0, "balance": 0, "offset": 0,
    },
}  # fmt: skip


def _version(entity: dict[str, Any]) -> Version:
    time = entity["updated_at"]
    data = None if entity["deleted"] else "{}"
    return Version(1, entity["entity_type"], entity["id"], time, time, data, new_id(), None)


def _change(entity: dict[str, Any]) -> dict[str, Any]:
    deleted_at = entity["updated_at"] if entity["deleted"] else None
    data = None if entity["deleted"] else DATA[entity["entity_type"]]
    named = {name: entity[name] for name in ("entity_type", "id", "updated_at")}
    return {"change_id": new_id(), **named, "deleted_at": deleted_at, "data": data}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_digest_is_the_sum_of_the_weights_of_its_type(case: dict[str, Any]) -> None:
    for entity_type, expected in case["digests"].items():
        weights = [digest.weight(_version(one)) for one in case["entities"] if one["entity_type"] == entity_type]
        assert reduce(digest.add, weights, digest.ZERO) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_pull_ends_with_the_digests_of_what_was_pushed(case: dict[str, Any]) -> None:
    with MemoryBook() as book:
        book.results([_change(entity) for entity in case["entities"]], NOW)
        answered = book.digests()
        zeros = dict.fromkeys(book.sync.entity_types, "0" * 16)
    assert answered == zeros | case["digests"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_deleting_everything_brings_the_digests_back_to_zero(case: dict[str, Any]) -> None:
    with MemoryBook() as book:
        book.results([_change(entity) for entity in case["entities"]], NOW)
        later = {"updated_at": "2026-01-09T00:00:00.000Z", "deleted": True}
        book.results([_change(entity | later) for entity in case["entities"]], NOW + 1)
        assert set(book.digests().values()) == {"0" * 16}


def test_every_digest_of_the_vectors_has_16_hex_digits() -> None:
    digests = [text for case in CASES for text in case["digests"].values()]
    assert all(re.fullmatch("[0-9a-f]{16}", text) for text in digests)
