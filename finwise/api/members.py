"""Members: who may open an account book, and as what."""

from typing import Any

from finwise.api import context
from finwise.api.document import Blueprint
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.members import Member
from finwise.schemas.members import MemberPatchSchema, MemberSchema

blueprint = Blueprint("members", __name__, description="Who may open an account book, and as what")


MEMBER_EXAMPLE = {"user_id": "1f0c7a52-93f5-4a0e-8d0c-5a6c2b7e4d10", "name": "Charles", "role": "editor"}


@blueprint.route("/tenants/<id>/members", methods=["GET"])
@blueprint.response(200, MemberSchema(many=True), example=[MEMBER_EXAMPLE])
@blueprint.problems(401, 403, 404, 410, 503)
@blueprint.operation("listMembers")
def list_members(id: str) -> list[Member]:
    """Who may open the account book, its owner first."""
    tenant = context.domain().tenants.to_leave(context.caller(), canonical_uuid(id))
    return context.domain().members.list_of(tenant)


@blueprint.route("/tenants/<id>/members/<user_id>", methods=["PATCH"])
@blueprint.arguments(MemberPatchSchema, example={"role": "viewer"})
@blueprint.response(200, MemberSchema, example={**MEMBER_EXAMPLE, "role": "viewer"})
@blueprint.problems(401, 403, 404, 409, 410, 413, 415, 422, 503, 507)
@blueprint.operation("updateMember")
def update_member(body: dict[str, Any], id: str, user_id: str) -> Member:
    """Give a member another role. A new owner takes the book over; the previous one becomes an editor."""
    tenant = context.domain().tenants.to_manage(context.caller(), canonical_uuid(id))
    return context.domain().members.put_role(tenant, canonical_uuid(user_id), body["role"], context.now())


@blueprint.route("/tenants/<id>/members/<user_id>", methods=["DELETE"])
@blueprint.response(204)
@blueprint.problems(401, 403, 404, 409, 410, 503, 507)
@blueprint.operation("deleteMember")
def delete_member(id: str, user_id: str) -> None:
    """End a member's access, at once and on all devices; anybody but the owner may leave."""
    tenant = context.domain().tenants.to_leave(context.caller(), canonical_uuid(id))
    context.domain().members.remove(context.user(), tenant, canonical_uuid(user_id))
