"""JSON text, read strictly: what is taken, what is marked as odd, what is no JSON at all."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from finwise.domain import json_text
from finwise.domain.json_text import (
    MAX_DEPTH,
    MAX_NUMBER,
    MAX_VALUES,
    Odd,
    _parse_strictly,
    flat_text,
    oddity,
    parse,
    read,
    same,
    write,
)
from finwise.errors import Invalid

quickly = settings(derandomize=True, deadline=None, database=None, max_examples=200)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
numbers = st.integers(-MAX_NUMBER, MAX_NUMBER) | st.floats(-MAX_NUMBER, MAX_NUMBER)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=15
)

DEEP = 100_000  # far deeper than the interpreter can recurse


def _nested(levels: int, inside: str = "1") -> str:
    return "[" * levels + inside + "]" * levels


@quickly
@given(values)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    assert read(write(value).encode()) == value
    assert oddity(value) is None


odd_scalars = st.sampled_from([Odd("is odd"), "\ud800", "half\udfff", "\0", "\\u0000"])
flat_objects = st.dictionaries(texts | st.just("\0") | st.just("\udfff"), scalars | odd_scalars, max_size=4)


@quickly
@given(flat_objects)
def test_the_look_at_the_text_of_an_object_takes_nothing_that_the_thorough_one_refuses(value: Any) -> None:
    text = flat_text(value)
    assert text in (None, write(value) if text else None)
    if oddity(value):
        assert text is None


def test_the_look_at_the_text_is_enough_for_an_ordinary_object() -> None:
    value = {"name": "Grün & Söhne", "amount": -12.5, "tagIds": ["a"], "note": None}
    assert flat_text(value) == write(value)


# What two readers may well read differently, in a text that is like the one a device sends, or nearly.
ODD_TEXTS = [
    "9007199254740991", "9007199254740992", "-9007199254740993", "18446744073709551616", "1e400", "1e16", "1e-7", "-0",
    "-0.0", "1.0", "1.10", "1E5", "0.1", "5e-324", "1e23", "123456789012345680000", "NaN", "-Infinity", '"\\ud800"',
    '"\\u0000"', '"\\u0041"', '"\\/"', '"\\u001f"', '"\\u001F"', '"\\b\\f"', '"\u2028\x7f"', "[1, 2]", '{"a":1,"a":1}',
    '{"a":1,"\\u0061":1}', '{"":{"":1},"":2}', "[" * 40 + "]" * 40, "[" * 600 + "]" * 600, "[" * 2000 + "]" * 2000,
]  # fmt: skip
spellings = st.sampled_from(ODD_TEXTS) | values.map(write) | values.map(json.dumps)
json_texts = st.recursive(
    spellings,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(st.sampled_from("abc"), inner), max_size=3).map(
            lambda pairs: "{" + ",".join(f'"{key}":{item}' for key, item in pairs) + "}"
        )
    ),
    max_leaves=6,
)


@settings(quickly, max_examples=1_500)
@given(json_texts)
def test_the_fast_reader_reads_as_the_strict_one_or_leaves_it_to_it(text: str) -> None:
    """What is odd is the same; where nothing is, so is every value with its type, which `repr` tells apart."""
    fast, strict = parse(text.encode()), _parse_strictly(text.encode())
    assert oddity(fast) == oddity(strict)
    if oddity(strict) is None:
        assert repr(fast) == repr(strict)


@quickly
@given(st.binary(max_size=12) | st.text('{}[]:,"0e.+-1a \\', max_size=12).map(str.encode))
@example(b"1e100")  # as some versions of orjson write it
@example(b"1e+100")  # and others
def test_what_is_no_json_for_the_strict_reader_is_none_for_the_fast_one(body: bytes) -> None:
    def read_by(reader: Callable[[bytes], Any]) -> str:
        try:
            value = reader(body)
        except Invalid:
            return "invalid"
        return oddity(value) or repr(value)

    assert read_by(parse) == read_by(_parse_strictly)


@quickly
@given(values)
def test_indentation_and_escapes_make_no_difference(value: Any) -> None:
    assert read(json.dumps(value, indent=2, ensure_ascii=True).encode()) == value


def test_written_text_is_compact_and_keeps_the_order_of_keys() -> None:
    assert write({"b": [1, 2.0, None], "a": "\u00e9"}) == '{"b":[1,2.0,null],"a":"\u00e9"}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"nul",
        b"{",
        b"[1,]",
        b'{"a":1,}',
        b"{'a':1}",
        b"[1] 2",
        b"01",
        b"+1",
        b".5",
        b'"\n"',
        b'"\\x41"',
        b"// 1",
        b"\xff",
        b'"\xed\xa0\x80"',  # a surrogate in UTF-8
        b'"\xc0\x80"',  # an overlong U+0000
        b"\xef\xbb\xbf1",  # a byte order mark
        '{"a":1}'.encode("utf-16"),
        b"[" * DEEP,
        b'{"a":' * DEEP,
        b"[" * DEEP + b"]" * (DEEP - 1),
        b"[" * DEEP + b"]" * (DEEP + 1),
        b"[" * DEEP + b'"' + b"]" * DEEP,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_not_json_in_utf_8_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        parse(body)


ODD = {
    '{"a":1,"a":1}': "contains a key twice in one object",
    '{"a":1,"\\u0061":2}': "contains a key twice in one object",
    "9007199254740992": "contains a number beyond 2^53 - 1",
    "-9007199254740992": "contains a number beyond 2^53 - 1",
    "9007199254740992.0": "contains a number beyond 2^53 - 1",
    "1e16": "contains a number beyond 2^53 - 1",
    "1e999": "contains a number beyond 2^53 - 1",
    "-1e999": "contains a number beyond 2^53 - 1",
    "1" * 5_000: "contains a number beyond 2^53 - 1",  # more digits than Python reads as an integer
    "NaN": "is nested too deeply, or contains NaN or an infinity",
    "Infinity": "is nested too deeply, or contains NaN or an infinity",
    "-Infinity": "is nested too deeply, or contains NaN or an infinity",
    '"\\ud800"': "contains half of a surrogate pair",
    '"\\udc00\\ud800"': "contains half of a surrogate pair",
    '{"\\udfff":1}': "contains half of a surrogate pair",
    '"\\u0000"': "contains the character U+0000",
    '{"a\\u0000":1}': "contains the character U+0000",
    _nested(MAX_DEPTH + 1): f"is nested deeper than {MAX_DEPTH} levels",
    '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1): f"is nested deeper than {MAX_DEPTH} levels",
    _nested(DEEP): "is nested too deeply, or contains NaN or an infinity",
}


@pytest.mark.parametrize(("text", "reason"), ODD.items(), ids=[text[:20] for text in ODD])
@pytest.mark.parametrize("around", ["{}", "[1,{}]", '{{"b":[{}],"c":1}}'], ids=["bare", "in a list", "in an object"])
def test_what_is_not_taken_is_found_wherever_it_is(text: str, reason: str, around: str) -> None:
    body = around.format(text).encode()
    found = oddity(parse(body))
    # Deep nesting is told in either way, depending on whether the parser could follow it.
    assert found == reason or (found and "nested" in found and "nested" in reason)
    with pytest.raises(Invalid, match=r"it (contains|is nested)"):
        read(body)


@pytest.mark.parametrize(
    "text",
    [
        "9007199254740991",
        "-9007199254740991",
        "9007199254740991.0",
        "1E15",
        "0.1",
        "-0",
        "1e-999",
        '"\\ud83d\\ude00"',
        '"\\ud83d\\ude00 \\u00e9 \\uffff"',
        '[{"a":1},{"a":1}]',
        '{"a":{"a":1}}',
        '{"a":1,"A":2,"\u00e9":3,"e\u0301":4}',
        '"\\u0001"',
        _nested(MAX_DEPTH),
    ],
)
def test_what_lies_at_the_edge_is_taken(text: str) -> None:
    assert read(text.encode()) == json.loads(text)


def test_one_deep_value_leaves_what_stands_around_it_as_it_was() -> None:
    """So that one bad change in a push can be refused by itself."""
    deep = _nested(DEEP)
    text = f'{{"before":[1,{{"a":"]["}}],"bad":{deep},"after":["\\"[{{",{{"b":[[2]]}}],"worse":[{deep},3]}}'
    value = parse(text.encode())
    assert value["before"] == [1, {"a": "]["}]
    assert value["after"] == ['"[{', {"b": [[2]]}]
    assert value["worse"][1] == 3
    assert oddity(value["bad"])
    assert oddity(value["worse"])


@quickly
@given(values, values)
def test_brackets_and_quotes_in_texts_beside_and_inside_a_deep_value_mislead_nobody(one: Any, other: Any) -> None:
    inside = json.dumps({"x": one, "y": other})
    text = f"[{json.dumps(one)},{_nested(5_000, inside)},{json.dumps(other)}]"
    parsed = parse(text.encode())
    assert (parsed[0], parsed[2]) == (one, other)
    assert oddity(parsed[1])


def test_a_key_given_twice_spoils_its_own_object_alone() -> None:
    assert parse(b'[{"a":1,"a":2},{"a":1}]') == [Odd("contains a key twice in one object"), {"a": 1}]


@quickly
@given(values)
def test_a_value_is_the_same_as_itself_read_again_with_its_keys_in_another_order(value: Any) -> None:
    def turned(one: Any) -> Any:
        if isinstance(one, dict):
            return {key: turned(inner) for key, inner in reversed(one.items())}
        return [turned(inner) for inner in one] if isinstance(one, list) else one

    assert same(value, turned(value))
    assert same(turned(value), read(write(value).encode()))


@quickly
@given(values, values)
def test_two_values_are_the_same_if_a_strict_comparison_of_their_sorted_texts_says_so(one: Any, other: Any) -> None:
    assert same(one, other) == (_sorted_text(one) == _sorted_text(other))


def _sorted_text(value: Any) -> str:
    def plain(one: Any) -> Any:
        if type(one) is float:
            return int(one) if one.is_integer() else one
        if isinstance(one, dict):
            return {key: plain(inner) for key, inner in one.items()}
        return [plain(inner) for inner in one] if isinstance(one, list) else one

    return json.dumps(plain(value), sort_keys=True)


SAME = [(1, 1.0), (0, -0.0), (100, 1e2), ({"a": [1, {"b": 2}]}, {"a": [1.0, {"b": 2.0}]}), (True, True), (None, None)]
DIFFERENT: list[tuple[Any, Any]] = [
    (1, True),
    (0, False),
    (1.0, True),
    (None, False),
    (None, 0),
    ("", None),
    ("1", 1),
    ([], {}),
    ([1], [1, 1]),
    ([1, 2], [2, 1]),
    ([True], [1]),
    ({"a": None}, {}),
    ({"a": 1}, {"b": 1}),
    ({"a": {"b": False}}, {"a": {"b": 0}}),
    ("\u00e9", "e\u0301"),
    (0.1, 0.1000000000000001),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_numbers_are_compared_by_value(one: Any, other: Any) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_python_or_a_lenient_eye_takes_for_equal_is_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize("value", ["[]", "{}", "1", '""', "null", '{"a":1}'])
def test_a_text_of_too_many_values_is_refused_before_it_is_parsed(value: str) -> None:
    many = MAX_VALUES if value != '{"a":1}' else MAX_VALUES // 2
    with pytest.raises(Invalid, match="JSON values"):
        parse(("[" + f"{value}," * many + f"{value}]").encode())


def test_signs_within_strings_are_no_values() -> None:
    text = "[{:," * MAX_VALUES + '\\"'
    assert parse(json.dumps([text, "\\"]).encode()) == [text, "\\"]


def _signs(text: bytes) -> int:
    """Signs that stand before a value, counted one by one."""
    found, is_open, is_escaped = 0, False, False
    for sign in text:
        if is_open:
            is_escaped, is_open = sign == ord("\\") and not is_escaped, is_escaped or sign != ord('"')
        else:
            found, is_open = found + (sign in b"[{:,"), sign == ord('"')
    return found


@quickly
@given(st.text(r'[{:,"\a', max_size=30), st.integers(1, 9))
def test_values_are_counted_slice_by_slice_as_one_by_one(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_SLICE", size)
        counted = [sum(map(part.count, b"[{:,")) for part in json_text._outside_of_strings(text.encode())]
    assert sum(counted) == _signs(text.encode())


def test_a_text_of_as_many_values_as_there_may_be_is_taken() -> None:
    assert len(parse(("[" + "1," * (MAX_VALUES - 2) + "1]").encode())) == MAX_VALUES - 1
