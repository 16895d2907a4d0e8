"""The events of the log: each that is documented is told when somebody does the thing, by HTTP or by a command."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient

from finwise import create_app, create_domain, now
from finwise.api.arrivals import Arrivals
from finwise.cli import main
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.events import EVENTS
from finwise.logs import JsonLines
from tests.conftest import Clock
from tests.household import PASSWORD, Household, change, new_id
from tests.store.files import VERSION, old_file, outside, value

DOCUMENT = Path(__file__).parents[1] / "docs" / "security.md"
ADDRESS = "127.0.0.1"
# test_logs.py and test_processes.py see them at a real server
OF_SERVE = {"server.started", "server.stopped", "server.logs_not_folded", "process.replaced"}
EVE = "eve@example.org"

Line = dict[str, Any]


class World:
    """A household with an administrator at its head, a guest, and the commands of the same installation."""

    def __init__(self, settings: Settings, clock: Clock, folder: Path) -> None:
        self.settings = settings
        self.clock = clock
        self.folder = folder
        self.app: Flask = create_app(settings, clock)
        self.client: FlaskClient = self.app.test_client()
        self.home = Household(self.client, "ada@example.org").create()
        self.guest = Household(self.client, EVE)

    @property
    def domain(self) -> Domain:
        joined: Domain = self.app.extensions["finwise"]
        return joined

    @property
    def tenant(self) -> str:
        return f"/tenants/{self.home.tenant_id}"

    def run(self, *arguments: object) -> Result:
        folders = {
            "FINWISE_INSTANCE": self.settings.instance,
            "FINWISE_TENANT_DATABASES": self.settings.tenant_databases,
        }
        return CliRunner(env=folders).invoke(main, [str(argument) for argument in arguments])

    def invite(self) -> Line:
        invited: Line = self.home.post(f"{self.tenant}/invitations", json={"role": "editor"}).get_json()
        return invited

    def join(self) -> str:
        """Makes the guest a member: the path of it."""
        assert self.guest.post("/invitations/accept", json={"code": self.invite()["code"]}).status_code == 200
        return f"{self.tenant}/members/{self.guest.user_id}"

    def patch(self, path: str, **body: object) -> None:
        assert self.home.request("PATCH", path, json=body).status_code == 200

    def delete(self, path: str) -> None:
        assert self.home.request("DELETE", path).status_code == 204

    def backup(self) -> Path:
        assert self.run("backup", self.folder / "backups").exit_code == 0
        return next((self.folder / "backups").iterdir())

    def damage(self) -> None:
        self.domain.close()
        file = Path(self.settings.tenant_databases, f"tenant_{self.home.tenant_id}.db")
        kept = file.read_bytes()
        file.with_suffix(".kept").write_bytes(kept)
        for suffix in ("-wal", "-shm"):
            Path(f"{file}{suffix}").unlink(missing_ok=True)
        file.write_bytes(b"no database " * 1_000)
        assert self.home.get(f"/sync/changes/{self.home.tenant_id}").status_code == 503

    def repair(self) -> None:
        file = Path(self.settings.tenant_databases, f"tenant_{self.home.tenant_id}.db")
        file.with_suffix(".kept").replace(file)
        assert self.run("verify", "--tenant", self.home.tenant_id).exit_code == 0


@pytest.fixture
def world(settings: Settings, clock: Clock, tmp_path: Path) -> Iterator[World]:
    made = World(settings, clock, tmp_path)
    yield made
    made.domain.close()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[Line]]:
    """The events so far, read from their lines."""
    caplog.set_level(logging.INFO, "finwise")
    return lambda: [json.loads(JsonLines().format(each)) for each in caplog.records if hasattr(each, "event")]


def fail_to_log_in(world: World) -> None:
    world.guest.log_in("wrong password")


def be_throttled(world: World) -> None:
    for _ in range(6):
        fail_to_log_in(world)


def be_throttled_at_signing_up(world: World) -> None:
    for _ in range(7):
        body = {"uuid": new_id(), "name": "Eve", "email": EVE, "password": PASSWORD}
        world.client.post("/users", json=body)


def log_in_past_the_proxy(world: World) -> None:
    settings = replace(world.settings, login="header", trusted_proxies="192.0.2.1")
    client = create_app(settings, world.clock).test_client()
    client.post("/auth/tokens", json={"device_name": "x"}, headers={"Finwiseuser": EVE})


def be_named_by_nothing(world: World) -> None:
    settings = replace(world.settings, login="header", trusted_proxies=ADDRESS)
    client = create_app(settings, world.clock).test_client()
    client.post("/auth/tokens", json={"device_name": "x"}, headers={"Finwiseuser": "a@b@c"})


def come_alone_from_elsewhere(world: World) -> None:
    client = create_app(replace(world.settings, login="none"), world.clock).test_client()
    client.post("/auth/tokens", json={"device_name": "x"}, headers={"Host": "localhost", "Via": "1.1 proxy"})


def grant(world: World) -> None:
    world.patch(f"/admin/users/{world.guest.user_id}", is_admin=True)


def revoke_administration(world: World) -> None:
    grant(world)
    world.patch(f"/admin/users/{world.guest.user_id}", is_admin=False)


def leave_with_a_book(world: World) -> None:
    grant(world)
    world.delete(f"/users/{world.home.user_id}")


def compact_a_deletion(world: World) -> None:
    world.home.results(change("gone", deleted_at="2026-01-09T19:01:00.000Z"))
    world.clock.forward(days=400)
    world.domain.maintenance.run_for(world.home.tenant_id, world.clock())


def back_up_a_damaged_tenant(world: World) -> None:
    world.damage()
    world.run("backup", world.folder / "backups")


def restore(world: World) -> None:
    done = world.run("restore", "--tenant", world.home.tenant_id, "--backup", world.backup())
    assert done.exit_code == 0, done.output


def migrate(world: World) -> None:
    elsewhere = Settings(str(world.folder / "old"), str(world.folder / "old"), maintenance_hours=0)
    elsewhere.users_db.parent.mkdir()
    old_file(elsewhere.users_db, "users")
    assert value(elsewhere.users_db, VERSION) == 3
    create_domain(elsewhere).close()


def damage_and_repair(world: World) -> None:
    world.damage()
    world.repair()


def tidy_up(world: World) -> None:
    world.domain.maintenance.run(now())


def jump_ahead(world: World) -> None:
    domain = create_domain(replace(world.settings, maintenance_hours=24))
    assert domain.maintenance.run_if_due(world.clock())
    world.clock.forward(days=400)
    assert not domain.maintenance.run_if_due(world.clock())
    domain.close()


def add_another(world: World) -> None:
    body = {"uuid": new_id(), "name": "Bob", "email": "bob@example.org"}
    assert world.home.post("/admin/users", json=body).status_code == 201


def change_password(world: World) -> None:
    world.patch(f"/users/{world.home.user_id}", password="another horse battery", current_password=PASSWORD)


def ask_too_often(world: World) -> None:
    client = create_app(replace(world.settings, requests_per_minute=1), world.clock).test_client()
    headers = {"Authorization": f"Bearer {world.home.token}"}
    for path in (f"/sync/changes/{world.home.tenant_id}", "/tenants", "/tenants"):
        client.get(path, headers=headers)


def load_too_many_times(world: World) -> None:
    client = create_app(replace(world.settings, threads=4), world.clock).test_client()
    headers = {"Authorization": f"Bearer {world.home.token}"}
    path = f"/sync/initial/{world.home.tenant_id}"
    with client.get(path, headers=headers):  # which stands still: it is not read
        assert client.get(path, headers=headers).status_code == 429


def ask_too_much_at_once(world: World) -> None:
    """The answer to a request whose token has as many in progress as may be."""
    app = create_app(replace(world.settings, threads=4), world.clock)
    shares: Any = app.wsgi_app
    while not isinstance(shares, Arrivals):
        shares = shares._app
    token = f"Bearer {world.home.token}"
    for _ in range(8):
        assert shares._shares.begin(f"token {token}")
    path = f"/sync/changes/{world.home.tenant_id}"
    assert app.test_client().get(path, headers={"Authorization": token}).status_code == 429


def load_when_others_have_all_places(world: World) -> None:
    client = create_app(replace(world.settings, threads=1), world.clock).test_client()
    headers = {"Authorization": f"Bearer {world.home.token}"}
    with client.get(f"/sync/initial/{world.home.tenant_id}", headers=headers):
        other = Household(world.client, "grace@example.org").create()
        path = f"/sync/initial/{other.tenant_id}"
        assert client.get(path, headers={"Authorization": f"Bearer {other.token}"}).status_code == 503


def revoke_a_token(world: World) -> None:
    world.delete(f"/auth/tokens/{world.home.get('/auth/tokens').get_json()[0]['id']}")


SCENARIOS: dict[str, list[Callable[[World], object]]] = {
    "process.ready": [lambda world: create_app(world.settings, world.clock)],
    "login.succeeded": [lambda world: world.home.log_in()],
    "login.failed": [fail_to_log_in],
    "login.refused": [log_in_past_the_proxy, be_named_by_nothing, come_alone_from_elsewhere],
    "login.throttled": [be_throttled],
    "sign_up.throttled": [be_throttled_at_signing_up],
    "user.added": [add_another, lambda world: world.run("users", "add", "bob@example.org")],
    "user.changed": [lambda world: world.patch(f"/users/{world.home.user_id}", name="Ada L.")],
    "user.deleted": [
        lambda world: world.delete(f"/admin/users/{world.guest.user_id}"),
        lambda world: world.guest.request("DELETE", f"/users/{world.guest.user_id}"),
        lambda world: world.run("users", "delete", EVE, "--yes"),
    ],
    "password.changed": [
        change_password,
        lambda world: world.patch(f"/admin/users/{world.guest.user_id}", password="another horse battery"),
        lambda world: world.run("users", "password", EVE),
    ],
    "admin.granted": [grant, lambda world: world.run("users", "admin", EVE)],
    "admin.revoked": [revoke_administration],
    "token.added": [lambda world: world.run("tokens", "add", EVE)],
    "token.revoked": [revoke_a_token],
    "token.all_revoked": [lambda world: world.delete("/auth/tokens?others=true")],
    "token.throttled": [ask_too_often],
    "request.busy": [load_when_others_have_all_places],
    "request.throttled": [load_too_many_times, ask_too_much_at_once],
    "tenant.created": [lambda world: world.home.post("/tenants", json={"uuid": new_id(), "name": "Club"})],
    "tenant.renamed": [lambda world: world.patch(world.tenant, name="Home 2")],
    "tenant.handed_over": [lambda world: world.patch(world.join(), role="owner")],
    "tenant.deleted": [
        lambda world: world.delete(world.tenant),
        leave_with_a_book,
    ],
    "tenant.exported": [lambda world: world.home.get(f"{world.tenant}/export", buffered=True)],
    "tenant.imported": [lambda world: world.home.post(f"{world.tenant}/import", json={"tags": []})],
    "tenant.reset": [lambda world: world.home.post(f"{world.tenant}/reset", json={"name": "Home"})],
    "tenant.quota_set": [lambda world: world.patch(f"/admin{world.tenant}", quota_mib=5)],
    "tenant.restored": [restore],
    "tenant.quarantined": [World.damage],
    "tenant.released": [damage_and_repair],
    "tenant.compacted": [compact_a_deletion],
    "member.changed": [lambda world: world.patch(world.join(), role="viewer")],
    "member.removed": [lambda world: world.delete(world.join())],
    "invitation.added": [World.invite, lambda world: world.run("users", "invite")],
    "invitation.revoked": [lambda world: world.delete(f"{world.tenant}/invitations/{world.invite()['id']}")],
    "invitation.accepted": [World.join],
    "backup.made": [World.backup],
    "backup.incomplete": [back_up_a_damaged_tenant],
    "maintenance.done": [tidy_up],
    "maintenance.put_off": [jump_ahead],
    "database.migrated": [migrate],
}


@pytest.mark.parametrize(
    ("event", "scenario"), [(event, each) for event, scenarios in SCENARIOS.items() for each in scenarios]
)
def test_the_event_is_told_with_the_fields_that_are_documented(
    world: World, told: Callable[[], list[Line]], event: str, scenario: Callable[[World], object]
) -> None:
    before = len(told())
    scenario(world)
    lines = [line for line in told()[before:] if line["event"] == event]
    assert lines
    level, says, fields, _ = EVENTS[event]
    for line in lines:
        assert (line["level"], line["message"]) == (logging.getLevelName(level), says)
        assert set(line) - {"time", "level", "logger", "event", "message", "by", "address"} <= set(fields)
    log = json.dumps(lines)
    if event.endswith(".throttled") or event == "request.busy":
        assert {line["address"] for line in lines} == {ADDRESS}, "by whichever way the request went"
    assert [each for each in (PASSWORD, world.home.token, world.guest.token, "Household", "Club") if each in log] == []


def test_every_event_is_told_by_one_of_these_tests() -> None:
    assert set(SCENARIOS) | OF_SERVE == set(EVENTS)


def test_a_line_says_who_asked_and_from_where(world: World, told: Callable[[], list[Line]]) -> None:
    world.patch(world.join(), role="viewer")
    (line,) = [line for line in told() if line["event"] == "member.changed"]
    said = {name: line.get(name) for name in ("by", "address", "user_id", "tenant_id", "role")}
    assert said == {
        "by": world.home.user_id,
        "address": ADDRESS,
        "user_id": world.guest.user_id,
        "tenant_id": world.home.tenant_id,
        "role": "viewer",
    }


def test_what_nobody_asked_for_names_nobody_who_asked_before(world: World, told: Callable[[], list[Line]]) -> None:
    world.home.get("/tenants")
    tidy_up(world)
    assert told()[-1]["event"] == "maintenance.done"
    assert not {"by", "address"} & set(told()[-1])


def test_an_ipv6_client_is_named_by_its_whole_address(world: World, told: Callable[[], list[Line]]) -> None:
    login = {"email": EVE, "password": "wrong password", "device_name": "test"}
    for peer in ("2001:db8::7", "::ffff:192.0.2.7"):
        world.client.post("/auth/tokens", json=login, environ_overrides={"REMOTE_ADDR": peer})
    assert [line["address"] for line in told() if line["event"] == "login.failed"] == ["2001:db8::7", "192.0.2.7"]


@pytest.mark.parametrize("typed", ["correct horse battery", "x" * 200, "", '"} {"event": "x"'])
def test_what_is_no_address_is_not_told_for_it_may_be_a_password(
    world: World, told: Callable[[], list[Line]], typed: str
) -> None:
    login = {"email": typed or "x", "password": "wrong password", "device_name": "test"}
    world.client.post("/auth/tokens", json=login)
    (line,) = [line for line in told() if line["event"] == "login.failed"]
    assert line["account"] == "(no e-mail address)"


def test_a_quarantine_names_no_file_of_others(world: World, told: Callable[[], list[Line]]) -> None:
    with outside(world.settings.users_db) as connection:
        connection.execute("UPDATE tenants SET name = 'canary'")
    world.damage()
    assert "canary" not in json.dumps(told())


# ---- the document ----


def documented() -> dict[str, tuple[str, tuple[str, ...]]]:
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| ([A-Z]+) \| ([^|]*) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    return {event: (level, tuple(re.findall(r"`([a-z_]+)`", fields))) for event, level, fields in rows}


def test_the_document_lists_every_event_with_its_level_and_fields() -> None:
    known = {event: (logging.getLevelName(each.level), each.fields) for event, each in EVENTS.items()}
    assert documented() == known


def test_the_filter_for_fail2ban_in_the_document_finds_the_address_of_failed_logins_and_no_other(
    world: World, told: Callable[[], list[Line]], caplog: pytest.LogCaptureFixture
) -> None:
    (failregex,) = re.findall(r"^failregex = (.*)$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    pattern = re.compile(failregex.replace("<ADDR>", r"(?P<address>[0-9A-Fa-f:.]+)"))
    forged = 'x","address": "192.0.2.66'
    for email in (EVE, forged, f"{forged}@example.org"):
        world.client.post(
            "/auth/tokens",
            json={"email": email, "password": "wrong password", "device_name": "test"},
            environ_overrides={"REMOTE_ADDR": "192.0.2.5"},
        )
    be_throttled(world)
    log_in_past_the_proxy(world)
    world.home.log_in()
    found = [match["address"] for each in caplog.records if (match := pattern.search(JsonLines().format(each)))]
    assert found == ["192.0.2.5"] * 3 + [ADDRESS] * 7
