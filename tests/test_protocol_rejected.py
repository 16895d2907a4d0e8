"""Section 2 of docs/protocol.md on single changes: one bad change never blocks the queue; and its limits."""

import json
from typing import Any

import pytest

from finwise import create_app
from tests.conftest import Clock, settings_in
from tests.household import Household, change, new_id

CHANGE_ID = "a1b2c3d4-0000-4000-8000-000000000001"
EARLY = "2026-01-09T10:00:00.000Z"
UPDATED, BASE, CREATED, DELETED = "updated_at", "base_updated_at", "created_at", "deleted_at"
REJECTIONS = {"unknown_entity_type", "invalid_id", "invalid_time", "invalid_data", "too_large", "invalid_change"}


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Household:
    """One user for all tests of this file, for signing up is slow on purpose."""
    return Household(create_app(settings_in(tmp_path_factory.mktemp("rejected")), Clock()).test_client())


@pytest.fixture
def home(household: Household) -> Household:
    """That user with an empty tenant."""
    household.tenant_id = new_id()
    return household.create()


def element(**members: str | None) -> str:
    """A valid change as JSON text; `members` are JSON text too and replace or, where None, remove parts of it."""
    parts: dict[str, str | None] = {
        "change_id": f'"{CHANGE_ID}"',
        "entity_type": '"tags"',
        "id": '"e1"',
        "updated_at": f'"{EARLY}"',
        "data": '{"name": "holiday"}',
    }
    return "{" + ", ".join(f'"{name}": {text}' for name, text in (parts | members).items() if text is not None) + "}"


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    """Data of that many levels, itself included."""
    return '{"name": "x", "deep": ' + opening * (levels - 1) + "1" * (opening != "[") + closing * (levels - 1) + "}"


def result_of(home: Household, text: str) -> dict[str, Any]:
    """The result of a change sent as JSON text between two good ones, which must be stored whatever it is."""
    before, after = change("before"), change("after")
    body = f'{{"tenant_id": "{home.tenant_id}", "changes": [{json.dumps(before)}, {text}, {json.dumps(after)}]}}'
    answer = home.post("/sync/changes", data=body.encode(), content_type="application/json")
    assert answer.status_code == 200, answer.text
    first, middle, last = answer.get_json()["results"]
    assert [first["change_id"], last["change_id"]] == [before["change_id"], after["change_id"]]
    assert [first["status"], last["status"]] == ["applied", "applied"]
    assert {"before", "after"} <= {entity["id"] for entity in home.pull()["changes"]}
    result: dict[str, Any] = middle
    return result


def assert_rejected(home: Household, text: str, code: str, change_id: str | None = CHANGE_ID) -> None:
    result = result_of(home, text)
    assert set(result) == {"change_id", "status", "code", "errors"}
    assert (result["status"], result["code"], result["change_id"]) == ("rejected", code, change_id)
    assert result["errors"]
    assert all(messages and type(messages) is list for messages in result["errors"].values())
    assert [entity["id"] for entity in home.pull()["changes"]] == ["before", "after"]


# --- unknown_entity_type ---


@pytest.mark.parametrize(
    "entity_type", ['"robots"', '"Tags"', '"sync_book"', '""', '"\\ud800"', "5", "null", "NaN", None]
)
def test_an_entity_type_that_is_not_in_the_catalogue_is_rejected(home: Household, entity_type: str | None) -> None:
    assert_rejected(home, element(entity_type=entity_type), "unknown_entity_type")


# --- invalid_id ---


@pytest.mark.parametrize(
    "entity_id",
    ['""', f'"{"a" * 65}"', '"a b"', '"a/b"', '"a\\n"', '"ä"', '"\\u0661"', '"\\ud800"', '"a\\u0000"', "5", "[]", None],
)
def test_an_id_that_is_not_1_to_64_of_the_allowed_characters_is_rejected(
    home: Household, entity_id: str | None
) -> None:
    assert_rejected(home, element(id=entity_id), "invalid_id")


@pytest.mark.parametrize("entity_id", ["a", "AZaz09-_.:", "." * 64])
def test_an_id_of_1_to_64_of_the_allowed_characters_is_taken(home: Household, entity_id: str) -> None:
    assert result_of(home, element(id=f'"{entity_id}"'))["status"] == "applied"
    assert home.pull()["changes"][1]["id"] == entity_id


# --- invalid_time ---


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2026-01-09T10:00:00Z", "2026-01-09T10:00:00.000Z"),
        ("2026-01-09T10:00:00.1Z", "2026-01-09T10:00:00.100Z"),
        ("2026-01-09T10:00:00.123Z", "2026-01-09T10:00:00.123Z"),
        ("2026-01-09T10:00:00.123999999Z", "2026-01-09T10:00:00.123Z"),
        ("2026-01-09T10:00:00.5+01:30", "2026-01-09T08:30:00.500Z"),
        ("2026-01-09T10:00:00-00:00", "2026-01-09T10:00:00.000Z"),
        ("2025-12-31T23:00:00-02:00", "2026-01-01T01:00:00.000Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("1969-12-31T23:00:00-01:00", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_taken_in_the_accepted_forms_and_stored_in_whole_milliseconds(
    home: Household, text: str, stored: str
) -> None:
    (result,) = home.results(change("e1", updated_at=text, created_at=text))
    assert result["updated_at"] == stored
    (entity,) = home.pull()["changes"]
    assert (entity["updated_at"], entity["created_at"]) == (stored, stored)


def test_the_year_9999_is_taken(home: Household) -> None:
    home.results(change("e1", created_at="9999-12-31T23:59:59.999Z"))
    assert home.pull()["changes"][0]["created_at"] == "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    "time",
    [
        '""',
        '"now"',
        '"2026-01-09"',
        '"2026-01-09T10:00Z"',
        '"2026-01-09T10:00:00"',
        '"2026-01-09 10:00:00Z"',
        '"2026-01-09t10:00:00Z"',
        '"2026-01-09T10:00:00z"',
        '"2026-01-09T10:00:00.Z"',
        '"2026-01-09T10:00:00,5Z"',
        '"2026-01-09T10:00:00.1234567890Z"',
        '"2026-01-09T10:00:00+0100"',
        '"2026-01-09T10:00:00+01"',
        '"2026-01-09T10:00:00+24:00"',
        '"2026-01-09T10:00:00+01:60"',
        '"2026-01-09T24:00:00Z"',
        '"2026-01-09T10:60:00Z"',
        '"2026-01-09T23:59:60Z"',
        '"2026-02-30T10:00:00.000Z"',
        '"2025-02-29T10:00:00Z"',
        '"2026-13-01T10:00:00Z"',
        '"0000-01-01T00:00:00.000Z"',
        '"1969-12-31T23:59:59.999Z"',
        '"1970-01-01T00:00:00+00:01"',
        '"9999-12-31T23:59:59-00:01"',
        '"10000-01-01T00:00:00Z"',
        '"20260109T100000Z"',
        '" 2026-01-09T10:00:00Z"',
        '"2026-01-09T10:00:00Z\\n"',
        '"2026-01-09T10:00:00.000Z\\n"',
        '"2026-01-09T10:00:0\\u0660.000Z"',
        '"2026-01-09T10:00:00.\\u0660Z"',
        '"2026-01-09T10:00:00Z\\u0000"',
        '"\\udfff"',
        "1767952800000",
        "9007199254740992",
        "true",
        "false",
        "NaN",
        "[]",
    ],
)
def test_nothing_else_that_a_parser_might_take_is_taken_as_a_time(home: Household, time: str) -> None:
    assert_rejected(home, element(updated_at=time), "invalid_time")


@pytest.mark.parametrize("name", [CREATED, UPDATED, BASE, DELETED])
@pytest.mark.parametrize("time", ['"2026-01-09"', '""', "0", "false", "{}", "NaN", '"\\ud800"'])
def test_every_time_of_a_change_is_read_alike(home: Household, name: str, time: str) -> None:
    assert_rejected(home, element(**{name: time}), "invalid_time")


@pytest.mark.parametrize("time", ["null", None])
def test_a_change_without_updated_at_is_rejected(home: Household, time: str | None) -> None:
    assert_rejected(home, element(updated_at=time), "invalid_time")


# --- invalid_data ---


@pytest.mark.parametrize("data", ["null", None, "[]", '"x"', "5", "true", '{"name": 5}', '{"name": []}'])
def test_data_that_is_not_an_object_of_the_entitys_fields_is_rejected(home: Household, data: str | None) -> None:
    assert_rejected(home, element(data=data), "invalid_data")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param('{"name": "\\ud800"}', id="lone surrogate"),
        pytest.param('{"name": "\\udfff x"}', id="lone low surrogate"),
        pytest.param('{"name": "\\ude00\\ud83d"}', id="surrogates the wrong way round"),
        pytest.param('{"name": "x", "\\ud800": 1}', id="lone surrogate in a key"),
        pytest.param('{"name": "x", "deep": [{"a": ["\\ud800"]}]}', id="lone surrogate deep inside"),
        pytest.param('{"name": "a\\u0000b"}', id="NUL"),
        pytest.param('{"name": "x", "a\\u0000": 1}', id="NUL in a key"),
        pytest.param('{"name": "x", "n": 9007199254740992}', id="2^53"),
        pytest.param('{"name": "x", "n": -9007199254740992}', id="-2^53"),
        pytest.param('{"name": "x", "n": [9007199254740993.0]}', id="a fraction beyond 2^53"),
        pytest.param('{"name": "x", "n": ' + "9" * 5000 + "}", id="5,000 digits"),
        pytest.param('{"name": "x", "n": 1e400}', id="1e400"),
        pytest.param('{"name": "x", "n": NaN}', id="NaN"),
        pytest.param('{"name": "x", "n": Infinity}', id="Infinity"),
        pytest.param('{"name": "x", "n": [-Infinity]}', id="-Infinity"),
        pytest.param(nested(33), id="depth 33"),
        pytest.param(nested(33, '{"a":', "}"), id="depth 33 of objects"),
        pytest.param(nested(100_000), id="depth 100,000"),
        pytest.param(nested(100_000, '{"a":', "}"), id="depth 100,000 of objects"),
        pytest.param('{"name": "x", "name": "x"}', id="duplicate keys"),
        pytest.param('{"name": "x", "deep": [{"a": 1, "\\u0061": 2}]}', id="duplicate keys deep inside"),
    ],
)
def test_whatever_is_wrong_inside_data_is_that_changes_rejection(home: Household, data: str) -> None:
    assert_rejected(home, element(data=data), "invalid_data")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param('{"name": "\\ud83d\\ude00"}', id="a pair of surrogates"),
        pytest.param('{"name": "\\\\ud800 \\u0001 \\u2028"}', id="odd but allowed characters"),
        pytest.param('{"name": "x", "n": [9007199254740991, -9007199254740991, 1e15, 5e-324, -0.0]}', id="2^53 - 1"),
        pytest.param(nested(32), id="depth 32"),
        pytest.param('{"name": "x", "brackets": "' + "[" * 100_000 + '"}', id="brackets in a string"),
        pytest.param('{"name": "x", "same": {"name": {"name": 1}}}', id="a key again in another object"),
    ],
)
def test_data_just_within_the_rules_is_taken(home: Household, data: str) -> None:
    assert result_of(home, element(data=data))["status"] == "applied"
    assert home.pull()["changes"][1]["data"] == json.loads(data)


# --- too_large ---


def data_of(kibibytes: int, letter: str = "x") -> str:
    return json.dumps({"name": "x", "image": letter * (kibibytes * 1024 // len(letter.encode()))}, ensure_ascii=False)


@pytest.mark.parametrize("letter", ["x", "ü", "€", "\U0001f600"])
def test_one_change_above_256_kib_in_a_push_that_fits_is_rejected_by_itself(home: Household, letter: str) -> None:
    assert_rejected(home, element(data=data_of(256, letter)), "too_large")


@pytest.mark.parametrize("letter", ["x", "ü", "\U0001f600"])
def test_one_change_below_256_kib_is_taken(home: Household, letter: str) -> None:
    assert result_of(home, element(data=data_of(255, letter)))["status"] == "applied"


# --- invalid_change ---


@pytest.mark.parametrize(
    "change_id", [None, "null", "5", "NaN", "[]", "{}", '"\\ud800"', "9007199254740992", "[" * 100_000 + "]" * 100_000]
)
def test_a_change_id_that_is_missing_or_cannot_be_sent_back_comes_back_as_null(
    home: Household, change_id: str | None
) -> None:
    assert_rejected(home, element(change_id=change_id), "invalid_change", None)


@pytest.mark.parametrize(
    "change_id",
    ["", "a1", CHANGE_ID.replace("-", ""), f"{{{CHANGE_ID}}}", f"urn:uuid:{CHANGE_ID}", CHANGE_ID.replace("a", "g")],
)
def test_a_change_id_that_is_no_uuid_is_rejected_by_its_name(home: Household, change_id: str) -> None:
    assert_rejected(home, element(change_id=f'"{change_id}"'), "invalid_change", change_id)


@pytest.mark.parametrize("odd", ["null", "true", "5", '"text"', "[]", "NaN", "9007199254740992", '"\\ud800"', "1e999"])
def test_a_change_that_is_no_object_is_rejected(home: Household, odd: str) -> None:
    assert_rejected(home, odd, "invalid_change", None)


@pytest.mark.parametrize("levels", [33, 100_000])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":[', "]}")])
def test_a_change_that_is_only_depth_is_rejected(home: Household, levels: int, brackets: tuple[str, str]) -> None:
    assert_rejected(home, brackets[0] * levels + brackets[1] * levels, "invalid_change", None)


def test_a_change_with_a_key_twice_is_rejected(home: Household) -> None:
    twice = element()[:-1] + f', "updated_at": "{EARLY}"}}'
    assert_rejected(home, twice, "invalid_change", None)


def test_a_change_id_is_a_uuid_in_whatever_case_and_comes_back_as_it_was_sent(home: Household) -> None:
    lower = new_id()
    for change_id, status in ((lower.upper(), "applied"), (lower, "unchanged")):
        (result,) = home.results(change("e1", change_id=change_id))
        assert (result["change_id"], result["status"]) == (change_id, status)


# --- What a rejection leaves alone ---


def test_every_code_of_the_page_occurs_in_one_push_beside_changes_that_are_stored(home: Household) -> None:
    bad = [
        change(entity_type="robots"),
        change(id="a b"),
        change(updated_at="never"),
        change(data={"name": 7}),
        change(data={"name": "x", "image": "x" * 256 * 1024}),
        change(change_id=None),
    ]
    mixed = [each for one in bad for each in (one, change())]
    results = home.results(*mixed)
    assert {result["code"] for result in results[::2]} == REJECTIONS
    assert [result["status"] for result in results[1::2]] == ["applied"] * len(bad)
    assert len(home.pull()["changes"]) == len(bad)


def test_a_rejected_change_leaves_the_stored_version_of_its_entity_as_it_is(home: Household) -> None:
    home.results(change("e1"))
    before = home.pull()
    home.results(change("e1", updated_at="2026-01-10T10:00:00.000Z", data={"name": 5}))
    assert home.pull() == before


# --- The limits of a push ---


def assert_too_large(answer: Any) -> None:
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large")
    limits = answer.get_json()["limits"]
    assert (limits["max_changes"], limits["max_body_bytes"]) == (5_000, 8 * 1024 * 1024)
    assert limits["max_change_bytes"] == 256 * 1024


def test_more_than_5_000_changes_are_too_large_and_nothing_is_stored(home: Household) -> None:
    assert_too_large(home.push(change(), *[None] * 5_000))
    assert home.pull()["changes"] == []


def test_5_000_changes_are_taken(home: Household) -> None:
    results = home.results(*(change() for _ in range(5_000)))
    assert {result["status"] for result in results} == {"applied"}


def test_a_body_above_8_mib_is_too_large_and_nothing_is_stored(home: Household) -> None:
    body = json.dumps({"tenant_id": home.tenant_id, "changes": [change()]}).encode().ljust(8 * 1024 * 1024)
    assert_too_large(home.post("/sync/changes", data=body + b" ", content_type="application/json"))
    assert home.pull()["changes"] == []
    assert home.post("/sync/changes", data=body, content_type="application/json").status_code == 200


def test_a_single_change_that_does_not_fit_the_body_gets_the_limits_too(home: Household) -> None:
    assert_too_large(home.push(change(data={"name": "x", "image": "x" * 8 * 1024 * 1024})))
