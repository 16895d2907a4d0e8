"""Rounds of odd requests to an installation, and what is wrong with what came of them."""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from flask import Flask, request
from werkzeug.test import TestResponse

from finwise.logs import JsonLines
from harness.problems import assert_problem
from harness.requests.spoilt import spoilt
from harness.requests.valid import VALID, forbidden, with_token
from harness.requests.world import CANARY, Sent, World

EVERY_BUG = 100  # requests after which a view fails on purpose, for else the log would have nothing to tell

MARKS = (CANARY, "fw_", "fwi_")  # in what was sent; in every token; in the code of every invitation
FAILING = "/failing"
OWN_REDIRECT = "app/"  # of /app to the page; relative, so it names no host


def faults(answer: TestResponse, sent: Sent) -> Iterator[str]:
    """What is wrong with an answer by itself: an error of the server's own, a redirect, a refusal of another form."""
    status = answer.status_code
    if status >= 500:
        yield f"the answer is {status}: {answer.text[:200]}"
    if status in (301, 302, 303, 307, 308) and answer.headers.get("Location") != OWN_REDIRECT:
        yield f"the answer is {status}, to {answer.headers.get('Location')}"
    if status < 400:
        return
    if sent.method == "HEAD":
        if answer.data:
            yield "a HEAD was answered with a body"
    else:
        try:
            assert_problem(answer, status, (answer.get_json(silent=True) or {}).get("code", ""))
        except AssertionError as error:
            yield f"the answer {status} is no problem of the right form: {str(error)[:200]}"
    told = f"{answer.text}{answer.headers}".lower()
    for mark in MARKS:
        if mark in told:
            yield f"the answer {status} repeats what was sent: {told[:300]}"


@dataclass
class Round:
    """What some requests to one installation did. `reached`: the routes that answered as they should."""

    sent: int = 0
    refused: int = 0
    bugs: int = 0
    lines: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    reached: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)


def attempt(folder: Path, seed: int, size: int) -> Round:
    """So many requests to a new installation below `folder`."""
    dice, told = random.Random(seed), Round()
    with ExitStack() as opened:
        lines = opened.enter_context(listening())
        world = World(folder, dice, _add_failing)
        opened.callback(world.close)
        if world.routes != VALID.keys():
            told.violations.append(
                f"routes without a request, or requests without a route: {world.routes ^ VALID.keys()}"
            )
        for number in range(size):
            told.violations += [f"seed {seed}, request {number}: {line}" for line in _one(world, told)]
            if number % EVERY_BUG == 0:
                told.violations += _bug(world, told, lines)
    told.lines = len(lines)
    told.violations += [f"seed {seed}: the log has {line!r}" for line in lines if not _is_fine(line)]
    return told


def _one(world: World, told: Round) -> Iterator[str]:
    """Sends one request and says what is wrong with what came of it."""
    must_be_refused = world.dice.random() < 0.15
    sent = forbidden(world) if must_be_refused else spoilt(world)
    before = world.files.held()  # with what the request is about, which may just have been made
    try:
        answer = world.send(sent)
    except Exception as error:  # whatever it is, no server would have anything to answer
        yield f"{type(error).__name__}: {error} at {_said(sent)}"
        return
    told.sent += 1
    told.statuses[answer.status_code] += 1
    for fault in faults(answer, sent):
        yield f"{fault} to {_said(sent)}"
    if answer.status_code >= 400:
        told.refused += 1
        if world.files.held() != before:
            yield f"the answer is {answer.status_code}, and yet something was stored, to {_said(sent)}"
    else:
        told.reached.add(sent.route)
        if must_be_refused:
            yield f"the answer is {answer.status_code} to {_said(sent)}"
    if sent.method not in ("GET", "HEAD") and answer.status_code < 400 and not world.is_whole():
        world.settle()


def _bug(world: World, told: Round, lines: list[str]) -> Iterator[str]:
    """A view fails with an exception that quotes what was sent, so that the log has something to keep quiet about."""
    forged = f'{CANARY}\r\n{{"level": "INFO", "message": "{CANARY}"}}\x1b[2J'
    environ = with_token(world.home.token) | {"HTTP_USER_AGENT": forged, "HTTP_REFERER": forged}
    before = len(lines)
    answer = world.send(Sent("bug", "POST", FAILING, f"q={quote(forged)}", environ, forged.encode()))
    told.bugs += 1
    if answer.status_code != 500 or any(mark in f"{answer.text}{answer.headers}" for mark in MARKS):
        yield f"a failure is answered with {answer.status_code}: {answer.text[:300]}"
    if len(lines) != before + 1:
        yield f"a failure is logged {len(lines) - before} times"


def _add_failing(app: Flask) -> None:
    app.add_url_rule(FAILING, "failing", _fail, methods=["POST"])


def _fail() -> str:
    """A view with a bug."""
    raise ValueError(f"{request.get_data(as_text=True)} {request.headers} {request.full_path}")


class _Lines(logging.Handler):
    """Keeps what the server's log would have, as it would have it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def listening() -> Iterator[list[str]]:
    """The lines of the log from here on, down to those that matter only when looking for a bug."""
    handler, finwise = _Lines(), logging.getLogger("finwise")
    level = finwise.level
    finwise.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    try:
        yield handler.lines
    finally:
        logging.getLogger().removeHandler(handler)
        finwise.setLevel(level)


def _is_fine(line: str) -> bool:
    """Whether a log line is one JSON object on one line, and says nothing that was sent but the e-mail of a login."""
    try:
        read = json.loads(line)
    except ValueError:
        return False
    is_one = isinstance(read, dict) and {"time", "level", "logger", "message"} <= read.keys()
    if not is_one or not line.isascii() or not line.isprintable():
        return False
    account = read.pop("account", "") if str(read.get("event", "")).startswith("login.") else ""
    said = json.dumps(read).lower()
    return (not account or "@" in account or account.startswith("(")) and not any(mark in said for mark in MARKS)


def _said(sent: Sent) -> str:
    """The request, shortened."""
    return f"{sent.method} {sent.path[:200]!r}?{sent.query[:200]!r} {str(sent.environ)[:500]} {sent.body[:500]!r}"
