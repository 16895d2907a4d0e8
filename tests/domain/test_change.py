"""Changes as devices send them: what is taken, and what is said about the rest (protocol.md 1 and 2)."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finwise import entities
from finwise.domain import json_text
from finwise.domain.change import Change, Rejection, Version, entity_text, read_changes, read_entity
from finwise.domain.limits import Limits
from finwise.errors import Quarantined
from tests.household import change, new_id

CATALOGUE = entities.checks()
LIMITS = Limits()
FIELDS = entities.columns()["planning_transactions"]
ODD_FIELDS = [name for name, shown in FIELDS.items() if shown in ("id", "day")] + ["recurrenceCount", "executionDay"]
TIME = "2026-01-09T19:01:00.000Z"


def _read(element: object) -> Change | Rejection:
    [result] = read_changes([element], CATALOGUE, LIMITS)
    return result


def _taken(element: object) -> Change:
    result = _read(element)
    assert isinstance(result, Change), result
    return result


def _refused(element: object) -> Rejection:
    result = _read(element)
    assert isinstance(result, Rejection), result
    return result


def test_a_change_needs_only_its_names_its_time_and_its_data() -> None:
    sent = change("e1")
    assert _taken(sent) == Change(
        change_id=sent["change_id"],
        sent_change_id=sent["change_id"],
        key=("tags", "e1"),
        updated_at=TIME,
        data='{"name":"holiday"}',
        sent_created_at=None,
        created_at=None,
        says_base=False,
        base_updated_at=None,
    )


def test_times_are_read_as_canonical_text() -> None:
    local = "2026-01-09T20:01:00+01:00"
    read = _taken(change(updated_at=local, created_at=local, base_updated_at=local))
    assert (read.updated_at, read.created_at, read.base_updated_at) == (TIME, TIME, TIME)
    assert read.sent_created_at == local


def test_a_change_id_is_read_in_lower_case_and_given_back_as_it_was_sent() -> None:
    sent = new_id().upper()
    read = _taken(change(change_id=sent))
    assert (read.change_id, read.sent_change_id) == (sent.lower(), sent)


@pytest.mark.parametrize(("base", "says", "value"), [(..., False, None), (None, True, None), (TIME, True, TIME)])
def test_a_base_that_is_null_is_said_and_one_that_is_absent_is_not(base: Any, says: bool, value: str | None) -> None:
    read = _taken(change(base_updated_at=base))
    assert (read.says_base, read.base_updated_at) == (says, value)


@pytest.mark.parametrize("data", [..., None, {"name": "x"}, {"name": 7}, "anything"])
def test_of_a_deletion_the_data_is_dropped(data: Any) -> None:
    assert _taken(change(deleted_at=TIME, data=data)).data is None


def test_unknown_members_of_a_change_are_ignored_and_unknown_fields_of_the_data_kept() -> None:
    read = _taken(change(signature="...", data={"name": "x", "someday": {"deep": [1.0, None]}}))
    assert read.data == '{"name":"x","someday":{"deep":[1.0,null]}}'


def test_data_is_kept_in_the_order_of_its_keys() -> None:
    assert _taken(change(data={"someday": 1, "name": "x", "icon": None})).data == '{"someday":1,"name":"x","icon":null}'


ODD_CHANGE = json_text.parse(b'{"a":1,"a":2}')
ODD_NUMBER = json_text.parse(b"9007199254740993")
NAN = json_text.parse(b"NaN")
REFUSED: list[tuple[str, Any, str, str]] = [
    ("no object", 7, "invalid_change", "change"),
    ("null", None, "invalid_change", "change"),
    ("a list", [change()], "invalid_change", "change"),
    ("a key twice", ODD_CHANGE, "invalid_change", "change"),
    ("nothing", {}, "invalid_change", "change_id"),
    ("no change_id", change(change_id=...), "invalid_change", "change_id"),
    ("a change_id that is no text", change(change_id=7), "invalid_change", "change_id"),
    ("a change_id that is no UUID", change(change_id="a1"), "invalid_change", "change_id"),
    ("no entity_type", change(entity_type=...), "unknown_entity_type", "entity_type"),
    ("an unknown entity_type", change(entity_type="goals"), "unknown_entity_type", "entity_type"),
    ("an entity_type in capitals", change(entity_type="Tags"), "unknown_entity_type", "entity_type"),
    ("an entity_type that is a list", change(entity_type=["tags"]), "unknown_entity_type", "entity_type"),
    ("an entity_type that is an object", change(entity_type={}), "unknown_entity_type", "entity_type"),
    ("no id", change(id=...), "invalid_id", "id"),
    ("an empty id", change(id=""), "invalid_id", "id"),
    ("a number as id", change(id=7), "invalid_id", "id"),
    ("an id of 65 characters", change(id="x" * 65), "invalid_id", "id"),
    ("an id with a slash", change(id="a/b"), "invalid_id", "id"),
    ("an id with half of a surrogate pair", change(id="\ud800"), "invalid_id", "id"),
    ("no updated_at", change(updated_at=...), "invalid_time", "updated_at"),
    ("updated_at null", change(updated_at=None), "invalid_time", "updated_at"),
    ("updated_at as a number", change(updated_at=1_768_046_400_000), "invalid_time", "updated_at"),
    ("updated_at without a zone", change(updated_at="2026-01-09T19:01:00"), "invalid_time", "updated_at"),
    ("created_at that is no time", change(created_at="once"), "invalid_time", "created_at"),
    ("an empty created_at", change(created_at=""), "invalid_time", "created_at"),
    ("a base that is no time", change(base_updated_at=0), "invalid_time", "base_updated_at"),
    ("deleted_at that is no time", change(deleted_at=True), "invalid_time", "deleted_at"),
    ("deleted_at false", change(deleted_at=False), "invalid_time", "deleted_at"),
    ("an empty deleted_at", change(deleted_at=""), "invalid_time", "deleted_at"),
    ("neither data nor deleted_at", change(data=...), "invalid_data", "data"),
    ("data null and not deleted", change(data=None, deleted_at=None), "invalid_data", "data"),
    ("data as a list", change(data=[]), "invalid_data", "data"),
    ("data as text", change(data='{"name":"x"}'), "invalid_data", "data"),
    ("a key twice in the data", change(data=ODD_CHANGE), "invalid_data", "data"),
    ("a field is of another kind", change(data={"name": 7}), "invalid_data", "data.name"),
    ("a lone surrogate", change(data={"name": "\ud800"}), "invalid_data", "data"),
    ("a lone surrogate in an unknown field", change(data={"name": "x", "more": ["\udc00"]}), "invalid_data", "data"),
    ("U+0000", change(data={"name": "a\0b"}), "invalid_data", "data"),
    ("U+0000 in a key", change(data={"name": "x", "\0": 1}), "invalid_data", "data"),
    ("a number beyond 2^53", change(data={"name": "x", "more": ODD_NUMBER}), "invalid_data", "data"),
    ("NaN", change(data={"name": "x", "more": NAN}), "invalid_data", "data"),
    ("too deep", change(data={"name": "x", "more": json.loads("[" * 32 + "]" * 32)}), "invalid_data", "data"),
    ("too large", change(data={"name": "x", "more": "x" * LIMITS.change_bytes}), "too_large", "data"),
]  # fmt: skip


@pytest.mark.parametrize(("element", "code", "field"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_rejection_says_why_by_field(element: Any, code: str, field: str) -> None:
    rejection = _refused(element)
    assert rejection.code == code
    assert list(rejection.errors) == [field]
    assert all(texts and all(type(text) is str for text in texts) for texts in rejection.errors.values())


@pytest.mark.parametrize("element", [row[1] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_rejection_names_the_change_as_it_was_sent_where_that_can_be_sent_back(element: Any) -> None:
    sent = element.get("change_id") if type(element) is dict else None
    assert _refused(element).change_id == (sent if type(sent) is str else None)
    json_text.write(_refused(element)._asdict()).encode()  # can be answered


@pytest.mark.parametrize("sent", ["\ud800", "a\0", "x" * 65, 7, None, ["a"], {}, json_text.parse(b"NaN")], ids=repr)
def test_a_change_id_that_cannot_be_sent_back_comes_back_as_null(sent: Any) -> None:
    assert _refused(change(change_id=sent)).change_id is None


def test_a_rejected_change_leaves_the_others_of_its_push_as_they_are() -> None:
    good = [change(), change()]
    bad = [row[1] for row in REFUSED]
    results = read_changes([good[0], *bad, good[1]], CATALOGUE, LIMITS)
    assert [isinstance(result, Change) for result in results] == [True, *[False] * len(bad), True]
    assert results[0] == _taken(good[0])
    assert results[-1] == _taken(good[1])


def _data_of(size: int, filling: str) -> dict[str, Any]:
    """Data whose JSON text has exactly `size` bytes."""
    empty = len(json_text.write({"name": "x", "more": ""}).encode())
    count, rest = divmod(size - empty, len(filling.encode()))
    return {"name": "x", "more": filling * count + "x" * rest}


@pytest.mark.parametrize("filling", ["x", "\u00e9", "\U0001f600"])
def test_a_change_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(filling: str) -> None:
    largest = _data_of(LIMITS.change_bytes, filling)
    assert len((_taken(change(data=largest)).data or "").encode()) == LIMITS.change_bytes
    assert _refused(change(data=_data_of(LIMITS.change_bytes + 1, filling))).code == "too_large"


def test_at_most_ten_fields_are_explained() -> None:
    rejection = _refused(change(entity_type="planning_transactions", data={name: {} for name in FIELDS}))
    assert len(rejection.errors) == entities.MAX_ERRORS == 10


def test_at_most_ten_fields_are_warned_about() -> None:
    odd = _taken(change(entity_type="planning_transactions", data=dict.fromkeys(ODD_FIELDS, "x y")))
    assert len(odd.warnings or {}) == entities.MAX_ERRORS


@pytest.mark.parametrize("data", [{}, {"name": None}, {"name": "x" * 201}])
def test_what_is_merely_odd_is_taken_as_it_is_and_told(data: dict[str, Any]) -> None:
    read = _taken(change(data=data))
    assert read.data == json_text.write(data)
    assert list(read.warnings or {}) == ["data.name"]


def test_of_an_ordinary_change_nothing_is_told() -> None:
    assert _taken(change()).warnings is None


@settings(derandomize=True, deadline=None, database=None, max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(["change_id", "group", "entity_type", "id", "updated_at", "created_at", "base_updated_at",
                         "deleted_at", "data", "more"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text()
            | st.sampled_from([new_id(), "tags", "e1", TIME]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=6,
        ),
    )
)  # fmt: skip
def test_whatever_a_device_sends_is_a_change_or_a_rejection(element: dict[str, Any]) -> None:
    result = _read(element)
    if isinstance(result, Rejection):
        assert result.code in {"invalid_change", "unknown_entity_type", "invalid_id", "invalid_time", "invalid_data"}
        assert result.errors


def _version(**members: Any) -> Version:
    made = Version(1, "tags", "e1", "2026-01-01T00:00:00.000Z", TIME, '{"name":"x","more":1.0}', "c1", None)
    return made._replace(**members)


def test_an_entity_goes_over_the_wire_with_its_data_as_it_was_stored() -> None:
    assert entity_text(_version()) == (
        '{"entity_type":"tags","id":"e1","created_at":"2026-01-01T00:00:00.000Z",'
        f'"updated_at":"{TIME}","deleted_at":null,"data":{{"name":"x","more":1.0}}}}'
    )


def test_a_tombstone_goes_over_the_wire_deleted_at_its_updated_at_and_without_data() -> None:
    assert json.loads(entity_text(_version(data=None))) == {
        "entity_type": "tags",
        "id": "e1",
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": TIME,
        "deleted_at": TIME,
        "data": None,
    }


def test_empty_data_is_not_a_tombstone() -> None:
    assert json.loads(entity_text(_version(data="{}")))["data"] == {}


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    data=st.none()
    | st.dictionaries(ANY_TEXT | st.just('","data":{"'), ANY_TEXT | st.just('"deleted_at":null,"data":')),
    entity_type=st.sampled_from(["tags", "account_groups"]),
    entity_id=st.from_regex(r"[A-Za-z0-9_.:-]{1,64}", fullmatch=True),
)
def test_the_text_of_an_entity_is_read_as_what_was_written(
    data: dict[str, str] | None, entity_type: str, entity_id: str
) -> None:
    text = None if data is None else json_text.write(data)
    version = _version(entity_type=entity_type, id=entity_id, data=text)
    assert read_entity(entity_text(version).encode()) == version[1:6]


def test_data_with_line_breaks_is_read_too() -> None:
    data = '{\n"name": "x"\n}'
    assert read_entity(entity_text(_version(data=data)).encode()).data == data


@pytest.mark.parametrize(
    "text", ["", "{}", '{"entity_type":"tags"}', entity_text(_version())[:-1], entity_text(_version()) + " "]
)
def test_a_text_that_is_no_entity_is_damage(text: str) -> None:
    with pytest.raises(Quarantined, match="operator"):
        read_entity(text.encode())
