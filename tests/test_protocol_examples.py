"""Every example of docs/protocol.md, compared with what a server answers: status, the headers it shows, and body."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise.domain.times import parse_micros
from tests.conftest import Clock
from tests.household import Household, change, new_id

PROTOCOL = (Path(__file__).parents[1] / "docs" / "protocol.md").read_text("utf-8")
TENANT, EPOCH = "5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10", "33b041ef"  # in all examples


class Example(NamedTuple):
    """A request and its answer. Of some errors the page shows the answer alone; `asked` is empty then."""

    asked: str
    status: int
    headers: dict[str, str]
    body: str

    @property
    def time(self) -> int:
        """The server's time, µs since 1970; 0 if the answer has none."""
        found = re.search(r'"server_time": ?"([^"]+)"', self.body)
        return (parse_micros(found[1]) or 0) if found else 0


def examples() -> list[Example]:
    """A request and its answer stand in one block or in two."""
    found: list[Example] = []
    asked = ""
    for block in re.findall(r"```http\n(.+?)\n```", PROTOCOL, re.DOTALL):
        answer = re.search(r"^HTTP ([0-9]+) .+$", block, re.MULTILINE)
        asked = block[: answer.start()].strip() or asked if answer else block
        if answer:
            head, _, body = block[answer.end() :].partition("\n\n")
            headers = dict(line.split(": ", 1) for line in head.strip().splitlines())
            found.append(Example(asked, int(answer[1]), headers, body))
            asked = ""
    return found


EXAMPLES = examples()
STORY = sorted((example for example in EXAMPLES if example.time), key=lambda example: example.time)
ERRORS = {json.loads(example.body)["code"]: example for example in EXAMPLES if example.status >= 400}
(NOT_MODIFIED,) = (example for example in EXAMPLES if example.status == 304)
(HEALTH,) = (example for example in EXAMPLES if example.asked == "GET /healthz")


def values(body: str) -> Any:
    """The JSON of a body, or of NDJSON that of each line."""
    try:
        return json.loads(body or "null")
    except ValueError:
        return [json.loads(line) for line in body.splitlines()]


class World:
    """The book of the examples. Its server gave it another id and another epoch."""

    def __init__(self, home: Household, clock: Clock) -> None:
        self.home = home
        self.clock = clock
        self.epoch = home.pull()["epoch"]

    def ask(self, asked: str) -> TestResponse:
        head, _, body = asked.replace(TENANT, self.home.tenant_id).replace(EPOCH, self.epoch).partition("\n\n")
        line, *headers = head.splitlines()
        method, target = line.split()
        body_headers = {"Content-Type": "application/json"} if body else {}
        sent = body_headers | dict(each.split(": ", 1) for each in headers)
        return self.home.request(method, target, headers=sent, data=body or None)

    def assert_answered(self, answer: TestResponse, example: Example) -> None:
        assert answer.status_code == example.status, answer.text
        assert values(self._as_written(answer.text)) == values(example.body)
        found = {name: self._as_written(answer.headers[name]) for name in example.headers}
        assert found == example.headers

    def tell(self, example: Example) -> None:
        """The next example of the story. What the phone does at 12:05 is told on the page without one."""
        if example.time > self.at("12:05:00") > self.clock.now:
            self.clock.now = self.at("12:05:00")
            known = {"updated_at": "2026-01-10T12:05:00.000Z", "base_updated_at": "2026-01-10T11:58:00.000Z"}
            data = {"name": "Big Bank", "sortOrder": 0}
            self.home.results(change("group-bank", entity_type="account_groups", data=data, **known))
        self.clock.now = example.time
        self.assert_answered(self.ask(example.asked), example)

    @staticmethod
    def at(time: str) -> int:
        return parse_micros(f"2026-01-10T{time}Z") or 0

    def _as_written(self, text: str) -> str:
        return text.replace(self.home.tenant_id, TENANT).replace(self.epoch, EPOCH)


@pytest.fixture
def world(home: Household, clock: Clock) -> World:
    return World(home, clock)


def test_one_after_the_other_is_answered_as_the_page_shows(world: World) -> None:
    for example in STORY:
        world.tell(example)


def test_what_has_not_changed_is_answered_as_the_page_shows(world: World) -> None:
    for example in STORY:
        if example.time <= world.at("12:01:00"):
            world.tell(example)
    world.assert_answered(world.ask(NOT_MODIFIED.asked), NOT_MODIFIED)


def test_healthz_is_answered_as_the_page_shows(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == values(HEALTH.body)


def expired(world: World, app: Flask) -> TestResponse:
    since = world.home.pull()["next_since"]
    world.home.results(change("t1"), change("t1", updated_at=world.clock.text, deleted_at=world.clock.text))
    world.clock.forward(days=181)
    app.extensions["finwise"].maintenance.run(world.clock.now)
    world.home.token = world.home.log_in().get_json()["token"]  # the former one has expired, too
    return world.home.get(f"/sync/changes/{world.home.tenant_id}", query_string={"since": since})


def deleted(world: World, _: Flask) -> TestResponse:
    world.home.request("DELETE", f"/tenants/{world.home.tenant_id}")
    return world.home.get(f"/sync/changes/{world.home.tenant_id}")


ASKING: dict[str, Callable[[World, Flask], TestResponse]] = {
    "epoch_changed": lambda world, _: world.ask(ERRORS["epoch_changed"].asked),
    "cursor_expired": expired,
    "tenant_deleted": deleted,
    "not_found": lambda world, _: world.home.get(f"/sync/changes/{new_id()}"),
    "invalid": lambda world, _: world.ask(ERRORS["invalid"].asked),
    "bad_cursor": lambda world, _: world.home.get(f"/sync/changes/{world.home.tenant_id}?since=yesterday"),
    "too_large": lambda world, _: world.home.push(*[{}] * 5001),
}


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_is_answered_as_the_page_shows(world: World, app: Flask, code: str) -> None:
    world.assert_answered(ASKING[code](world, app), ERRORS[code])


def test_every_example_is_compared() -> None:
    assert len(EXAMPLES) == PROTOCOL.count("\nHTTP ") == len(STORY) + len(ERRORS) + len([NOT_MODIFIED, HEALTH])


def test_answers_may_not_be_stored_on_the_way_as_is_said_of_their_headers(home: Household) -> None:
    (said,) = re.findall(r"`Cache-Control: ([a-z, -]+)`", PROTOCOL)
    for path in (f"/sync/changes/{home.tenant_id}", f"/sync/initial/{home.tenant_id}", "/healthz"):
        assert home.get(path).headers["Cache-Control"] == said
