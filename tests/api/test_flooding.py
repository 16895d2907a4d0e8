"""Guessing and flooding: each is slowed down where it comes from, and nobody else notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise import create_app
from finwise.api.flooding import Flow
from finwise.config import Settings
from harness.problems import assert_problem, everything
from tests.conftest import Clock
from tests.household import PASSWORD, Household, change, new_id

MINUTE = 60_000_000  # µs
NOW = 1_790_000_000_000_000

Opened = Callable[..., FlaskClient]


@pytest.fixture
def opened(settings: Settings, clock: Clock) -> Iterator[Opened]:
    """Clients of applications with other settings than the default ones."""
    apps: list[Flask] = []

    def open_with(**chosen: Any) -> FlaskClient:
        apps.append(create_app(replace(settings, **chosen), clock))
        return apps[-1].test_client()

    yield open_with
    for app in apps:
        app.extensions["finwise"].close()


def log_in(client: FlaskClient, email: str, password: str = PASSWORD, address: str = "192.0.2.1") -> TestResponse:
    login = {"email": email, "password": password, "device_name": "test"}
    return client.post("/auth/tokens", json=login, environ_overrides={"REMOTE_ADDR": address})


def sign_up(client: FlaskClient, email: str, address: str = "192.0.2.1") -> TestResponse:
    body = {"uuid": new_id(), "name": "Eve", "email": email, "password": PASSWORD}
    return client.post("/users", json=body, environ_overrides={"REMOTE_ADDR": address})


def guess(client: FlaskClient, email: str, address: str = "192.0.2.1") -> int:
    return log_in(client, email, "wrong password", address).status_code


# ---- requests of a token ----


def test_a_token_makes_so_many_requests_and_then_waits(opened: Opened) -> None:
    home = Household(opened(requests_per_minute=3))
    assert [home.get("/users").status_code for _ in range(3)] == [200, 200, 200]
    answer = home.get("/users")
    assert_problem(answer, 429, "slow_down")
    assert answer.headers["Retry-After"] == "20"
    assert home.get("/nowhere").status_code == 404
    assert home.get("/healthz").status_code == 200


def test_another_token_is_not_slowed_down_be_it_of_the_same_user(opened: Opened) -> None:
    client = opened(requests_per_minute=1)
    home, stranger = Household(client), Household(client)
    other = home.log_in().get_json()["token"]
    assert [home.get("/users").status_code for _ in range(2)] == [200, 429]
    assert home.get("/users", headers={"Authorization": f"Bearer {other}"}).status_code == 200
    assert stranger.get("/users").status_code == 200


def test_a_token_may_go_on_when_retry_after_has_passed(opened: Opened, clock: Clock) -> None:
    home = Household(opened(requests_per_minute=3))
    for _ in range(3):
        home.get("/users")
    clock.forward(seconds=19)
    answer = home.get("/users")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    clock.forward(seconds=1)
    assert [home.get("/users").status_code for _ in range(2)] == [200, 429]
    clock.forward(seconds=3_600)
    assert [home.get("/users").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_push_that_is_refused_stores_nothing(opened: Opened) -> None:
    home = Household(opened(requests_per_minute=2)).create()
    home.results(change("t1"))
    assert_problem(home.push(change("t2")), 429, "slow_down")
    home.token = home.log_in().get_json()["token"]
    assert [entity["id"] for entity in home.initial()["changes"]] == ["t1"]


def test_without_a_limit_a_token_makes_any_number_of_requests(opened: Opened) -> None:
    home = Household(opened(requests_per_minute=0))
    assert {home.get("/users").status_code for _ in range(200)} == {200}


def test_what_a_token_may_do_at_once_it_may_do_in_a_minute() -> None:
    for per_minute in (1, 7, 60, 1_000):
        flow = Flow(per_minute)
        assert [flow.wait("a", NOW) for _ in range(per_minute)] == [0] * per_minute
        assert flow.wait("a", NOW) == -(-60 // per_minute)


def test_in_the_long_run_a_token_gets_what_the_setting_says() -> None:
    flow = Flow(60)
    admitted = sum(flow.wait("a", NOW + tick * 100_000) == 0 for tick in range(10 * 600))  # 10 a second, 10 minutes
    assert 10 * 60 <= admitted <= 11 * 60


def test_a_refused_request_does_not_lengthen_the_waiting() -> None:
    flow = Flow(2)
    assert [flow.wait("a", NOW) for _ in range(20)] == [0, 0] + [30] * 18
    assert flow.wait("a", NOW + 30 * 1_000_000) == 0


def test_a_clock_that_was_set_back_keeps_no_token_waiting() -> None:
    flow = Flow(2)
    for _ in range(2):
        flow.wait("a", NOW)
    assert [flow.wait("a", NOW - 60 * MINUTE) for _ in range(3)] == [0, 0, 30]


def test_a_request_that_began_a_moment_earlier_gives_nothing_back() -> None:
    """Threads ask the clock, and count afterwards: in any order."""
    flow = Flow(2)
    for _ in range(2):
        flow.wait("a", NOW)
    assert [flow.wait("a", NOW - late) > 0 for late in (1, 5_000, 1_000_000, MINUTE)] == [True] * 4


def test_tokens_that_have_rested_are_forgotten() -> None:
    flow = Flow(60)
    for number in range(10_001):
        assert flow.wait(f"{number}", NOW) == 0
    assert flow.wait("last", NOW + MINUTE) == 0
    assert list(flow._empty_at) == ["last"]


def test_many_tokens_at_once_are_all_counted() -> None:
    flow = Flow(1)
    names = [f"{number}" for number in range(10_010)]
    assert {flow.wait(name, NOW) for name in names} == {0}
    assert {flow.wait(name, NOW) for name in names} == {60}


# ---- limits of one request ----


@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        ({"max_body_mib": 1}, {"max_body_bytes": 1024 * 1024}),
        ({"max_changes": 2}, {"max_changes": 2}),
        ({"max_change_kib": 1}, {"max_change_bytes": 1024}),
        ({"max_depth": 3}, {"max_depth": 3}),
        ({"max_fields": 4}, {"max_fields": 4}),
    ],
    ids=lambda each: next(iter(each)),
)
def test_a_device_is_told_the_limits(opened: Opened, chosen: dict[str, int], named: dict[str, int]) -> None:
    usual = opened().get("/healthz").get_json()["limits"]
    told = opened(**chosen).get("/healthz").get_json()["limits"]
    assert told == usual | named
    assert told != usual


def test_a_body_may_have_so_many_mib(opened: Opened) -> None:
    home = Household(opened(max_body_mib=1)).create()
    note = "x" * 200_000
    assert home.push(*(change(data={"name": "t", "note": note}) for _ in range(5))).status_code == 200
    answer = home.push(*(change(data={"name": "t", "note": note}) for _ in range(6)))
    assert assert_problem(answer, 413, "too_large")["limits"]["max_body_bytes"] == 1024 * 1024


def test_a_push_may_have_so_many_changes(opened: Opened) -> None:
    home = Household(opened(max_changes=2)).create()
    assert len(home.results(change(), change())) == 2
    answer = home.push(change(), change(), change())
    assert assert_problem(answer, 413, "too_large")["limits"]["max_changes"] == 2


def test_a_change_may_have_so_many_kib(opened: Opened) -> None:
    home = Household(opened(max_change_kib=1)).create()
    room = 1024 - len('{"name":"t","note":""}')
    fits, not_any_more = home.results(
        change(data={"name": "t", "note": "x" * room}), change(data={"name": "t", "note": "x" * (room + 1)})
    )
    assert fits["status"] == "applied"
    assert (not_any_more["status"], not_any_more["code"]) == ("rejected", "too_large")


@pytest.mark.parametrize("most", [3, 32, 100])
def test_the_data_of_a_change_may_be_nested_so_deep(opened: Opened, most: int) -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: Any = 1
        for _ in range(levels - 1):
            value = [value]
        return {"name": "t", "more": value}

    home = Household(opened(max_depth=most)).create()
    fits, not_any_more = home.results(change(data=nested(most)), change(data=nested(most + 1)))
    assert fits["status"] == "applied"
    assert (not_any_more["status"], not_any_more["code"]) == ("rejected", "invalid_data")


def test_a_list_of_tags_is_nested_too_deep_if_one_level_is_all_that_is_taken(opened: Opened) -> None:
    transaction = {
        "accountId": "a",
        "date": "2026-01-09",
        "valueDate": "2026-01-09",
        "amount": 1,
        "description": "",
        "type": "EXPENSE",
    }
    home = Household(opened(max_depth=1)).create()
    flat, with_tags = home.results(
        change(), change(entity_type="transactions", data=transaction | {"runningBalance": 1, "tagIds": ["holiday"]})
    )
    assert flat["status"] == "applied"
    assert (with_tags["status"], with_tags["code"]) == ("rejected", "invalid_data")
    assert with_tags["errors"] == {"data": ["It is nested deeper than 1 levels."]}


def test_the_data_of_a_change_may_have_so_many_fields(opened: Opened) -> None:
    home = Household(opened(max_fields=4)).create()
    data = {"name": "t", "a": 1, "b": 2, "c": 3}
    fits, not_any_more = home.results(change(data=data), change(data=data | {"d": 4}))
    assert fits["status"] == "applied"
    assert (not_any_more["status"], not_any_more["code"]) == ("rejected", "invalid_data")


def test_a_user_may_own_so_many_tenants_and_deleting_them_makes_no_room_at_once(opened: Opened, clock: Clock) -> None:
    """Each has a file, and a deleted one's is in the trash: room that nobody may fill without end."""
    client = opened(tenants_per_user=2)
    home, other = Household(client), Household(client)

    def create(owner: Household) -> int:
        owner.tenant_id = new_id()
        return owner.post("/tenants", json={"uuid": owner.tenant_id, "name": "Home"}).status_code

    assert [create(home), create(home)] == [201, 201]
    kept = home.get("/tenants").get_json()[-1]["uuid"]
    assert_problem(home.post("/tenants", json={"uuid": new_id(), "name": "Home"}), 409, "conflict")
    assert create(other) == 201
    assert home.request("DELETE", f"/tenants/{kept}").status_code == 204
    assert create(home) == 409
    clock.forward(days=2)
    assert create(home) == 201
    assert create(home) == 409


# ---- passwords ----


def test_while_all_places_for_hashing_are_taken_logins_are_sent_away_and_sync_goes_on(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = opened(threads=12)
    home = Household(client).create()
    home.results(change("t1"))
    released = Event()
    verify = PasswordHasher.verify

    def verify_late(self: PasswordHasher, hashed: str, password: str) -> bool:
        assert released.wait(60)
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify_late)
    with ThreadPoolExecutor(4) as pool:
        waiting = {pool.submit(log_in, client.application.test_client(), home.email) for _ in range(4)}
        try:
            (refused,), waiting = wait(waiting, return_when=FIRST_COMPLETED)
            answer = refused.result()
            body = {"uuid": new_id(), "name": "Eve", "email": "eve@example.org", "password": PASSWORD}
            refused_too = [log_in(client, home.email), client.post("/users", json=body)]
            pulled = home.pull()
        finally:
            released.set()
    for each in (answer, *refused_too):
        assert_problem(each, 503, "busy")
        assert int(each.headers["Retry-After"]) >= 1
    assert [entity["id"] for entity in pulled["changes"]] == ["t1"]
    assert [login.result().status_code for login in waiting] == [201, 201, 201]
    assert sign_up(client, "eve@example.org").status_code == 201, "the places are free again"


def test_logins_that_were_sent_away_do_not_count_as_failed(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    client = opened(threads=1, login_failures=2)
    home = Household(client)
    begun, released = Event(), Event()
    verify = PasswordHasher.verify

    def verify_late(self: PasswordHasher, hashed: str, password: str) -> bool:
        begun.set()
        assert released.wait(60)
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify_late)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(guess, client.application.test_client(), "nobody@example.org", "192.0.2.7")
        try:
            assert begun.wait(60)
            refused = [log_in(client, home.email).status_code for _ in range(3)]
            refused += [sign_up(client, "eve@example.org").status_code for _ in range(3)]
        finally:
            released.set()
    assert refused == [503] * 6
    assert other.result() == 401
    assert log_in(client, home.email).status_code == 201
    assert sign_up(client, "eve@example.org").status_code == 201


def test_guessing_at_an_account_is_slowed_down_where_it_comes_from_only(opened: Opened) -> None:
    home = Household(opened(login_failures=2))
    assert [guess(home.client, home.email) for _ in range(3)] == [401, 401, 429]
    answer = log_in(home.client, home.email)
    assert_problem(answer, 429, "slow_down")
    assert answer.headers["Retry-After"] == "900"
    assert log_in(home.client, home.email, address="192.0.2.2").status_code == 201
    assert home.get("/users").status_code == 200, "a device that has a token does not notice"


def test_guessing_at_many_accounts_is_slowed_down_where_it_comes_from_only(opened: Opened) -> None:
    home = Household(opened(login_failures=1))
    guesses = [guess(home.client, f"{number}@example.org") for number in range(11)]
    assert guesses == [401] * 10 + [429]
    assert log_in(home.client, home.email).status_code == 429
    assert log_in(home.client, home.email, address="192.0.2.2").status_code == 201


def guess_from_everywhere(client: FlaskClient, email: str) -> list[int]:
    """125 wrong passwords from 25 addresses, as many as each may try."""
    return [guess(client, email, f"203.0.113.{number}") for _ in range(5) for number in range(1, 26)]


def test_guessing_from_many_addresses_keeps_nobody_out_who_has_the_password(opened: Opened) -> None:
    home = Household(opened())
    at_home, elsewhere = "198.51.100.1", "203.0.113.99"
    assert log_in(home.client, home.email, address=at_home).status_code == 201
    assert guess_from_everywhere(home.client, home.email) == [401] * 125
    assert log_in(home.client, home.email, address=at_home).status_code == 201
    assert [guess(home.client, home.email, elsewhere) for _ in range(4)] == [401] * 4
    assert log_in(home.client, home.email, address=elsewhere).status_code == 201
    assert log_in(home.client, home.email, address="203.0.113.1").status_code == 429, "it guessed"


def test_while_many_guess_at_an_account_those_addresses_have_no_more_attempts_after_a_while(
    opened: Opened, clock: Clock
) -> None:
    home = Household(opened(login_failures=1))
    assert [guess(home.client, home.email, f"203.0.113.{number}") for number in range(20)] == [401] * 20
    clock.forward(seconds=899)
    assert [guess(home.client, home.email, f"198.51.100.{number}") for number in range(20)] == [401] * 20
    clock.forward(seconds=2)
    assert [guess(home.client, home.email, f"203.0.113.{number}") for number in range(20)] == [429] * 20


def test_a_device_changes_its_password_although_strangers_guess_at_its_address(opened: Opened) -> None:
    home = Household(opened())
    assert set(guess_from_everywhere(home.client, home.email)) == {401}
    for _ in range(60):
        guess(home.client, f"{new_id()}@example.org", "127.0.0.1")
    guess(home.client, home.email, "127.0.0.1")
    change_to = {"password": "another horse battery", "current_password": "wrong password"}
    path = f"/users/{home.user_id}"
    assert [home.request("PATCH", path, json=change_to).status_code for _ in range(4)] == [422] * 4
    assert home.request("PATCH", path, json=change_to | {"current_password": PASSWORD}).status_code == 200
    wrong = [home.request("PATCH", path, json=change_to).status_code for _ in range(6)]
    assert wrong == [422] * 5 + [429]


def test_strangers_who_try_to_sign_up_keep_nobody_else_from_it(opened: Opened) -> None:
    home = Household(opened(login_failures=1))
    taken = [sign_up(home.client, home.email, f"203.0.113.{number}").status_code for number in range(25)]
    assert taken == [409] * 25
    assert sign_up(home.client, home.email, "203.0.113.0").status_code == 429
    assert sign_up(home.client, "free@example.org", "192.0.2.2").status_code == 201


def test_at_a_known_address_guessing_is_slowed_down_as_anywhere(opened: Opened) -> None:
    home = Household(opened(login_failures=2))
    assert log_in(home.client, home.email).status_code == 201
    assert [guess(home.client, home.email) for _ in range(3)] == [401, 401, 429]


def test_asking_which_e_mails_are_taken_by_signing_up_is_slowed_down(opened: Opened) -> None:
    home = Household(opened(login_failures=3))
    assert [sign_up(home.client, home.email).status_code for _ in range(3)] == [409, 409, 409]
    assert_problem(sign_up(home.client, home.email), 429, "slow_down")
    assert_problem(sign_up(home.client, "free@example.org"), 429, "slow_down")
    assert sign_up(home.client, "free@example.org", "192.0.2.2").status_code == 201
    assert log_in(home.client, home.email).status_code == 201, "logging in is counted by itself"


def test_signing_up_in_between_does_not_let_somebody_go_on_asking(opened: Opened) -> None:
    home = Household(opened(login_failures=3))
    assert [sign_up(home.client, home.email).status_code for _ in range(2)] == [409, 409]
    assert sign_up(home.client, "free@example.org").status_code == 201
    assert [sign_up(home.client, home.email).status_code for _ in range(2)] == [409, 429]


def test_trying_codes_of_invitations_by_signing_up_is_slowed_down(opened: Opened) -> None:
    client = opened(login_failures=3, sign_up="invitation")
    Household(client)

    def attempt() -> int:
        body = {"uuid": new_id(), "name": "Eve", "email": f"{new_id()}@example.org", "invitation": f"fwi_{new_id()}"}
        return client.post("/users", json=body).status_code

    assert [attempt() for _ in range(4)] == [404, 404, 404, 429]


def test_a_person_with_an_invitation_signs_up_although_strangers_try_codes(opened: Opened) -> None:
    client = opened(login_failures=1, sign_up="invitation")
    home = Household(client).create()
    invited = home.post(f"/tenants/{home.tenant_id}/invitations", json={"role": "editor"}).get_json()

    def attempt(number: int, code: str) -> int:
        body = {"uuid": new_id(), "name": "Eve", "email": f"{number}@example.org", "invitation": code}
        return client.post("/users", json=body, environ_overrides={"REMOTE_ADDR": f"192.0.2.{number}"}).status_code

    assert [attempt(number, "fwi_made_up") for number in range(25)] == [404] * 25
    assert attempt(1, "fwi_made_up") == 429
    assert attempt(99, invited["code"]) == 201


def test_with_an_invitation_as_well_one_does_not_ask_without_end_which_e_mails_are_taken(opened: Opened) -> None:
    home = Household(opened(login_failures=2, sign_up="invitation")).create()
    code = home.post(f"/tenants/{home.tenant_id}/invitations", json={"role": "editor"}).get_json()["code"]

    def ask(email: str) -> TestResponse:
        body = {"uuid": new_id(), "name": "Eve", "email": email, "password": PASSWORD, "invitation": code}
        return home.client.post("/users", json=body)

    assert [ask(home.email).status_code for _ in range(3)] == [409, 409, 429]


def test_without_an_invitation_nobody_learns_which_e_mails_are_taken(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the answer nor by whether a password is hashed for it."""
    home = Household(opened(sign_up="invitation"))
    monkeypatch.delattr(PasswordHasher, "hash")

    def ask(email: str, **members: str) -> Any:
        body = {"uuid": new_id(), "name": "Eve", "email": email, "password": PASSWORD} | members
        return everything(home.client.post("/users", json=body))

    for members, status in (({}, 403), ({"invitation": "fwi_made_up"}, 404)):
        assert ask(home.email, **members) == ask("free@example.org", **members)
        assert ask(home.email, **members)[0] == status
