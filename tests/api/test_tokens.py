"""Logging in on a device, and ending it again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise import create_app, passwords
from finwise.config import Settings
from finwise.domain.times import millis_text
from finwise.errors import Busy
from finwise.passwords import Passwords
from harness.problems import assert_problem, everything
from tests.conftest import Clock
from tests.household import PASSWORD, Household, change, new_id
from tests.store.files import outside, value


def with_header(client: FlaskClient, authorization: str | None) -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.get("/users", headers=headers).status_code


def test_logging_in_answers_201_with_the_token_and_the_user(home: Household, clock: Clock) -> None:
    answer = home.log_in()
    assert answer.status_code == 201
    issued = answer.get_json()
    assert issued.keys() == {"id", "token", "expires_at", "user"}
    assert issued["user"] == home.get(f"/users/{home.user_id}").get_json()
    assert issued["expires_at"] == millis_text(clock.now + 90 * 86_400 * 1_000_000)
    assert len(issued["token"]) >= 43  # 256 bits in base64


def test_every_login_gives_another_token(home: Household) -> None:
    issued = [home.log_in().get_json() for _ in range(3)]
    assert len({each["token"] for each in issued} | {home.token}) == 4
    assert len({each["id"] for each in issued}) == 3


def test_an_unknown_e_mail_and_a_wrong_password_are_answered_alike(home: Household) -> None:
    login = {"email": home.email, "password": "wrong password", "device_name": "test"}
    wrong = home.client.post("/auth/tokens", json=login)
    unknown = home.client.post("/auth/tokens", json=login | {"email": "nobody@example.org"})
    assert_problem(wrong, 401, "unauthorized")
    assert everything(wrong) == everything(unknown)
    assert wrong.headers["WWW-Authenticate"] == "Bearer"


def test_an_unknown_e_mail_is_throttled_like_a_known_one(home: Household) -> None:
    def attempts(email: str) -> list[Any]:
        login = {"email": email, "password": "wrong password", "device_name": "test"}
        return [everything(home.client.post("/auth/tokens", json=login)) for _ in range(6)]

    known = attempts(home.email)
    assert [status for status, *_ in known] == [401] * 5 + [429]
    assert attempts("nobody@example.org") == known


def test_an_unknown_e_mail_costs_a_verification_as_well(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    real = PasswordHasher.verify

    def counted(self: PasswordHasher, hashed: str, password: str) -> bool:
        verified.append(hashed)
        return real(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    passwordless = {"uuid": new_id(), "name": "Eve", "email": "eve@example.org"}
    assert home.client.post("/users", json=passwordless).status_code == 201
    for email in (home.email, "nobody@example.org", "eve@example.org"):
        login = {"email": email, "password": "wrong password", "device_name": "test"}
        assert home.client.post("/auth/tokens", json=login).status_code == 401
    assert len(verified) == 3


def test_a_login_renews_a_hash_of_other_cost_and_does_not_fail_where_it_cannot(
    home: Household, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> str:
        return str(value(settings.users_db, "SELECT hashed_password FROM users"))

    weak = PasswordHasher(time_cost=1, memory_cost=32, parallelism=1).hash(PASSWORD)
    with outside(settings.users_db) as connection:
        connection.execute("UPDATE users SET hashed_password = ?", (weak,))

    def busy(*_: Any) -> str:
        raise Busy("Too many people log in at once.", retry_after=2)

    with monkeypatch.context() as patched:
        patched.setattr(Passwords, "hash", busy)
        assert home.log_in().status_code == 201
    assert stored() == weak
    assert [home.log_in().status_code for _ in range(2)] == [201, 201]
    assert stored() != weak
    assert not PasswordHasher(passwords.PASSES, passwords.MEMORY, 1).check_needs_rehash(stored())


def test_a_hash_of_the_form_that_was_typed_before_is_replaced_at_the_next_login(
    home: Household, settings: Settings
) -> None:
    old = PasswordHasher(passwords.PASSES, passwords.MEMORY, 1).hash("schlu\u0308ssel")
    with outside(settings.users_db) as connection:
        connection.execute("UPDATE users SET hashed_password = ?", (old,))
    assert home.log_in("schl\u00fcssel").status_code == 201
    renewed = value(settings.users_db, "SELECT hashed_password FROM users")
    assert PasswordHasher().verify(renewed, "schl\u00fcssel")
    assert home.log_in("schlu\u0308ssel").status_code == 201
    assert value(settings.users_db, "SELECT hashed_password FROM users") == renewed


def log_in_as(client: FlaskClient, who: str, password: str = PASSWORD) -> TestResponse:
    return client.post("/auth/tokens", json={"email": who, "password": password, "device_name": "test"})


@pytest.fixture
def by_name(settings: Settings, clock: Clock) -> Iterator[FlaskClient]:
    app = create_app(replace(settings, login_names=1), clock)
    yield app.test_client()
    app.extensions["finwise"].close()


def test_a_name_logs_nobody_in_unless_the_installation_wants_it(home: Household) -> None:
    assert home.client.get("/healthz").get_json()["login_names"] is False
    assert_problem(log_in_as(home.client, "Ada"), 401, "unauthorized")


def test_people_log_in_by_their_name_or_e_mail_where_the_installation_wants_it(by_name: FlaskClient) -> None:
    ada = Household(by_name)
    assert by_name.get("/healthz").get_json()["login_names"] is True
    for who in ("Ada", " Ada ", ada.email):
        assert log_in_as(by_name, who).get_json()["user"]["uuid"] == ada.user_id
    assert_problem(log_in_as(by_name, "ada"), 401, "unauthorized")


def test_a_name_that_two_people_have_is_answered_like_a_wrong_password(by_name: FlaskClient) -> None:
    ada, other = Household(by_name), Household(by_name)
    wrong = log_in_as(by_name, ada.email, "wrong horse battery")
    for who in ("Ada", "Nobody"):
        assert (log_in_as(by_name, who).status_code, log_in_as(by_name, who).data) == (401, wrong.data)
    assert [log_in_as(by_name, each.email).status_code for each in (ada, other)] == [201, 201]


def test_a_name_in_the_form_of_an_e_mail_is_no_name_to_log_in_by(by_name: FlaskClient) -> None:
    eve = Household(by_name)
    eve.request("PATCH", f"/users/{eve.user_id}", json={"name": "ada@example.org"})
    assert_problem(log_in_as(by_name, "ada@example.org"), 401, "unauthorized")


@pytest.mark.parametrize("name", ["Ada", "Nobody"])
def test_guessing_by_a_name_is_throttled_and_gives_no_further_attempts(by_name: FlaskClient, name: str) -> None:
    ada = Household(by_name)
    answers = [log_in_as(by_name, name, "wrong horse battery").status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    assert log_in_as(by_name, ada.email).status_code == (429 if name == "Ada" else 201)


def test_a_throttled_login_does_not_cost_a_verification(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        home.log_in("wrong password")
    monkeypatch.delattr(PasswordHasher, "verify")
    assert_problem(home.log_in(), 429, "slow_down")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ...),
        ("email", 1),
        ("email", "x" * 255),
        ("email", " "),
        ("password", ...),
        ("password", ""),
        ("password", None),
        ("password", "x" * 129),
        ("device_name", ...),
        ("device_name", " "),
        ("device_name", "a\u0000b"),
        ("device_name", "a\x9bb"),
        ("device_name", "a\u2066b"),
        ("device_name", "x" * 201),
    ],
)
def test_a_wrong_field_of_a_login_is_named(home: Household, field: str, value: Any) -> None:
    login: dict[str, Any] = {"email": home.email, "password": PASSWORD, "device_name": "test"} | {field: value}
    given = {name: each for name, each in login.items() if each is not ...}
    problem = assert_problem(home.client.post("/auth/tokens", json=given), 422, "invalid")
    assert list(problem.get("errors", [field])) == [field]


def test_neither_a_token_nor_a_password_is_in_any_file(app: Flask, home: Household, tmp_path: Path) -> None:
    home.results({"change_id": new_id(), "entity_type": "tags", "id": "t", "updated_at": "2026-01-01T00:00:00Z",
                  "data": {"name": "holiday"}})  # fmt: skip
    app.extensions["finwise"].close()
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(home.email.encode() in content for content in files.values())  # or this test would look at nothing
    for path, content in files.items():
        assert home.token.encode() not in content, path
        assert home.token.removeprefix("fw_").encode() not in content, path
        assert PASSWORD.encode() not in content, path


def test_a_token_is_stored_as_its_sha_256(home: Household, settings: Settings) -> None:
    with sqlite3.connect(settings.users_db) as connection:
        stored = connection.execute("SELECT hashed_token FROM tokens").fetchall()
    connection.close()
    assert stored == [(sha256(home.token.encode()).hexdigest(),)]


def test_what_is_stored_of_a_token_does_not_work_as_one(home: Household) -> None:
    assert with_header(home.client, f"Bearer {sha256(home.token.encode()).hexdigest()}") == 401


def test_a_token_works_until_it_was_not_used_for_ninety_days(home: Household, clock: Clock) -> None:
    for _ in range(2):
        clock.forward(days=90, seconds=-0.001)
        assert home.get("/users").status_code == 200
    clock.forward(days=90)
    answer = home.get("/users")
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_setting_token_days_says_how_long_a_token_lives(settings: Settings, clock: Clock) -> None:
    short = replace(settings, token_days=1)
    ada = Household(create_app(short, clock).test_client())
    for _ in range(2):
        clock.forward(days=1, seconds=-1)
        assert ada.get("/users").status_code == 200
    clock.forward(days=1)
    assert ada.get("/users").status_code == 401


def test_one_lists_ones_own_tokens_oldest_first_without_their_secrets(client: FlaskClient, clock: Clock) -> None:
    ada, eve = Household(client), Household(client)
    created = [clock.text]
    for _ in range(2):
        clock.forward(seconds=1)
        created.append(clock.text)
        ada.log_in()
    tokens = ada.get("/auth/tokens").get_json()
    assert [token["created_at"] for token in tokens] == created
    told = {"id", "device_name", "created_at", "expires_at", "last_used_at", "tenant_id", "read_only"}
    assert all(token.keys() == told for token in tokens)
    assert [token["last_used_at"] for token in tokens] == [clock.text, None, None]
    assert {token["device_name"] for token in tokens} == {"test"}
    assert len(eve.get("/auth/tokens").get_json()) == 1


def test_a_device_gets_another_name_and_the_rest_stays(home: Household) -> None:
    other = home.log_in().get_json()
    before = {token["id"]: token for token in home.get("/auth/tokens").get_json()}
    answer = home.request("PATCH", f"/auth/tokens/{other['id'].upper()}", json={"device_name": "Kitchen tablet"})
    assert (answer.status_code, answer.json) == (200, before[other["id"]] | {"device_name": "Kitchen tablet"})
    after = {token["id"]: token for token in home.get("/auth/tokens").get_json()}
    assert after == before | {other["id"]: answer.json}
    assert with_header(home.client, f"Bearer {other['token']}") == 200


def test_a_token_of_another_user_an_unknown_and_an_expired_one_cannot_be_renamed(
    client: FlaskClient, clock: Clock
) -> None:
    ada, eve = Household(client), Household(client)
    (token,) = ada.get("/auth/tokens").get_json()
    body = {"device_name": "Mine"}
    others = eve.request("PATCH", f"/auth/tokens/{token['id']}", json=body)
    assert_problem(others, 404, "not_found")
    assert everything(others) == everything(eve.request("PATCH", f"/auth/tokens/{new_id()}", json=body))
    assert ada.get("/auth/tokens").get_json()[0]["device_name"] == "test"
    clock.forward(days=91)
    ada.token = ada.log_in().get_json()["token"]
    assert_problem(ada.request("PATCH", f"/auth/tokens/{token['id']}", json=body), 404, "not_found")


@pytest.mark.parametrize(
    "body", [{}, {"device_name": " "}, {"device_name": "x" * 201}, {"device_name": "a", "id": "b"}]
)
def test_a_device_is_renamed_to_one_line_and_nothing_else_is_set(home: Household, body: dict[str, str]) -> None:
    (token,) = home.get("/auth/tokens").get_json()
    assert_problem(home.request("PATCH", f"/auth/tokens/{token['id']}", json=body), 422, "invalid")
    assert home.get("/auth/tokens").get_json()[0]["device_name"] == "test"


def test_an_expired_token_is_not_listed(home: Household, clock: Clock) -> None:
    clock.forward(days=89)
    home.token = home.log_in().get_json()["token"]
    assert len(home.get("/auth/tokens").get_json()) == 2
    clock.forward(days=1)
    assert len(home.get("/auth/tokens").get_json()) == 1


def test_a_revoked_token_ends_at_once_and_the_others_live(home: Household) -> None:
    other = home.log_in().get_json()
    answer = home.request("DELETE", f"/auth/tokens/{other['id']}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert with_header(home.client, f"Bearer {other['token']}") == 401
    assert [token["id"] for token in home.get("/auth/tokens").get_json()] != [other["id"]]
    assert home.get("/users").status_code == 200


def test_a_revoked_token_ends_in_another_application_on_the_same_files_too(
    home: Household, settings: Settings, clock: Clock
) -> None:
    elsewhere = create_app(settings, clock).test_client()
    assert with_header(elsewhere, f"Bearer {home.token}") == 200
    (token,) = home.get("/auth/tokens").get_json()
    home.request("DELETE", f"/auth/tokens/{token['id']}")
    assert with_header(elsewhere, f"Bearer {home.token}") == 401


def test_one_may_revoke_the_token_one_asks_with(home: Household) -> None:
    (token,) = home.get("/auth/tokens").get_json()
    assert home.request("DELETE", f"/auth/tokens/{token['id'].upper()}").status_code == 204
    assert home.get("/users").status_code == 401


def test_a_token_of_another_user_answers_like_an_unknown_one(client: FlaskClient) -> None:
    ada, eve = Household(client), Household(client)
    (token,) = ada.get("/auth/tokens").get_json()
    others = eve.request("DELETE", f"/auth/tokens/{token['id']}")
    assert_problem(others, 404, "not_found")
    assert everything(others) == everything(eve.request("DELETE", f"/auth/tokens/{new_id()}"))
    assert ada.get("/users").status_code == 200


def test_a_token_is_revoked_once(home: Household) -> None:
    other = home.log_in().get_json()
    assert home.request("DELETE", f"/auth/tokens/{other['id']}").status_code == 204
    assert_problem(home.request("DELETE", f"/auth/tokens/{other['id']}"), 404, "not_found")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_written_in_any_case(home: Household, scheme: str) -> None:
    assert with_header(home.client, f"{scheme} {home.token}") == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "{token}",
        "Token {token}",
        "Basic {token}",
        "Bearer{token}",
        "Bearer:{token}",
        "Bearer {token}x",
        "Bearer x{token}",
        "Bearer {token} {token}",
        "Bearer {token},{token}",
        'Bearer "{token}"',
        'Bearer token="{token}"',
        "Bearer {upper}",
        "Bearer \u00e4\u00f6\u00fc\u00ff",
        "Bearer ' OR 1=1 --",
        "Bearer " + "x" * 50_000,
        "Bearer fw_",
        "Digest username=ada",
    ],
)
def test_any_other_header_is_unauthorized(home: Household, header: str | None) -> None:
    given = header and header.format(token=home.token, upper=home.token.upper())
    headers = {} if given is None else {"Authorization": given}
    answer = home.client.get("/users", headers=headers)
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert home.token not in answer.text


def test_a_token_anywhere_but_in_the_header_is_not_seen(home: Household) -> None:
    for query in ("token", "access_token", "authorization", "Authorization"):
        assert home.client.get("/users", query_string={query: home.token}).status_code == 401
    home.client.set_cookie("Authorization", f"Bearer {home.token}")
    home.client.set_cookie("token", home.token)
    assert home.client.get("/users").status_code == 401


def test_a_login_takes_no_token_into_account(home: Household) -> None:
    login = {"email": home.email, "password": PASSWORD, "device_name": "test"}
    answer = home.client.post("/auth/tokens", json=login, headers={"Authorization": "Bearer garbage"})
    assert answer.status_code == 201


@pytest.mark.parametrize(("query", "left"), [("", 0), ("?others=false", 0), ("?others=true", 1)])
def test_one_logs_out_everywhere_or_everywhere_else(home: Household, query: str, left: int) -> None:
    others = [home.log_in().get_json()["token"] for _ in range(2)]
    stranger = Household(home.client)
    assert home.request("DELETE", f"/auth/tokens{query}").status_code == 204
    for token in others:
        assert home.get("/users", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert home.get("/users").status_code == (200 if left else 401)
    assert stranger.get("/users").status_code == 200


def script(home: Household, **members: object) -> dict[str, str]:
    """The header of a token for a script."""
    body = {"email": home.email, "password": PASSWORD, "device_name": "script"} | members
    answer = home.client.post("/auth/tokens", json=body)
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.get_json()['token']}"}


def test_a_token_to_read_reads_and_does_nothing_else(home: Household) -> None:
    home.results(change("t1"))
    headers = script(home, read_only=True)
    assert home.get(f"/sync/changes/{home.tenant_id}", headers=headers).status_code == 200
    push = {"tenant_id": home.tenant_id, "changes": [change("t2")]}
    for answer in (
        home.post("/sync/changes", json=push, headers=headers),
        home.get("/auth/tokens", headers=headers),
        home.post("/tenants", json={"uuid": new_id(), "name": "x"}, headers=headers),
        home.get("/admin/users", headers=headers),
    ):
        assert_problem(answer, 403, "forbidden")
    assert [entity["id"] for entity in home.pull()["changes"]] == ["t1"]


def test_a_token_for_one_tenant_knows_no_other(home: Household) -> None:
    other = new_id()
    home.post("/tenants", json={"uuid": other, "name": "Cabin"})
    headers = script(home, tenant_id=other)
    assert [each["uuid"] for each in home.get("/tenants", headers=headers).get_json()] == [other]
    push = {"tenant_id": other, "changes": [change()]}
    assert home.post("/sync/changes", json=push, headers=headers).status_code == 200
    assert_problem(home.get(f"/sync/changes/{home.tenant_id}", headers=headers), 404, "not_found")


def test_nobody_gets_a_token_for_a_tenant_of_others(home: Household) -> None:
    eve = Household(home.client)
    body = {"email": eve.email, "password": PASSWORD, "device_name": "script", "tenant_id": home.tenant_id}
    assert_problem(home.client.post("/auth/tokens", json=body), 404, "not_found")
    assert len(eve.get("/auth/tokens").get_json()) == 1
