"""Commands look for an installation, and say where they looked; none makes an empty one to work on nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import click
import pytest
from click.testing import CliRunner, Result

from finwise import create_app, create_domain
from finwise.cli import main
from finwise.config import Settings
from finwise.errors import BadSetting
from tests.household import Household, change

TENANT = "5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10"

# Every command that works on an installation, with arguments it would take.
COMMANDS: dict[str, list[str]] = {
    "users list": [],
    "users password": ["ada@example.org"],
    "users admin": ["ada@example.org"],
    "users delete": ["ada@example.org", "--yes"],
    "users invite": [],
    "tenants list": [],
    "tenants quota": [TENANT, "1"],
    "tokens add": ["ada@example.org"],
    "check": [],
    "import": ["book.json", "--tenant", TENANT],
    "export": ["--tenant", TENANT, "out.json"],
    "backup": ["backups"],
    "restore": ["--tenant", TENANT, "--trash"],
    "verify": [],
    "compact": [],
    "litestream": ["--to", "replica"],
}
CREATING = {"serve", "users add"}

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are called, with a non-ASCII name: there is a book to import, and nothing else."""
    made = tmp_path / "Bücher von Zoë"
    made.mkdir()
    monkeypatch.chdir(made)
    Path("book.json").write_text('{"tags": []}', "utf-8")
    return made


@pytest.fixture
def run(folder: Path) -> Run:
    """Calls `finwise …` there, with the default settings."""

    def call(*arguments: str, **environment: str) -> Result:
        unset = {name: None for name in os.environ if name.startswith("FINWISE_")}
        done = CliRunner(env={**unset, **environment}).invoke(main, list(arguments))
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return call


def names(group: click.Group, path: str = "") -> set[str]:
    found: set[str] = set()
    for name, member in group.commands.items():
        found |= names(member, f"{name} ") if isinstance(member, click.Group) else {f"{path}{name}"}
    return found


def test_the_table_has_every_command() -> None:
    assert names(main) == COMMANDS.keys() | CREATING


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_the_wrong_folder_says_where_it_looked_and_makes_nothing(
    run: Run, folder: Path, command: str
) -> None:
    done = run(*command.split(), *COMMANDS[command])
    assert done.exit_code == 1
    (said,) = done.output.splitlines()[-1:]
    assert f"There is no installation in {folder / 'instance'}." in said
    assert "FINWISE_INSTANCE" in said
    assert [path.name for path in folder.iterdir()] == ["book.json"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_a_file_is_said_in_one_line(run: Run, folder: Path, command: str) -> None:
    for variable in ("FINWISE_INSTANCE", "FINWISE_TENANT_DATABASES"):
        done = run(*command.split(), *COMMANDS[command], **{variable: "book.json"})
        assert done.exit_code == 1
        (said,) = done.output.splitlines()[-1:]
        assert f"{folder / 'book.json'} is a file. Set {variable} to a folder." in said


def test_the_first_user_makes_the_installation(run: Run, folder: Path) -> None:
    assert run("users", "add", "ada@example.org").exit_code == 0
    assert (folder / "instance" / "users.db").is_file()
    assert "administrator" in run("users", "list").output


def test_a_backup_of_an_installation_without_tenants_says_that_there_are_none(run: Run, folder: Path) -> None:
    run("users", "add", "ada@example.org")
    done = run("backup", "backups")
    assert done.exit_code == 0
    assert done.output.endswith(": users.db alone, for there are no tenants.\n")


def test_everything_can_be_restored_into_an_empty_folder(run: Run, folder: Path) -> None:
    run("users", "add", "ada@example.org")
    run("backup", "backups")
    shutil.rmtree("instance")
    shutil.rmtree("tenant_databases")
    (archive,) = Path("backups").iterdir()
    assert run("restore", "--backup", str(archive)).exit_code == 0
    assert "ada@example.org" in run("users", "list").output


def test_a_backup_is_verified_where_there_is_no_installation(run: Run, folder: Path) -> None:
    run("users", "add", "ada@example.org")
    run("backup", "backups")
    (archive,) = Path("backups").iterdir()
    done = run("verify", "--backup", str(archive), FINWISE_INSTANCE="elsewhere", FINWISE_TENANT_DATABASES="elsewhere")
    assert (done.exit_code, done.output) == (0, "Intact.\n")
    assert not Path("elsewhere").exists()


def test_the_document_is_written_anywhere(tmp_path: Path) -> None:
    app = create_app(Settings(str(tmp_path / "instance"), str(tmp_path / "books"), maintenance_hours=0))
    done = app.test_cli_runner().invoke(args=["openapi", "write", str(tmp_path / "openapi.json")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "openapi.json").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="folders there have no such permissions")
def test_folders_that_a_clone_brings_are_closed_to_others_and_others_are_left_as_they_are(run: Run) -> None:
    for name, inside in (("instance", ".gitignore"), ("tenant_databases", "notes.txt")):
        Path(name).mkdir()
        Path(name, inside).touch()
        Path(name).chmod(0o755)
    assert run("users", "add", "ada@example.org").exit_code == 0
    assert (Path("instance").stat().st_mode & 0o777, Path("tenant_databases").stat().st_mode & 0o777) == (0o700, 0o755)
    found = [line for line in run("check").stderr.splitlines() if "root" not in line and "SQLite" not in line]
    assert found == ["tenant_databases may be opened by other users of this machine. Run: chmod go= tenant_databases"]


# ---- a part of an installation ----


@pytest.fixture
def home(settings: Settings) -> Household:
    made = Household(create_app(settings).test_client()).create()
    made.results(change("kept"))
    made.client.application.extensions["finwise"].close()
    return made


def entries(path: Path) -> list[str]:
    return sorted(str(each.relative_to(path)) for each in path.rglob("*"))


def test_tenants_files_without_their_users_db_are_not_served_and_not_touched(
    settings: Settings, home: Household, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.db"
    settings.users_db.rename(kept)
    before = entries(tmp_path)
    with pytest.raises(BadSetting, match=r"has the files of 1 account books.*has no users\.db"):
        create_domain(settings)
    assert entries(tmp_path) == before
    kept.rename(settings.users_db)
    assert create_app(settings).test_client().get("/readyz").status_code == 200


def test_a_users_db_that_knows_none_of_the_files_is_not_served(
    settings: Settings, home: Household, tmp_path: Path
) -> None:
    other = Settings(str(tmp_path / "other"), str(tmp_path / "elsewhere"))
    create_domain(other).close()
    with pytest.raises(BadSetting, match=r"users\.db knows none of the 1 account books"):
        create_domain(Settings(other.instance, settings.tenant_databases))
    assert Path(settings.tenant_databases, f"tenant_{home.tenant_id}.db").is_file()


def test_a_folder_of_tenants_that_is_not_mounted_is_not_made_anew(settings: Settings, home: Household) -> None:
    folder = Path(settings.tenant_databases)
    folder.rename(folder.with_name("unmounted"))
    with pytest.raises(BadSetting, match=r"users\.db knows 1 account books, but their folder"):
        create_domain(settings)
    assert not folder.exists()
    folder.with_name("unmounted").rename(folder)
    assert home.initial()["changes"], "nothing was quarantined"


def test_lost_tenants_files_are_put_back_one_by_one(settings: Settings, home: Household, tmp_path: Path) -> None:
    file = tmp_path / "from a replica.db"
    Path(settings.tenant_databases, f"tenant_{home.tenant_id}.db").rename(file)
    shutil.rmtree(settings.tenant_databases)
    folders = {"FINWISE_INSTANCE": settings.instance, "FINWISE_TENANT_DATABASES": settings.tenant_databases}
    done = CliRunner(env=folders).invoke(main, ["restore", "--tenant", home.tenant_id, "--adopt", str(file)])
    assert done.exit_code == 0, done.output
    assert home.initial()["changes"]


# ---- what comes out ----


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/full")
@pytest.mark.parametrize("command", ["users list", "export"])
def test_output_that_finds_no_room_is_said_in_one_line(settings: Settings, home: Household, command: str) -> None:
    arguments = ["--tenant", home.tenant_id] if command == "export" else []
    with Path("/dev/full").open("wb") as full:
        done = _finwise(settings, *command.split(), *arguments, stdout=full)
    assert done.returncode == 1
    assert done.stderr in (
        "Error: The output: No space left on device.\n",
        "Error: The disk is full. Nothing was stored; the operator must make room.\n",
    )


def test_names_that_the_terminal_cannot_show_end_no_command(settings: Settings, home: Household) -> None:
    home.request("PATCH", f"/tenants/{home.tenant_id}", json={"name": "Bücher 📒"})
    done = _finwise(settings, "tenants", "list", PYTHONIOENCODING="latin-1", stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Bücher \\U0001f4d2" in done.stdout


def test_a_failed_export_leaves_no_file(run: Run, folder: Path) -> None:
    run("users", "add", "ada@example.org")
    Path("out.json").write_text("kept", "utf-8")
    assert run("export", "--tenant", TENANT, "out.json").exit_code == 1
    assert Path("out.json").read_text("utf-8") == "kept"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def _finwise(
    settings: Settings, *arguments: str, stdout: IO[bytes] | int, **environment: str
) -> subprocess.CompletedProcess[str]:
    folders = {"FINWISE_INSTANCE": settings.instance, "FINWISE_TENANT_DATABASES": settings.tenant_databases}
    return subprocess.run(
        [sys.executable, "-m", "finwise", *arguments],
        env=os.environ | folders | environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="latin-1",
        check=False,
    )
