"""Invitations: how somebody becomes a member."""

from typing import Any

from finwise.api import context
from finwise.api.document import Blueprint
from finwise.api.tenants import ANSWER_EXAMPLE
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.invitations import Invitation, Invited
from finwise.domain.tenant import Tenant
from finwise.schemas.members import AcceptanceSchema, InvitationSchema, InvitedSchema, NewInvitationSchema
from finwise.schemas.tenants import TenantSchema

blueprint = Blueprint("invitations", __name__, description="How somebody becomes a member")


INVITATION_EXAMPLE = {
    "id": "a3b0c1d2-6a7e-4c58-9b1f-0d2e4f6a8c10",
    "tenant_id": "5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10",
    "role": "editor",
    "created_at": "2026-01-09T19:01:02.140Z",
    "expires_at": "2026-01-16T19:01:02.140Z",
}
INVITED_EXAMPLE = {**INVITATION_EXAMPLE, "code": "fwi_…"}


@blueprint.route("/tenants/<id>/invitations", methods=["POST"])
@blueprint.arguments(NewInvitationSchema, example={"role": "editor"})
@blueprint.response(201, InvitedSchema, example=INVITED_EXAMPLE)
@blueprint.problems(401, 403, 404, 409, 410, 413, 415, 422, 503, 507)
@blueprint.operation("createInvitation")
def invite(body: dict[str, Any], id: str) -> dict[str, Any]:
    """Invite somebody. The code is shown only here. It works once, for some days, for anybody who has it."""
    tenant = context.domain().tenants.to_manage(context.caller(), canonical_uuid(id))
    invitations, now = context.domain().invitations, context.now()
    return describe(invitations.invite(context.user(), tenant, body["role"], now, body.get("days")))


@blueprint.route("/tenants/<id>/invitations", methods=["GET"])
@blueprint.response(200, InvitationSchema(many=True), example=[INVITATION_EXAMPLE])
@blueprint.problems(401, 403, 404, 410, 503)
@blueprint.operation("listInvitations")
def list_invitations(id: str) -> list[Invitation]:
    """The invitations to an account book that can still be used."""
    tenant = context.domain().tenants.to_manage(context.caller(), canonical_uuid(id))
    return context.domain().invitations.list_of(tenant, context.now())


@blueprint.route("/tenants/<id>/invitations/<invitation_id>", methods=["DELETE"])
@blueprint.response(204)
@blueprint.problems(401, 403, 404, 410, 503, 507)
@blueprint.operation("deleteInvitation")
def revoke(id: str, invitation_id: str) -> None:
    """Withdraw an invitation."""
    tenant = context.domain().tenants.to_manage(context.caller(), canonical_uuid(id))
    context.domain().invitations.revoke(tenant, canonical_uuid(invitation_id))


@blueprint.route("/invitations/accept", methods=["POST"])
@blueprint.arguments(AcceptanceSchema, example={"code": "fwi_…"})
@blueprint.response(200, TenantSchema, example={**ANSWER_EXAMPLE, "role": "editor"})
@blueprint.problems(401, 403, 404, 409, 410, 413, 415, 422, 503, 507)
@blueprint.operation("acceptInvitation")
def accept(body: dict[str, Any]) -> Tenant:
    """Become a member of the account book that the code is for. Repeating the request does no harm."""
    tenant_id = context.domain().invitations.accept(context.user(), body["code"], context.now())
    return context.domain().tenants.find(context.caller(), tenant_id)


def describe(invited: Invited) -> dict[str, Any]:
    """A new invitation as it goes over the wire."""
    return {**invited.invitation._asdict(), "code": invited.code}
