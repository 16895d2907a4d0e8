"""Signing up, and what people do with their own record."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise.domain import Domain
from finwise.domain.tokens import Issued, NewToken, Tokens
from finwise.domain.user import User
from harness.problems import assert_problem, everything
from tests.conftest import Clock
from tests.household import PASSWORD, Household, new_id

OTHER_PASSWORD = "another horse battery"


def person(**members: Any) -> dict[str, Any]:
    """What somebody signs up with; a member `...` is left out."""
    user_id = new_id()
    made = {"uuid": user_id, "name": "Ada", "email": f"{user_id}@example.org", "password": PASSWORD} | members
    return {name: value for name, value in made.items() if value is not ...}


def sign_up(client: FlaskClient, body: dict[str, Any], address: str = "127.0.0.1") -> TestResponse:
    return client.post("/users", json=body, environ_overrides={"REMOTE_ADDR": address})


def new_password(current: str = PASSWORD) -> dict[str, str]:
    """What is sent to set another password."""
    return {"password": OTHER_PASSWORD, "current_password": current}


def log_in(client: FlaskClient, email: str, password: str) -> TestResponse:
    return client.post("/auth/tokens", json={"email": email, "password": password, "device_name": "test"})


def times(clock: Clock) -> dict[str, str]:
    return {"created_at": clock.text, "updated_at": clock.text}


def test_signing_up_answers_201_with_the_record_and_nothing_else(client: FlaskClient, clock: Clock) -> None:
    new = person()
    answer = sign_up(client, new)
    assert answer.status_code == 201
    record = {"uuid": new["uuid"], "name": "Ada", "email": new["email"], "is_admin": True}
    assert answer.json == {**record, **times(clock)}


@pytest.mark.parametrize("body", [{"name": "Ada L."}, {"email": "al@example.org"}, new_password()])
def test_a_change_of_the_record_is_dated(home: Household, clock: Clock, body: dict[str, str]) -> None:
    created = clock.text
    clock.forward(seconds=60)
    changed = home.request("PATCH", f"/users/{home.user_id}", json=body).get_json()
    assert (changed["created_at"], changed["updated_at"]) == (created, clock.text)
    assert home.get("/users").get_json() == [changed]


def test_signing_up_again_answers_200_with_the_same_body(client: FlaskClient) -> None:
    new = person()
    first, again = sign_up(client, new), sign_up(client, new)
    assert (again.status_code, again.data) == (200, first.data)


def test_signing_up_again_with_another_password_is_a_conflict(client: FlaskClient) -> None:
    new = person()
    sign_up(client, new)
    assert_problem(sign_up(client, new | {"password": OTHER_PASSWORD}), 409, "conflict")
    assert log_in(client, new["email"], PASSWORD).status_code == 201
    assert log_in(client, new["email"], OTHER_PASSWORD).status_code == 401


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"name": "Eve"}, id="another name"),
        pytest.param({"email": "eve@example.org"}, id="another e-mail"),
        pytest.param({"password": ...}, id="no password"),
        pytest.param({"password": None}, id="a null password"),
    ],
)
def test_other_content_under_a_known_uuid_is_a_conflict_that_changes_nothing(
    client: FlaskClient, other: dict[str, Any]
) -> None:
    new = person()
    sign_up(client, new)
    assert_problem(sign_up(client, person(**(new | other))), 409, "conflict")
    assert sign_up(client, new).status_code == 200


def test_a_conflict_does_not_tell_what_is_taken(client: FlaskClient) -> None:
    new = person()
    sign_up(client, new)
    known_uuid = sign_up(client, person(uuid=new["uuid"]))
    taken_email = sign_up(client, person(email=new["email"]))
    assert_problem(known_uuid, 409, "conflict")
    assert everything(known_uuid) == everything(taken_email)
    assert new["email"] not in known_uuid.text


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param("ADA@EXAMPLE.ORG", id="upper case"),
        pytest.param("Ada@Example.org", id="mixed case"),
        pytest.param("\uff21da@example.org", id="a full-width letter"),
        pytest.param(" ada@example.org\u00a0", id="spaces around it"),
    ],
)
def test_an_e_mail_spelled_otherwise_is_the_same_e_mail(client: FlaskClient, spelled: str) -> None:
    assert sign_up(client, person(email="ada@example.org")).status_code == 201
    assert_problem(sign_up(client, person(email=spelled)), 409, "conflict")
    assert log_in(client, spelled, PASSWORD).status_code == 201


def test_an_e_mail_keeps_the_spelling_it_was_given_with(client: FlaskClient) -> None:
    assert sign_up(client, person(email="Ada@Example.org")).get_json()["email"] == "Ada@Example.org"


def test_spaces_around_a_name_and_an_e_mail_are_not_kept(client: FlaskClient) -> None:
    new = person(name="  Mu\u0308ller ", email=" ada@example.org ")
    answer = sign_up(client, new)
    assert (answer.status_code, answer.get_json()["name"]) == (201, "M\u00fcller")
    assert answer.get_json()["email"] == "ada@example.org"
    assert sign_up(client, new).status_code == 200, "said again"


@pytest.mark.parametrize("chosen", ["schl\u00fcssel", "schlu\u0308ssel"])
@pytest.mark.parametrize("typed", ["schl\u00fcssel", "schlu\u0308ssel"])
def test_a_password_logs_in_in_whichever_unicode_form_it_is_typed(client: FlaskClient, chosen: str, typed: str) -> None:
    new = person(password=chosen)
    assert sign_up(client, new).status_code == 201
    assert log_in(client, new["email"], typed).status_code == 201


def test_a_uuid_in_upper_case_is_the_same_user_and_is_answered_in_lower_case(client: FlaskClient) -> None:
    new = person()
    assert sign_up(client, new | {"uuid": new["uuid"].upper()}).get_json()["uuid"] == new["uuid"]
    assert sign_up(client, new).status_code == 200


def test_without_a_password_one_signs_up_and_cannot_log_in(client: FlaskClient) -> None:
    for new in (person(password=...), person(password=None)):
        assert sign_up(client, new).status_code == 201
        assert sign_up(client, new).status_code == 200
        assert_problem(log_in(client, new["email"], PASSWORD), 401, "unauthorized")
        assert_problem(sign_up(client, new | {"password": PASSWORD}), 409, "conflict")


def test_guessing_a_password_by_signing_up_again_is_throttled_like_a_login(client: FlaskClient) -> None:
    new = person()
    sign_up(client, new)
    for guess in range(5):
        assert sign_up(client, new | {"password": f"wrong password {guess}"}).status_code == 409
    answer = sign_up(client, new)
    assert_problem(answer, 429, "slow_down")
    assert answer.headers["Retry-After"] == "900"


@pytest.mark.parametrize("guesses_at_login", [0, 2, 5])
def test_wrong_passwords_count_together_whether_tried_by_login_or_by_signing_up(
    client: FlaskClient, guesses_at_login: int
) -> None:
    new = person()
    sign_up(client, new)
    for guess in range(5):
        if guess < guesses_at_login:
            assert log_in(client, new["email"], "wrong password").status_code == 401
        else:
            assert sign_up(client, new | {"password": "wrong password"}).status_code == 409
    assert_problem(log_in(client, new["email"].upper(), PASSWORD), 429, "slow_down")
    assert_problem(sign_up(client, new), 429, "slow_down")


def test_the_throttle_ends_when_retry_after_has_passed(client: FlaskClient, clock: Clock) -> None:
    new = person()
    sign_up(client, new)
    for _ in range(5):
        log_in(client, new["email"], "wrong password")
        clock.forward(seconds=60)
    wait = int(log_in(client, new["email"], PASSWORD).headers["Retry-After"])
    assert wait == 900 - 5 * 60
    clock.forward(seconds=wait - 1)
    assert log_in(client, new["email"], PASSWORD).headers["Retry-After"] == "1"
    clock.forward(seconds=1)
    assert log_in(client, new["email"], PASSWORD).status_code == 201


def test_a_right_password_forgets_the_wrong_ones(client: FlaskClient) -> None:
    new = person()
    sign_up(client, new)
    for right in (log_in(client, new["email"], PASSWORD), sign_up(client, new)):
        assert right.status_code in (200, 201)
        for _ in range(4):
            assert log_in(client, new["email"], "wrong password").status_code == 401
        assert log_in(client, new["email"], PASSWORD).status_code == 201


def test_the_throttle_is_per_account_and_address(client: FlaskClient) -> None:
    new, other = person(), person()
    sign_up(client, new)
    sign_up(client, other)
    for _ in range(5):
        sign_up(client, new | {"password": "wrong password"}, "192.0.2.1")
    assert sign_up(client, new, "192.0.2.1").status_code == 429
    assert sign_up(client, new, "192.0.2.2").status_code == 200
    assert sign_up(client, other, "192.0.2.1").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "two\nlines"),
        ("name", "Ada\x1b[2J"),
        ("name", "Ada\u202e"),
        ("name", "A\u200bda"),
        ("name", "x" * 201),
        ("name", 7),
        ("name", None),
        ("name", ...),
        ("email", "no at sign"),
        ("email", "two@at@signs"),
        ("email", "ada@example.org\n"),
        ("email", "<ada@example.org>"),
        ("email", "ada\u200b@example.org"),
        ("email", f"{'x' * 65}@example.org"),
        ("email", ["ada@example.org"]),
        ("email", ...),
        ("password", "short12"),
        ("password", "x" * 129),
        ("password", 12345678),
        ("uuid", ...),
        ("uuid", None),
    ],
)
def test_a_wrong_field_is_named_and_nobody_is_signed_up(client: FlaskClient, field: str, value: Any) -> None:
    problem = assert_problem(sign_up(client, person(**{field: value})), 422, "invalid")
    assert list(problem["errors"]) == [field]


@pytest.mark.parametrize("length", [8, 128])
def test_passwords_of_8_to_128_characters_are_taken(client: FlaskClient, length: int) -> None:
    password = "u\u0308" * length
    new = person(password=password)
    assert sign_up(client, new).status_code == 201
    assert log_in(client, new["email"], password).status_code == 201


@pytest.mark.parametrize("column", ["hashed_password", "email_key", "created_at", "id", "state", "role", "is_admin"])
def test_nobody_sets_what_the_server_alone_decides(home: Household, column: str) -> None:
    assert_problem(sign_up(home.client, person(**{column: "x"})), 422, "invalid")
    assert_problem(home.request("PATCH", f"/users/{home.user_id}", json={column: "x"}), 422, "invalid")


@pytest.mark.parametrize("column", ["uuid", "user_id"])
def test_nobody_gives_oneself_another_uuid(home: Household, column: str) -> None:
    assert_problem(home.request("PATCH", f"/users/{home.user_id}", json={column: new_id()}), 422, "invalid")


def test_the_list_of_users_is_oneself(client: FlaskClient, clock: Clock) -> None:
    ada, eve = Household(client), Household(client)
    for one in (ada, eve):
        record = {"uuid": one.user_id, "name": "Ada", "email": one.email, "is_admin": one is ada, **times(clock)}
        assert one.get("/users").json == [record]


def test_one_reads_ones_own_record(client: FlaskClient, clock: Clock) -> None:
    ada = Household(client)
    expected = {"uuid": ada.user_id, "name": "Ada", "email": ada.email, "is_admin": True, **times(clock)}
    assert ada.get(f"/users/{ada.user_id}").json == expected
    assert ada.get(f"/users/{ada.user_id.upper()}").json == expected


@pytest.mark.parametrize(
    ("method", "options"),
    [("GET", {}), ("HEAD", {}), ("PATCH", {"json": {"name": "Mallory"}}), ("DELETE", {})],
)
def test_the_record_of_another_user_answers_like_an_unknown_one(
    client: FlaskClient, method: str, options: dict[str, Any]
) -> None:
    ada, eve = Household(client), Household(client)
    others = eve.request(method, f"/users/{ada.user_id}", **options)
    unknown = eve.request(method, f"/users/{new_id()}", **options)
    assert others.status_code == 404
    assert everything(others) == everything(unknown)
    assert ada.get("/users").get_json()[0]["name"] == "Ada"


def test_a_name_is_changed(home: Household, clock: Clock) -> None:
    answer = home.request("PATCH", f"/users/{home.user_id}", json={"name": "Ada L."})
    assert answer.status_code == 200
    assert answer.json == {
        "uuid": home.user_id,
        "name": "Ada L.",
        "email": home.email,
        "is_admin": True,
        **times(clock),
    }
    assert home.get("/users").json == [answer.json]


def test_changing_nothing_is_answered_with_the_record(home: Household) -> None:
    assert home.request("PATCH", f"/users/{home.user_id}", json={}).json == home.get(f"/users/{home.user_id}").json


@pytest.mark.parametrize("field", ["name", "email", "password"])
def test_no_field_of_a_user_can_be_taken_away(home: Household, field: str) -> None:
    problem = assert_problem(home.request("PATCH", f"/users/{home.user_id}", json={field: None}), 422, "invalid")
    assert list(problem["errors"]) == [field]
    assert home.log_in().status_code == 201


def test_with_a_changed_e_mail_one_logs_in_by_the_new_one_only(home: Household) -> None:
    answer = home.request("PATCH", f"/users/{home.user_id}", json={"email": "Ada@Example.org"})
    assert (answer.status_code, answer.get_json()["email"]) == (200, "Ada@Example.org")
    assert log_in(home.client, "ada@example.org", PASSWORD).status_code == 201
    assert log_in(home.client, home.email, PASSWORD).status_code == 401


def test_one_may_spell_ones_own_e_mail_otherwise(home: Household) -> None:
    answer = home.request("PATCH", f"/users/{home.user_id}", json={"email": home.email.upper()})
    assert (answer.status_code, answer.get_json()["email"]) == (200, home.email.upper())


def test_an_e_mail_of_somebody_else_cannot_be_taken_however_it_is_spelled(client: FlaskClient) -> None:
    ada, eve = Household(client), Household(client)
    before = eve.get("/users").json
    for email in (ada.email, ada.email.upper()):
        answer = eve.request("PATCH", f"/users/{eve.user_id}", json={"name": "Eve", "email": email})
        assert_problem(answer, 409, "conflict")
    assert eve.get("/users").json == before


def test_a_new_password_is_the_only_one_that_logs_in(home: Household) -> None:
    answer = home.request("PATCH", f"/users/{home.user_id}", json=new_password())
    assert answer.status_code == 200
    assert "password" not in answer.text
    assert home.log_in().status_code == 401
    assert home.log_in(OTHER_PASSWORD).status_code == 201


@pytest.mark.parametrize("body", [{"password": OTHER_PASSWORD}, new_password("wrong password")])
def test_a_new_password_takes_the_current_one(home: Household, body: dict[str, str]) -> None:
    """A person who finds an unlocked device does not take the account over."""
    other = home.log_in().get_json()["token"]
    answer = home.request("PATCH", f"/users/{home.user_id}", json=body | {"name": "Mallory"})
    problem = assert_problem(answer, 422, "invalid")
    assert list(problem["errors"]) == ["current_password"]
    assert home.get("/users").get_json()[0]["name"] == "Ada"
    assert home.get("/users", headers={"Authorization": f"Bearer {other}"}).status_code == 200
    assert home.log_in().status_code == 201


def test_guessing_the_current_password_is_throttled_like_a_login(home: Household) -> None:
    for _ in range(5):
        wrong = home.request("PATCH", f"/users/{home.user_id}", json=new_password("wrong password"))
        assert wrong.status_code == 422
    assert_problem(home.request("PATCH", f"/users/{home.user_id}", json=new_password()), 429, "slow_down")


def test_who_has_no_password_yet_sets_one_without_a_current_one(app: Flask, home: Household, clock: Clock) -> None:
    domain: Domain = app.extensions["finwise"]
    new = person(password=None)
    assert sign_up(home.client, new).status_code == 201
    token = domain.tokens.add_for(new["email"], NewToken("given out"), clock.now).secret
    headers = {"Authorization": f"Bearer {token}"}
    path, body = f"/users/{new['uuid']}", {"password": OTHER_PASSWORD}
    assert home.client.patch(path, json=body, headers=headers).status_code == 200
    assert log_in(home.client, new["email"], OTHER_PASSWORD).status_code == 201


def test_a_new_password_revokes_all_other_tokens_but_not_this_one(home: Household) -> None:
    others = [home.log_in().get_json()["token"] for _ in range(2)]
    stranger = Household(home.client)
    assert home.request("PATCH", f"/users/{home.user_id}", json=new_password()).status_code == 200
    assert home.get("/users").status_code == 200
    assert len(home.get("/auth/tokens").get_json()) == 1
    for token in others:
        assert home.get("/users", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert stranger.get("/users").status_code == 200


def test_a_new_name_or_e_mail_revokes_no_token(home: Household) -> None:
    other = home.log_in().get_json()["token"]
    changed = {"name": "Ada L.", "email": "ada@example.org"}
    assert home.request("PATCH", f"/users/{home.user_id}", json=changed).status_code == 200
    assert home.get("/users", headers={"Authorization": f"Bearer {other}"}).status_code == 200


def test_a_name_changed_at_the_same_moment_does_not_bring_an_old_password_back(app: Flask, home: Household) -> None:
    domain: Domain = app.extensions["finwise"]
    as_a_slow_request_read_it, token = domain.tokens.authenticate(home.token, 0)
    assert home.request("PATCH", f"/users/{home.user_id}", json=new_password()).status_code == 200
    domain.users.change(as_a_slow_request_read_it, 0, name="Ada L.", email=None, password=None, token_id=token.id)
    assert home.log_in(OTHER_PASSWORD).status_code == 201
    assert home.log_in().status_code == 401


def test_a_login_beside_a_new_password_gets_no_token(
    app: Flask, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password was verified just before it was replaced; its token would outlive the revocation."""
    domain: Domain = app.extensions["finwise"]
    issue = Tokens.issue

    def issue_late(self: Tokens, user: User, new: NewToken, now: int) -> Issued:
        monkeypatch.undo()
        domain.users.change(user, now, name=None, email=None, password=OTHER_PASSWORD, token_id="")
        return issue(self, user, new, now)

    monkeypatch.setattr(Tokens, "issue", issue_late)
    assert home.log_in().status_code == 401
    home.token = home.log_in(OTHER_PASSWORD).get_json()["token"]
    assert len(home.get("/auth/tokens").get_json()) == 1


def test_who_leaves_is_gone_with_all_tokens(client: FlaskClient) -> None:
    ada = Household(client)
    other = ada.log_in().get_json()["token"]
    answer = ada.request("DELETE", f"/users/{ada.user_id}")
    assert (answer.status_code, answer.data) == (204, b"")
    for token in (ada.token, other):
        assert ada.get("/users", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert ada.log_in().status_code == 401


def test_who_left_may_sign_up_again(client: FlaskClient) -> None:
    ada = Household(client)
    ada.request("DELETE", f"/users/{ada.user_id}")
    assert sign_up(client, ada.sign_up).status_code == 201
    assert ada.log_in().status_code == 201


def test_after_deleting_ones_tenants_one_may_leave(home: Household) -> None:
    assert home.request("DELETE", f"/tenants/{home.tenant_id}").status_code == 204
    assert home.request("DELETE", f"/users/{home.user_id}").status_code == 204
    assert home.get("/users").status_code == 401


def test_a_tenants_uuid_stays_taken_when_its_owner_has_left(home: Household) -> None:
    home.request("DELETE", f"/tenants/{home.tenant_id}")
    home.request("DELETE", f"/users/{home.user_id}")
    eve = Household(home.client)
    assert_problem(eve.post("/tenants", json={"uuid": home.tenant_id, "name": "Home"}), 409, "conflict")
    assert_problem(eve.get(f"/tenants/{home.tenant_id}"), 404, "not_found")
