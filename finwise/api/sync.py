"""Sync: push, pull, first load (docs/protocol.md)."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from flask import Response, request

from finwise.api import answers, context
from finwise.api.bodies import JSON, NDJSON, answer_type, json_body
from finwise.api.document import Blueprint
from finwise.api.streams import packed
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
from finwise.domain.token import Caller
from finwise.errors import BadRequest
from finwise.schemas import sync as schemas

blueprint = Blueprint("sync", __name__, description="Keeping devices in step")


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
def push_changes() -> Response:
    """Push queued changes; with `since`, pull in the same round trip."""
    answer_type(JSON)
    envelope = schemas.read_envelope(json_text.parse(json_body()))
    tenant = context.domain().tenants.to_write(context.caller(), _named(envelope.get("tenant_id")))
    push = push_request(envelope, context.caller(), context.now())
    quota = context.domain().quotas.of_tenant(tenant)
    pushed = context.domain().sync.push(tenant.uuid, push, context.now(), quota)
    return _answer(answers.pushed_text(pushed, context.now()))


@blueprint.route("/sync/changes/<tenant_id>", methods=["GET"])
@blueprint.arguments(schemas.PullQuerySchema(), location="query")
@blueprint.response(200, schemas.page_schema(), example=PAGE_EXAMPLE, headers=ETAG)
@blueprint.problems(304, 400, 401, 403, 404, 406, 410, 422, 429, 503)
@blueprint.headers(TENANT_HEADER, IF_NONE_MATCH)
@blueprint.operation("pullChanges")
def pull_changes(query: dict[str, Any], tenant_id: str) -> Response:
    """What was stored after `since`, deletions included, in the order it was stored."""
    answer_type(JSON)
    tenant = context.domain().tenants.to_read(context.caller(), _named(tenant_id))
    request = pull_request(query, contact(query, context.caller(), context.now()))
    page = context.domain().sync.pull(tenant.uuid, request)
    return _tagged(format_cursor(page.next_stamp, page.epoch), answers.page_text(page, context.now()))


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
    media_type = answer_type(JSON, NDJSON)
    tenant = context.domain().tenants.to_read(context.caller(), _named(tenant_id))
    write = answers.load_lines if media_type == NDJSON else answers.load_chunks
    with ExitStack() as opened:
        context.streams().take_place(opened, tenant.uuid)
        load = opened.enter_context(context.domain().sync.initial(tenant.uuid, query.get("entity_types")))
        answer = _tagged(format_cursor(load.next_stamp, load.epoch), "", media_type)
        if answer.status_code == 200:
            packed(answer, context.streams().in_turn(write(load, context.now()), tenant.uuid))
        answer.vary.add("Accept-Encoding")
        answer.call_on_close(opened.pop_all().close)  # the entities are read while they are sent
    return answer


def tenant_id(*named: str | None) -> str | None:
    """The tenant that path or body and header name. Raises BadRequest if they differ, or name none."""
    names = {name for name in named if name is not None}
    if not names:
        raise BadRequest("Name the tenant, in the header X-Tenant-ID or as tenant_id.")
    if len(names) > 1 and len({canonical_uuid(name) or name for name in names}) > 1:
        raise BadRequest("Path, header and body name different tenants. Name one.")
    return canonical_uuid(names.pop())


def push_request(envelope: dict[str, Any], caller: Caller, now: int) -> PushRequest:
    """What an envelope asks for. Raises BadCursor."""
    pull = pull_request(envelope) if envelope.get("since") is not None else None
    return PushRequest(envelope["changes"], envelope.get("device_id"), pull, contact(envelope, caller, now))


def pull_request(given: Mapping[str, Any], contact: Contact | None = None) -> PullRequest:
    """What parameters, or the members of an envelope, ask for. Raises BadCursor."""
    since = given.get("since")
    return PullRequest(
        since=None if since is None else parse_cursor(since),
        entity_types=given.get("entity_types"),
        limit=given.get("limit") or DEFAULT_LIMIT,
        contact=contact,
    )


def contact(given: Mapping[str, Any], caller: Caller, now: int) -> Contact:
    """What the device says of itself in an envelope or in parameters."""
    time = parse_micros(given.get("client_time"))
    skew = None if time is None else (time - now) // 1000
    return Contact(caller.token.id, now, given.get("device_id"), given.get("since"), skew)


def _named(tenant: str | None) -> str | None:
    return tenant_id(tenant, request.headers.get("X-Tenant-ID"))


def _answer(body: str, media_type: str = JSON) -> Response:
    answer = Response(body, mimetype=media_type)
    answer.headers["Vary"] = "Accept, Authorization"
    return answer


def _tagged(cursor: str, body: str, media_type: str = JSON) -> Response:
    """The answer with the cursor as its ETag; without its body if the device has it already."""
    if request.if_none_match.contains_weak(cursor):
        answer = _answer("", media_type)
        answer.status_code = 304
    else:
        answer = _answer(body, media_type)
    answer.set_etag(cursor, weak=True)
    return answer
