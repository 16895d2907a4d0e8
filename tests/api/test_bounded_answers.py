"""No answer is larger than its request warrants: an entity comes once, and pages end at a number of characters too."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from finwise.domain.limits import MAX_TEXT
from finwise.store import entity_rows
from tests.household import Household, change

OLDER, NEWER = "2026-01-01T00:00:00.000Z", "2026-01-09T00:00:00.000Z"


def large(entity_id: str, size: int = 250_000, **members: Any) -> dict[str, Any]:
    return change(entity_id, updated_at=NEWER, data={"name": "x", "padding": "y" * size}, **members)


def older(entity_id: str, number: int = 0) -> dict[str, Any]:
    return change(entity_id, updated_at=OLDER, data={"name": f"late {number}"})


@pytest.fixture
def large_book(home: Household) -> Household:
    """With twelve tags of 250,000 characters."""
    for number in range(12):
        home.results(large(f"t{number:02}"))
    return home


def texts(answer: dict[str, Any]) -> int:
    return sum(len(json.dumps(entity["data"])) for entity in answer["changes"])


def test_of_many_older_changes_of_an_entity_the_last_alone_brings_the_stored_version(home: Household) -> None:
    home.results(large("t"))
    answer = home.push(*(older("t", number) for number in range(500)))
    results = answer.get_json()["results"]
    assert {result["status"] for result in results} == {"superseded"}
    assert [place for place, result in enumerate(results) if "entity" in result] == [499]
    assert results[-1]["entity"]["data"]["name"] == "x"
    assert len(answer.data) < 350_000


def test_superseded_changes_of_different_entities_bring_each_its_version(home: Household) -> None:
    home.results(*(change(name, updated_at=NEWER) for name in "abc"))
    results = home.results(older("a"), older("b"), older("a"), older("c"))
    assert ["entity" in result for result in results] == [False, True, True, True]
    assert [result["entity"]["id"] for result in results[1:]] == ["b", "a", "c"]


def test_what_a_push_brings_back_is_bounded_in_characters(large_book: Household) -> None:
    answer = large_book.push(*(older(f"t{number:02}") for number in range(12)))
    told = [result for result in answer.get_json()["results"] if "entity" in result]
    assert 1 < len(told) < 12
    assert len(answer.data) < MAX_TEXT + 300_000


def test_a_page_ends_at_a_number_of_characters_and_the_next_goes_on_from_there(large_book: Household) -> None:
    seen: list[str] = []
    since, pages = None, 0
    while True:
        page = large_book.pull(since, limit=10_000)
        assert texts(page) < MAX_TEXT + 300_000
        assert ("digest" in page) is not page["has_more"]
        seen += [entity["id"] for entity in page["changes"]]
        since, pages = page["next_since"], pages + 1
        if not page["has_more"]:
            break
    assert seen == [f"t{number:02}" for number in range(12)]
    assert pages == 3


def test_a_page_in_the_answer_to_a_push_ends_there_too_and_its_own_changes_are_left_out(large_book: Household) -> None:
    since = large_book.pull(limit=1)["next_since"]
    answer = large_book.push(change("t00", updated_at=NEWER, base_updated_at=NEWER), since=since).get_json()
    seen = [entity["id"] for entity in answer["changes"]]
    while answer["has_more"]:
        assert texts(answer) < MAX_TEXT + 300_000
        answer = large_book.pull(answer["next_since"])
        seen += [entity["id"] for entity in answer["changes"]]
    assert [name for name in seen if name != "t00"] == [f"t{number:02}" for number in range(1, 12)]


def test_one_entity_beyond_the_bound_is_a_page_of_its_own(large_book: Household) -> None:
    page = large_book.pull(limit=1)
    assert [entity["id"] for entity in page["changes"]] == ["t00"]


def test_a_first_load_of_large_entities_is_whole(large_book: Household) -> None:
    load = large_book.initial()
    assert [entity["id"] for entity in load["changes"]] == [f"t{number:02}" for number in range(12)]


@pytest.mark.parametrize("query", [{}, {"entity_types": "tags"}, {"entity_types": "accounts"}])
def test_a_first_load_holds_one_large_entity_at_a_time(
    large_book: Household, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[int] = []

    def are_intact(texts: Sequence[bytes], sums: Sequence[int]) -> bool:
        fetched.append(sum(map(len, texts)))
        return True

    monkeypatch.setattr(entity_rows, "are_intact", are_intact)
    large_book.initial(**query)
    assert len(fetched) == 12
    assert max(fetched) < 260_000
