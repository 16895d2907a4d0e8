"""Schemathesis over the OpenAPI document: what it makes of each operation is answered as the document says.

Bodies and parameters come from the document's schemas, right ones and wrong ones; mostly they are about things that are
there, or all would end with 404. It is the household's owner and administrator who asks.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
from werkzeug.wsgi import ClosingIterator

from finwise.domain.tokens import NewToken
from harness.requests.world import PASSWORD, World

EXAMPLES = 15  # of right ones and of wrong ones, for each operation
CHECKED = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = json.loads((Path(__file__).parents[2] / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if method != "parameters"
}
RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
WITHOUT_PARAMETERS = {"GET /healthz", "GET /readyz"}  # so that nothing about them can be wrong


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("schemathesis"), random.Random(1))
    yield made
    made.close()


@pytest.fixture(scope="module")
def schema(world: World) -> BaseSchema:
    app = world.client.application

    def closed(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """The whole answer, and its end: schemathesis closes none, and some have a place until then (streams.py)."""
        with closing(ClosingIterator(app(environ, start_response))) as answer:
            return list(answer)

    return schemathesis.openapi.from_wsgi("/openapi.json", closed)


def about_what_is_there(world: World, label: str, case: Case[Any]) -> str:
    """Gives the case names of things that are there: the token of whose things they are."""
    who, home = world.home, world.home.tenant_id
    names = {"tenant_id": home, "id": home, "user_id": world.editor.id, "uuid": world.home.id}
    if label == "DELETE /users/{uuid}":
        who = world.person()
        names["uuid"] = who.id
    elif label.endswith("/admin/users/{uuid}"):
        names["uuid"] = world.person().id
    elif label.endswith("/auth/tokens/{id}"):
        names["id"] = world.domain.tokens.add_for(who.user.email, NewToken("test"), world.now).token.id
    elif label == "POST /invitations/accept":
        who = world.person()
    elif label.endswith("/{invitation_id}"):
        names["invitation_id"] = world.invitation()
    elif "{conflict_id}" in label:
        names["conflict_id"] = world.conflict()
    case.path_parameters = {name: names[name] for name in case.path_parameters or {}}
    case.headers.pop("X-Tenant-ID", None)
    known = {
        "tenant_id": home,
        "user_id": who.id,
        "since": world.cursor,
        "client_time": "2026-01-10T12:00:00Z",
        "base_updated_at": None,
        "email": who.user.email if label == "POST /auth/tokens" else world.email(),
        "password": PASSWORD,
        "current_password": PASSWORD,
        "code": world.code("viewer"),
        "invitation": world.code("viewer"),
    }
    if isinstance(case.body, dict) and label.endswith("/reset"):
        known["name"] = world.domain.tenants.as_operator(home).name
    if isinstance(case.body, dict) and label == "POST /sync/changes":
        case.body |= {"tenant_id": home}
    for part in (case.query, case.body):
        if isinstance(part, dict):
            part |= {name: value for name, value in known.items() if name in part}
    return who.token


@pytest.mark.parametrize(
    ("label", "mode"),
    [
        (label, mode)
        for label in OPERATIONS
        for mode in (RIGHT, WRONG)
        if (label not in WITHOUT_PARAMETERS or mode is RIGHT)
    ],
)
def test_every_operation_answers_as_the_document_says(
    world: World, schema: BaseSchema, label: str, mode: GenerationMode
) -> None:
    operation = schema.find_operation_by_label(label)
    assert operation is not None
    documented = OPERATIONS[label]["responses"].keys() - {"default"}
    statuses: set[int] = set()

    @given(operation.as_strategy(mode), st.integers(0, 4))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    def send(case: Case[Any], chance: int) -> None:
        if not world.is_whole():
            world.settle()
        token = about_what_is_there(world, label, case) if chance and mode is RIGHT else world.home.token
        world.now += 60_000_000  # or guessing would slow down what comes after it
        # Schemathesis says that it takes gzip, and does not unpack what comes.
        answer = case.call(headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"})
        case.validate_response(answer, checks=CHECKED)
        assert str(answer.status_code) in documented, answer.text
        statuses.add(answer.status_code)

    send()
    assert mode is WRONG or any(status < 300 for status in statuses), statuses
