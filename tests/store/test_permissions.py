"""Who owns files: root creates them for the server's user, and a file that may not be opened is reported as such."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from finwise import create_app
from finwise.cli import main
from finwise.config import Settings
from finwise.store import permissions
from harness.problems import assert_problem
from tests.household import Household, change
from tests.test_cli_installation import COMMANDS, TENANT

if sys.platform == "win32":
    pytest.skip("files there have neither owners nor modes like these", allow_module_level=True)

SERVICE = 48_213  # a user and a group that nobody has
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")

Run = Callable[..., Result]


@pytest.fixture
def home() -> Iterator[Path]:
    """The folder of a service with a user of its own, with an installation of that user's."""
    folder = Path(tempfile.mkdtemp(prefix="finwise-"))  # not in tmp_path, which is root's alone
    folder.chmod(0o755)
    for name in ("instance", "books"):
        (folder / name).mkdir(mode=0o700)
        os.chown(folder / name, SERVICE, SERVICE)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(str(home / "instance"), str(home / "books"), maintenance_hours=0)


@pytest.fixture
def run(settings: Settings) -> Run:
    """Calls `sudo finwise …`."""
    folders = {"FINWISE_INSTANCE": settings.instance, "FINWISE_TENANT_DATABASES": settings.tenant_databases}

    def call(*arguments: object) -> Result:
        done = CliRunner(env=folders).invoke(main, [str(argument) for argument in arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return call


def as_service(work: Callable[..., Any], *arguments: object) -> Any:
    """What `work` returns in a process of the service's user."""
    here, there = get_context("fork").Pipe()
    process = get_context("fork").Process(target=_work, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        return here.recv()
    finally:
        process.join()


def _work(pipe: Connection, work: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    os.setgroups([])
    os.setgid(SERVICE)
    os.setuid(SERVICE)
    os.umask(0o077)
    pipe.send(work(*arguments))


def sign_up(settings: Settings) -> tuple[str, str]:
    """A household whose book has something in it: its tenant, its token."""
    app = create_app(settings)
    home = Household(app.test_client()).create()
    home.results(change("kept"))
    app.extensions["finwise"].close()
    return home.tenant_id, home.token


def answers(settings: Settings, tenant_id: str, token: str) -> list[tuple[int, Any]]:
    """What the service says to a poll, to a push and to a monitor."""
    app = create_app(settings)
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
    push = {"tenant_id": tenant_id, "changes": [change("new")]}
    found = [
        client.get(f"/sync/changes/{tenant_id}", headers=headers),
        client.post("/sync/changes", json=push, headers=headers),
        client.get("/readyz"),
    ]
    app.extensions["finwise"].close()
    return [(answer.status_code, answer.get_json().get("code")) for answer in found]


def logged(settings: Settings, tenant_id: str, token: str) -> list[str]:
    """What the service logs meanwhile."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign] # instead of a class
    logging.getLogger().addHandler(handler)
    answers(settings, tenant_id, token)
    return lines


def foreign(folder: Path) -> list[str]:
    """What does not belong to the service."""
    return [str(path) for path in [folder, *folder.rglob("*")] if path.stat().st_uid != SERVICE]


def modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}


@as_root
def test_all_that_root_makes_belongs_to_the_services_user(run: Run, home: Path, settings: Settings) -> None:
    assert run("users", "add", "ada@example.org").exit_code == 0
    assert foreign(home / "instance") == []
    tenant_id, token = as_service(sign_up, settings)
    backups = home / "backups"
    backups.mkdir()
    os.chown(backups, SERVICE, SERVICE)
    assert run("backup", backups).exit_code == 0
    (archive,) = backups.iterdir()
    for source in (["--backup", archive], ["--trash"]):
        assert run("restore", "--tenant", tenant_id, *source).exit_code == 0
    assert run("verify").exit_code == 0
    assert run("compact").exit_code == 0
    for folder in (home / "instance", home / "books", backups):
        assert foreign(folder) == []
        assert modes(folder) == {0o600}
    assert as_service(answers, settings, tenant_id, token) == [(200, None)] * 3


@as_root
def test_a_new_installation_belongs_to_the_owner_of_the_folder_it_is_made_in(run: Run, home: Path) -> None:
    for name in ("instance", "books"):
        (home / name).rmdir()
    os.chown(home, SERVICE, SERVICE)
    home.chmod(0o775)
    assert run("users", "add", "ada@example.org").exit_code == 0
    assert foreign(home) == []
    assert [(home / name).stat().st_mode & 0o777 for name in ("instance", "books")] == [0o700] * 2


@as_root
def test_the_group_that_writes_to_the_folder_writes_to_what_root_makes(
    run: Run, home: Path, settings: Settings
) -> None:
    for name in ("instance", "books"):
        os.chown(home / name, 0, SERVICE)
        (home / name).chmod(0o770)
    assert run("users", "add", "ada@example.org").exit_code == 0
    tenant_id, token = as_service(sign_up, settings)
    file = home / "books" / f"tenant_{tenant_id}.db"
    copy = home / "copy.db"
    shutil.copy(file, copy)
    assert run("restore", "--tenant", tenant_id, "--adopt", copy).exit_code == 0
    assert (file.stat().st_uid, file.stat().st_gid, file.stat().st_mode & 0o777) == (0, SERVICE, 0o660)
    assert as_service(answers, settings, tenant_id, token) == [(200, None)] * 3


@as_root
def test_where_files_cannot_be_given_away_nothing_is_moved(
    run: Run, home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant_id, token = as_service(sign_up, settings)
    file = home / "books" / f"tenant_{tenant_id}.db"
    copy = home / "copy.db"
    shutil.copy(file, copy)
    before = file.stat().st_ino

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr(os, "chown", refuse)
        done = run("restore", "--tenant", tenant_id, "--adopt", copy)
    assert done.exit_code == 1
    assert "run this as that user" in done.output
    assert file.stat().st_ino == before
    assert as_service(answers, settings, tenant_id, token) == [(200, None)] * 3


@as_root
def test_a_tenants_file_that_may_not_be_opened_is_called_that_and_found_by_check(
    run: Run, home: Path, settings: Settings
) -> None:
    tenant_id, token = as_service(sign_up, settings)
    file = home / "books" / f"tenant_{tenant_id}.db"
    os.chown(file, 0, 0)
    assert as_service(answers, settings, tenant_id, token) == [(503, "not_permitted")] * 3
    assert f"Not permitted: {file}." in as_service(logged, settings, tenant_id, token)
    line = f"Run: chown {SERVICE}:{SERVICE} {file}"
    assert line in run("check").output
    os.chown(file, SERVICE, SERVICE)
    assert as_service(answers, settings, tenant_id, token) == [(200, None)] * 3, "it was not quarantined"


@as_root
def test_a_file_that_may_only_be_read_is_not_permitted_either(home: Path, settings: Settings) -> None:
    tenant_id, token = as_service(sign_up, settings)
    file = home / "books" / f"tenant_{tenant_id}.db"
    os.chown(file, 0, 0)
    file.chmod(0o644)
    assert as_service(answers, settings, tenant_id, token)[1:] == [(503, "not_permitted")] * 2


def told(settings: Settings, *command: str) -> str:
    """What a command says that ends with 1 or 2."""
    folders = {"FINWISE_INSTANCE": settings.instance, "FINWISE_TENANT_DATABASES": settings.tenant_databases}
    done = CliRunner(env=folders).invoke(main, list(command))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output if done.exit_code else "it went well"


@as_root
@pytest.mark.parametrize("closed", ["instance", "instance/users.db", "instance/locks", "books"])
def test_every_command_says_what_it_may_not_open(home: Path, settings: Settings, closed: str) -> None:
    as_service(sign_up, settings)
    path = home / closed
    os.chown(path, 0, 0)
    path.chmod(0o700 if path.is_dir() else 0o600)
    book = home / "book.json"
    book.write_text("{}", "utf-8")
    book.chmod(0o644)
    commands = COMMANDS | {"users add": ["bob@example.org"], "import": [str(book), "--tenant", TENANT]}
    for command, arguments in commands.items():
        said = as_service(told, settings, *command.split(), *arguments)
        assert "lacks permission" in said, command
        assert str(path) in said, command


@as_root
def test_a_file_to_adopt_that_may_not_be_read_is_called_that(home: Path, settings: Settings) -> None:
    tenant_id, _ = as_service(sign_up, settings)
    copy = home / "copy.db"
    shutil.copy(home / "books" / f"tenant_{tenant_id}.db", copy)
    copy.chmod(0o600)
    said = as_service(told, settings, "restore", "--tenant", tenant_id, "--adopt", str(copy))
    assert "may not be read" in said or "not readable" in said


@as_root
def test_check_called_by_root_does_not_take_the_service_for_roots(run: Run, home: Path, settings: Settings) -> None:
    as_service(sign_up, settings)
    done = run("check")
    assert done.exit_code == 0
    assert done.output.endswith("Nothing unsafe was found.\n")  # an old SQLite is told of before


@contextmanager
def read_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the system says of a disk that was remounted read-only."""
    with monkeypatch.context() as patched:
        patched.setattr(permissions, "is_read_only", lambda _: True)
        patched.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
        yield


def test_a_disk_that_was_remounted_read_only_is_called_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(Settings(str(tmp_path / "instance"), str(tmp_path / "books"), maintenance_hours=0))
    home = Household(app.test_client()).create()
    with read_only(monkeypatch):
        assert_problem(app.test_client().get("/readyz"), 503, "read_only")
    assert home.get("/users").status_code == 200
    assert json.loads(app.test_client().get("/readyz").data) == {"status": "ok"}
