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

from finwise.domain import events
from finwise.domain.events import EVENTS
from finwise.logs import Bounded, JsonLines, PlainLines, configure
from harness.account import sign_up
from harness.server import Server

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


def record(message: str = "said", *, at: float = 0, **more: object) -> logging.LogRecord:
    """A record of one place; `at` in seconds."""
    made = logging.LogRecord("finwise.test", logging.INFO, "x.py", 1, message, (), None)
    made.created = at
    vars(made).update(more)
    return made


EVIL = 'x\n\x1b[2J\u202e"}'


@pytest.mark.parametrize("long", ["x", "\U0001f600", "\x00", '"', "\u202e"])
def test_however_long_what_is_logged_is_a_line_stays_short(long: str) -> None:
    fields = {"account": long * 1_000_000, "path": long * 513, "wait": 7}
    text = JsonLines().format(record(long * 1_000_000, event="x", fields=fields))
    assert len(text) < 2_000
    assert json.loads(text)["wait"] == 7
    assert json.loads(text)["path"].endswith("\u2026")


def test_the_way_through_the_code_is_told_up_to_its_inner_end() -> None:
    def fall(depth: int) -> None:
        if depth:
            fall(depth - 1)
        raise ValueError

    try:
        fall(100)
    except ValueError:
        trace = json.loads(JsonLines().format(record(exc_info=sys.exc_info())))["trace"]
    assert len(trace) == 12
    assert trace[-1].endswith(" fall")


def test_of_one_kind_so_many_lines_a_minute_are_written_and_the_next_says_how_many_were_not() -> None:
    bounded = Bounded(3)

    def written(number: int, **members: Any) -> list[dict[str, Any]]:
        records = [record(**members) for _ in range(number)]
        return [json.loads(JsonLines().format(each)) for each in records if bounded.filter(each)]

    assert len(written(10, at=60, event="login.failed")) == 3
    assert len(written(2, at=60, event="user.added")) == 2, "another kind is written"
    assert len(written(5, at=60, event="request", unbounded=True)) == 5, "all of those who asked for all"
    later = written(2, at=120, event="login.failed", fields={"account": "a@b"})
    assert [(each.get("left_out"), each["account"]) for each in later] == [(7, "a@b"), (None, "a@b")]
    assert len(written(4, at=30, event="login.failed")) == 3, "a clock that was set back begins another minute"


@pytest.mark.parametrize("event", ["token.throttled", "request.throttled", "request.busy"])
def test_of_refused_requests_ten_lines_a_minute_are_written(event: str, caplog: pytest.LogCaptureFixture) -> None:
    bounded = Bounded()
    for _ in range(500):
        events.tell(event, wait=1)
    for each in caplog.records:
        each.created = 60.0
    assert len(caplog.records) == 500
    assert len([each for each in caplog.records if bounded.filter(each)]) == 10


def test_at_a_terminal_a_line_is_for_a_person_and_as_safe() -> None:
    text = PlainLines().format(record("A \u00fc " + EVIL, at=60.5, event="x.y", fields={"account": EVIL, "wait": 7}))
    assert text == ('00:01:00 INFO A \\u00fc x\\n\\u001b[2J\\u202e"} (x.y account="x\\n\\u001b[2J\\u202e\\"}" wait=7)')
    assert PlainLines().format(record()) == "00:00:00 INFO said (finwise.test)"


def test_an_application_that_configured_its_log_keeps_it(app: Flask) -> None:
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


def lines_of(server: Server) -> list[dict[str, Any]]:
    """All of a server's log that is JSON: the rest is what `finwise serve` says to a person."""
    return [json.loads(text) for text in server.log.read_text().splitlines() if text.startswith("{")]


def told(server: Server, event: str) -> list[dict[str, Any]]:
    return [line for line in lines_of(server) if line.get("event") == event]


def test_a_server_says_when_it_starts_and_stops_and_who_failed_to_log_in(tmp_path: Path) -> None:
    with Server(tmp_path, FINWISE_WORKERS="2") as server:
        account = sign_up(server.url)
        login = {"email": account.email, "password": CANARY, "device_name": "test"}
        assert httpx.post(f"{server.url}/auth/tokens", json=login, timeout=60).status_code == 401
    (started,), (stopped,) = told(server, "server.started"), told(server, "server.stopped")
    assert {name: started[name] for name in ("url", "workers", "instance")} == {
        "url": server.url,
        "workers": 2,
        "instance": str(tmp_path / "instance"),
    }
    assert set(EVENTS["server.started"].fields) <= set(started)
    assert stopped["time"] > started["time"]
    assert set(EVENTS["server.stopped"].fields) <= set(stopped)
    assert len(told(server, "process.ready")) == 2
    (failed,) = told(server, "login.failed")
    assert (failed["account"], failed["address"]) == (account.email, "127.0.0.1")
    assert not told(server, "request"), "an access log is for those who ask for it"
    log = server.log.read_text()
    assert [secret for secret in (CANARY, account.token) if secret in log] == []


def test_an_access_log_has_a_line_for_every_request_with_the_address_behind_the_proxy(tmp_path: Path) -> None:
    environment = {
        "FINWISE_ACCESS_LOG": "1",
        "FINWISE_WORKERS": "1",
        "FINWISE_TRUSTED_PROXIES": "127.0.0.1",
        "FINWISE_PROXY_HOPS": "1",
    }
    with Server(tmp_path, **environment) as server:
        account = sign_up(server.url)
        headers = account.headers | {"X-Forwarded-For": "198.51.100.1, 192.0.2.7"}
        sent = [
            httpx.get(f"{server.url}{path}", headers=headers, timeout=60)
            for path in (
                f"/sync/changes/{account.tenant_id}?since={CANARY}",
                f"/sync/changes/{account.tenant_id}",
                f"/tenants/{account.tenant_id}/export",
                "/f%C3%BCr%0Aalle",
            )
        ]
    lines = [line for line in told(server, "request") if line["address"] == "192.0.2.7"]
    assert [(each["method"], each["status"], each["bytes"]) for each in lines] == [
        ("GET", answer.status_code, len(answer.content)) for answer in sent
    ]
    assert [each["path"] for each in lines] == [
        f"/sync/changes/{account.tenant_id}",
        f"/sync/changes/{account.tenant_id}",
        f"/tenants/{account.tenant_id}/export",
        "/f\u00fcr\nalle",
    ]
    assert all(each["ms"] > 0 for each in lines)
    assert CANARY not in server.log.read_text()
