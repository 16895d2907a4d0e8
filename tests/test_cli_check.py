"""`finwise check`: each thing that is unsafe is said in one line, and nothing is said where nothing is."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections import namedtuple
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from finwise import create_app, create_domain, demo, now
from finwise.cli import check, main
from finwise.config import Settings
from finwise.domain import Domain
from finwise.errors import BadSetting
from finwise.store.folder import Folder
from tests.household import Household

# A server behind a proxy of which nothing unsafe can be said.
BEHIND = {
    "FINWISE_TRUSTED_PROXIES": "10.0.0.1",
    "FINWISE_PROXY_HOPS": "1",
    "FINWISE_TRUSTED_HOSTS": "book.example.org",
    "FINWISE_SIGN_UP": "invitation",
}
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="files there have no such permissions")

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _somebody_with_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """For every user and folder that runs the tests."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    set_free(monkeypatch, 256 * 1024 * 1024)
    set_sqlite(monkeypatch, "3.53.1")


@pytest.fixture
def run(settings: Settings) -> Run:
    folders = {"FINWISE_INSTANCE": settings.instance, "FINWISE_TENANT_DATABASES": settings.tenant_databases}

    def call(*arguments: str, **environment: str) -> Result:
        return CliRunner(env=folders | environment).invoke(main, list(arguments))

    return call


@pytest.fixture
def used(run: Run) -> Run:
    """An installation in which somebody has signed up."""
    assert run("users", "add", "ada@example.org").exit_code == 0
    return run


def findings(checked: Result) -> list[str]:
    """What was found; the exit status has to say whether it was anything."""
    found = [line for line in checked.stderr.splitlines() if not line.endswith("is it misspelled?")]
    assert checked.exit_code == (1 if found else 0), checked.output
    assert checked.stdout == ("" if found else "Nothing unsafe was found.\n")
    return found


def set_sqlite(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version", version)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", tuple(map(int, version.split("."))))


def set_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40 - free, free))


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="on this machine"),
        pytest.param(BEHIND, id="behind a proxy"),
        pytest.param(BEHIND | {"FINWISE_SIGN_UP": "closed"}, id="closed"),
        pytest.param(BEHIND | {"FINWISE_HOST": "10.0.0.2"}, id="with the proxy on another machine"),
        pytest.param(BEHIND | {"FINWISE_LOGIN": "header", "FINWISE_SIGN_UP": "open"}, id="the proxy names users"),
        pytest.param({"FINWISE_LOGIN": "none"}, id="for one person"),
        pytest.param({"FLASK_DEBUG": "0"}, id="without a debugger"),
        pytest.param({"FINWISE_CORS_ORIGINS": "https://app.example.org"}, id="for another origin"),
        pytest.param(BEHIND | {"FINWISE_TRUSTED_PROXIES": "10.0.0.0/16,2001:db8:1::/48"}, id="for whole networks"),
    ],
)
def test_nothing_is_said_where_nothing_is_unsafe(used: Run, environment: dict[str, str]) -> None:
    assert findings(used("check", **environment)) == []


def test_an_installation_that_is_not_there_is_said_with_where_it_was_looked_for(run: Run, settings: Settings) -> None:
    (found,) = findings(run("check"))
    assert found.startswith(f"There is no installation in {settings.instance}.")
    assert not Path(settings.instance).exists(), "looking makes nothing"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param(
            {"FINWISE_HOST": "0.0.0.0", "FINWISE_TRUSTED_HOSTS": "book.example.org", "FINWISE_SIGN_UP": "closed"},
            "The server listens on 0.0.0.0 in plain HTTP",
            id="open to all",
        ),
        pytest.param(
            {"FINWISE_HOST": "::", "FINWISE_TRUSTED_HOSTS": "book.example.org", "FINWISE_SIGN_UP": "closed"},
            "The server listens on :: in plain HTTP",
            id="open to all by IPv6",
        ),
        pytest.param(BEHIND | {"FINWISE_TRUSTED_HOSTS": ""}, "The server answers to any name.", id="any name"),
        pytest.param(BEHIND | {"FINWISE_PROXY_HOPS": "0"}, "All clients seem to have the proxy's", id="no hops"),
        pytest.param(
            BEHIND | {"FINWISE_TRUSTED_PROXIES": "10.0.0.0/15"},
            "FINWISE_TRUSTED_PROXIES trusts all of 10.0.0.0/15.",
            id="wide proxies",
        ),
        pytest.param(
            BEHIND | {"FINWISE_TRUSTED_PROXIES": "10.0.0.1,2001:db8::/47"},
            "FINWISE_TRUSTED_PROXIES trusts all of 2001:db8::/47.",
            id="wide proxies by IPv6",
        ),
        pytest.param(
            BEHIND | {"FINWISE_LOGIN": "header", "FINWISE_HOST": "10.0.0.2"},
            "With FINWISE_LOGIN=header only the proxy",
            id="the proxy can be gone round",
        ),
        pytest.param(
            BEHIND | {"FINWISE_LOGIN": "header", "FINWISE_TRUSTED_PROXIES": "10.0.0.0/31"},
            "With FINWISE_LOGIN=header an address",
            id="a network names users",
        ),
        pytest.param(
            {"FINWISE_CORS_ORIGINS": "https://app.example.org,http://app.example.org"},
            "FINWISE_CORS_ORIGINS has an origin in plain HTTP",
            id="an origin in plain HTTP",
        ),
        pytest.param(BEHIND | {"FINWISE_SIGN_UP": "open"}, "Anybody may sign up", id="anybody signs up"),
        pytest.param({"FLASK_DEBUG": "1"}, "FLASK_DEBUG is set", id="a debugger"),
        pytest.param({"FINWISE_PROT": "1"}, "FINWISE_PROT is not a setting of FinWise", id="a misspelled setting"),
    ],
)
def test_a_setting_that_is_unsafe_is_the_one_thing_that_is_said(
    used: Run, environment: dict[str, str], said: str
) -> None:
    (found,) = findings(used("check", **environment))
    assert found.startswith(said)


def test_unsafe_settings_are_said_before_the_server_was_started_at_all(run: Run) -> None:
    found, _ = findings(run("check", **BEHIND | {"FINWISE_SIGN_UP": "open"}))
    assert found.startswith("Anybody may sign up")


def test_a_server_open_to_all_is_told_all_that_is_unsafe(used: Run) -> None:
    assert [line.split(".")[0][:25] for line in findings(used("check", FINWISE_HOST="192.0.2.1"))] == [
        "The server listens on 192",
        "The server answers to any",
        "Anybody may sign up and f",
    ]


@on_posix
@pytest.mark.parametrize("mode", [0o010, 0o020, 0o040, 0o001, 0o002, 0o004])
def test_files_that_others_may_open_are_named_with_what_to_do(used: Run, settings: Settings, mode: int) -> None:
    for path in (Path(settings.instance), Path(settings.tenant_databases), settings.users_db):
        before = path.stat().st_mode
        path.chmod(before | mode)
        assert findings(used("check")) == [
            f"{path} may be opened by other users of this machine. Run: chmod go= {path}"
        ]
        path.chmod(before)
    assert findings(used("check")) == []


@on_posix
def test_a_tenants_file_that_others_may_open_is_named(run: Run, settings: Settings) -> None:
    home = Household(create_app(settings).test_client()).create()
    file = Path(settings.tenant_databases, f"tenant_{home.tenant_id}.db")
    for path in (Path(settings.instance), Path(settings.tenant_databases), settings.users_db, file):
        path.chmod(path.stat().st_mode & ~0o077)
    assert findings(run("check")) == []
    file.chmod(0o640)
    (found,) = findings(run("check"))
    assert found.startswith(str(file))


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="root's files are needed")
def test_running_as_root_is_unsafe(used: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert findings(used("check")) == ["FinWise runs as root. Give it its own user."]


def test_little_room_is_said_of_each_folder(used: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(monkeypatch, 256 * 1024 * 1024 - 1)
    folders = {settings.instance, settings.tenant_databases}
    assert set(findings(used("check"))) == {f"{folder} has less than 256 MiB left. Make room." for folder in folders}


@pytest.mark.parametrize(
    ("environment", "is_said"),
    [
        (BEHIND, True),
        (BEHIND | {"FINWISE_SIGN_UP": "closed"}, False),
        ({}, False),
        ({"FINWISE_LOGIN": "none"}, False),
    ],
    ids=["reached by others", "closed", "on this machine", "for one person"],
)
def test_a_server_without_an_administrator_waits_for_anybody_to_become_it(
    run: Run, installed: Settings, environment: dict[str, str], is_said: bool
) -> None:
    found = findings(run("check", **environment))
    assert [line.partition(":")[0] for line in found] == ["Nobody has signed up yet"] * is_said


def test_the_demo_user_is_pointed_out_until_it_is_gone(used: Run, settings: Settings) -> None:
    domain = create_domain(settings)
    demo.create(domain, now())
    domain.close()
    (found,) = findings(used("check"))
    assert found.startswith("The demo user is there.")
    command = found.rpartition(": finwise ")[2].split()
    assert used(*command, "--yes").exit_code == 0
    assert findings(used("check")) == []


def test_a_quarantined_tenant_is_named_with_what_to_do(run: Run, settings: Settings) -> None:
    app = create_app(settings)
    home = Household(app.test_client()).create()
    for path in (Path(settings.instance), Path(settings.tenant_databases), settings.users_db):
        path.chmod(path.stat().st_mode & ~0o077)
    file = Path(settings.tenant_databases, f"tenant_{home.tenant_id}.db")
    file.rename(file.with_name("aside"))
    assert home.get(f"/sync/initial/{home.tenant_id}").status_code == 503
    domain: Domain = app.extensions["finwise"]
    domain.close()
    (found,) = findings(run("check"))
    assert found == f"Tenant {home.tenant_id} is quarantined. Run: finwise verify --tenant {home.tenant_id}"


def test_a_folder_that_cannot_be_written_is_said(used: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Folder, "is_writable", lambda _: False)
    assert findings(used("check")) == ["The folder of the tenants' files cannot be written."]


@pytest.mark.parametrize(
    ("package", "installed", "update"),
    [
        ("werkzeug", "3.1.3", "3.1.4"),
        ("marshmallow", "4.1.1", "4.1.2"),
        ("marshmallow", "3.26.1", "4.1.2"),
        ("flask", "3.1.0", "3.1.1"),
        ("jinja2", "3.1.5", "3.1.6"),
        ("gunicorn", "21.2.0", "22.0.0"),
    ],
)
def test_a_package_with_a_known_hole_is_named_with_the_version_that_has_none(
    used: Run, monkeypatch: pytest.MonkeyPatch, package: str, installed: str, update: str
) -> None:
    monkeypatch.setattr(check, "version", lambda name: installed if name == package else "99.0")
    (found,) = findings(used("check"))
    assert found.startswith(f"{package} {installed} has a known hole (CVE-")
    assert found.endswith(f"Update it to {update}.")


def test_a_package_that_is_not_there_has_no_hole(used: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(check, "version", absent)
    assert findings(used("check")) == []


def test_a_sqlite_that_is_too_old_is_said(used: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    set_sqlite(monkeypatch, "3.37.2")
    assert "FinWise needs SQLite 3.38.0 or newer, and this Python has SQLite 3.37.2." in used("check").stderr


@pytest.mark.parametrize("command", [("serve",), ("users", "list"), ("users", "add", "bob@example.org")])
def test_nothing_starts_with_a_sqlite_that_is_too_old(
    used: Run, monkeypatch: pytest.MonkeyPatch, settings: Settings, command: tuple[str, ...]
) -> None:
    set_sqlite(monkeypatch, "3.37.2")
    refused = used(*command)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: FinWise needs SQLite 3.38.0 or newer, and this Python has SQLite 3.37.2.")
    with pytest.raises(BadSetting, match="needs SQLite"):
        create_app(settings)


@pytest.mark.parametrize(
    ("version", "has_fault"),
    [
        ("3.38.0", True),
        ("3.40.1", True),
        ("3.44.5", True),
        ("3.44.6", False),
        ("3.45.0", True),
        ("3.50.6", True),
        ("3.50.7", False),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.53.1", False),
        ("4.0.0", False),
    ],
)
def test_a_sqlite_with_the_wal_reset_fault_is_told_and_nothing_unsafe(
    used: Run, monkeypatch: pytest.MonkeyPatch, version: str, has_fault: bool
) -> None:
    set_sqlite(monkeypatch, version)
    *told, last = used("check").stdout.splitlines()
    assert last == "Nothing unsafe was found."
    assert [line.split(" (")[0] for line in told] == [f"SQLite {version} has the WAL-reset fault"] * has_fault


def test_a_setting_that_cannot_be_used_ends_the_command(used: Run) -> None:
    checked = used("check", FINWISE_LOGIN="header")
    assert (checked.exit_code, checked.stdout) == (1, "")
    assert checked.stderr == "Error: Say in FINWISE_TRUSTED_PROXIES where the proxies are that are to be believed.\n"
