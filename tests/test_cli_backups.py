"""The commands that keep books safe, as an operator calls them; some beside a running server."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner, Result

from finwise import create_app
from finwise.cli import main
from finwise.config import Settings
from finwise.domain.cursor import format_cursor, parse_cursor
from harness.account import Account, sign_up
from harness.device import Device
from harness.server import Server
from tests.household import PASSWORD, Household, change

TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"
YEAR = 365 * 86_400_000_000  # µs

Run = Callable[..., Result]


def runner(instance: str, tenant_databases: str) -> Run:
    folders = {"FINWISE_INSTANCE": instance, "FINWISE_TENANT_DATABASES": tenant_databases}

    def call(*arguments: object, **environment: str) -> Result:
        result = CliRunner(env=folders | environment).invoke(main, [str(argument) for argument in arguments])
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


@pytest.fixture
def run(installed: Settings) -> Run:
    return runner(installed.instance, installed.tenant_databases)


@pytest.fixture
def home(settings: Settings) -> Household:
    made = Household(create_app(settings).test_client()).create()
    made.results(change("kept"))
    return made


@pytest.fixture
def backup(run: Run, home: Household, tmp_path: Path) -> Path:
    """A backup, after which the book went on."""
    assert run("backup", tmp_path / "backups").exit_code == 0
    home.results(change("since"))
    (made,) = (tmp_path / "backups").iterdir()
    return made


def ids(home: Household) -> set[str]:
    return {entity["id"] for entity in home.initial()["changes"]}


def damage(settings: Settings, home: Household) -> Path:
    home.client.application.extensions["finwise"].close()
    path = Path(settings.tenant_databases, f"tenant_{home.tenant_id}.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE sync_entities SET entity = replace(entity, 'holiday', 'forged')")
        connection.commit()
    return path


def test_a_backup_says_what_others_that_died_have_left(run: Run, home: Household, tmp_path: Path) -> None:
    old, young = (tmp_path / "backups" / f"finwise-2026010{day}T000000.000000Z.partial" for day in (1, 2))
    for left in (old, young):
        left.mkdir(parents=True)
    os.utime(old, (0, 0))
    said = run("backup", tmp_path / "backups").output
    assert f"{old.name}, which a backup that died had left, was removed." in said
    assert f"{young.name} is not complete" in said
    assert (old.exists(), young.exists()) == (False, True)


def test_a_tenant_is_put_back_to_a_backup(run: Run, home: Household, backup: Path) -> None:
    before = home.pull()["epoch"]
    done = run("restore", "--tenant", home.tenant_id, "--backup", backup)
    assert done.exit_code == 0
    assert re.fullmatch(rf"Home \({home.tenant_id}\) is restored: 1 entity, last changed {TIME}\.\n", done.output)
    assert ids(home) == {"kept"}
    assert home.pull()["epoch"] != before
    assert run("restore", "--tenant", home.tenant_id, "--trash").exit_code == 0
    assert ids(home) == {"kept", "since"}


def test_a_deleted_tenant_comes_back_out_of_the_trash(run: Run, home: Household) -> None:
    assert home.request("DELETE", f"/tenants/{home.tenant_id}").status_code == 204
    assert run("restore", "--tenant", home.tenant_id, "--trash").exit_code == 0
    assert ids(home) == {"kept"}


def test_a_whole_installation_comes_back_where_nothing_is(
    run: Run, home: Household, backup: Path, tmp_path: Path
) -> None:
    assert run("restore", "--backup", backup).exit_code == 1, "there are users"
    elsewhere = (str(tmp_path / "new" / "instance"), str(tmp_path / "new" / "tenants"))
    done = runner(*elsewhere)("restore", "--backup", backup)
    assert done.exit_code == 0
    assert "Restored: users.db and 1 tenant." in done.output
    client = create_app(Settings(*elsewhere, maintenance_hours=0)).test_client()
    login = {"email": home.email, "password": PASSWORD, "device_name": "test"}
    token = client.post("/auth/tokens", json=login).get_json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    load = client.get(f"/sync/initial/{home.tenant_id}", headers=headers).get_json()
    assert [entity["id"] for entity in load["changes"]] == ["kept"]


def test_a_tenant_moves_to_another_installation(home: Household, backup: Path, tmp_path: Path) -> None:
    settings = Settings(str(tmp_path / "new" / "instance"), str(tmp_path / "new" / "tenants"), maintenance_hours=0)
    eve = Household(create_app(settings).test_client())
    there = runner(settings.instance, settings.tenant_databases)
    file = backup / f"tenant_{home.tenant_id}.db"
    assert there("restore", "--tenant", home.tenant_id, "--adopt", file).exit_code == 1
    done = there("restore", "--tenant", home.tenant_id, "--adopt", file, "--owner", eve.email, "--name", "Moved")
    assert done.exit_code == 0
    assert done.output.startswith(f"Moved ({home.tenant_id}) is restored: 1 entity, last changed ")
    load = eve.get(f"/sync/initial/{home.tenant_id}").get_json()
    assert [entity["id"] for entity in load["changes"]] == ["kept"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "Give one of --backup, --trash and --adopt."),
        (("--trash", "--adopt", __file__), "Give one of --backup, --trash and --adopt."),
        (("--trash",), "Name the tenant with --tenant."),
        (("--trash", "--tenant", "x"), "--tenant takes a UUID of 36 characters."),
        (("--trash", "--tenant", str(uuid4())), "The trash has no file of this tenant."),
        (("--adopt", __file__, "--tenant", str(uuid4())), "This installation knows no owner of this tenant."),
        (("--backup", Path(__file__).parent, "--tenant", str(uuid4())), "is not a backup"),
    ],
)
def test_what_cannot_be_restored_is_said_in_a_line(run: Run, options: tuple[object, ...], said: str) -> None:
    done = run("restore", *options)
    assert done.exit_code in (1, 2)
    assert said in done.output


def test_a_file_that_is_no_book_is_refused_and_nothing_happens(run: Run, home: Household) -> None:
    done = run("restore", "--tenant", home.tenant_id, "--adopt", __file__)
    assert done.exit_code == 1
    assert "is no SQLite file, or a damaged one" in done.output
    assert ids(home) == {"kept"}


def test_verify_says_that_files_are_whole(run: Run, home: Household, backup: Path) -> None:
    for options in ((), ("--tenant", home.tenant_id), ("--backup", backup)):
        done = run("verify", *options)
        assert done.exit_code == 0
        assert "Intact." in done.output


def test_verify_names_what_is_damaged_and_takes_it_out_of_use_until_it_is_whole(
    run: Run, home: Household, settings: Settings, tmp_path: Path
) -> None:
    home.client.application.extensions["finwise"].close()
    path = Path(settings.tenant_databases, f"tenant_{home.tenant_id}.db")
    shutil.copyfile(path, tmp_path / "whole.db")
    damage(settings, home)
    done = run("verify")
    assert done.exit_code == 1
    assert f"tenant {home.tenant_id}: 1 entities are not what was stored" in done.output
    assert home.get(f"/sync/changes/{home.tenant_id}").status_code == 503
    shutil.copyfile(tmp_path / "whole.db", path)
    done = run("verify")
    assert done.exit_code == 0
    assert f"tenant {home.tenant_id} is intact and back in use." in done.output
    assert ids(home) == {"kept"}


def test_a_backup_that_lacks_a_tenant_ends_with_1_and_names_it(
    run: Run, home: Household, settings: Settings, tmp_path: Path
) -> None:
    damage(settings, home)
    done = run("backup", tmp_path / "backups")
    assert done.exit_code == 1
    assert home.tenant_id in done.output
    (made,) = (tmp_path / "backups").iterdir()
    assert run("verify", "--backup", made).exit_code == 1


def test_a_changed_byte_of_a_backup_is_found(run: Run, home: Household, backup: Path) -> None:
    file = backup / "users.db"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    done = run("verify", "--backup", backup)
    assert done.exit_code == 1
    assert "users.db is not what was backed up" in done.output


def test_compact_says_what_it_forgot(run: Run, home: Household) -> None:
    assert home.request("DELETE", f"/tenants/{Household(home.client).create().tenant_id}").status_code == 404
    done = run("compact")
    assert done.exit_code == 0
    assert f"{home.tenant_id}: 0 deletions and 0 conflicts forgotten." in done.output
    assert "0 files removed from the trash." in done.output
    assert "trash" not in run("compact", "--tenant", home.tenant_id).output


def test_compact_goes_on_where_one_tenant_is_in_trouble(run: Run, home: Household, settings: Settings) -> None:
    other = Household(home.client).create()
    damage(settings, home)
    run("verify")
    done = run("compact")
    assert done.exit_code == 1
    assert f"{other.tenant_id}: 0 deletions" in done.output
    assert f"{home.tenant_id}: The tenant's file is damaged or missing." in done.output


@pytest.mark.parametrize("replica", ["s3://bucket/finwise?endpoint=https://example.org", "/mnt/other disk/finwise"])
def test_the_configuration_of_litestream_names_everything(run: Run, settings: Settings, replica: str) -> None:
    done = run("litestream", "--to", replica)
    assert done.exit_code == 0
    for place in (settings.users_db.absolute(), Path(settings.tenant_databases).absolute()):
        assert f'"{place}"' in done.output
    kind, places = ("url", replica.partition("?")) if "://" in replica else ("path", (replica, "", ""))
    for name in ("users.db", "tenant_databases"):
        assert f'{kind}: "{places[0]}/{name}{places[1]}{places[2]}"' in done.output


# ---- beside a running server ----


def finwise(server: Server, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with the server's folders."""
    command = [sys.executable, "-m", "finwise", *map(str, arguments)]
    return subprocess.run(command, cwd=server.folder, capture_output=True, text=True, check=False)


def device(account: Account) -> Device:
    return Device(account.url, account.token, account.tenant_id)


def test_devices_give_back_what_a_restored_backup_lacks(server: Server) -> None:
    account, other = sign_up(server.url), sign_up(server.url)
    phone, laptop, neighbour = device(account), device(account), device(other)
    for number in range(5):
        phone.edit("tags", f"t{number}", {"name": f"before {number}"})
    neighbour.edit("tags", "theirs", {"name": "theirs"})
    for each in (phone, laptop, neighbour):
        each.sync()
    assert finwise(server, "backup", "backups").returncode == 0
    (made,) = (server.folder / "backups").iterdir()
    phone.edit("tags", "t0", {"name": "after"})
    phone.edit("tags", "t1", None)
    laptop.edit("tags", "new", {"name": "after"})
    for each in (phone, laptop, phone):
        each.sync()
    laptop.edit("tags", "t2", {"name": "offline meanwhile"})
    held = phone.living()
    old = phone.since
    restored = finwise(server, "restore", "--tenant", account.tenant_id, "--backup", made)
    assert restored.returncode == 0, restored.stderr
    answer = httpx.get(f"{server.url}/sync/changes/{account.tenant_id}", params={"since": old}, headers=account.headers)
    assert (answer.status_code, answer.json()["code"], answer.json()["give_back"]) == (410, "epoch_changed", True)
    for each in (laptop, phone, laptop):
        each.sync()
    assert {key: entity["data"] for key, entity in phone.living().items()} == {
        key: entity["data"] for key, entity in held.items()
    } | {("tags", "t2"): {"name": "offline meanwhile"}}
    assert phone.living() == laptop.living() == loaded(account)
    assert ("tags", "t1") not in phone.living(), "the deletion was given back"
    since = neighbour.since
    neighbour.sync()
    assert neighbour.since == since, "the neighbour's book goes on"


def loaded(account: Account) -> dict[tuple[str, str], object]:
    """The book as a new device gets it."""
    new = device(account)
    new.sync()
    return dict(new.living())


def test_a_device_that_slept_past_the_horizon_loads_again_and_keeps_its_queue(server: Server) -> None:
    account = sign_up(server.url)
    phone, laptop = device(account), device(account)
    phone.edit("tags", "gone", {"name": "gone"})
    phone.edit("tags", "kept", {"name": "kept"})
    for each in (phone, laptop):
        each.sync()
    phone.edit("tags", "gone", None)
    phone.sync()
    laptop.edit("tags", "new", {"name": "made offline"})
    server.stop()
    age(server.folder / "tenant_databases" / f"tenant_{account.tenant_id}.db")
    stamp, epoch = parse_cursor(laptop.since or "")
    laptop.since = format_cursor(stamp - YEAR, epoch or "")
    assert "1 deletion and" in finwise(server, "compact").stdout
    server.start()
    query = {"since": laptop.since}
    pull = httpx.get(f"{server.url}/sync/changes/{account.tenant_id}", params=query, headers=account.headers)
    body = {"tenant_id": account.tenant_id, "since": laptop.since, "changes": [laptop.queue[0].change]}
    push = httpx.post(f"{server.url}/sync/changes", json=body, headers=account.headers)
    for answer in (pull, push):
        assert (answer.status_code, answer.json()["code"]) == (410, "cursor_expired")
    assert ("tags", "new") not in loaded(account), "nothing of the push was stored"
    laptop.sync()
    assert {key[1] for key in laptop.living()} == {"kept", "new"}
    assert laptop.living() == loaded(account)


def age(path: Path) -> None:
    """Makes everything in the file a year older: its stamps and with them the checksums."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE sync_entities SET stamp = stamp - ?1, checksum = checksum - ?1", (YEAR,))
        connection.commit()
