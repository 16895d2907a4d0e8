"""The commands about people, their tokens and the size of their books, as an operator calls them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from finwise import create_app
from finwise.cli import main
from finwise.config import Settings
from tests.household import PASSWORD, Household, change, new_id
from tests.store.files import outside

NOBODY = "nobody@example.org"

Run = Callable[..., Result]


@pytest.fixture
def run(installed: Settings) -> Run:
    folders = {"FINWISE_INSTANCE": installed.instance, "FINWISE_TENANT_DATABASES": installed.tenant_databases}

    def call(*arguments: str, typed: str | None = None, **environment: str) -> Result:
        result = CliRunner(env=folders | environment).invoke(main, list(arguments), input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    """A server on the real clock, which the commands use too."""
    return create_app(settings).test_client()


@pytest.fixture
def home(client: FlaskClient) -> Household:
    """Who signs up first, and so is the administrator."""
    return Household(client, "ada@example.org").create()


def log_in(client: FlaskClient, email: str, password: str) -> int:
    login = {"email": email, "password": password, "device_name": "test"}
    return client.post("/auth/tokens", json=login).status_code


def table(listed: Result) -> list[str]:
    assert listed.exit_code == 0, listed.output
    return listed.stdout.splitlines()


def assert_refused(done: Result, said: str) -> None:
    """The command ended with 1 and one line."""
    assert (done.exit_code, done.stderr.splitlines()[-1], done.stdout) == (1, f"Error: {said}", "")


# ---- names ----

EVIL = "Eve\x1b[2J\u202e"
SHOWN = r"Eve\x1b[2J\u202e"


def test_what_was_stored_with_characters_that_move_the_cursor_is_shown_without_them(
    run: Run, home: Household, settings: Settings
) -> None:
    with outside(settings.users_db) as connection:
        connection.execute("UPDATE users SET name = ?, email = ?", (EVIL, f"{EVIL}@example.org"))
        connection.execute("UPDATE tenants SET name = ?", (EVIL,))
    listed = [
        run("users", "list"),
        run("tenants", "list"),
        run("tenants", "quota", home.tenant_id, "5"),
        run("check"),
    ]
    assert [done.output for done in listed if "\x1b" in done.output or "\u202e" in done.output] == []
    assert [SHOWN in done.output for done in listed[:3]] == [True, True, True]


def test_names_that_cannot_be_seen_whole_are_refused(run: Run, home: Household) -> None:
    assert "name:" in run("users", "add", "eve@example.org", "--name", EVIL).stderr
    assert "email:" in run("users", "add", f"{EVIL}@example.org").stderr
    assert "--device takes one line" in run("tokens", "add", home.email, "--device", EVIL).stderr
    restore = ("restore", "--tenant", home.tenant_id, "--trash", "--owner", home.email, "--name", EVIL)
    assert "--name takes one line" in run(*restore).stderr
    assert len(table(run("users", "list"))) == 2


def test_spaces_around_an_e_mail_do_not_count(run: Run, home: Household) -> None:
    assert run("users", "add", " eve@example.org ").exit_code == 0
    assert run("users", "admin", " Eve@example.org").exit_code == 0
    assert any(line.startswith("eve@example.org  eve ") for line in table(run("users", "list")))


# ---- users ----


def test_the_list_shows_who_there_is(run: Run, home: Household) -> None:
    Household(home.client, "eve.with.a.long.name@example.org")
    head, *lines = table(run("users", "list"))
    assert head.split("  ")[0] == "E-MAIL"
    (ada,) = [line.split() for line in lines if line.startswith("ada@")]
    (eve,) = [line.split() for line in lines if line.startswith("eve.")]
    assert (ada[:3], ada[-1]) == (["ada@example.org", "Ada", "1"], "administrator")
    assert ada[3].endswith("Z")
    assert eve == ["eve.with.a.long.name@example.org", "Ada", "0", "never"]
    assert len({line.index(" Ada ") for line in lines}) == 1, "columns stand below each other"


def test_an_empty_list_has_a_head(run: Run) -> None:
    assert [line.split() for line in table(run("users", "list"))] == [["E-MAIL", "NAME", "TENANTS", "LAST", "SEEN"]]


def test_a_long_list_is_shown_whole(run: Run, client: FlaskClient) -> None:
    for number in range(205):
        body = {"uuid": new_id(), "name": "Ada", "email": f"{number}@example.org"}
        assert client.post("/users", json=body).status_code == 201
    lines = table(run("users", "list"))[1:]
    assert {line.split("@")[0] for line in lines} == {f"{number}" for number in range(205)}
    assert len(lines) == 205


def test_who_is_added_logs_in_with_the_password_that_is_printed_once(run: Run, client: FlaskClient) -> None:
    done = run("users", "add", "Ada@example.org")
    (password,) = done.stdout.splitlines()
    assert len(password) >= 20
    assert password not in done.stderr
    assert log_in(client, "ada@example.org", password) == 201
    listed = table(run("users", "list"))[1].split()
    assert (listed[:2], listed[-1]) == (["Ada@example.org", "Ada"], "administrator")


def test_each_password_that_is_made_up_is_another_one(run: Run) -> None:
    made = {run("users", "add", f"{number}@example.org").stdout for number in range(3)}
    assert len(made) == 3


@pytest.mark.parametrize("sign_up", ["open", "invitation", "closed"])
def test_the_operator_adds_users_however_signing_up_is_set(run: Run, client: FlaskClient, sign_up: str) -> None:
    for email in ("ada@example.org", "eve@example.org"):
        done = run("users", "add", email, "--name", "A. L.", FINWISE_SIGN_UP=sign_up)
        assert log_in(client, email, done.stdout.strip()) == 201
    lines = table(run("users", "list"))[1:]
    assert ["administrator" in line for line in lines].count(True) == 1
    assert all(" A. L. " in line for line in lines)


def test_a_password_is_asked_for_twice_and_not_shown(run: Run, client: FlaskClient) -> None:
    done = run("users", "add", "ada@example.org", "--ask", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.exit_code == 0
    assert PASSWORD not in done.output
    assert log_in(client, "ada@example.org", PASSWORD) == 201


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (["nonsense"], None, "email: "),
        (["ada@example.org\n"], None, "email: "),
        (["eve@example.org", "--name", " "], None, "name: "),
        (["eve@example.org", "--name", "two\nlines"], None, "name: "),
        (["eve@example.org", "--ask"], "short\nshort\n", "password: "),
    ],
)
def test_nobody_is_added_whose_record_signing_up_would_refuse(
    run: Run, arguments: list[str], typed: str | None, said: str
) -> None:
    done = run("users", "add", *arguments, typed=typed)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith(f"Error: {said}")
    assert len(table(run("users", "list"))) == 1


def test_nobody_is_added_twice_however_the_e_mail_is_spelled(run: Run, home: Household) -> None:
    assert_refused(run("users", "add", "ADA@example.org"), "The UUID or the e-mail is taken.")
    assert home.log_in().status_code == 201


def test_another_password_logs_all_devices_out(run: Run, home: Household) -> None:
    done = run("users", "password", "Ada@example.org")
    assert home.get("/users").status_code == 401
    assert home.log_in().status_code == 401
    assert home.log_in(done.stdout.strip()).status_code == 201


def test_another_password_may_be_asked_for(run: Run, home: Household) -> None:
    other = "another horse battery"
    done = run("users", "password", home.email, "--ask", typed=f"{other}\n{other}\n")
    assert (done.exit_code, other in done.output) == (0, False)
    assert home.log_in(other).status_code == 201
    assert run("users", "password", home.email, "--ask", typed="short\nshort\n").exit_code == 1
    assert home.log_in(other).status_code == 201


def test_a_user_becomes_administrator_and_ceases_to_be_one(run: Run, home: Household) -> None:
    eve = Household(home.client, "eve@example.org")
    assert eve.get("/admin/users").status_code == 403
    assert run("users", "admin", "Eve@example.org").exit_code == 0
    assert eve.get("/admin/users").status_code == 200
    assert run("users", "admin", "eve@example.org", "--off").exit_code == 0
    assert eve.get("/admin/users").status_code == 403


def test_one_administrator_has_to_stay(run: Run, home: Household) -> None:
    eve = Household(home.client, "eve@example.org")
    said = "This is the last administrator. Make somebody else an administrator first."
    assert_refused(run("users", "admin", home.email, "--off"), said)
    assert_refused(run("users", "delete", home.email, "--yes"), said)
    assert home.get("/admin/users").status_code == 200
    run("users", "admin", eve.email)
    assert run("users", "admin", home.email, "--off").exit_code == 0


def test_a_deleted_user_is_gone_and_the_books_are_in_the_trash(run: Run, home: Household) -> None:
    eve = Household(home.client, "eve@example.org").create()
    eve.results(change("t1"))
    assert run("users", "delete", "Eve@example.org", "--yes").exit_code == 0
    assert eve.get("/users").status_code == 401
    assert log_in(home.client, eve.email, PASSWORD) == 401
    assert run("restore", "--tenant", eve.tenant_id, "--trash", "--owner", home.email).exit_code == 0
    eve.token = home.token
    assert [entity["id"] for entity in eve.initial()["changes"]] == ["t1"]


def test_a_user_is_deleted_only_when_that_is_confirmed(run: Run, home: Household) -> None:
    eve = Household(home.client, "eve@example.org")
    done = run("users", "delete", eve.email, typed="n\n")
    assert (done.exit_code, "trash" in done.output) == (1, True)
    assert eve.get("/users").status_code == 200
    assert run("users", "delete", eve.email, typed="y\n").exit_code == 0
    assert eve.get("/users").status_code == 401


def test_the_owner_of_a_book_that_others_may_open_is_not_deleted(run: Run, home: Household) -> None:
    eve, bob = Household(home.client, "eve@example.org").create(), Household(home.client, "bob@example.org")
    code = eve.post(f"/tenants/{eve.tenant_id}/invitations", json={"role": "viewer"}).get_json()["code"]
    assert bob.post("/invitations/accept", json={"code": code}).status_code == 200
    done = run("users", "delete", eve.email, "--yes")
    assert done.exit_code == 1
    assert "Make one of them its owner" in done.stderr
    assert eve.get("/users").status_code == 200
    assert run("users", "delete", bob.email, "--yes").exit_code == 0
    assert run("users", "delete", eve.email, "--yes").exit_code == 0


@pytest.mark.parametrize("command", [["password"], ["admin"], ["admin", "--off"], ["delete", "--yes"]])
def test_a_command_about_nobody_is_refused(run: Run, home: Household, command: list[str]) -> None:
    assert_refused(run("users", *command, NOBODY), "There is no such user.")


def test_a_code_lets_one_person_sign_up(run: Run, home: Household, settings: Settings) -> None:
    client = create_app(replace(settings, sign_up="invitation")).test_client()
    made = run("users", "invite")
    assert "Expires 2" in made.stderr
    (code,) = made.stdout.splitlines()

    def sign_up(**members: Any) -> int:
        body = {"uuid": new_id(), "name": "Eve", "email": f"{new_id()}@example.org", "password": PASSWORD}
        return client.post("/users", json=body | members).status_code

    assert sign_up() == 403
    assert sign_up(invitation=code) == 201
    assert sign_up(invitation=code) == 404


def test_a_code_lives_as_long_as_the_setting_says(run: Run) -> None:
    def days(**environment: str) -> str:
        return run("users", "invite", **environment).stderr

    assert days(FINWISE_INVITATION_DAYS="1") < days() < days(FINWISE_INVITATION_DAYS="30")


# ---- tenants ----


def test_the_list_shows_sizes_and_dates_and_never_contents(run: Run, home: Household) -> None:
    empty_id = new_id()
    assert home.post("/tenants", json={"uuid": empty_id, "name": "Empty"}).status_code == 201
    home.results(change(data={"name": "a secret tag"}))
    listed = run("tenants", "list")
    head, *lines = table(listed)
    assert head.split() == ["UUID", "NAME", "STATE", "MIB", "QUOTA", "MEMBERS", "LAST", "SYNC"]
    found = {line.split()[0]: line.split()[1:] for line in lines}
    name, state, mib, quota, members, last = found[home.tenant_id]
    assert (name, state, quota, members) == ("Home", "active", "1024", "1")
    assert 0 < float(mib) < 1
    assert last.endswith("Z")
    assert found[empty_id][-1] == "never"
    assert "secret" not in listed.output


def test_deleted_tenants_stay_in_the_list(run: Run, home: Household) -> None:
    assert home.request("DELETE", f"/tenants/{home.tenant_id}").status_code == 204
    line = table(run("tenants", "list"))[1].split()
    assert line == [home.tenant_id, "Home", "deleted", "?", "1024", "1", "never"]


def test_a_long_list_of_tenants_is_shown_whole(run: Run, settings: Settings) -> None:
    home = Household(create_app(replace(settings, tenants_per_user=200)).test_client()).create()
    made = {home.tenant_id}
    for _ in range(104):
        home.tenant_id = new_id()
        made.add(home.create().tenant_id)
    lines = table(run("tenants", "list"))[1:]
    assert len(lines) == 105
    assert {line.split()[0] for line in lines} == made


def test_a_quota_is_set_and_taken_back(run: Run, home: Household) -> None:
    assert run("tenants", "quota", home.tenant_id.upper(), "7").stdout == "Home may hold 7 MiB.\n"
    assert table(run("tenants", "list"))[1].split()[4] == "7"
    done = run("tenants", "quota", home.tenant_id, FINWISE_QUOTA_MIB="11")
    assert done.stdout == "Home may hold 11 MiB.\n"
    assert table(run("tenants", "list", FINWISE_QUOTA_MIB="12"))[1].split()[4] == "12"


def test_a_quota_holds_at_once_for_a_server_that_runs(run: Run, home: Household) -> None:
    note = "x" * 200_000
    many = [change(data={"name": "t", "note": note}) for _ in range(8)]
    assert run("tenants", "quota", home.tenant_id, "1").exit_code == 0
    assert home.push(*many).status_code == 507
    assert run("tenants", "quota", home.tenant_id, "5").exit_code == 0
    assert home.push(*many).status_code == 200


@pytest.mark.parametrize("mib", ["0", "-1", "1048577", "1.5", "many"])
def test_a_quota_of_another_form_is_refused(run: Run, home: Household, mib: str) -> None:
    assert run("tenants", "quota", home.tenant_id, mib).exit_code == 2
    assert table(run("tenants", "list"))[1].split()[4] == "1024"


def test_a_quota_for_a_tenant_that_there_is_not_is_refused(run: Run, home: Household) -> None:
    assert_refused(run("tenants", "quota", new_id(), "7"), "There is no such tenant.")


# ---- tokens ----


def test_a_token_for_a_script_opens_one_tenant_to_read(run: Run, home: Household) -> None:
    home.results(change("t1"))
    other_id = new_id()
    assert home.post("/tenants", json={"uuid": other_id, "name": "Other"}).status_code == 201
    made = run("tokens", "add", home.email, "--device", "backup", "--tenant", home.tenant_id.upper(), "--read-only")
    (listed,) = [token for token in home.get("/auth/tokens").get_json() if token["device_name"] == "backup"]
    assert (listed["tenant_id"], listed["read_only"]) == (home.tenant_id, True)
    home.token = made.stdout.strip()
    assert [entity["id"] for entity in home.initial()["changes"]] == ["t1"]
    assert home.push(change()).status_code == 403
    assert home.get(f"/sync/initial/{other_id}").status_code == 404
    assert home.get("/users").status_code == 403
    assert [tenant["uuid"] for tenant in home.get("/tenants").get_json()] == [home.tenant_id]


def test_a_token_for_one_tenant_may_write_to_it(run: Run, home: Household) -> None:
    home.token = run("tokens", "add", home.email, "--tenant", home.tenant_id).stdout.strip()
    assert home.push(change()).status_code == 200


def test_a_token_to_read_reads_all_of_ones_tenants(run: Run, home: Household) -> None:
    home.token = run("tokens", "add", home.email, "--read-only").stdout.strip()
    assert home.initial()["changes"] == []
    assert home.push(change()).status_code == 403


def test_a_token_for_a_tenant_of_somebody_else_is_refused(run: Run, home: Household) -> None:
    eve = Household(home.client, "eve@example.org")
    for tenant_id in (home.tenant_id, new_id()):
        assert_refused(run("tokens", "add", eve.email, "--tenant", tenant_id), "There is no such tenant.")
    assert_refused(run("tokens", "add", home.email, "--tenant", "nonsense"), "--tenant takes a UUID of 36 characters.")
    assert len(eve.get("/auth/tokens").get_json()) == 1
