"""What the judgement promises whatever devices send: random pushes of few entities, times and contents, so that ties,
known bases and equal contents are the rule and not the exception.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from finwise.domain.change import Key, Version
from finwise.domain.push import Result
from finwise.domain.times import canonical_time, millis_text, next_milli, parse_micros
from tests.domain.memory import MemoryBook

SECOND = 1_000_000  # µs
NOW = parse_micros("2026-01-10T12:00:00Z") or 0

PAST = [f"2026-01-0{day}T10:00:00.000Z" for day in range(1, 6)]
NEAR = [f"2026-01-10T12:00:00.00{milli}Z" for milli in range(3)]  # where clamped and chained changes come to lie
AHEAD = ["2026-03-01T08:00:00.000Z", "2027-01-01T00:00:00.000Z"]
CONTENTS: list[dict[str, Any] | None] = [
    {"name": "x", "more": 1},
    {"more": 1.0, "name": "x"},  # the same content as the first
    {"name": "y"},
    {"name": "z"},
    None,  # a deletion
]
IDS = ["e1", "e2"]

quickly = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no failure
)


class Sent(NamedTuple):
    """A push: a device's changes, and the server's clock when they arrive."""

    changes: list[dict[str, Any]]
    now: int


def _element(at: str, data: dict[str, Any] | None, base: str | None, entity_id: str) -> dict[str, Any]:
    """A change without its change_id. `base` "" says that the device does not say."""
    element = {"entity_type": "tags", "id": entity_id, "updated_at": at, "data": data}
    if data is None:
        element["deleted_at"] = at
    return element if base == "" else element | {"base_updated_at": base}


def elements(
    *, times: Sequence[str] = (*PAST, *NEAR, *AHEAD), bases: Sequence[str | None] = ("", None, *PAST, *NEAR)
) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        _element, st.sampled_from(times), st.sampled_from(CONTENTS), st.sampled_from(bases), st.sampled_from(IDS)
    )


def _with_change_ids(pushes: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Each change gets a change_id of its own: the first 0…01, the second 0…02."""
    number = 0
    named = []
    for push in pushes:
        named.append([{"change_id": str(UUID(int=number + place)), **one} for place, one in enumerate(push, 1)])
        number += len(push)
    return named


def pushes(
    element: st.SearchStrategy[dict[str, Any]], *, steps: Sequence[int] = (0, 1, 1_000, SECOND)
) -> st.SearchStrategy[list[Sent]]:
    """Up to five pushes of up to four changes; the clock goes on by one of `steps` (µs) before each."""
    lists = st.lists(st.lists(element, min_size=1, max_size=4), min_size=1, max_size=5).map(_with_change_ids)
    return st.tuples(lists, st.lists(st.sampled_from(steps), min_size=5, max_size=5)).map(_with_clock)


def _with_clock(drawn: tuple[list[list[dict[str, Any]]], list[int]]) -> list[Sent]:
    lists, steps = drawn
    now, sent = NOW, []
    for changes, step in zip(lists, steps, strict=False):
        now += step
        sent.append(Sent(changes, now))
    return sent


def _deliver(book: MemoryBook, sent: list[Sent]) -> list[list[Result]]:
    return [book.results(push.changes, push.now) for push in sent]


def _table(book: MemoryBook) -> dict[Key, tuple[str, Any]]:
    """What a person sees of the book: no stamps, no change_ids."""
    return {
        key: (version.updated_at, None if version.data is None else json.loads(version.data))
        for key, version in book.versions().items()
    }


def _state(book: MemoryBook) -> tuple[object, ...]:
    """Everything that delivery and judgement depend on."""
    return book.versions(), book.position(), book.digests(), Counter(book.conflicts())


@quickly
@given(pushes(elements(), steps=(-SECOND, 0, 1, 1_000, SECOND)))
def test_the_version_of_an_entity_only_moves_forward(sent: list[Sent]) -> None:
    current: dict[Key, Version] = {}
    with MemoryBook() as book:
        for result in (result for push in _deliver(book, sent) for result in push):
            before, after = current.get(result.change.key), result.version
            assert after is not None
            if before is not None and after != before:
                assert after.updated_at > before.updated_at
                assert after.stamp > before.stamp
                assert after.created_at == before.created_at
            assert (after == before) == (result.verdict.status != "applied")
            current[result.change.key] = after
        assert book.versions() == current


@quickly
@given(pushes(elements()), st.sampled_from([0, 1, 1_000, SECOND, 100 * 86_400 * SECOND]))
def test_a_push_that_is_repeated_at_once_changes_nothing(sent: list[Sent], later: int) -> None:
    with MemoryBook() as book:
        for push in sent:
            book.results(push.changes, push.now)
            before = _state(book)
            book.results(push.changes, push.now + later)
            assert _state(book) == before


@quickly
@given(pushes(elements()), st.data(), st.sampled_from([0, SECOND, 100 * 86_400 * SECOND]))
def test_a_push_that_is_repeated_after_pushes_of_others_changes_nothing(
    sent: list[Sent], data: st.DataObject, later: int
) -> None:
    repeated = data.draw(st.sampled_from(sent))
    with MemoryBook() as book:
        _deliver(book, sent)
        before = _state(book)
        book.results(repeated.changes, sent[-1].now + later)
        assert _state(book) == before


@quickly
@given(pushes(elements(times=PAST, bases=[""])), st.data())
def test_repeated_pushes_that_know_no_bases_change_nothing_in_any_order(sent: list[Sent], data: st.DataObject) -> None:
    with MemoryBook() as book:
        _deliver(book, sent)
        before = book.versions(), book.position(), book.digests()
        for push in data.draw(st.permutations(sent)):
            book.results(push.changes, sent[-1].now + SECOND)
        assert (book.versions(), book.position(), book.digests()) == before


def _cut(changes: list[dict[str, Any]], cuts: set[int]) -> list[list[dict[str, Any]]]:
    """The changes as pushes that begin at `cuts`."""
    places = sorted(cuts | {0, len(changes)})
    return [changes[start:end] for start, end in pairwise(places)]


@quickly
@given(
    st.lists(elements(bases=[""]), min_size=2, max_size=6),
    st.permutations(range(6)),
    st.data(),
)
def test_without_bases_and_with_distinct_past_times_every_order_and_every_cut_end_in_the_same_table(
    made: list[dict[str, Any]], times: list[int], data: st.DataObject
) -> None:
    distinct = [one | {"updated_at": millis_text(NOW - (time + 1) * SECOND)} for one, time in zip(made, times)]  # noqa: B905 - fewer changes than times
    [changes] = _with_change_ids([distinct])
    order = data.draw(st.permutations(changes))
    cuts = data.draw(st.sets(st.integers(1, len(changes) - 1)))
    with MemoryBook() as one, MemoryBook() as other:
        one.results(changes, NOW)
        for push in _cut(order, cuts):
            other.results(push, NOW)
        newest = {change["id"]: change for change in sorted(changes, key=lambda change: change["updated_at"])}
        expected = {("tags", name): (change["updated_at"], change["data"]) for name, change in newest.items()}
        assert _table(one) == _table(other) == expected


DELETED_AT = PAST[3]


@quickly
@given(pushes(elements(times=PAST[:4], bases=["", None, *PAST[:3]])))
def test_an_older_edit_never_brings_a_deleted_entity_back(sent: list[Sent]) -> None:
    edits = [
        Sent([one for one in push.changes if one["data"] is not None and one["id"] == "e1"], push.now) for push in sent
    ]
    [[deletion]] = _with_change_ids([[_element(DELETED_AT, None, None, "e1")]])
    deletion["change_id"] = str(UUID(int=1_000))
    with MemoryBook() as book:
        book.results([deletion], NOW)
        before = book.versions()
        results = _deliver(book, edits)
        assert book.versions() == before
        assert {result.verdict.status for push in results for result in push} <= {"superseded"}


@quickly
@given(pushes(elements(), steps=(-86_400 * SECOND, -1, 0, 1, SECOND)))
def test_stamps_strictly_rise_and_none_is_given_twice_whatever_the_clock_does(sent: list[Sent]) -> None:
    given_out = [0]
    with MemoryBook() as book:
        for push in sent:
            for result in book.results(push.changes, push.now):
                if result.verdict.status == "applied" and result.version:
                    given_out.append(result.version.stamp)
                    assert result.version.stamp >= push.now
            assert book.position().last_stamp == given_out[-1]
        assert given_out == sorted(set(given_out))
        assert {version.stamp for version in book.versions().values()} <= set(given_out)


@quickly
@given(pushes(elements(times=AHEAD), steps=(SECOND,)))
def test_a_clock_ahead_is_never_rejected_and_stored_at_most_1_ms_beyond_now_for_each_further_change(
    sent: list[Sent],
) -> None:
    with MemoryBook() as book:
        for push in sent:
            results = book.results(push.changes, push.now)  # asserts that none is rejected
            of_entity = Counter(change["id"] for change in push.changes)
            for result in results:
                assert result.version is not None
                assert _beyond(result.version.updated_at, push.now) <= of_entity[result.change.key[1]] - 1


def _beyond(text: str, now: int) -> float:
    """How many ms a time lies beyond the clock."""
    return ((parse_micros(text) or 0) - now) / 1_000


class Heirs:
    """Which change each acknowledged change lives on in, worked out from what was sent and which version was stored."""

    def __init__(self) -> None:
        self._heirs: dict[str, str] = {}
        self._changes: dict[str, dict[str, Any]] = {}

    def add(self, push: Sent, before: dict[Key, Version], results: list[Result]) -> None:
        """Notes what a push did; `before` is what was stored when it came."""
        stored = {key: version.change_id for key, version in before.items()}
        times = {version.change_id: version.updated_at for version in before.values()}
        self._changes |= {change["change_id"]: change for change in push.changes}
        here = [change["change_id"] for change in push.changes]
        for place, (change, result) in enumerate(zip(push.changes, results, strict=True)):
            key, change_id = result.change.key, change["change_id"]
            winner = stored.get(key)
            if result.verdict.status != "applied":
                assert winner is not None
                later = self._later_on_the_same_base(push.changes[place + 1 :], change)
                if self._same_content(change_id, winner):
                    self._heirs[change_id] = winner
                elif later:
                    self._heirs[change_id] = later
                continue
            if winner is not None and (
                change["base_updated_at"] == times[winner]
                or (winner in here[:place] and self._same_base(winner, change_id))
                or (self._stands_for_here(winner, push.changes[:place], change))
                or self._same_content(winner, change_id)
            ):
                self._heirs[winner] = change_id
            assert result.version is not None
            stored[key], times[change_id] = change_id, result.version.updated_at

    def last(self, change_id: str) -> str:
        """The change in which this one ends up, following who was knowingly built on whom."""
        while change_id in self._heirs:
            change_id = self._heirs[change_id]
        return change_id

    def _later_on_the_same_base(self, later: list[dict[str, Any]], change: dict[str, Any]) -> str | None:
        for one in later:
            if one["id"] == change["id"] and one["base_updated_at"] == change["base_updated_at"]:
                found: str = one["change_id"]
                return found
        return None

    def _stands_for_here(self, winner: str, earlier: list[dict[str, Any]], change: dict[str, Any]) -> bool:
        """Whether the last earlier change of this push that is the winner, having said the same, names the base."""
        aliases = [one for one in earlier if self._heirs.get(one["change_id"]) == winner]
        return any(self._same_base(one["change_id"], change["change_id"]) for one in aliases)

    def _same_base(self, one: str, other: str) -> bool:
        return bool(self._changes[one]["base_updated_at"] == self._changes[other]["base_updated_at"])

    def _same_content(self, one: str, other: str) -> bool:
        return bool(self._changes[one]["data"] == self._changes[other]["data"])  # Python's 1 == 1.0; no booleans here


@quickly
@given(pushes(elements(bases=[None, *PAST, *NEAR])))
def test_no_acknowledged_change_vanishes_where_devices_say_their_bases(sent: list[Sent]) -> None:
    """Each is the stored version, or one on which a stored one was knowingly built, or kept as a conflict."""
    heirs = Heirs()
    with MemoryBook() as book:
        for push in sent:
            before = book.versions()
            heirs.add(push, before, book.results(push.changes, push.now))
        there = {version.change_id for version in book.versions().values()}
        kept = {conflict.loser.change_id for conflict in book.conflicts()}
    for change in (change for push in sent for change in push.changes):
        last = heirs.last(change["change_id"])
        event("stored" if last in there else "kept")
        assert last in there | kept


@quickly
@given(pushes(elements(bases=[None, *PAST, *NEAR])))
def test_a_conflict_is_kept_of_no_change_that_lives_on_as_it_was_said(sent: list[Sent]) -> None:
    heirs = Heirs()
    with MemoryBook() as book:
        for push in sent:
            before = book.versions()
            heirs.add(push, before, book.results(push.changes, push.now))
        kept = [conflict.loser.change_id for conflict in book.conflicts()]
    assert [change_id for change_id in kept if heirs.last(change_id) != change_id] == []
    assert len(kept) == len(set(kept))


@quickly
@given(st.lists(elements(bases=[""]), min_size=1, max_size=8), st.sets(st.integers(1, 7)))
def test_a_device_that_is_alone_never_loses_and_never_has_a_conflict_however_its_clock_jumps(
    made: list[dict[str, Any]], cuts: set[int]
) -> None:
    """It names the version it knew at its last sync as the base of all its edits since."""
    [changes] = _with_change_ids([made])
    with MemoryBook() as book:
        known: dict[str, str] = {}
        for place, push in enumerate(_cut(changes, {cut for cut in cuts if cut < len(changes)})):
            based = [change | {"base_updated_at": known.get(change["id"])} for change in push]
            results = book.results(based, NOW + place)
            assert [result.verdict.status for result in results] == ["applied"] * len(push)
            known |= {result.change.key[1]: result.version.updated_at for result in results if result.version}
        assert book.conflicts() == []
        last = {("tags", change["id"]): change["data"] for change in changes}
        assert {key: data for key, (_, data) in _table(book).items()} == last


def _digests(book: MemoryBook) -> dict[str, str]:
    """The digests of what is stored, computed from the protocol's words."""
    sums = dict.fromkeys(book.sync.entity_types, 0)
    for version in book.versions().values():
        if version.data is not None:
            text = f"{version.entity_type}\n{version.id}\n{version.updated_at}"
            sums[version.entity_type] += int.from_bytes(sha256(text.encode()).digest()[:8], "big")
    return {name: f"{value % 2**64:016x}" for name, value in sums.items()}


@quickly
@given(pushes(elements().flatmap(lambda one: st.sampled_from([one, one | {"entity_type": "recipients"}]))))
def test_the_digest_kept_from_push_to_push_equals_one_worked_out_anew(sent: list[Sent]) -> None:
    with MemoryBook() as book:
        for push in sent:
            book.results(push.changes, push.now)
            assert book.digests() == _digests(book)


BAD: list[Any] = [
    None,
    7,
    {},
    {"change_id": str(UUID(int=999)), "entity_type": "tags", "id": "e1"},
    {"change_id": str(UUID(int=999)), "entity_type": "tags", "id": "e1", "updated_at": PAST[4], "data": {"name": 1}},
    {"change_id": str(UUID(int=999)), "entity_type": "tags", "id": "e1", "updated_at": "today", "deleted_at": PAST[4]},
]


@quickly
@given(pushes(elements()), st.data())
def test_a_bad_change_anywhere_in_a_push_affects_no_other(sent: list[Sent], data: st.DataObject) -> None:
    with MemoryBook() as clean, MemoryBook() as spoilt:
        for push in sent:
            bad = data.draw(st.sampled_from(BAD))
            place = data.draw(st.integers(0, len(push.changes)))
            mixed = [*push.changes[:place], bad, *push.changes[place:]]
            expected = clean.results(push.changes, push.now)
            results = list(spoilt.push(mixed, push.now).results)
            assert not isinstance(results.pop(place), Result)
            assert results == expected
        assert clean.versions() == spoilt.versions()
        assert Counter(clean.conflicts()) == Counter(spoilt.conflicts())


@quickly
@given(pushes(elements()), st.lists(elements(), min_size=1, max_size=3), st.data())
def test_a_rejected_group_anywhere_in_a_push_leaves_no_trace(
    sent: list[Sent], others: list[dict[str, Any]], data: st.DataObject
) -> None:
    group = {"group": str(UUID(int=998))}
    broken = [one | group | {"change_id": str(UUID(int=500 + place))} for place, one in enumerate([*others, BAD[-1]])]
    with MemoryBook() as clean, MemoryBook() as spoilt:
        for push in sent:
            mixed = list(push.changes)
            for one in broken:
                mixed.insert(data.draw(st.integers(0, len(mixed))), one)
            expected = clean.results(push.changes, push.now)
            results = spoilt.push(mixed, push.now).results
            assert [result for result in results if isinstance(result, Result)] == expected
        assert clean.versions() == spoilt.versions()
        assert Counter(clean.conflicts()) == Counter(spoilt.conflicts())


def test_the_times_of_these_tests_are_written_as_the_server_writes_them() -> None:
    """Or a base would never be that of a stored version, and the claims above would be about less than they say."""
    assert all(canonical_time(time) == time for time in (*PAST, *NEAR, *AHEAD))
    assert next_milli(NEAR[0]) == NEAR[1]
    assert NEAR[0] == millis_text(NOW)
