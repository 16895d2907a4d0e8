"""The cases of tests/vectors/merge.json against the real rules and the real SQL."""

import json
from typing import Any

import pytest

from finwise.domain.book import KeptConflict, Remembered
from finwise.domain.change import Change, Rejection, Version, same_content
from finwise.domain.merge import OVERWRITTEN, Verdict, judge
from finwise.domain.push import Result
from finwise.domain.times import parse_micros
from finwise.entities import checks
from tests.domain.memory import MemoryBook, vectors

CASES = vectors("merge.json")
STAMP = 1_700_000_000_000_000  # of the version that a case begins with

_COMPARED = ("status", "updated_at", "code")  # of a result

# Where a judgement may end (protocol.md 2), and with which status and conflict.
STEPS = {
    "1 stored": ("unchanged", None),
    "1 remembered": ("superseded", None),
    "3": ("applied", None),
    "4 base": ("applied", None),
    "4 same push": ("applied", None),
    "5": ("applied", None),
    "5 overwritten": ("applied", "overwritten"),
    "6 same": ("unchanged", None),
    "6 same content": ("superseded", None),
    "6 built upon": ("superseded", None),
    "6 loser": ("superseded", "older"),
}


def _micros(text: str) -> int:
    micros = parse_micros(text)
    assert micros is not None, text
    return micros


def _key(case: dict[str, Any]) -> tuple[str, str]:
    """The entity that a case is about."""
    return case["changes"][0]["entity_type"], "e1"


def _version(key: tuple[str, str], stored: dict[str, Any]) -> Version:
    return Version(
        stamp=STAMP,
        entity_type=key[0],
        id=key[1],
        created_at=stored["created_at"],
        updated_at=stored["updated_at"],
        data=None if stored["data"] is None else json.dumps(stored["data"]),
        change_id=stored["change_id"],
        device_id=None,
    )


def _opened(case: dict[str, Any]) -> MemoryBook:
    book = MemoryBook()
    key = _key(case)
    versions = [_version(key, case["stored"])] if case["stored"] else []
    book.put(versions, [Remembered(key, change_id, STAMP) for change_id in case["remembered"]])
    if "horizon" in case:
        book.put_horizon(_micros(case["horizon"]))
    return book


def _label(result: dict[str, Any]) -> str:
    step: str = result["step"]
    return "5 overwritten" if step == "5" and result["conflict"] else step


def _plain(version: Version | None) -> dict[str, Any] | None:
    """A version as the vectors write it."""
    if version is None:
        return None
    return {
        "change_id": version.change_id,
        "created_at": version.created_at,
        "updated_at": version.updated_at,
        "deleted_at": version.updated_at if version.data is None else None,
        "data": None if version.data is None else json.loads(version.data),
    }


def _plain_result(result: Result | Rejection) -> dict[str, Any]:
    """A result as the vectors write it, less what is kept as a conflict."""
    if isinstance(result, Rejection):
        return {"status": "rejected", "code": result.code}
    stored = result.version
    return {"status": result.verdict.status, "updated_at": stored.updated_at if stored else None}


def _plain_conflict(kept: KeptConflict) -> dict[str, Any]:
    return {"reason": kept.reason, "change_id": kept.loser.change_id, "updated_at": kept.loser.updated_at}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_push_is_judged_as_the_vectors_say(case: dict[str, Any]) -> None:
    with _opened(case) as book:
        results = book.push(case["changes"], _micros(case["now"])).results
        final, conflicts = book.versions().get(_key(case)), book.conflicts()
    expected = [{name: value for name, value in one.items() if name in _COMPARED} for one in case["results"]]
    assert [_plain_result(result) for result in results] == expected
    kept = [one["conflict"] for one in case["results"] if one.get("conflict")]
    assert [_plain_conflict(conflict) for conflict in conflicts] == kept
    assert _plain(final) == case["final"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_judgement_ends_where_the_vectors_say(case: dict[str, Any]) -> None:
    with _opened(case) as book:
        results = book.push(case["changes"], _micros(case["now"])).results
    for result, expected in zip(results, case["results"], strict=True):
        if isinstance(result, Result):
            conflict = result.verdict.conflict
            assert (result.verdict.status, conflict) == STEPS[_label(expected)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_was_not_replaced_keeps_its_stamp(case: dict[str, Any]) -> None:
    with _opened(case) as book:
        book.push(case["changes"], _micros(case["now"]))
        final = book.versions().get(_key(case))
    about_it = [r for c, r in zip(case["changes"], case["results"], strict=True) if c["id"] == _key(case)[1]]
    replaced = any(result["status"] == "applied" for result in about_it)
    if final is not None:
        assert (final.stamp > STAMP) == replaced


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_kept_conflict_holds_the_whole_loser(case: dict[str, Any]) -> None:
    sent = {change["change_id"]: change["data"] for change in case["changes"]}
    if case["stored"]:
        sent[case["stored"]["change_id"]] = case["stored"]["data"]
    with _opened(case) as book:
        book.push(case["changes"], _micros(case["now"]))
        conflicts = book.conflicts()
    for kept in conflicts:
        assert (kept.loser.entity_type, kept.loser.id) == _key(case)
        assert (kept.loser.data and json.loads(kept.loser.data)) == sent[kept.loser.change_id]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_vectors_name_the_fields_left_aside_of_their_entity_type(case: dict[str, Any]) -> None:
    assert set(case.get("aside", [])) == checks()[_key(case)[0]].aside


def test_the_vectors_reach_every_step_of_the_judgement() -> None:
    reached = {_label(result) for case in CASES for result in case["results"] if "step" in result}
    assert reached == set(STEPS)


def test_the_vectors_reach_the_clamping_of_clocks_that_run_ahead_in_every_step_that_looks_at_the_time() -> None:
    clamped = {
        result["step"]
        for case in CASES
        for change, result in zip(case["changes"], case["results"], strict=True)
        if "step" in result and _micros(change["updated_at"]) > _micros(case["now"])
    }
    assert clamped >= {"1 stored", "1 remembered", "3", "4 base", "4 same push", "5", "6 loser"}


def test_the_vectors_are_many_and_each_claims_something_else() -> None:
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names)) >= 40


def test_judging_needs_nothing_but_its_arguments() -> None:
    """No clock and no store: a client can do the same with the same inputs."""
    change = Change("a", "a", ("tags", "e1"), "2026-01-02T00:00:00.000Z", "{}", None, None, True, None)
    stored = Version(1, "tags", "e1", "", "2026-01-01T00:00:00.000Z", '{"name":"x"}', "b", None)
    verdict = judge(change, stored, now="2026-01-03T00:00:00.000Z", remembered=False, ancestor=None, built_upon=False)
    assert verdict == Verdict("applied", "2026-01-02T00:00:00.000Z", OVERWRITTEN)


def test_two_tombstones_have_the_same_content_and_a_tombstone_that_of_nothing_else() -> None:
    assert same_content(None, None)
    assert not same_content(None, "{}")
    assert not same_content("{}", None)
