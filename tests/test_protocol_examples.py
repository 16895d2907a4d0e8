"""The examples of docs/protocol.md that stand alone, compared with what a server answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from finwise.domain.times import parse_micros
from tests.conftest import Clock
from tests.household import Household

PROTOCOL = (Path(__file__).parents[1] / "docs" / "protocol.md").read_text("utf-8")
EPOCH = "33b041ef"  # in all examples
BLOCKS = re.findall(r"```http\n(.+?)\n```", PROTOCOL, re.DOTALL)


def example(text: str) -> tuple[Any, Any]:
    """The body that is sent, if there is one, and the answer: of the example in which `text` stands."""
    number = next(index for index, block in enumerate(BLOCKS) if text in block)
    block = BLOCKS[number] if "\nHTTP " in BLOCKS[number] else f"{BLOCKS[number]}\n\n{BLOCKS[number + 1]}"
    asked, answer = re.split(r"(?:^|\n)HTTP [0-9]+ [A-Z ]+\n", block)
    body = asked.partition("\n\n")[2].strip()
    return json.loads(body) if body else None, json.loads(answer[answer.index("{") :])


def test_healthz_answers_as_in_its_example(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == example("GET /healthz")[1]


@pytest.mark.parametrize("text", ["a0000000-0000-4000-8000-000000000001", "what is this?"])
def test_a_push_is_answered_as_in_its_example(home: Household, clock: Clock, text: str) -> None:
    body, wanted = example(text)
    epoch = home.initial()["epoch"]
    clock.now = parse_micros(wanted["server_time"]) or 0
    sent = json.dumps(body | {"tenant_id": home.tenant_id}).replace(EPOCH, epoch)
    answer = home.post("/sync/changes", data=sent, content_type="application/json")
    found = json.loads(answer.text.replace(epoch, EPOCH))
    for each in (found, wanted):  # the stamp depends on what the book took before
        each.pop("next_since", None)
    assert found == wanted


@pytest.mark.parametrize(
    "asked",
    [
        "since=1970-01-01T00:00:00.000000Z~33b041ef&limit=1",
        "since=2026-01-10T12:00:02.000000Z~33b041ef&limit=1",
        "since=2026-01-09T08:30:00.000417Z~0badc0de",
    ],
)
def test_a_pull_is_answered_as_in_its_example(home: Household, clock: Clock, asked: str) -> None:
    first, pushed = example("a0000000-0000-4000-8000-000000000001")
    epoch = home.initial()["epoch"]
    clock.now = parse_micros(pushed["server_time"]) or 0
    home.results(*first["changes"])
    _, wanted = example(asked)
    clock.now = parse_micros(wanted.get("server_time", "")) or clock.now
    query = asked.replace(EPOCH, epoch)
    found = json.loads(home.get(f"/sync/changes/{home.tenant_id}?{query}").text.replace(epoch, EPOCH))
    assert found == wanted


def test_answers_may_not_be_stored_on_the_way_as_is_said_of_their_headers(home: Household) -> None:
    (said,) = re.findall(r"`Cache-Control: ([a-z, -]+)`", PROTOCOL)
    for path in (f"/sync/changes/{home.tenant_id}", f"/sync/initial/{home.tenant_id}", "/healthz"):
        assert home.get(path).headers["Cache-Control"] == said
