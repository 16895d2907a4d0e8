"""The commands of docs/from-finwise-0.4.md run as they are written, and what the page says of them is true."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from harness.account import TIMEOUT, sign_up
from harness.server import Server

PAGE = (Path(__file__).parents[1] / "docs" / "from-finwise-0.4.md").read_text("utf-8")
BACKEND_FILE = """
    CREATE TABLE accounts (id VARCHAR, name VARCHAR, "accountType" VARCHAR(12), "isActive" BOOLEAN,
      balance NUMERIC(10, 2), logo_path VARCHAR, "createdAt" DATETIME, "updatedAt" DATETIME);
    INSERT INTO accounts VALUES ('giro', 'Giro', 'giro', 1, 12.5, NULL, '2025-08-12 20:20:31.759603',
      '2025-08-13 07:24:41.532000');
    CREATE TABLE transactions (id VARCHAR, "accountId" VARCHAR, date VARCHAR, amount NUMERIC(10, 2), description TEXT,
      "tagIds" JSON, reconciled BOOLEAN, "updatedAt" DATETIME);
    INSERT INTO transactions VALUES ('t1', 'giro', '2025-02-30', -7, '', '["a", "b"]', 0, '2025-08-13 07:24:41.532000');
    CREATE TABLE notes (id VARCHAR, text VARCHAR);
    INSERT INTO notes VALUES ('n1', 'no part of a book');
"""

needs_curl = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")


def command(name: str) -> str:
    """The shell block behind a marker."""
    match = re.search(rf"<!-- command: {name} -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
    assert match, name
    return match[1]


def printed(script: str, server: Server, token: str) -> str:
    """What a shell in the server's folder prints, with `finwise` of this Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = {name: value for name, value in os.environ.items() if not name.startswith("FINWISE_")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("http://127.0.0.1:8000", server.url)],
        cwd=server.folder,
        env=settings | {"PATH": path, "TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@needs_curl
def test_the_file_of_the_old_backend_is_imported_over_http_and_again_on_the_servers_machine(server: Server) -> None:
    owner = sign_up(server.url)
    over_http = command("import over HTTP")
    tenant = over_http.partition("TENANT=")[2].split()[0]
    with closing(sqlite3.connect(server.folder / f"finwiseTenantDB_{tenant}.db")) as connection:
        connection.executescript(BACKEND_FILE)
        outcome = printed(over_http, server, owner.token)
        connection.execute("DROP TABLE notes")
    assert ('"applied":2' in outcome, '"rejected":1' in outcome) == (True, True), outcome
    assert "2 were there already" in printed(command("import"), server, owner.token)
    initial = httpx.get(f"{server.url}/sync/initial/{tenant}", headers=owner.headers, timeout=TIMEOUT).json()
    assert {entity["id"]: entity["data"] for entity in initial["changes"]} == {
        "giro": {"name": "Giro", "accountType": "giro", "isActive": True, "balance": 12.5},
        "t1": {
            "accountId": "giro",
            "date": "2025-02-30",
            "amount": -7,
            "description": "",
            "tagIds": ["a", "b"],
            "reconciled": False,
        },
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/healthz"),
        ("POST", "/users"),
        ("POST", "/auth/tokens"),
        ("PATCH", "/users/{id}"),
        ("PATCH", "/tenants/{id}"),
        ("DELETE", "/tenants/{id}"),
        ("POST", "/sync/changes"),
        ("GET", "/sync/initial/{id}"),
    ],
)
def test_the_servers_setting_lets_the_apps_origin_ask_what_the_package_asks(
    server_of_the_page: Server, method: str, path: str
) -> None:
    origin = allowed_origin()
    headers = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}
    url = server_of_the_page.url + path.format(id="698b5d3c-88fa-477f-90ae-35394ee9ea53")
    answer = httpx.options(url, headers=headers | {"Origin": origin}, timeout=TIMEOUT)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert method in answer.headers["Access-Control-Allow-Methods"]
    assert {"authorization", "content-type"} <= set(
        re.split(r",\s*", answer.headers["Access-Control-Allow-Headers"].lower())
    )


@pytest.fixture(scope="module")
def server_of_the_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the setting that the page gives."""
    with Server(tmp_path_factory.mktemp("page"), FINWISE_CORS_ORIGINS=allowed_origin()) as running:
        yield running


def allowed_origin() -> str:
    match = re.fullmatch(r"FINWISE_CORS_ORIGINS=(\S+) finwise serve\n", command("serve"))
    assert match
    return match[1]
