"""The work is the same for all, and so is what Actual's server is sent of it."""

from benchmarks.bookings import OWN_FIELDS, edited, make_bookings
from benchmarks.protobuf import field, fields
from finwise.entities import CATALOGUE, checks


def test_the_same_seed_makes_the_same_bookings() -> None:
    assert make_bookings(50) == make_bookings(50)
    assert make_bookings(50) != make_bookings(50, seed=2)
    assert len({booking["id"] for booking in make_bookings(500)}) == 500


def test_bookings_are_what_the_catalogue_calls_transactions() -> None:
    check = checks()["transactions"]
    for booking in make_bookings(50):
        data = {name: value for name, value in booking.items() if name not in OWN_FIELDS}
        assert check(data) is None
        assert data.keys() <= CATALOGUE["transactions"]().fields.keys()


def test_an_edit_is_later_and_of_the_same_booking() -> None:
    bookings = make_bookings(200_000)[::1_000]
    for before, after in zip(bookings, edited(bookings), strict=True):
        assert after["id"] == before["id"]
        assert after["updated_at"] > bookings[-1]["updated_at"]
        assert {name for name in after if after[name] != before[name]} == {"note", "updated_at"}


def test_fields_of_a_message_are_read_as_they_were_written() -> None:
    written = field(1, "a") + field(2, b"x" * 300) + field(6, field(3, ""))
    assert list(fields(written)) == [(1, b"a"), (2, b"x" * 300), (6, field(3, ""))]


def test_numbers_between_the_fields_of_a_message_are_passed_over() -> None:
    assert list(fields(bytes([5 << 3, 0x96, 0x01]) + field(1, "a"))) == [(1, b"a")]
