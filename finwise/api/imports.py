"""Bringing a whole book, and emptying one: sets of changes that the devices get like any other."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

from flask import Response

from finwise.api import context, proxies
from finwise.api.auth import sender_of
from finwise.api.bodies import read_pieces
from finwise.api.copies import BOOK_EXAMPLE
from finwise.api.document import Blueprint
from finwise.api.errors import answer_to
from finwise.api.request import BYTES, JSON, NDJSON, SQLITE
from finwise.domain import events, json_text
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.imports import Outcome, Progress, Steps, import_book, outcome_of
from finwise.domain.resets import empty_book
from finwise.errors import FinWiseError, Invalid
from finwise.schemas.imports import ImportQuerySchema, OutcomeSchema, ResetAnswerSchema, ResetSchema

_STEP = 0.01  # of an import, between two lines: all lines together fit into a socket, so that no reader holds the book

blueprint = Blueprint("imports", __name__, description="Bringing a whole account book, and emptying one")

OUTCOME_EXAMPLE = {
    "applied": 2564,
    "unchanged": 0,
    "superseded": 0,
    "rejected": 1,
    "conflicts": 0,
    "rejections": [
        {
            "place": 17,
            "entity_type": "tags",
            "id": None,
            "code": "invalid_id",
            "errors": {"id": ["Give 1 to 64 of A-Z a-z 0-9 - _ . :"]},
        }
    ],
}
BOOK_SCHEMA = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}}
BYTES_SCHEMA = {"type": "string", "format": "binary"}


@blueprint.route("/tenants/<id>/import", methods=["POST"])
@blueprint.arguments(ImportQuerySchema, location="query")
@blueprint.response(200, OutcomeSchema, example=OUTCOME_EXAMPLE)
@blueprint.problems(401, 403, 404, 406, 410, 413, 415, 422, 429, 503, 507)
@blueprint.operation(
    "importTenant",
    requestBody={
        "required": True,
        # openapi-python-client generates no call for a body of SQLITE's type, and does for BYTES.
        "content": {JSON: {"schema": BOOK_SCHEMA, "example": BOOK_EXAMPLE}, BYTES: {"schema": BYTES_SCHEMA}},
    },
)
def import_tenant(query: dict[str, Any], id: str) -> Outcome | Response:
    """Store a whole book, as one set of changes: an export of this server, or a SQLite file with a table for each type.

    With `Accept: application/x-ndjson` each line tells the progress, and the last line has the answer or the error.
    """
    request = context.request()
    media_type = request.answer_type(JSON, NDJSON)
    request.require_body_type(JSON, SQLITE, BYTES)
    tenant = request.domain.tenants.to_manage(request.caller, canonical_uuid(id))
    sender_of(request.environ).is_spooled = True
    with ExitStack() as opened:
        brought = opened.enter_context(request.domain.uploads.of(read_pieces()))
        context.imports().take_place(opened, tenant.uuid, 1)
        max_bytes, dated_now = request.domain.quotas.of_tenant(tenant), query.get("dated_now", False)
        steps = opened.enter_context(
            closing(import_book(request.domain.sync, tenant.uuid, brought, request.now, max_bytes, dated_now=dated_now))
        )
        if media_type == NDJSON:
            lines = _lines(steps, proxies.address(), request.caller.user.uuid)
            return context.imports().answer(lines, NDJSON, opened.pop_all(), tenant.uuid)
        return outcome_of(steps)


@blueprint.route("/tenants/<id>/reset", methods=["POST"])
@blueprint.arguments(ResetSchema, example={"name": "Household"})
@blueprint.response(200, ResetAnswerSchema, example={"deleted": 2564})
@blueprint.problems(401, 403, 404, 410, 413, 415, 422, 429, 503, 507)
@blueprint.operation("resetTenant")
def reset_tenant(body: dict[str, Any], id: str) -> dict[str, int]:
    """Delete everything in an account book, as one set of changes that its devices get. The book itself stays."""
    request = context.request()
    tenant = request.domain.tenants.to_manage(request.caller, canonical_uuid(id))
    if body["name"] != tenant.name:
        raise Invalid("This is not the book's name. Nothing was deleted.", errors={"name": ["Give the book's name."]})
    return {"deleted": empty_book(request.domain.sync, tenant.uuid, request.now)}


def _lines(steps: Steps, address: str, user_id: str) -> Iterator[str]:
    """The steps of an import as NDJSON: some of its progress, and last the outcome or the error."""
    told = 0.0
    try:
        for step in _in_name_of(steps, address, user_id):
            if isinstance(step, Outcome):
                yield _line(OutcomeSchema().dump(step))
            elif step.share >= told + _STEP:
                told = step.share
                yield _line({"progress": round(step.share, 2)})
    except FinWiseError as error:
        yield answer_to(error).get_data(as_text=True) + "\n"


def _in_name_of(steps: Steps, address: str, user_id: str) -> Iterator[Progress | Outcome]:
    """The steps, each made as the request's own; they are made when Flask has answered it."""
    step: Progress | Outcome | None = Progress(0)
    while step is not None:
        yield step
        events.asked_from(address)
        events.asked_by(user_id)
        try:
            step = next(steps, None)
        finally:
            events.end_request()


def _line(value: Any) -> str:
    return json_text.write(value) + "\n"
