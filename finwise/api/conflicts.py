"""Conflicts: what lost unseen, for a person to look at (docs/protocol.md 4.3)."""

from contextlib import ExitStack

from flask import Response, request

from finwise.api import answers, context
from finwise.api.document import Blueprint
from finwise.api.request import JSON
from finwise.api.sync_document import CONFLICT_EXAMPLE, ENTITY_EXAMPLE
from finwise.domain import json_text
from finwise.domain.conflicts import Decision
from finwise.domain.identifiers import canonical_uuid
from finwise.schemas.conflicts import ConflictSchema, DecisionSchema, read_decision

blueprint = Blueprint(
    "conflicts", __name__, description="What lost unseen, and is kept until somebody has looked at it"
)


@blueprint.route("/sync/conflicts/<tenant_id>", methods=["GET"])
@blueprint.response(200, ConflictSchema(many=True), example=[CONFLICT_EXAMPLE])
@blueprint.problems(401, 403, 404, 406, 410, 429, 503)
@blueprint.operation("listConflicts")
def list_conflicts(tenant_id: str) -> Response:
    """The versions that lost although one device did not know the other's version."""
    context.request().answer_type(JSON)
    tenant = context.domain().tenants.to_read(context.caller(), canonical_uuid(tenant_id))
    with ExitStack() as opened:
        context.streams().take_place(opened, tenant.uuid)
        conflicts = opened.enter_context(context.domain().conflicts.list_of(tenant.uuid))
        return context.streams().answer(answers.conflicts_text(conflicts), JSON, opened.pop_all(), tenant.uuid)


@blueprint.route("/sync/conflicts/<tenant_id>/<conflict_id>/restore", methods=["POST"])
@blueprint.response(200)
@blueprint.problems(401, 403, 404, 406, 409, 410, 413, 415, 422, 429, 503, 507)
@blueprint.operation(
    "restoreConflict",
    requestBody={
        "required": False,
        "content": {JSON: {"schema": DecisionSchema, "example": {"base_updated_at": "2026-01-09T19:01:00.000Z"}}},
    },
    responses={
        200: {"content": {JSON: {"schema": {"$ref": "#/components/schemas/Entity"}, "example": ENTITY_EXAMPLE}}}
    },
)
def restore(tenant_id: str, conflict_id: str) -> Response:
    """Bring the loser back as a new change, 1 ms after the stored version; the answer is the entity."""
    context.request().answer_type(JSON)
    decision = _decision()
    tenant = context.domain().tenants.to_write(context.caller(), canonical_uuid(tenant_id))
    version = context.domain().conflicts.restore(tenant.uuid, conflict_id, decision, context.now())
    return Response(answers.entity_text(version), mimetype=JSON)


@blueprint.route("/sync/conflicts/<tenant_id>/<conflict_id>/dismiss", methods=["POST"])
@blueprint.response(204)
@blueprint.problems(401, 403, 404, 410, 429, 503, 507)
@blueprint.operation("dismissConflict")
def dismiss(tenant_id: str, conflict_id: str) -> None:
    """Forget the loser: the stored version is right."""
    tenant = context.domain().tenants.to_write(context.caller(), canonical_uuid(tenant_id))
    context.domain().conflicts.dismiss(tenant.uuid, conflict_id)


def _decision() -> Decision:
    """The body, which may be left out. Raises Invalid."""
    said = read_decision(json_text.read(context.request().json_body())) if request.get_data() else {}
    return Decision("base_updated_at" in said, said.get("base_updated_at"))
