"""JSON text, read strictly, because no two parsers agree on all of it.

`parse` reads any JSON and marks what cannot stay as it is (a key given twice, NaN, nesting without end) with an `Odd`
value in its place, so that one bad change in a push can be refused by itself; `oddity` finds such a mark, a number
beyond ±(2^53 - 1), a lone surrogate, U+0000 or nesting that is too deep in a value. `read` refuses a text with any of
these.

orjson reads three times as fast as the standard library, but silently takes the last of two equal keys. So its result
counts only if it would write the same text again: then no key was lost, and each number has its one shortest form.
Devices send such text (JSON.stringify); the strict parser reads whatever else comes. 500 transactions: 0.8 ms, not 2.2.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from finwise.errors import Invalid

MAX_DEPTH = 32
MAX_NUMBER = 2**53 - 1
MAX_VALUES = 500_000  # in one text; parsed they take some 50 MiB, and 5,000 changes of all fields have half as many

_CUT_DEPTH = 4 * MAX_DEPTH  # nesting is cut off here when it is too deep for the parser
# A string, even an unclosed one, or a run of brackets. Possessive, so that hostile text costs linear time.
_STRING_OR_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.?)*+(?:"|\Z)|[\[{]++|[\]}]++', re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_REST_OF_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+(?P<end>"?)', re.DOTALL)
_SIGNS = (b"[", b"{", b":", b",")
_SLICE = 65_536  # bytes that are looked at in one go, for other threads of the process wait for that
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Odd:
    """Stands for a value that FinWise refuses."""

    reason: str  # completes the sentence "it …"


def parse(body: bytes) -> Any:
    """The value of a JSON text in UTF-8, with `Odd` for each value that is refused.

    Raises Invalid if it is not JSON, or has more than MAX_VALUES values: a parsed value takes up to fifty times the
    bytes of its text.
    """
    if len(body) > MAX_VALUES and _values(body) > MAX_VALUES:
        raise Invalid(f"The body has more than {MAX_VALUES} JSON values. Send less at once.")
    try:
        value = orjson.loads(body)
        if orjson.dumps(value) == body:
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    return _parse_strictly(body)


def _values(body: bytes) -> int:
    """How many values a JSON text has at most: each but the first comes after one of these signs, strings aside.

    Counted until there are too many.
    """
    most = sum(body.count(sign, begin, begin + _SLICE) for begin in range(0, len(body), _SLICE) for sign in _SIGNS)
    if most <= MAX_VALUES:
        return most
    values = 0
    for text in _outside_of_strings(body):
        values += sum(map(text.count, _SIGNS))
        if values > MAX_VALUES:
            break
    return values


def _outside_of_strings(body: bytes) -> Iterator[bytes]:
    """The text without its strings, slice by slice; what is open at the end of a slice goes on in the next."""
    is_open, begun = False, b""
    for begin in range(0, len(body), _SLICE):
        text = begun + body[begin : begin + _SLICE]
        if is_open and (rest := _REST_OF_STRING.match(text)):  # which matches nothing as well
            begun = text[rest.end() :]
            if not rest["end"]:
                continue  # with the backslash that may be left, whose sign is yet to come
            text = begun
        outside, quote, inside = _STRING.sub(b"", text).partition(b'"')
        is_open, begun = bool(quote), inside[-1:] if _ends_escaped(inside) else b""
        yield outside


def _ends_escaped(inside: bytes) -> bool:
    """Whether a string that goes on ends with a backslash, whose sign is yet to come."""
    return bool((len(inside) - len(inside.rstrip(b"\\"))) % 2)


def _parse_strictly(body: bytes) -> Any:
    try:
        text = body.decode()
        try:
            return _DECODER.decode(text)
        except RecursionError:
            return _DECODER.decode(_cut(text))
    except ValueError:
        raise Invalid("The text is not JSON in UTF-8.") from None


def read(body: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises Invalid if it is not JSON or contains anything odd."""
    value = parse(body)
    if reason := oddity(value):
        raise Invalid(f"This JSON is refused: it {reason}.")
    return value


def read_own(text: str) -> Any:
    """The value of a text that `write` wrote."""
    return orjson.loads(text)


def write(value: Any) -> str:
    """A value as compact JSON text, its keys in the order they have."""
    return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()


def flat_text(value: Mapping[str, Any]) -> str | None:
    """The text of an object in which texts alone may be odd, if none is; None: `oddity` has to look.

    If `oddity` always looked, a push of the book would take 1.24 times the CPU time
    (`python -m benchmarks.tricks "flat text"`).
    """
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # half of a surrogate pair
        return None
    return None if "\\u0000" in text else text


def oddity(value: Any, max_depth: int = MAX_DEPTH) -> str | None:
    """Why this value is refused, completing the sentence "it …"; None if it is."""
    waiting = [(value, 1)]
    while waiting:
        value, depth = waiting.pop()
        kind = type(value)
        if kind is str:
            if reason := _odd_text(value):
                return reason
        elif kind is Odd:
            return str(value.reason)
        elif kind is int or kind is float:
            if not -MAX_NUMBER <= value <= MAX_NUMBER:
                return _BEYOND
        elif kind is dict or kind is list:
            if depth > max_depth:
                return f"is nested deeper than {max_depth} levels"
            below = depth + 1
            if kind is dict:
                waiting.extend((key, below) for key in value)
                value = value.values()
            waiting.extend((item, below) for item in value if type(item) not in _PLAIN)
    return None


def same(one: Any, other: Any) -> bool:
    """Whether two parsed values are the same JSON value: numbers by value, the order of keys left aside."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


_PLAIN = frozenset({bool, type(None)})
_BEYOND = "contains a number beyond 2^53 - 1"


def _odd_text(text: str) -> str | None:
    if "\0" in text:
        return "contains the character U+0000"
    if not text.isascii() and _LONE_SURROGATE.search(text):
        return "contains half of a surrogate pair"
    return None


def _number(value: float) -> float | Odd:
    return value if -MAX_NUMBER <= value <= MAX_NUMBER else Odd(_BEYOND)


def _integer(digits: str) -> float | Odd:
    return _number(int(digits) if len(digits) <= 17 else float("inf"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Odd:
    value = dict(pairs)
    return value if len(value) == len(pairs) else Odd("contains a key twice in one object")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=lambda digits: _number(float(digits)),
    parse_constant=lambda _: Odd("is nested too deeply, or contains NaN or an infinity"),
)


def _cut(text: str) -> str:
    """The text with each value nested deeper than `_CUT_DEPTH` replaced by NaN, which reads as `Odd`."""
    kept: list[str] = []
    depth = start = 0
    for match in _STRING_OR_BRACKETS.finditer(text):
        first, count = text[match.start()], match.end() - match.start()
        if first in "[{":
            if depth <= _CUT_DEPTH < depth + count:
                kept.append(text[start : match.start() + _CUT_DEPTH - depth] + "NaN")
            depth += count
        elif first in "]}":
            if depth - count <= _CUT_DEPTH < depth:
                start = match.start() + depth - _CUT_DEPTH
            depth -= count
    if depth:
        raise ValueError("brackets left open")
    return "".join(kept) + text[start:]
