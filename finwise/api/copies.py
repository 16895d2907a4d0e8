"""Copies: one's own book, to take away."""

from contextlib import ExitStack

from flask import Response

from finwise.api import context
from finwise.api.document import Blueprint
from finwise.api.request import JSON, SQLITE
from finwise.api.streams import Body
from finwise.domain.book_text import book_text
from finwise.domain.events import tell
from finwise.domain.identifiers import canonical_uuid

_MOST_COPIES = 2  # of a book at once, for each is a file on the disk until it is sent

blueprint = Blueprint("copies", __name__, description="One's own account book, to take away")

BOOK_EXAMPLE = {
    "tags": [
        {
            "id": "9d0e6a3c-6d55-4c52-8f0b-2f3f0b6f1d11",
            "name": "holiday",
            "created_at": "2026-01-09T19:01:00.000Z",
            "updated_at": "2026-01-09T19:01:00.000Z",
        }
    ]
}
_BYTES = {"type": "string", "format": "binary"}


@blueprint.route("/tenants/<id>/export", methods=["GET"])
@blueprint.response(200)
@blueprint.problems(401, 403, 404, 406, 410, 429, 503, 507)
@blueprint.operation(
    "exportTenant",
    responses={
        200: {
            "content": {
                SQLITE: {"schema": _BYTES},
                JSON: {
                    "example": BOOK_EXAMPLE,
                    "schema": {
                        "type": "object",
                        "additionalProperties": {"type": "array", "items": {"type": "object"}},
                    },
                },
            },
            "headers": {"Content-Disposition": {"description": "a name for the file", "schema": {"type": "string"}}},
        }
    },
)
def export(id: str) -> Response:
    """The account book as a SQLite file; with Accept: application/json, as an import reads it."""
    media_type = context.request().answer_type(SQLITE, JSON)
    tenant = context.domain().tenants.to_read(context.caller(), canonical_uuid(id))
    with ExitStack() as opened:
        context.streams().take_place(opened, tenant.uuid, _MOST_COPIES)
        if media_type == JSON:
            body: Body = opened.enter_context(book_text(context.domain().sync, tenant.uuid))
        else:
            body = opened.enter_context(context.domain().copies.of(tenant.uuid))
        tell("tenant.exported", tenant_id=tenant.uuid)
        answer = context.streams().answer(body, media_type, opened.pop_all(), tenant.uuid)
    ending = "json" if media_type == JSON else "db"
    answer.headers["Content-Disposition"] = f'attachment; filename="finwise-{tenant.uuid}.{ending}"'
    return answer
