"""Section 3 of docs/protocol.md, sentence by sentence: pulling, cursors, ETags; and the errors of `since`."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from finwise import __version__
from finwise.domain.times import micros_text
from harness.problems import assert_problem
from tests.conftest import Clock
from tests.household import Household, change
from tests.tenant_file import TenantFile

EARLY, LATE = "2026-01-09T10:00:00.000Z", "2026-01-09T11:00:00.000Z"
PAGE = {"protocol", "server_version", "server_time", "epoch", "next_since", "has_more", "changes"}
NOON = "2026-01-10T12:00:00.000000Z"  # the clock of these tests


def ids(page: dict[str, Any]) -> list[str]:
    return [entity["id"] for entity in page["changes"]]


def dead(entity_id: str) -> dict[str, Any]:
    return change(entity_id, updated_at=EARLY, data=..., deleted_at=EARLY)


def ask(home: Household, since: str | None = None, **query: Any) -> TestResponse:
    given = query | ({} if since is None else {"since": since})
    return home.get(f"/sync/changes/{home.tenant_id}", query_string=given)


def cursor(stamp: int, epoch: str) -> str:
    return f"{micros_text(stamp)}~{epoch}"


# --- The answer ---


def test_a_pull_answers_protocol_version_time_epoch_and_a_page(home: Household, clock: Clock) -> None:
    home.results(change("e1", created_at=EARLY, updated_at=LATE))
    page = home.pull()
    assert set(page) == PAGE | {"digest"}
    assert (page["protocol"], page["server_version"], page["server_time"]) == (1, __version__, clock.text)
    assert (page["has_more"], page["next_since"]) == (False, f"{NOON}~{page['epoch']}")
    data = {"name": "holiday"}
    entity = {"id": "e1", "created_at": EARLY, "updated_at": LATE, "deleted_at": None, "data": data}
    assert page["changes"] == [{"entity_type": "tags"} | entity]


def test_everything_stored_after_since_comes_in_stamp_order_tombstones_included(home: Household) -> None:
    home.results(change("before"))
    since = home.pull()["next_since"]
    home.results(change("b"), change("a", entity_type="recipients"), dead("c"))
    home.results(change("before", base_updated_at="2026-01-09T19:01:00.000Z"))
    page = home.pull(since)
    assert ids(page) == ["b", "a", "c", "before"]
    assert [entity["deleted_at"] for entity in page["changes"]] == [None, None, EARLY, None]


def test_without_since_a_pull_starts_at_the_beginning(home: Household) -> None:
    home.results(change("e1"), dead("e2"))
    assert ids(home.pull()) == ["e1", "e2"]


def test_a_pull_with_nothing_new_is_an_empty_last_page_with_the_same_cursor(home: Household, clock: Clock) -> None:
    home.results(change())
    since = home.pull()["next_since"]
    clock.forward(days=1)
    page = home.pull(since)
    assert (ids(page), page["has_more"], page["next_since"]) == ([], False, since)


# --- limit, has_more, next_since ---


def test_a_page_has_at_most_limit_entities_by_default_1_000(home: Household) -> None:
    home.results(*(change() for _ in range(1_000)))
    full = home.pull()
    assert (len(full["changes"]), full["has_more"]) == (1_000, False)
    home.results(change("last"))
    page = home.pull()
    assert (len(page["changes"]), page["has_more"]) == (1_000, True)
    assert set(page) == PAGE
    assert ids(home.pull(page["next_since"])) == ["last"]
    assert len(home.pull(limit=10_000)["changes"]) == 1_001


@pytest.mark.parametrize("limit", ["10001", "0", "-1", "", "x", "1.5", "1e3", "\u0661", "99999999999999999999"])
def test_a_limit_above_10_000_or_that_is_no_number_is_refused(home: Household, limit: str) -> None:
    answer = ask(home, limit=limit)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")
    assert list(answer.get_json()["errors"]) == ["limit"]


def test_next_since_is_the_last_entitys_stamp_or_on_the_last_page_the_tenants_latest(
    home: Household, tenant_file: TenantFile
) -> None:
    home.results(change("t1"), change("t2"), change("r1", entity_type="recipients"))
    first = home.pull(entity_types="tags", limit=1)
    assert first["next_since"] == cursor(tenant_file.version("t1")["stamp"], first["epoch"])
    last = home.pull(first["next_since"], entity_types="tags", limit=1)
    assert (ids(last), last["has_more"]) == (["t2"], False)
    assert last["next_since"] == cursor(tenant_file.version("r1")["stamp"], first["epoch"])


def test_next_since_is_never_the_clock(home: Household, clock: Clock) -> None:
    home.results(change())
    clock.forward(days=30)
    assert home.pull()["next_since"].startswith(NOON)


def test_an_entity_that_changes_while_a_device_pages_is_sent_again_and_none_is_skipped(home: Household) -> None:
    home.results(*(change(f"e{number}") for number in range(4)))
    first = home.pull(limit=2)
    base = first["changes"][0]["updated_at"]
    home.results(change("e0", base_updated_at=base), change("e2", base_updated_at=base), change("new"))
    second = home.pull(first["next_since"], limit=2)
    third = home.pull(second["next_since"], limit=2)
    fourth = home.pull(third["next_since"], limit=2)
    assert [ids(page) for page in (first, second, third, fourth)] == [["e0", "e1"], ["e3", "e0"], ["e2", "new"], []]
    assert [page["has_more"] for page in (first, second, third, fourth)] == [True, True, False, False]


# --- entity_types ---


def test_entity_types_restricts_and_names_the_server_does_not_know_are_ignored(home: Household) -> None:
    home.results(change("t1"), change("r1", entity_type="recipients"), dead("t2"))
    assert ids(home.pull(entity_types="tags")) == ["t1", "t2"]
    assert ids(home.pull(entity_types="robots,recipients")) == ["r1"]
    assert ids(home.pull(entity_types="recipients,tags")) == ["t1", "r1", "t2"]
    assert ids(home.pull(entity_types="robots")) == []


def test_a_device_that_learns_of_a_type_later_catches_up_on_it_with_a_cursor_of_its_own(home: Household) -> None:
    home.results(change("t1"), change("r1", entity_type="recipients"))
    tags = home.pull(entity_types="tags")["next_since"]
    home.results(change("t2"), change("r2", entity_type="recipients"))
    assert ids(home.pull(entity_types="recipients")) == ["r1", "r2"]
    assert ids(home.pull(tags, entity_types="tags")) == ["t2"]


def test_a_limit_counts_only_entities_of_the_types_asked_for(home: Household) -> None:
    home.results(change(entity_type="recipients"), change("t1"), change(entity_type="recipients"))
    page = home.pull(entity_types="tags", limit=1)
    assert (ids(page), page["has_more"]) == (["t1"], False)


# --- A tenant that has stored nothing yet ---


@pytest.mark.parametrize("first", ["pull", "initial", "push", "rejected push"])
def test_whichever_sync_request_comes_first_creates_the_epoch(home: Household, first: str) -> None:
    requests: dict[str, Any] = {
        "pull": home.pull,
        "initial": home.initial,
        "push": lambda: home.push().get_json(),
        "rejected push": lambda: home.push(None).get_json(),
    }
    epoch = requests[first]()["epoch"]
    assert epoch
    for page in (home.pull(), home.initial(), home.push(since=f"1970-01-01T00:00:00.000000Z~{epoch}").get_json()):
        assert (page["epoch"], page["next_since"]) == (epoch, f"1970-01-01T00:00:00.000000Z~{epoch}")


def test_the_cursor_of_an_empty_tenant_reads_from_the_beginning(home: Household) -> None:
    since = home.pull()["next_since"]
    home.results(change("e1"))
    assert ids(home.pull(since)) == ["e1"]


def test_two_tenants_have_different_epochs(home: Household) -> None:
    assert home.pull()["epoch"] != Household(home.client).create().pull()["epoch"]


# --- Plain timestamps ---


@pytest.fixture
def two_stamps(home: Household, clock: Clock) -> Household:
    """A tenant with `e1` stored at noon and `e2` at 12:20."""
    home.results(change("e1"))
    clock.forward(seconds=1200)
    home.results(change("e2"))
    return home


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-01-10T12:10:00.000000Z", ["e2"]),
        ("2026-01-10T12:10:00Z", ["e2"]),
        ("2026-01-10T13:10:00.000+01:00", ["e2"]),
        ("2026-01-10T12:09:59.999999Z", ["e1", "e2"]),
        ("2026-01-10T12:20:00.000Z", ["e2"]),
        ("2026-01-10T12:30:00.000Z", []),
        ("2030-01-01T00:00:00.000Z", []),
        ("1970-01-01T00:00:00.000Z", ["e1", "e2"]),
    ],
)
def test_ten_minutes_are_subtracted_from_a_plain_timestamp_and_one_above_the_last_stamp_means_nothing_new(
    two_stamps: Household, since: str, expected: list[str]
) -> None:
    page = two_stamps.pull(since)
    assert (ids(page), page["next_since"]) == (expected, f"2026-01-10T12:20:00.000000Z~{page['epoch']}")
    assert ids(two_stamps.push(since=since).get_json()) == expected


def test_nothing_is_subtracted_from_a_cursor(two_stamps: Household) -> None:
    epoch = two_stamps.pull()["epoch"]
    assert ids(two_stamps.pull(f"{NOON}~{epoch}")) == ["e2"]
    assert ids(two_stamps.pull(f"2026-01-10T11:59:59.999999Z~{epoch}")) == ["e1", "e2"]


def test_a_plain_timestamp_below_the_horizon_is_expired_with_its_ten_minutes(
    two_stamps: Household, tenant_file: TenantFile, clock: Clock
) -> None:
    tenant_file.put_book(f"horizon = {clock.now - 1_200_000_000}")
    assert ask(two_stamps, "2026-01-10T12:09:59.999Z").get_json()["code"] == "cursor_expired"
    assert ask(two_stamps, "2026-01-10T12:10:00.000Z").status_code == 200


# --- since that cannot be read (section 6) ---


@pytest.mark.parametrize(
    "since",
    [
        "",
        "~",
        "0",
        "yesterday",
        "2026-01-10",
        "2026-01-10T12:00:00.000000Z~",
        "2026-01-10T12:00:00Z~7f3a9c1e",
        "2026-01-10T12:00:00.000Z~7f3a9c1e",
        "2026-02-30T12:00:00.000000Z~7f3a9c1e",
        "2026-01-10T12:00:00.000000Z~7f3a9c1e~",
        "2026-01-10T12:00:00.000000Z~7f3a9c1e\n",
        " 2026-01-10T12:00:00.000000Z~7f3a9c1e",
        "~7f3a9c1e",
    ],
)
def test_an_unreadable_since_is_a_bad_cursor(home: Household, since: str) -> None:
    for answer in (ask(home, since), home.push(change(), since=since)):
        assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_cursor")
    assert ids(home.pull()) == []


# --- since that is no longer served (section 6) ---


def assert_gone(home: Household, since: str | None, members: dict[str, Any]) -> None:
    """The answer to a pull and, for a cursor, to a push that would have stored something."""
    before = ids(home.initial())
    for answer in [ask(home, since), *([home.push(change(), since=since)] if since else [])]:
        problem = assert_problem(answer, 410, members["code"])
        assert {name: problem.get(name) for name in ("code", "action", "give_back")} == members
    assert ids(home.initial()) == before


EXPIRED = {"code": "cursor_expired", "action": "initial", "give_back": None}


def epoch_changed(*, give_back: bool) -> dict[str, Any]:
    return {"code": "epoch_changed", "action": "initial", "give_back": give_back}


def test_a_cursor_below_the_horizon_is_expired_and_one_at_the_horizon_is_served(
    home: Household, tenant_file: TenantFile, clock: Clock
) -> None:
    home.results(change("e1"), dead("e2"), change("e3"))
    epoch, horizon = home.pull()["epoch"], clock.now + 1
    tenant_file.purge_tombstones()
    assert_gone(home, cursor(horizon - 1, epoch), EXPIRED)
    assert ids(home.pull(cursor(horizon, epoch))) == ["e3"]
    assert home.push(since=cursor(horizon, epoch)).status_code == 200


def test_the_1970_cursor_and_an_absent_since_of_a_pull_are_expired_once_something_was_purged(
    home: Household, tenant_file: TenantFile
) -> None:
    empty = home.pull()["next_since"]
    home.results(dead("e1"))
    tenant_file.purge_tombstones()
    assert_gone(home, empty, EXPIRED)
    assert_gone(home, None, EXPIRED)
    assert home.initial()["has_more"] is False


def test_the_cursor_of_a_first_load_after_a_purge_goes_on(home: Household, tenant_file: TenantFile) -> None:
    home.results(dead("e1"))
    tenant_file.purge_tombstones()
    since = home.initial()["next_since"]
    home.results(change("e2"))
    assert ids(home.pull(since)) == ["e2"]


def test_a_cursor_of_another_epoch_has_changed_epoch(home: Household, tenant_file: TenantFile) -> None:
    home.results(change())
    since = home.pull()["next_since"]
    tenant_file.put_book("epoch = '0ther'")
    assert_gone(home, since, epoch_changed(give_back=True))


@pytest.mark.parametrize(("distance", "give_back"), [(-1, False), (0, True), (1, True)])
def test_give_back_is_true_if_the_cursors_stamp_is_not_below_the_horizon(
    home: Household, tenant_file: TenantFile, clock: Clock, distance: int, give_back: bool
) -> None:
    home.results(change())
    tenant_file.put_book(f"horizon = {clock.now - 5}")
    assert_gone(home, cursor(clock.now - 5 + distance, "0ther"), epoch_changed(give_back=give_back))


def test_a_cursor_above_the_tenants_last_stamp_has_changed_epoch(
    home: Household, tenant_file: TenantFile, clock: Clock
) -> None:
    home.results(change())
    since = home.pull()["next_since"]
    tenant_file.put_book("last_stamp = last_stamp - 1")
    assert_gone(home, since, epoch_changed(give_back=True))


def test_a_cursor_is_never_compared_with_the_clock(home: Household, clock: Clock) -> None:
    home.results(change())
    since = home.pull()["next_since"]
    clock.forward(days=-1)
    assert ids(home.pull(since)) == []
    clock.forward(days=2)
    assert_gone(home, cursor(clock.now, since.partition("~")[2]), epoch_changed(give_back=True))


# --- ETag ---


@pytest.mark.parametrize("route", ["changes", "initial"])
def test_the_cursor_is_also_the_weak_etag_and_nothing_new_is_answered_304(home: Household, route: str) -> None:
    path = f"/sync/{route}/{home.tenant_id}"
    home.results(change())
    first = home.get(path)
    etag = first.headers["ETag"]
    assert etag == f'W/"{first.get_json()["next_since"]}"'
    again = home.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    home.results(change())
    assert home.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_a_device_that_polls_with_its_cursor_is_answered_304_until_something_is_stored(home: Household) -> None:
    home.results(change("e1"))
    since = home.pull()["next_since"]
    headers = {"If-None-Match": f'W/"{since}"'}
    path = f"/sync/changes/{home.tenant_id}"
    assert home.get(path, query_string={"since": since}, headers=headers).status_code == 304
    home.results(change("e2"))
    answer = home.get(path, query_string={"since": since}, headers=headers)
    assert (answer.status_code, ids(answer.get_json())) == (200, ["e2"])


def test_an_expired_cursor_is_told_so_whatever_its_etag(home: Household, tenant_file: TenantFile) -> None:
    home.results(change())
    since = home.pull()["next_since"]
    tenant_file.put_book("epoch = '0ther'")
    path = f"/sync/changes/{home.tenant_id}"
    answer = home.get(path, query_string={"since": since}, headers={"If-None-Match": f'W/"{since}"'})
    assert answer.status_code == 410


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_sync_answers_vary_by_accept_and_authorization(home: Household, accept: str) -> None:
    path = f"/sync/initial/{home.tenant_id}"
    first = home.get(path, headers={"Accept": accept})
    again = home.get(path, headers={"Accept": accept, "If-None-Match": first.headers["ETag"]})
    for answer in (first, again):
        assert set(answer.vary) == {"Accept", "Authorization", "Accept-Encoding"}
    for answer in (home.get(f"/sync/changes/{home.tenant_id}"), home.push()):
        assert set(answer.vary) == {"Accept", "Authorization"}
