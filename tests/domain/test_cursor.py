"""Stamps and cursors: what decides delivery (protocol.md 1, 3, 5 and 6)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finwise.domain.cursor import Cursor, Position, format_cursor, next_stamp, parse_cursor, stamp_to_read_from
from finwise.domain.times import parse_micros
from finwise.errors import BadCursor, CursorExpired, EpochChanged

EPOCH = "7f3a9c1e"
MINUTE = 60 * 1_000_000
STAMP = parse_micros("2026-01-09T19:01:02.123456Z") or 0
FRESH = Position(EPOCH, last_stamp=STAMP, horizon=0)
PURGED = Position(EPOCH, last_stamp=STAMP, horizon=STAMP - 60 * MINUTE)
stamps = st.integers(0, 253_402_300_799_999_999)
quickly = settings(derandomize=True, deadline=None, database=None, max_examples=200)


def test_a_cursor_is_the_stamp_with_six_digits_and_the_epoch() -> None:
    assert format_cursor(STAMP, EPOCH) == "2026-01-09T19:01:02.123456Z~7f3a9c1e"


def test_the_cursor_of_a_tenant_that_has_stored_nothing_is_1970() -> None:
    assert format_cursor(0, EPOCH) == "1970-01-01T00:00:00.000000Z~7f3a9c1e"


@quickly
@given(stamps, st.from_regex(r"\A[0-9a-z]{1,32}\Z"))
def test_a_cursor_is_read_as_it_was_given(stamp: int, epoch: str) -> None:
    assert parse_cursor(format_cursor(stamp, epoch)) == Cursor(stamp, epoch)


@quickly
@given(stamps, stamps)
def test_cursors_of_one_epoch_sort_as_text(one: int, other: int) -> None:
    """A device may find the oldest of several without reading them."""
    assert (format_cursor(one, EPOCH) < format_cursor(other, EPOCH)) == (one < other)


@pytest.mark.parametrize("text", ["2026-01-09T19:01:02.123456Z", "2026-01-09T20:01:02.123456789+01:00"])
def test_a_plain_timestamp_is_a_cursor_without_an_epoch(text: str) -> None:
    assert parse_cursor(text) == Cursor(STAMP, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        "~7f3a9c1e",
        "7f3a9c1e",
        "0",
        "1768046400000",
        "yesterday",
        "2026-01-09",
        "2026-01-09T19:01:02.123456Z~",
        "2026-01-09T19:01:02.123456Z~7F3A9C1E",
        "2026-01-09T19:01:02.123456Z~7f3a~9c1e",
        "2026-01-09T19:01:02.123456Z~7f3a9c1e\n",
        "2026-01-09T19:01:02.123456Z ~7f3a9c1e",
        "2026-01-09T19:01:02.123Z~7f3a9c1e",
        "2026-01-09T19:01:02.123456+00:00~7f3a9c1e",
        "2026-13-09T19:01:02.123456Z~7f3a9c1e",
        "1969-12-31T23:59:59.999999Z~7f3a9c1e",
        "2026-01-09T19:01:02.123456Z~" + "a" * 33,
        "\u0662026-01-09T19:01:02.123456Z~7f3a9c1e",
        'W/"2026-01-09T19:01:02.123456Z~7f3a9c1e"',
    ],
)
def test_any_other_text_is_a_bad_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        parse_cursor(text)


def test_the_next_stamp_is_the_clock_or_one_more_than_the_last_where_the_clock_is_not_beyond_that() -> None:
    assert next_stamp(10, 100) == 100
    assert next_stamp(100, 100) == 101
    assert next_stamp(100, 101) == 101
    assert next_stamp(100, 10) == 101


def test_a_cursor_of_this_life_is_read_from_exactly() -> None:
    assert stamp_to_read_from(Cursor(STAMP - 1, EPOCH), FRESH) == STAMP - 1
    assert stamp_to_read_from(Cursor(STAMP, EPOCH), FRESH) == STAMP
    assert stamp_to_read_from(Cursor(0, EPOCH), FRESH) == 0


def test_without_a_cursor_everything_is_read() -> None:
    assert stamp_to_read_from(None, FRESH) == 0


def test_from_a_plain_timestamp_ten_minutes_are_subtracted() -> None:
    assert stamp_to_read_from(Cursor(STAMP, None), FRESH) == STAMP - 10 * MINUTE


def test_a_plain_timestamp_of_the_first_ten_minutes_reads_everything() -> None:
    assert stamp_to_read_from(Cursor(9 * MINUTE, None), FRESH) == 0


def test_a_plain_timestamp_beyond_the_last_stamp_is_no_error() -> None:
    assert stamp_to_read_from(Cursor(STAMP + 60 * MINUTE, None), FRESH) == STAMP + 50 * MINUTE


@pytest.mark.parametrize(
    "since",
    [None, Cursor(0, EPOCH), Cursor(PURGED.horizon - 1, EPOCH), Cursor(PURGED.horizon + 10 * MINUTE - 1, None)],
    ids=["none", "1970", "1 µs below", "plain, 1 µs below less ten minutes"],
)
def test_a_cursor_below_the_horizon_has_expired(since: Cursor | None) -> None:
    with pytest.raises(CursorExpired) as raised:
        stamp_to_read_from(since, PURGED)
    assert raised.value.members == {"action": "initial"}


@pytest.mark.parametrize("since", [Cursor(PURGED.horizon, EPOCH), Cursor(PURGED.horizon + 10 * MINUTE, None)])
def test_a_cursor_at_the_horizon_has_not_expired(since: Cursor) -> None:
    assert stamp_to_read_from(since, PURGED) == PURGED.horizon


@pytest.mark.parametrize(
    ("since", "give_back"),
    [
        (Cursor(PURGED.horizon - 1, "0ther"), False),
        (Cursor(PURGED.horizon, "0ther"), True),
        (Cursor(STAMP + 1, "0ther"), True),
        (Cursor(STAMP + 1, EPOCH), True),
    ],
    ids=["below the horizon", "at the horizon", "beyond the last stamp", "beyond the last stamp of this epoch"],
)
def test_a_cursor_of_another_life_of_the_file_says_whether_to_give_back(since: Cursor, give_back: bool) -> None:
    with pytest.raises(EpochChanged) as raised:
        stamp_to_read_from(since, PURGED)
    assert raised.value.members == {"action": "initial", "give_back": give_back}
