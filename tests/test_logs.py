"""The log: a line for a record, and nothing in it that was sent."""

import json
import logging
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from finwise.logs import JsonLines, configure
from tests.account import sign_up
from tests.server import Server

CANARY = "canary-5d1e"


def line(message: str, *values: object, error: Exception | None = None) -> dict[str, Any]:
    """The record's one line, read."""
    raised = None
    if error:
        try:
            raise error
        except Exception:
            raised = sys.exc_info()
    record = logging.LogRecord("finwise.test", logging.ERROR, "x.py", 1, message, values, raised)
    text = JsonLines().format(record)
    assert text.isascii()
    assert text.isprintable()
    read: dict[str, Any] = json.loads(text)
    return read


@pytest.mark.parametrize("evil", ["\r\n", '\n{"level": "INFO"}', "\x1b[2J", "\u2028", "\ud800", "\x00", '"'])
def test_nothing_that_is_logged_can_pass_for_a_line_of_its_own(evil: str) -> None:
    assert line("a %s b", evil)["message"] == f"a {evil} b"


def test_an_unexpected_error_is_logged_with_its_way_and_without_what_it_quotes() -> None:
    said = line("incident", error=ValueError(f"invalid literal: {CANARY}"))
    assert said["error"] == "ValueError"
    assert said["trace"][-1].endswith(" line")
    assert CANARY not in json.dumps(said)


@pytest.mark.parametrize("error", [sqlite3.OperationalError("no such table: x"), OSError(28, "No space left")])
def test_what_sqlite_and_the_system_say_is_logged(error: Exception) -> None:
    assert str(error) in line("incident", error=error)["error"]


def test_whoever_has_said_where_the_log_goes_is_obeyed(app: Flask) -> None:
    before = list(logging.getLogger().handlers)
    configure()
    assert logging.getLogger().handlers == before


def test_the_servers_log_has_a_json_object_a_line(server: Server, tmp_path: Path) -> None:
    account = sign_up(server.url)
    server.stop()
    (file,) = (tmp_path / "tenant_databases").glob("tenant_*.db")
    file.write_bytes(b"no database " * 1_000)
    server.start()
    answer = httpx.get(f"{server.url}/sync/changes/{account.tenant_id}", headers=account.headers)
    assert answer.json()["code"] == "quarantined"
    lines = [text for text in server.log.read_text().splitlines() if "quarantined" in text]
    assert [json.loads(text)["level"] for text in lines] == ["ERROR"]
    log = server.log.read_text()
    assert account.token not in log
    assert account.email not in log
