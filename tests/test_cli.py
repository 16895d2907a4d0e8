"""The commands, as an operator calls them."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from finwise import create_app
from finwise.cli import main
from finwise.cli.group import say_count
from finwise.config import Settings
from finwise.version import __version__
from tests.household import Household, change

ROOT = Path(__file__).parents[1]
LEDGER = ROOT / "tests" / "data" / "ledger.json"

Run = Callable[..., Result]


@pytest.fixture
def run(installed: Settings) -> Run:
    """Calls `finwise …` with the test's own folders."""
    folders = {"FINWISE_INSTANCE": installed.instance, "FINWISE_TENANT_DATABASES": installed.tenant_databases}

    def call(*arguments: str, typed: bytes | None = None, **environment: str) -> Result:
        return CliRunner(env=folders | environment).invoke(main, list(arguments), input=typed)

    return call


@pytest.fixture
def home(settings: Settings) -> Household:
    """A household on the real clock, which the commands use too."""
    return Household(create_app(settings).test_client()).create()


def book(path: Path, **entities: list[Any]) -> str:
    path.write_text(json.dumps(entities), "utf-8")
    return str(path)


def test_help_explains_every_command(run: Run) -> None:
    lines = run("--help").output
    for name in main.commands:
        assert name in lines
        assert run(name, "--help").exit_code == 0


def test_the_version_is_the_packages(run: Run) -> None:
    assert __version__ in run("--version").output


def test_an_import_stores_the_book_and_an_export_gives_it_back(run: Run, home: Household, tmp_path: Path) -> None:
    done = run("import", str(LEDGER), "--tenant", home.tenant_id)
    assert done.exit_code == 0, done.output
    assert "2565 stored, 0 were there already, 0 are newer on the server, 0 rejected." in done.output
    target = tmp_path / "out.json"
    assert run("export", "--tenant", home.tenant_id, str(target)).exit_code == 0
    assert json.loads(target.read_text("utf-8")) == json.loads(LEDGER.read_text("utf-8"))


def test_long_work_prints_plain_lines_where_there_is_no_terminal(run: Run, home: Household) -> None:
    lines = run("import", str(LEDGER), "--tenant", home.tenant_id).output.splitlines()
    assert re.fullmatch(r"Importing, percent: \d+ of 100", lines[0])
    assert lines[2] == "Importing, percent: 100 of 100"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_book_is_read_in_whichever_encoding_windows_has_written_it(
    run: Run, home: Household, tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(json.dumps({"tags": [{"id": "t1", "name": "Bücher 📒"}]}, ensure_ascii=False).encode(encoding))
    for source, typed in ((str(path), None), ("-", path.read_bytes())):
        assert run("import", source, "--tenant", home.tenant_id, typed=typed).exit_code == 0
    assert home.initial()["changes"][0]["data"] == {"name": "Bücher 📒"}


@pytest.mark.parametrize("text", [b"\xff\xfe{", b'{"tags": [{"id": "t", "name": "\xfc"}]}', b"\xef\xbb\xbf\xff"])
def test_a_file_that_is_no_text_is_refused_with_what_to_do(
    run: Run, home: Household, tmp_path: Path, text: bytes
) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(text)
    done = run("import", str(path), "--tenant", home.tenant_id)
    assert (done.exit_code, done.output) == (1, "Error: The book cannot be read as text. Save it as JSON in UTF-8.\n")


def test_importing_again_changes_nothing(run: Run, home: Household) -> None:
    run("import", str(LEDGER), "--tenant", home.tenant_id)
    before = home.pull()["next_since"]
    assert "0 stored, 2565 were there already" in run("import", str(LEDGER), "--tenant", home.tenant_id).output
    assert home.pull()["next_since"] == before


def test_an_import_does_not_overwrite_what_is_newer(run: Run, home: Household, tmp_path: Path) -> None:
    home.results(change("t1", data={"name": "newer"}))
    old = {"id": "t1", "name": "older", "updated_at": "2020-01-01T00:00:00.000Z"}
    done = run("import", book(tmp_path / "b.json", tags=[old]), "--tenant", home.tenant_id)
    assert "1 are newer on the server" in done.output
    assert home.initial()["changes"][0]["data"] == {"name": "newer"}


def test_an_import_dated_now_wins(run: Run, home: Household, tmp_path: Path) -> None:
    home.results(change("t1", data={"name": "newer"}))
    old = {"id": "t1", "name": "older", "updated_at": "2020-01-01T00:00:00.000Z"}
    assert run("import", book(tmp_path / "b.json", tags=[old]), "--tenant", home.tenant_id, "--now").exit_code == 0
    assert home.initial()["changes"][0]["data"] == {"name": "older"}


def test_what_an_import_rejects_is_listed_and_the_rest_is_stored(run: Run, home: Household, tmp_path: Path) -> None:
    entities = [{"id": "bad", "name": 7}, {"id": "good", "name": "fine"}]
    done = run("import", book(tmp_path / "b.json", tags=entities, robots=[{"id": "x"}]), "--tenant", home.tenant_id)
    assert done.exit_code == 1
    assert "1 stored" in done.output
    assert "tags bad: invalid_data" in done.output
    assert "robots x: unknown_entity_type" in done.output
    assert [entity["id"] for entity in home.initial()["changes"]] == ["good"]


@pytest.mark.parametrize("text", ["", "[]", '{"tags": {}}', '{"tags": [1]}', '{"tags": []} {}'])
def test_a_file_that_is_no_book_is_refused(run: Run, home: Household, tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text, "utf-8")
    done = run("import", str(path), "--tenant", home.tenant_id)
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert home.initial()["changes"] == []


@pytest.mark.parametrize("command", ["import", "export"])
@pytest.mark.parametrize(
    ("tenant", "said"),
    [
        ("nonsense", "--tenant takes a UUID of 36 characters."),
        ("5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10", "There is no such tenant."),
    ],
)
def test_an_unknown_tenant_is_said_in_one_line(run: Run, command: str, tenant: str, said: str) -> None:
    done = run(command, *([str(LEDGER)] if command == "import" else []), "--tenant", tenant)
    assert (done.exit_code, done.output) == (1, f"Error: {said}\n")


def test_a_token_can_be_made_for_a_user_without_a_password(run: Run, home: Household) -> None:
    sign_up = {"uuid": "8c5d2c6e-52a1-4f7e-9a43-0a3a6f0c9b11", "name": "Bob", "email": "bob@example.org"}
    assert home.client.post("/users", json=sign_up).status_code == 201
    made = run("tokens", "add", "Bob@example.org", "--device", "script")
    home.token = made.stdout.strip()
    [user] = home.get("/users").get_json()
    assert user["uuid"] == sign_up["uuid"]
    assert [token["device_name"] for token in home.get("/auth/tokens").get_json()] == ["script"]


def test_a_token_for_nobody_is_refused(run: Run) -> None:
    assert run("tokens", "add", "nobody@example.org").output == "Error: There is no user with this e-mail.\n"


def test_a_bad_setting_is_named(run: Run) -> None:
    done = run("tokens", "add", "x@example.org", FINWISE_PORT="many")
    assert (done.exit_code, done.output) == (1, "Error: FINWISE_PORT must be a whole number from 1 to 65535.\n")


def test_a_misspelled_setting_is_pointed_out(run: Run) -> None:
    assert "FINWISE_PROT is not a setting of FinWise" in run("tokens", "add", "x@example.org", FINWISE_PROT="1").output


def test_a_port_in_use_is_said_plainly(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        done = run("serve", "--port", str(listening.getsockname()[1]))
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "cannot be used" in done.output


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals there")
def test_long_work_draws_a_bar_on_a_terminal(settings: Settings, home: Household) -> None:
    import pty  # not there on Windows

    outer, inner = pty.openpty()
    folders = {"FINWISE_INSTANCE": settings.instance, "FINWISE_TENANT_DATABASES": settings.tenant_databases}
    done = subprocess.run(
        [sys.executable, "-m", "finwise", "import", str(LEDGER), "--tenant", home.tenant_id],
        env=os.environ | folders,
        stdout=subprocess.PIPE,
        stderr=inner,
        check=False,
    )
    drawn = os.read(outer, 100_000).decode()
    for end in (outer, inner):
        os.close(end)
    assert done.returncode == 0
    assert "100%" in drawn
    assert b"2565 stored" in done.stdout


def test_any_wsgi_server_finds_the_application(settings: Settings) -> None:
    folders = {"FINWISE_INSTANCE": settings.instance, "FINWISE_TENANT_DATABASES": settings.tenant_databases}
    asks = "from wsgi import app; print(app.test_client().get('/readyz').status)"
    done = subprocess.run(
        [sys.executable, "-c", asks], cwd=ROOT, env=os.environ | folders, capture_output=True, text=True, check=False
    )
    assert done.stdout == "200 OK\n", done.stderr


@pytest.mark.parametrize(("number", "said"), [(0, "0 entities"), (1, "1 entity"), (2, "2 entities")])
def test_one_thing_is_counted_in_the_singular(number: int, said: str) -> None:
    assert say_count(number, "entity", "entities") == said
    assert say_count(number, "tenant") == f"{number} tenant{'' if number == 1 else 's'}"
