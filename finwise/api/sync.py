"""Sync: push, pull, first load (docs/protocol.md)."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from flask import Response

from finwise.api import answers, context
from finwise.api.document import Blueprint
from finwise.api.request import JSON, NDJSON, Answer, Request
from finwise.api.streams import pack
from finwise.api.sync_document import (
    ETAG,
    IF_NONE_MATCH,
    PAGE_EXAMPLE,
    PUSH_ANSWER_EXAMPLE,
    PUSH_EXAMPLE,
    TENANT_HEADER,
)
from finwise.domain import json_text
from finwise.domain.book import Contact
from finwise.domain.cursor import format_cursor, parse_cursor
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.sync import DEFAULT_LIMIT, PullRequest, PushRequest
from finwise.domain.times import parse_micros
from finwise.errors import BadRequest
from finwise.schemas import sync as schemas

blueprint = Blueprint("sync", __name__, description="Keeping devices in sync")


@blueprint.route("/sync/changes", methods=["POST"])
@blueprint.response(200, schemas.push_answer_schema(), example=PUSH_ANSWER_EXAMPLE)
@blueprint.problems(400, 401, 403, 404, 406, 410, 413, 415, 422, 429, 503, 507)
@blueprint.headers(TENANT_HEADER)
@blueprint.operation(
    "pushChanges",
    requestBody={
        "required": True,
        "content": {JSON: {"schema": schemas.push_schema(), "example": PUSH_EXAMPLE}},
    },
)
@blueprint.direct
def push_changes(request: Request) -> Answer:
    """Push queued changes; with `since`, pull in the same round trip."""
    request.answer_type(JSON)
    envelope = schemas.read_envelope(json_text.parse(request.json_body()))
    tenant = request.domain.tenants.to_write(request.caller, _find_named_tenant(request, envelope.get("tenant_id")))
    request.release_permissions()
    push = _push_request(envelope, _contact(request, envelope))
    pushed = request.domain.sync.push(tenant.uuid, push, request.now, request.domain.quotas.of_tenant(tenant))
    return Answer(answers.pushed_text(pushed, request.now), freed_later=(envelope, pushed))


@blueprint.route("/sync/changes/<tenant_id>", methods=["GET"])
@blueprint.response(200, schemas.page_schema(), example=PAGE_EXAMPLE, headers=ETAG)
@blueprint.problems(304, 400, 401, 403, 404, 406, 410, 422, 429, 503)
@blueprint.query(schemas.PullQuerySchema)
@blueprint.headers(TENANT_HEADER, IF_NONE_MATCH)
@blueprint.operation("pullChanges")
@blueprint.direct
def pull_changes(request: Request, tenant_id: str) -> Answer:
    """What was stored after `since`, deletions included, in the order it was stored."""
    query = schemas.read_pull_query(request.parameters)
    request.answer_type(JSON)
    tenant = request.domain.tenants.to_read(request.caller, _find_named_tenant(request, tenant_id))
    request.release_permissions()
    page = request.domain.sync.pull(tenant.uuid, _pull_request(query, _contact(request, query)))
    cursor = format_cursor(page.next_stamp, page.epoch)
    return _tag(request, cursor, answers.page_text(page, request.now))


@blueprint.route("/sync/initial/<tenant_id>", methods=["GET"])
@blueprint.arguments(schemas.InitialQuerySchema(), location="query")
@blueprint.response(200, schemas.page_schema(), example=PAGE_EXAMPLE, headers=ETAG)
@blueprint.problems(304, 400, 401, 403, 404, 406, 410, 422, 429, 503)
@blueprint.headers(TENANT_HEADER, IF_NONE_MATCH)
@blueprint.operation("loadInitial")
def load_initial(query: dict[str, Any], tenant_id: str) -> Response:
    """The living entities and the cursor to go on from.

    With `Accept: application/x-ndjson` each entity is a line, and the last line has everything else. The answers below
    leave that form out: a generated client would take each answer for either a page or a text.
    """
    request = context.request()
    media_type = request.answer_type(JSON, NDJSON)
    tenant = request.domain.tenants.to_read(request.caller, _find_named_tenant(request, tenant_id))
    write = answers.load_lines if media_type == NDJSON else answers.load_chunks
    with ExitStack() as opened:
        context.streams().take_place(opened, tenant.uuid)
        load = opened.enter_context(request.domain.sync.initial(tenant.uuid, query.get("entity_types")))
        answer = _tag(request, format_cursor(load.next_stamp, load.epoch), b"", media_type).response()
        if answer.status_code == 200:
            pack(answer, context.streams().in_turn(write(load, request.now), tenant.uuid))
        answer.vary.add("Accept-Encoding")
        answer.call_on_close(opened.pop_all().close)  # the entities are read while they are sent
    return answer


def _find_named_tenant(request: Request, named: str | None) -> str | None:
    """The tenant that the header and the path or body name. Raises BadRequest if they differ, or name none."""
    in_header = request.environ.get("HTTP_X_TENANT_ID")
    if named is None and in_header is None:
        raise BadRequest("Name the tenant, in the header X-Tenant-ID or as tenant_id.")
    if named is None or in_header is None:
        return canonical_uuid(in_header if named is None else named)
    tenant_id = canonical_uuid(named)
    if (tenant_id or named) != (canonical_uuid(in_header) or in_header):
        raise BadRequest("Path, header and body name different tenants. Name one.")
    return tenant_id


def _push_request(envelope: dict[str, Any], contact: Contact) -> PushRequest:
    """What an envelope asks for. Raises BadCursor."""
    pull = _pull_request(envelope) if envelope.get("since") is not None else None
    return PushRequest(envelope["changes"], envelope.get("device_id"), pull, contact)


def _pull_request(given: Mapping[str, Any], contact: Contact | None = None) -> PullRequest:
    """What parameters, or the members of an envelope, ask for. Raises BadCursor."""
    since = given.get("since")
    return PullRequest(
        since=None if since is None else parse_cursor(since),
        entity_types=given.get("entity_types"),
        limit=given.get("limit") or DEFAULT_LIMIT,
        contact=contact,
    )


def _contact(request: Request, given: Mapping[str, Any]) -> Contact:
    """What the device says of itself in an envelope or in parameters."""
    time = parse_micros(given.get("client_time"))
    skew = None if time is None else (time - request.now) // 1000
    return Contact(request.caller.token.id, request.now, given.get("device_id"), given.get("since"), skew)


def _tag(request: Request, cursor: str, body: bytes, media_type: str = JSON) -> Answer:
    """The answer with the cursor as its ETag; without its body if the device has it already."""
    tag = (("ETag", f'W/"{cursor}"'),)
    if request.has(cursor):
        return Answer(b"", tag, 304, media_type)
    return Answer(body, tag, media_type=media_type)
