"""Section 4 of docs/protocol.md, sentence by sentence: the first load and the digest."""

import json
from hashlib import sha256
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.household import Household, change

T1, T2, T3 = "2026-01-09T10:00:00.000Z", "2026-01-09T11:00:00.000Z", "2026-01-09T12:00:00.000Z"
NDJSON = "application/x-ndjson"


def ids(page: dict[str, Any]) -> list[str]:
    return [entity["id"] for entity in page["changes"]]


def dead(entity_id: str, **members: Any) -> dict[str, Any]:
    return change(entity_id, data=..., deleted_at=T1, **members)


def load(home: Household, accept: str, **query: Any) -> TestResponse:
    return home.get(f"/sync/initial/{home.tenant_id}", query_string=query, headers={"Accept": accept})


def read(text: str, media_type: str) -> dict[str, Any]:
    """A first load of either form, as the JSON form has it."""
    if media_type == NDJSON:
        *entities, end = [json.loads(line) for line in text.splitlines()]
        return dict(end) | {"changes": entities}
    page: dict[str, Any] = json.loads(text)
    return page


# --- The living entities in one snapshot ---


def test_a_first_load_is_the_living_entities_and_no_tombstones(home: Household) -> None:
    home.results(change("e1"), dead("e2"), change("e3"), change("e4"))
    home.results(dead("e3", updated_at="2026-01-10T10:00:00.000Z"))
    assert ids(home.initial()) == ["e1", "e4"]


def test_a_first_load_has_the_same_body_as_a_pull(home: Household) -> None:
    assert home.initial() == home.pull()
    home.results(change("e1"), change("e2", entity_type="recipients"))
    assert home.initial() == home.pull()
    assert home.initial()["has_more"] is False


def test_a_first_load_gives_the_cursor_to_go_on_from(home: Household) -> None:
    home.results(change("e1"), dead("e2"))
    since = home.initial()["next_since"]
    assert since == home.pull()["next_since"]
    home.results(change("e3"))
    assert ids(home.pull(since)) == ["e3"]


def test_entity_types_restricts_a_first_load_and_unknown_names_are_ignored(home: Household) -> None:
    home.results(change("t1"), change("r1", entity_type="recipients"))
    for accept in ("application/json", NDJSON):
        page = read(load(home, accept, entity_types="recipients,robots").text, accept)
        assert (ids(page), set(page["digest"])) == (["r1"], {"recipients"})
        assert page["next_since"] == home.pull()["next_since"]


def test_a_first_load_is_not_limited_to_a_page(home: Household) -> None:
    home.results(*(change(f"e{number}") for number in range(2_001)))
    expected = [f"e{number}" for number in range(2_001)]
    assert ids(home.initial()) == ids(read(load(home, NDJSON).text, NDJSON)) == expected


@pytest.mark.parametrize("entities", [0, 2])
def test_ndjson_has_one_entity_a_line_and_a_last_line_with_everything_else(home: Household, entities: int) -> None:
    home.results(*(change(f"e{number}", data={"name": "a\nb\u2028c"}) for number in range(entities)))
    answer = load(home, NDJSON)
    assert answer.mimetype == NDJSON
    *lines, last, rest = answer.text.split("\n")
    expected = home.initial()
    assert [json.loads(line) for line in lines] == expected.pop("changes")
    assert (json.loads(last), rest) == (expected, "")


@pytest.mark.parametrize("accept", ["application/json", NDJSON])
def test_what_is_stored_while_a_book_streams_belongs_to_the_next_pull(home: Household, accept: str) -> None:
    home.results(*(change(f"e{number}", updated_at=T1) for number in range(4_000)))
    expected = home.initial()
    answer = load(home, accept)
    pieces = iter(answer.iter_encoded())
    text = next(pieces)
    edited, deleted = change("e3990", base_updated_at=T1), dead("e3991", base_updated_at=T1)
    home.results(edited, deleted, change("new"))
    text += b"".join(pieces)
    answer.close()
    page = read(text.decode(), accept)
    assert page == expected
    assert ids(home.pull(page["next_since"])) == ["e3990", "e3991", "new"]


# --- Digest ---


def expected_digest(home: Household, *only: str) -> dict[str, str]:
    """The page's formula over the living entities, for the types asked or all the server names."""
    names = only or home.get("/healthz").get_json()["entity_types"]
    sums = dict.fromkeys(names, 0)
    for entity in home.initial(**({"entity_types": ",".join(only)} if only else {}))["changes"]:
        text = "\n".join((entity["entity_type"], entity["id"], entity["updated_at"]))
        sums[entity["entity_type"]] += int.from_bytes(sha256(text.encode()).digest()[:8], "big")
    return {name: f"{value % 2**64:016x}" for name, value in sums.items()}


def test_the_digest_is_16_hex_digits_for_every_type(home: Household) -> None:
    home.results(change("e1", updated_at=T1))
    digest = home.pull()["digest"]
    weight = sha256(b"tags\ne1\n2026-01-09T10:00:00.000Z").hexdigest()[:16]
    assert digest == dict.fromkeys(home.get("/healthz").get_json()["entity_types"], "0" * 16) | {"tags": weight}


def test_the_digest_is_the_sum_modulo_2_to_the_64(home: Household) -> None:
    home.results(*(change(f"e{number}", updated_at=T1) for number in range(50)))
    assert home.pull()["digest"] == expected_digest(home)


def test_the_server_keeps_the_digest_through_every_kind_of_change(home: Household) -> None:
    steps: list[list[Any]] = [
        [
            change("e1", updated_at=T2),
            change("e2", updated_at=T2),
            change("e2", updated_at=T2, entity_type="recipients"),
        ],
        [change("e1", updated_at=T3)],
        [change("e1", updated_at=T3, base_updated_at=T3), change("e3", updated_at="2027-01-01T00:00:00Z")],
        [change("e2", updated_at=T1, data={"name": "older"}), change("e2", updated_at=T2), None],
        [dead("e2", updated_at=T3), dead("e4", updated_at=T3)],
        [dead("e2", updated_at="2026-01-09T13:00:00.000Z")],
        [change("e2", updated_at="2026-01-09T14:00:00.000Z"), dead("e1", base_updated_at="2026-01-09T12:00:00.001Z")],
        [change("e5", updated_at=T2), dead("e5", updated_at=T3), change("e5", updated_at="2026-01-09T13:00:00.000Z")],
    ]
    seen = set()
    for step in steps:
        home.results(*step)
        digest = home.pull()["digest"]
        assert digest == expected_digest(home)
        seen.add(digest["tags"])
    assert len(seen) == 6  # the superseded ones, and a tombstone over a tombstone, leave it as it was


def test_every_answer_that_ends_a_pull_carries_the_digest_and_no_other(home: Household) -> None:
    since = home.pull()["next_since"]
    home.results(change("e1"), change("e2"))
    digest = expected_digest(home)
    ends = [home.pull(), home.pull(since), home.pull(limit=2), home.initial(), read(load(home, NDJSON).text, NDJSON)]
    ends.append(home.push(since=since).get_json())
    assert [page["digest"] for page in ends] == [digest] * len(ends)
    for page in (home.pull(limit=1), home.push(since=since, limit=1).get_json(), home.push().get_json()):
        assert "digest" not in page


def test_the_digest_of_a_push_counts_what_that_push_stored(home: Household) -> None:
    answer = home.push(change("e1"), since=home.pull()["next_since"]).get_json()
    assert answer["digest"] == expected_digest(home)


def test_the_digest_is_for_the_types_asked(home: Household) -> None:
    since = home.pull()["next_since"]
    home.results(change("t1"), change("r1", entity_type="recipients"), change("r2", entity_type="recipients"))
    asked = {"entity_types": "recipients,accounts,robots"}
    pushed = home.push(since=since, entity_types=["recipients", "accounts", "robots"]).get_json()
    for page in (home.pull(**asked), home.initial(**asked), pushed):
        assert page["digest"] == expected_digest(home, "recipients", "accounts")
