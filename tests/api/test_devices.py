"""Which devices there are, and how far each is."""

from __future__ import annotations

from typing import Any

from finwise.config import Settings
from finwise.store.folder import Folder
from harness.problems import assert_problem
from tests.conftest import Clock
from tests.household import Household, change
from tests.tenant_file import TenantFile


def devices(home: Household) -> list[dict[str, Any]]:
    answer = home.get(f"/tenants/{home.tenant_id}/devices")
    assert answer.status_code == 200
    listed: list[dict[str, Any]] = answer.get_json()
    return listed


def test_a_book_that_was_never_synced_has_no_devices(home: Household) -> None:
    assert devices(home) == []


def test_a_push_tells_what_the_device_says_of_itself(home: Household, clock: Clock) -> None:
    since = home.pull()["next_since"]
    clock.forward(seconds=5)
    home.results(change(), device_id="phone", client_time="2026-01-10T12:00:03.500Z", since=since)
    assert devices(home) == [
        {
            "device_id": "phone",
            "device_name": "test",
            "user_id": home.user_id,
            "user_name": "Ada",
            "token_id": home.get("/auth/tokens").get_json()[0]["id"],
            "cursor": since,
            "last_contact": "2026-01-10T12:00:05.000Z",
            "clock_skew_ms": -1500,
        }
    ]


def test_what_a_device_does_not_say_stays_as_it_was(home: Household, clock: Clock) -> None:
    since = home.pull()["next_since"]
    home.results(change(), device_id="phone", client_time="2026-01-10T12:00:00.250Z", since=since)
    clock.forward(seconds=60)
    home.results(change())
    (device,) = devices(home)
    assert (device["device_id"], device["clock_skew_ms"], device["cursor"]) == ("phone", 250, since)
    assert device["last_contact"] == clock.text


def test_a_poll_is_noted_every_ten_minutes_and_is_a_read_in_between(
    home: Household, clock: Clock, tenant_file: TenantFile
) -> None:
    since = home.pull()["next_since"]
    first = clock.text

    def log() -> int:
        return tenant_file.path.with_name(f"{tenant_file.path.name}-wal").stat().st_size

    before = log()
    for _ in range(9):
        clock.forward(seconds=60)
        home.pull(since)
    assert (devices(home)[0]["last_contact"], log()) == (first, before)
    clock.forward(seconds=60)
    home.pull(since)
    assert (devices(home)[0]["last_contact"], devices(home)[0]["cursor"]) == (clock.text, since)
    assert log() > before


def test_a_push_that_stores_nothing_is_noted_like_a_poll(home: Household, clock: Clock) -> None:
    said = change()
    home.results(said)
    first = clock.text
    clock.forward(seconds=60)
    home.results(said)
    assert devices(home)[0]["last_contact"] == first
    home.results(said, device_id="phone")
    assert devices(home)[0]["last_contact"] == clock.text, "it calls itself by a name that was not known"


def test_a_poll_tells_the_cursor_and_leaves_the_rest_as_it_was(home: Household, clock: Clock) -> None:
    home.results(change(), device_id="phone", client_time="2026-01-10T12:00:00.250Z")
    since = home.pull()["next_since"]
    clock.forward(seconds=600)
    home.pull(since)
    (device,) = devices(home)
    assert (device["cursor"], device["last_contact"]) == (since, clock.text)
    assert (device["device_id"], device["clock_skew_ms"]) == ("phone", 250)


def test_a_contact_that_lies_ahead_of_the_clock_does_not_keep_polls_from_being_noted(
    home: Household, clock: Clock
) -> None:
    clock.forward(days=30)
    home.pull()
    clock.forward(days=-30)
    home.pull()
    assert devices(home)[0]["last_contact"] == clock.text


def test_a_pull_neither_waits_nor_fails_where_somebody_writes(home: Household, settings: Settings) -> None:
    home.results(change("t1"))
    other = home.log_in().get_json()["token"]
    folder = Folder(settings.tenants_folder, settings.users_db.parent / "locks")
    with folder.locked(home.tenant_id):
        answer = home.get(f"/sync/changes/{home.tenant_id}", headers={"Authorization": f"Bearer {other}"})
        assert [entity["id"] for entity in answer.get_json()["changes"]] == ["t1"]
    assert len(devices(home)) == 1


def test_each_token_is_a_device_and_its_name_goes_with_it(home: Household, clock: Clock) -> None:
    home.pull()
    second = home.log_in().get_json()
    clock.forward(seconds=1)
    home.get(f"/sync/changes/{home.tenant_id}", headers={"Authorization": f"Bearer {second['token']}"})
    assert [device["device_name"] for device in devices(home)] == ["test", "test"]
    assert home.request("DELETE", f"/auth/tokens/{second['id']}").status_code == 204
    assert [(device["device_name"], device["user_id"]) for device in devices(home)] == [
        (None, None),
        ("test", home.user_id),
    ]


def test_a_device_that_logs_in_again_is_the_same_one(home: Household) -> None:
    home.results(change(), device_id="phone")
    first = home.get("/auth/tokens").get_json()[0]["id"]
    home.token = home.log_in().get_json()["token"]
    home.results(change(), device_id="phone")
    assert home.request("DELETE", f"/auth/tokens/{first}").status_code == 204
    assert [(device["device_id"], device["device_name"]) for device in devices(home)] == [("phone", "test")]


def test_a_member_sees_whose_device_it_is_and_the_token_ids_of_ones_own(home: Household, clock: Clock) -> None:
    home.results(change())
    guest = Household(home.client)
    code = home.post(f"/tenants/{home.tenant_id}/invitations", json={"role": "viewer"}).get_json()["code"]
    assert guest.post("/invitations/accept", json={"code": code}).status_code == 200
    assert guest.request("PATCH", f"/users/{guest.user_id}", json={"name": "Charles"}).status_code == 200
    guest.tenant_id = home.tenant_id
    clock.forward(seconds=1)
    guest.pull()
    for who in (home, guest):
        (token,) = who.get("/auth/tokens").get_json()
        seen = {device["user_name"]: device["token_id"] for device in devices(who)}
        assert seen == {"Ada": None, "Charles": None} | {who.get("/users").get_json()[0]["name"]: token["id"]}


def test_the_devices_of_others_are_as_unknown_as_their_books(home: Household) -> None:
    eve = Household(home.client)
    assert_problem(eve.get(f"/tenants/{home.tenant_id}/devices"), 404, "not_found")
