"""A UUID is 36 ASCII characters, in bodies, paths, queries and headers alike. Nothing else that a parser might take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from finwise import create_app
from finwise.config import Settings
from harness.problems import assert_problem, everything
from tests.household import PASSWORD, Household, change, new_id

GOOD = "f25a0c1e-7b5d-4c3a-9e21-0a1b2c3d4e5f"

BAD: dict[str, Any] = {
    "braces": "{" + GOOD + "}",
    "urn": f"urn:uuid:{GOOD}",
    "no dashes": GOOD.replace("-", ""),
    "dashes elsewhere": "f25a0c1-e7b5d-4c3a-9e21-0a1b2c3d4e5f",
    "a full-width digit": GOOD.replace("2", "\uff12", 1),
    "an arabic digit": GOOD.replace("2", "\u0662", 1),
    "a letter that looks alike": GOOD.replace("a", "\u0430", 1),
    "other dashes": GOOD.replace("-", "\u2010"),
    "trailing newline": f"{GOOD}\n",
    "leading newline": f"\n{GOOD}",
    "leading space": f" {GOOD}",
    "trailing space": f"{GOOD} ",
    "a space for a digit": f" {GOOD[1:]}",
    "a plus for a digit": f"+{GOOD[1:]}",
    "0x for two digits": f"0x{GOOD[2:]}",
    "an underscore for a digit": f"f_{GOOD[2:]}",
    "the nil uuid": "00000000-0000-0000-0000-000000000000",
    "no hexadecimal digit": f"g{GOOD[1:]}",
    "too short": GOOD[:-1],
    "too long": f"{GOOD}0",
    "text after NUL": f"{GOOD}\0",
    "a path": f"../{GOOD[3:]}",
    "a file name": f"{GOOD}.db",
    "a suffix of SQLite": f"{GOOD}-wal",
    "a percent sign": f"%66{GOOD[1:]}",
    "SQL": "' OR '1'='1",
    "nothing": "",
    "a number": 7,
    "true": True,
    "a list": [GOOD],
    "an object": {"uuid": GOOD},
}
TEXTS = {name: form for name, form in BAD.items() if type(form) is str and form}

bad = pytest.mark.parametrize("form", BAD.values(), ids=BAD.keys())
bad_text = pytest.mark.parametrize("form", TEXTS.values(), ids=TEXTS.keys())

BODIES: dict[str, Callable[[Household, Any], Any]] = {
    "sign up": lambda who, form: who.client.post(
        "/users", json={"uuid": form, "name": "Eve", "email": "eve@example.org", "password": PASSWORD}
    ),
    "create a tenant": lambda who, form: who.post("/tenants", json={"uuid": form, "name": "Cabin"}),
    "create a tenant for": lambda who, form: who.post(
        "/tenants", json={"uuid": new_id(), "name": "Cabin", "user_id": form}
    ),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Household:
    """One household for the whole table: a refusal leaves nothing behind, as the tests make sure."""
    folder = tmp_path_factory.mktemp("identifiers")
    settings = Settings(
        instance=str(folder / "instance"), tenant_databases=str(folder / "tenants"), maintenance_hours=0
    )
    return Household(create_app(settings).test_client()).create()


@bad
@pytest.mark.parametrize("send", BODIES.values(), ids=BODIES.keys())
def test_a_body_with_a_uuid_of_another_form_is_refused(
    shared: Household, send: Callable[[Household, Any], TestResponse], form: Any
) -> None:
    problem = assert_problem(send(shared, form), 422, "invalid")
    assert set(problem.get("errors", {})) <= {"uuid", "user_id"}
    assert len(shared.get("/tenants").get_json()) == 1


@bad_text
def test_a_path_with_a_uuid_of_another_form_names_nothing(shared: Household, form: str) -> None:
    written = quote(form, safe="")
    for method, path in (
        ("GET", "/users"),
        ("DELETE", "/users"),
        ("GET", "/tenants"),
        ("DELETE", "/tenants"),
        ("DELETE", "/auth/tokens"),
        ("GET", "/sync/changes"),
        ("GET", "/sync/initial"),
    ):
        assert_problem(shared.request(method, f"{path}/{written}"), 404, "not_found")


@bad_text
def test_a_query_with_a_uuid_of_another_form_is_refused(shared: Household, form: str) -> None:
    assert_problem(shared.get("/tenants", query_string={"user_id": form}), 422, "invalid")


@bad_text
def test_a_push_that_names_its_tenant_otherwise_is_answered_like_one_to_an_unknown_tenant(
    shared: Household, form: str
) -> None:
    unknown = shared.post("/sync/changes", json={"tenant_id": new_id(), "changes": []})
    assert_problem(unknown, 404, "not_found")
    in_body = shared.post("/sync/changes", json={"tenant_id": form, "changes": []})
    if "\0" in form:  # no text with U+0000 is looked at further; which of the two refuses it is all the same
        assert in_body.status_code in (404, 422)
    else:
        assert everything(in_body) == everything(unknown)
    if form.isascii() and form.isprintable():
        headers = {"X-Tenant-ID": form}
        in_header = shared.post("/sync/changes", json={"changes": []}, headers=headers)
        # Spaces around a header's value are no part of it.
        assert in_header.status_code == 404 or form != form.strip()


@bad
def test_a_change_with_a_change_id_of_another_form_is_rejected_by_itself(shared: Household, form: Any) -> None:
    wrong, right = shared.results(change(change_id=form), change())
    assert (wrong["status"], wrong["code"]) == ("rejected", "invalid_change")
    assert right["status"] == "applied"


@pytest.mark.parametrize("spell", [str.upper, str.lower, str.title, str.swapcase])
def test_a_uuid_in_any_case_is_the_same_and_is_answered_in_lower_case(
    home: Household, spell: Callable[[str], str]
) -> None:
    tenant_id = new_id()
    created = home.post("/tenants", json={"uuid": spell(tenant_id), "name": "Cabin", "user_id": spell(home.user_id)})
    assert created.status_code == 201
    answered = created.get_json()
    assert (answered["uuid"], answered["user_id"]) == (tenant_id, home.user_id)
    assert home.get(f"/tenants/{spell(tenant_id)}").get_json() == answered
    assert home.get(f"/users/{spell(home.user_id)}").get_json()["uuid"] == home.user_id
    assert home.get(f"/sync/changes/{spell(tenant_id)}").status_code == 200
    pushed = home.post(
        "/sync/changes",
        json={"tenant_id": spell(tenant_id), "changes": [change()]},
        headers={"X-Tenant-ID": tenant_id},
    )
    assert pushed.status_code == 200


def test_a_tenant_spelled_in_upper_case_has_its_one_file(home: Household, settings: Settings) -> None:
    tenant_id = new_id()
    for spelled in (tenant_id.upper(), tenant_id):
        home.post("/tenants", json={"uuid": spelled, "name": "Cabin"})
    files = {path.name for path in Path(settings.tenant_databases).glob("*.db")}
    assert files == {f"tenant_{home.tenant_id}.db", f"tenant_{tenant_id}.db"}


def test_no_refused_name_becomes_a_file(home: Household, settings: Settings) -> None:
    folder = Path(settings.tenant_databases)
    for form in TEXTS.values():
        home.post("/tenants", json={"uuid": form, "name": "Cabin"})
        home.get(f"/sync/initial/{quote(form, safe='')}")
    assert {path.name for path in folder.iterdir() if path.suffix == ".db"} == {f"tenant_{home.tenant_id}.db"}
    assert {path.name for path in folder.parent.iterdir()} == {"instance", "tenant_databases"}
