"""Times as they are accepted and written (protocol.md 1)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finwise.domain.times import canonical_time, micros_text, millis_text, next_milli, parse_micros

LAST = 253_402_300_799_999_999  # µs of 9999-12-31T23:59:59.999999Z
micros = st.integers(0, LAST)
quickly = settings(derandomize=True, deadline=None, database=None, max_examples=200)

ACCEPTED = {
    "2026-01-09T19:01:02.123Z": "2026-01-09T19:01:02.123Z",
    "2026-01-09T19:01:02Z": "2026-01-09T19:01:02.000Z",
    "2026-01-09T19:01:02.1Z": "2026-01-09T19:01:02.100Z",
    "2026-01-09T19:01:02.12Z": "2026-01-09T19:01:02.120Z",
    "2026-01-09T19:01:02.1239Z": "2026-01-09T19:01:02.123Z",
    "2026-01-09T19:01:02.999999999Z": "2026-01-09T19:01:02.999Z",
    "2026-01-09T20:01:02.123+01:00": "2026-01-09T19:01:02.123Z",
    "2026-01-09T13:31:02-05:30": "2026-01-09T19:01:02.000Z",
    "2026-01-09T19:01:02+00:00": "2026-01-09T19:01:02.000Z",
    "2026-01-09T19:01:02-00:00": "2026-01-09T19:01:02.000Z",
    "2025-12-31T23:30:00-01:00": "2026-01-01T00:30:00.000Z",
    "2026-01-01T00:30:00+23:59": "2025-12-31T00:31:00.000Z",
    "2024-02-29T00:00:00Z": "2024-02-29T00:00:00.000Z",
    "1970-01-01T00:00:00Z": "1970-01-01T00:00:00.000Z",
    "1969-12-31T23:00:00-02:00": "1970-01-01T01:00:00.000Z",
    "9999-12-31T23:59:59.999999999Z": "9999-12-31T23:59:59.999Z",
}

REFUSED: list[object] = [
    None,
    True,
    0,
    1_768_046_400_000,
    1.5,
    [],
    {},
    b"2026-01-09T19:01:02Z",
    "",
    "now",
    "2026-01-09",
    "2026-01-09T19:01Z",
    "2026-01-09T19:01:02",  # whose clock?
    "2026-01-09 19:01:02Z",
    "2026-01-09t19:01:02Z",
    "2026-01-09T19:01:02z",
    "2026-01-09T19:01:02.Z",
    "2026-01-09T19:01:02,5Z",
    "2026-01-09T19:01:02.1234567890Z",
    "2026-01-09T19:01:02+0100",
    "2026-01-09T19:01:02+01",
    "2026-01-09T19:01:02+24:00",
    "2026-01-09T19:01:02+01:60",
    "2026-01-09T19:01:02 +01:00",
    "2026-01-09T24:00:00Z",
    "2026-01-09T24:00:00.000Z",
    "2026-01-09T19:60:00Z",
    "2026-01-09T19:60:00.000Z",
    "2026-01-09T23:59:60Z",
    "2026-01-09T23:59:60.000Z",
    "2026-02-29T00:00:00.000Z",
    "2026-13-01T00:00:00.000Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00+00:01",
    "0000-01-01T00:00:00.000Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-00:01",
    "10000-01-01T00:00:00Z",
    "-2026-01-09T19:01:02Z",
    "2026-W02-5T19:01:02Z",
    "20260109T190102Z",
    " 2026-01-09T19:01:02.123Z",
    "2026-01-09T19:01:02.123Z ",
    "2026-01-09T19:01:02.123Z\n",
    "2026-01-09T19:01:02Z\n",
    "\u0662\u0660\u0662\u0666-01-09T19:01:02.123Z",  # digits of another script
    "2026-01-09T19:01:02.\uff11Z",
    "\uff12026-01-09T19:01:02Z",
]


@pytest.mark.parametrize(("text", "canonical"), ACCEPTED.items())
def test_an_accepted_time_becomes_whole_milliseconds_of_utc(text: str, canonical: str) -> None:
    assert canonical_time(text) == canonical


@pytest.mark.parametrize("text", REFUSED, ids=repr)
def test_nothing_else_that_a_parser_might_take_is_a_time(text: object) -> None:
    assert canonical_time(text) is None
    assert parse_micros(text) is None


@quickly
@given(micros)
def test_both_written_forms_are_read_back_and_are_their_own_canonical_form(moment: int) -> None:
    assert parse_micros(micros_text(moment)) == moment
    assert parse_micros(millis_text(moment)) == moment - moment % 1_000
    assert canonical_time(millis_text(moment)) == canonical_time(micros_text(moment)) == millis_text(moment)


@quickly
@given(micros, micros)
def test_times_as_text_are_in_the_order_of_time(one: int, other: int) -> None:
    assert (micros_text(one) < micros_text(other)) == (one < other)
    assert (millis_text(one) < millis_text(other)) == (one // 1_000 < other // 1_000)


@quickly
@given(micros, st.integers(-1439, 1439))
def test_an_offset_names_the_same_moment(moment: int, minutes: int) -> None:
    local = datetime(1970, 1, 1) + timedelta(microseconds=moment)
    try:
        local += timedelta(minutes=minutes)
    except OverflowError:
        return  # beyond the years that the local time could be written in
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    assert parse_micros(local.isoformat(timespec="microseconds") + offset) == moment


@quickly
@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59)))
def test_the_microseconds_are_those_of_the_calendar(moment: datetime) -> None:
    expected = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_micros(moment.isoformat(timespec="microseconds") + "Z") == expected


@quickly
@given(st.text() | st.from_regex(r"\A[0-9:.TZ+-]{0,40}\Z"))
def test_reading_any_text_gives_a_canonical_time_or_nothing(text: str) -> None:
    time = canonical_time(text)
    assert (time is None) == (parse_micros(text) is None)
    assert time is None or canonical_time(time) == time


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("2026-01-09T19:01:02.123Z", "2026-01-09T19:01:02.124Z"),
        ("2026-01-09T19:01:02.999Z", "2026-01-09T19:01:03.000Z"),
        ("2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.000Z"),
        ("2024-02-28T23:59:59.999Z", "2024-02-29T00:00:00.000Z"),
    ],
)
def test_the_next_millisecond_is_written_in_full(text: str, following: str) -> None:
    assert next_milli(text) == following
