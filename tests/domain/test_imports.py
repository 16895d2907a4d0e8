"""Imports of whole books, and what an export gives back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finwise.domain.book_text import BookText, book_text
from finwise.domain.imports import DEVICE_ID, MOST_REJECTIONS, Outcome, Progress, import_book, outcome_of
from finwise.domain.json_text import write
from finwise.domain.times import millis_text, parse_micros
from finwise.errors import Invalid
from tests.domain.memory import MemoryBook
from tests.household import new_id

LEDGER = (Path(__file__).parent.parent / "data" / "ledger.json").read_bytes()
NOW = parse_micros("2026-01-10T12:00:00Z") or 0
AFTER_LEDGER = parse_micros("2027-01-01T00:00:00Z") or 0  # its transactions end in 2026; later ones would be clamped
HOUR = 3_600_000_000  # µs
TIMES = {"created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-02T00:00:00.000Z"}

Plain = dict[str, list[dict[str, Any]]]


@pytest.fixture
def book() -> Iterator[MemoryBook]:
    with MemoryBook() as opened:
        yield opened


def _import(book: MemoryBook, content: Plain | bytes, now: int = NOW, **options: Any) -> Outcome:
    text = content if isinstance(content, bytes) else write(content).encode()
    return outcome_of(import_book(book.sync, book.tenant_id, BookText([text], len(text), 262_144), now, **options))


def _export(book: MemoryBook) -> Plain:
    with book_text(book.sync, book.tenant_id) as text:
        exported: dict[str, Any] = json.loads("".join(text))
    return exported


def _by_name(plain: Plain) -> dict[tuple[str, str], dict[str, Any]]:
    return {(kind, entity["id"]): entity for kind, entities in plain.items() for entity in entities}


def _tag(entity_id: str = "e1", **members: Any) -> dict[str, Any]:
    made = {"id": entity_id, **TIMES, "name": "holiday"} | members
    return {name: value for name, value in made.items() if value is not ...}


def _pushed(book: MemoryBook, *, deleted: bool, at: str, name: str = "by a device", now: int = NOW) -> None:
    """A device's own edit or deletion of the tag e1."""
    element = {
        "change_id": new_id(),
        "entity_type": "tags",
        "id": "e1",
        "updated_at": at,
        "deleted_at": at if deleted else None,
        "data": {"name": name},
    }
    [result] = book.results([element], now)
    assert result.verdict.status == "applied"


def test_a_real_book_comes_back_entity_by_entity(book: MemoryBook) -> None:
    ledger = json.loads(LEDGER)
    outcome = _import(book, LEDGER, AFTER_LEDGER)
    assert outcome == Outcome(applied=len(_by_name(ledger)), unchanged=0, superseded=0, rejected=0, rejections=[])
    assert _by_name(_export(book)) == _by_name(ledger)
    assert {kind: len(entities) for kind, entities in _export(book).items()} == {
        kind: len(entities) for kind, entities in ledger.items() if entities
    }


def test_an_exported_book_imported_elsewhere_is_exported_byte_for_byte_the_same(book: MemoryBook) -> None:
    _import(book, LEDGER, AFTER_LEDGER)
    text = write(_export(book)).encode()
    with MemoryBook() as other:
        _import(other, text, AFTER_LEDGER)
        assert write(_export(other)).encode() == text


def test_importing_again_changes_nothing(book: MemoryBook) -> None:
    count = _import(book, LEDGER).applied
    before = book.versions(), book.position(), book.digests()
    assert _import(book, LEDGER, NOW + HOUR) == Outcome(0, count, 0, 0, rejections=[])
    assert (book.versions(), book.position(), book.digests()) == before
    assert book.conflicts() == []


def test_importing_a_tenant_s_own_export_changes_nothing(book: MemoryBook) -> None:
    count = _import(book, LEDGER).applied
    before = book.versions(), book.position()
    assert _import(book, write(_export(book)).encode(), NOW + HOUR).unchanged == count
    assert (book.versions(), book.position()) == before


def test_the_same_book_may_be_imported_into_two_tenants(book: MemoryBook) -> None:
    with MemoryBook() as other:
        _import(book, {"tags": [_tag()]})
        assert _import(other, {"tags": [_tag()]}).applied == 1


def test_imported_entities_keep_their_times_and_their_author_is_the_import(book: MemoryBook) -> None:
    _import(book, {"tags": [_tag()]})
    version = book.versions()["tags", "e1"]
    assert (version.created_at, version.updated_at) == (TIMES["created_at"], TIMES["updated_at"])
    assert version.data == '{"name":"holiday"}'
    assert version.device_id == DEVICE_ID


def test_an_entity_without_a_time_is_dated_now(book: MemoryBook) -> None:
    _import(book, {"tags": [_tag(updated_at=..., created_at=...)]})
    version = book.versions()["tags", "e1"]
    assert (version.created_at, version.updated_at) == (millis_text(NOW), millis_text(NOW))


def test_what_a_device_has_edited_later_stays(book: MemoryBook) -> None:
    _pushed(book, deleted=False, at="2026-01-03T00:00:00.000Z")
    assert _import(book, {"tags": [_tag()]}).superseded == 1
    assert _export(book)["tags"][0]["name"] == "by a device"


def test_what_a_device_has_deleted_since_the_import_does_not_come_back_by_importing_again(book: MemoryBook) -> None:
    _import(book, {"tags": [_tag()]})
    _pushed(book, deleted=True, at="2026-01-03T00:00:00.000Z")
    assert _import(book, {"tags": [_tag()]}).superseded == 1
    assert _export(book) == {}
    assert book.conflicts() == []


def test_dated_now_everything_wins_over_what_is_stored(book: MemoryBook) -> None:
    _import(book, {"tags": [_tag()]})
    _pushed(book, deleted=True, at="2026-01-03T00:00:00.000Z")
    outcome = _import(book, {"tags": [_tag(), _tag("e2")]}, NOW + HOUR, dated_now=True)
    assert outcome.applied == 2
    assert [entity["updated_at"] for entity in _export(book)["tags"]] == [millis_text(NOW + HOUR)] * 2


def _lost(book: MemoryBook) -> list[tuple[str, str | None]]:
    return [(conflict.reason, conflict.loser.data) for conflict in book.conflicts()]


@pytest.mark.parametrize("times", [TIMES, {"updated_at": ...}])
def test_an_edit_that_the_book_does_not_know_is_kept_when_everything_is_dated_now(
    book: MemoryBook, times: dict[str, Any]
) -> None:
    _import(book, {"tags": [_tag()]})
    _pushed(book, deleted=False, at="2026-01-03T00:00:00.000Z", name="NEWER EDIT")
    outcome = _import(book, {"tags": [_tag(**times)]}, NOW + HOUR, dated_now=True)
    assert (outcome.applied, outcome.conflicts) == (1, 1)
    assert _lost(book) == [("overwritten", '{"name":"NEWER EDIT"}')]
    assert _export(book)["tags"][0]["name"] == "holiday"


def test_an_edit_is_kept_when_an_entity_without_a_time_replaces_it(book: MemoryBook) -> None:
    _pushed(book, deleted=False, at="2026-01-03T00:00:00.000Z", name="NEWER EDIT")
    assert _import(book, {"tags": [_tag(updated_at=...)]}, NOW + HOUR).conflicts == 1
    assert _lost(book) == [("overwritten", '{"name":"NEWER EDIT"}')]


def test_an_older_edit_is_kept_when_a_dated_entity_replaces_it(book: MemoryBook) -> None:
    _pushed(book, deleted=False, at="2026-01-01T00:00:00.000Z", name="offline")
    assert _import(book, {"tags": [_tag()]}).conflicts == 1
    assert _lost(book) == [("overwritten", '{"name":"offline"}')]


def test_a_book_that_was_exported_edited_and_dated_now_replaces_what_it_was_made_from(book: MemoryBook) -> None:
    _import(book, {"tags": [_tag(), _tag("e2")]})
    edited = _export(book)
    edited["tags"][0]["name"] = "edited by hand"
    assert _import(book, edited, NOW + HOUR, dated_now=True) == Outcome(2, 0, 0, 0, conflicts=0, rejections=[])
    assert _import(book, edited, NOW + 2 * HOUR, dated_now=True) == Outcome(2, 0, 0, 0, conflicts=0, rejections=[]), (
        "as before"
    )
    assert book.conflicts() == []


def test_dated_now_created_at_is_the_one_of_the_book(book: MemoryBook) -> None:
    _import(book, {"tags": [_tag()]}, dated_now=True)
    assert _export(book) == {"tags": [_tag(updated_at=millis_text(NOW))]}


def test_dated_now_a_book_with_times_ahead_does_not_stay_ahead(book: MemoryBook) -> None:
    _import(book, {"tags": [_tag(updated_at="2030-01-01T00:00:00.000Z")]}, dated_now=True)
    assert book.versions()["tags", "e1"].updated_at == millis_text(NOW)


def test_a_rejected_entity_is_named_with_its_reason_and_the_others_are_stored(book: MemoryBook) -> None:
    bad = {
        "tags": [_tag("e1"), _tag("e2", name=7), _tag("a/b"), _tag(id=...), _tag("e3", updated_at="once"), _tag("e4")],
        "goals": [_tag("g1")],
    }
    outcome = _import(book, bad)
    assert outcome.applied == 2
    assert [str(refused).split(": ")[:2] for refused in outcome.rejections] == [
        ["tags e2", "invalid_data"],
        ["tags at place 3", "invalid_id"],
        ["tags at place 4", "invalid_id"],
        ["tags e3", "invalid_time"],
        ["goals g1", "unknown_entity_type"],
    ]
    assert outcome.rejected == 5
    assert [entity["id"] for entity in _export(book)["tags"]] == ["e1", "e4"]


def test_the_summary_is_one_line_of_numbers() -> None:
    assert Outcome(3, 2, 1, 2).summary() == ("3 stored, 2 were there already, 1 are newer on the server, 2 rejected.")
    assert Outcome(3, 2, 1, 0, 4).summary() == (
        "3 stored, 2 were there already, 1 are newer on the server, 0 rejected. "
        "4 versions that lost are kept as conflicts."
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b'"tags"',
        b'{"tags": {}}',
        b'{"tags": null}',
        b'{"tags": [], "accounts": 7}',
        b'{"tags": [[]]}',
        b'{"tags": [null]}',
        b'{"tags": [{"id": "e1"}]',
        b"\xff\xfe",
        b"SQLite format 3\0",
    ],
)
def test_what_is_no_book_is_refused_as_a_whole(book: MemoryBook, text: bytes) -> None:
    with pytest.raises(Invalid):
        _import(book, text)
    assert book.versions() == {}


def test_an_empty_book_is_a_book(book: MemoryBook) -> None:
    assert _import(book, {}) == Outcome(0, 0, 0, 0, rejections=[])
    assert _import(book, {"tags": []}) == Outcome(0, 0, 0, 0, rejections=[])
    assert _export(book) == {}


def test_unknown_fields_travel_along(book: MemoryBook) -> None:
    plain = {"tags": [_tag(someday={"deep": [1.0, None, "\u00e9"]})]}
    _import(book, plain)
    assert write(_export(book)["tags"][0]["someday"]) == '{"deep":[1.0,null,"\u00e9"]}'


def test_an_export_has_the_living_alone_in_the_order_of_the_catalogue_and_of_storing(book: MemoryBook) -> None:
    _import(book, {"tags": [_tag("e3"), _tag("e1"), _tag("e2")], "recipients": [_tag("r1")]})
    _pushed(book, deleted=True, at="2026-01-03T00:00:00.000Z")
    exported = _export(book)
    assert list(exported) == ["recipients", "tags"]
    assert [entity["id"] for entity in exported["tags"]] == ["e3", "e2"]


def test_an_exported_entity_begins_with_its_id_and_ends_with_its_times(book: MemoryBook) -> None:
    _import(book, {"tags": [{"name": "holiday", "icon": None, **TIMES, "id": "e1"}]})
    [exported] = _export(book)["tags"]
    assert list(exported) == ["id", "name", "icon", "created_at", "updated_at"]


def test_an_entity_with_something_odd_is_rejected_by_itself(book: MemoryBook) -> None:
    odd = [b'{"id": "e1", "id": "e2"}', b'{"id": "e1", "name": "\\ud800"}', b'{"id": "e1", "more": NaN}']
    outcome = _import(book, b'{"tags": [' + b", ".join([*odd, b'{"id": "e3", "name": "fine"}']) + b"]}")
    assert (outcome.applied, [refused.code for refused in outcome.rejections]) == (
        1,
        ["invalid_change", "invalid_data", "invalid_data"],
    )


def test_the_first_hundred_rejections_are_named_and_all_are_counted(book: MemoryBook) -> None:
    outcome = _import(book, {"tags": [_tag("a/b") for _ in range(MOST_REJECTIONS + 20)]})
    assert (outcome.rejected, len(outcome.rejections)) == (MOST_REJECTIONS + 20, MOST_REJECTIONS)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_book_reads_the_same_in_pieces_of_any_size(size: int) -> None:
    text = write({"tags": [_tag(f"e{number}", name='a "quoted" [name] \u00fc}') for number in range(5)]}).encode()
    whole = list(BookText([text], len(text), 262_144))
    pieces = [text[begin : begin + size] for begin in range(0, len(text), size)]
    assert list(BookText(pieces, len(text), 262_144)) == whole
    assert len(whole) == 5


def test_an_entity_without_end_is_refused_before_it_fills_the_memory() -> None:
    endless = ((b'{"tags": [{"id": "' if number == 0 else b"x" * 65_536) for number in range(1_000))
    read = BookText(endless, 65_536_000, 262_144)
    with pytest.raises(Invalid):
        list(read)
    assert read.share < 0.05


def _steps(book: MemoryBook, count: int) -> Any:
    text = b'{"tags": [' + b",\n".join(write(_tag(f"e{number}")).encode() for number in range(count)) + b"]}"
    pieces = [text[begin : begin + 10_000] for begin in range(0, len(text), 10_000)]
    return import_book(book.sync, book.tenant_id, BookText(pieces, len(text), 262_144), NOW)


def test_progress_is_told_batch_by_batch_and_the_outcome_last(book: MemoryBook) -> None:
    *shares, outcome = _steps(book, 2_500)
    assert [type(share) for share in shares] == [Progress] * 3
    assert 0 < shares[0].share < shares[1].share < shares[2].share == 1
    assert outcome == Outcome(2_500, 0, 0, 0, rejections=[])


def test_an_import_that_is_given_up_stores_nothing(book: MemoryBook) -> None:
    steps = _steps(book, 2_500)
    next(steps)
    steps.close()
    assert book.versions() == {}


def test_a_book_that_breaks_off_after_some_batches_stores_nothing(book: MemoryBook) -> None:
    text = b'{"tags": [' + b",\n".join(write(_tag(f"e{number}")).encode() for number in range(2_500))
    with pytest.raises(Invalid):
        _import(book, text)
    assert book.versions() == {}
