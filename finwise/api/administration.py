"""Administration: users and account books from outside. Sizes and dates, never the content of a book."""

from typing import Any

from finwise.api import context
from finwise.api.document import Blueprint
from finwise.api.invitations import INVITED_EXAMPLE, describe
from finwise.api.users import NEW_EXAMPLE, USER_EXAMPLE
from finwise.domain.administration import PAGE, TenantSummary, UserSummary
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.times import millis_text
from finwise.domain.user import User
from finwise.domain.users import NewUser
from finwise.schemas.administration import (
    AddedUserSchema,
    ListQuerySchema,
    ManagedTenantSchema,
    ManagedUserPatchSchema,
    ManagedUserSchema,
    QuotaSchema,
)
from finwise.schemas.members import InvitedSchema
from finwise.schemas.users import UserSchema

blueprint = Blueprint("administration", __name__, description="For administrators: sizes and dates, never contents")


MANAGED_USER_EXAMPLE = {
    **USER_EXAMPLE,
    "last_used_at": "2026-01-09T19:11:02.140Z",
    "tenants": 1,
}
MANAGED_TENANT_EXAMPLE = {
    "uuid": "5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10",
    "name": "Household",
    "user_id": USER_EXAMPLE["uuid"],
    "state": "active",
    "created_at": "2026-01-09T19:00:30.000Z",
    "updated_at": "2026-01-09T19:00:30.000Z",
    "members": 2,
    "bytes": 4_845_568,
    "quota_bytes": 1_073_741_824,
    "last_synced_at": "2026-01-09T19:03:10.000Z",
}


@blueprint.route("/admin/users", methods=["GET"])
@blueprint.arguments(ListQuerySchema, location="query")
@blueprint.response(200, ManagedUserSchema(many=True), example=[MANAGED_USER_EXAMPLE])
@blueprint.problems(401, 403, 422)
@blueprint.operation("listManagedUsers")
def list_users(query: dict[str, Any]) -> list[UserSummary]:
    """The users, a page at a time, by UUID."""
    return context.domain().administration.list_users(query.get("after", ""), PAGE)


@blueprint.route("/admin/users", methods=["POST"])
@blueprint.arguments(AddedUserSchema, example={**NEW_EXAMPLE, "password": "correct horse battery"})
@blueprint.response(201, UserSchema, example=USER_EXAMPLE)
@blueprint.problems(401, 403, 409, 413, 415, 422, 503, 507)
@blueprint.operation("addUser")
def add_user(body: dict[str, Any]) -> User:
    """Add a user, regardless of how signing up is set."""
    new = NewUser(body["uuid"], body["name"], body["email"], body.get("password"))
    return context.domain().administration.add_user(new, context.now())


@blueprint.route("/admin/users/<uuid>", methods=["PATCH"])
@blueprint.arguments(ManagedUserPatchSchema, example={"is_admin": True})
@blueprint.response(200, UserSchema, example={**USER_EXAMPLE, "is_admin": True})
@blueprint.problems(401, 403, 404, 409, 413, 415, 422, 503, 507)
@blueprint.operation("updateManagedUser")
def update_user(body: dict[str, Any], uuid: str) -> User:
    """Reset a user's password, which revokes all their tokens; grant or revoke administration."""
    administration = context.domain().administration
    user = administration.find_user(canonical_uuid(uuid))
    return administration.change_user(user, context.now(), password=body.get("password"), is_admin=body.get("is_admin"))


@blueprint.route("/admin/users/<uuid>", methods=["DELETE"])
@blueprint.response(204)
@blueprint.problems(401, 403, 404, 409, 503, 507)
@blueprint.operation("deleteManagedUser")
def delete_user(uuid: str) -> None:
    """Delete a user. Books without other members go to the trash; shared ones need another owner first."""
    administration = context.domain().administration
    administration.delete_user(administration.find_user(canonical_uuid(uuid)), context.now())


@blueprint.route("/admin/invitations", methods=["POST"])
@blueprint.response(201, InvitedSchema, example={**INVITED_EXAMPLE, "tenant_id": None, "role": None})
@blueprint.problems(401, 403, 503, 507)
@blueprint.operation("inviteUser")
def invite() -> dict[str, Any]:
    """Invite somebody to sign up. The code is shown only here. It works once, for some days."""
    return describe(context.domain().invitations.invite(context.user(), None, None, context.now()))


@blueprint.route("/admin/tenants", methods=["GET"])
@blueprint.arguments(ListQuerySchema, location="query")
@blueprint.response(200, ManagedTenantSchema(many=True), example=[MANAGED_TENANT_EXAMPLE])
@blueprint.problems(401, 403, 422)
@blueprint.operation("listManagedTenants")
def list_tenants(query: dict[str, Any]) -> list[dict[str, Any]]:
    """The account books, a page at a time, by UUID; deleted ones, whose UUIDs stay taken, included."""
    found = context.domain().administration.list_tenants(query.get("after", ""), PAGE)
    return [_describe(summary) for summary in found]


@blueprint.route("/admin/tenants/<id>", methods=["PATCH"])
@blueprint.arguments(QuotaSchema, example={"quota_mib": 2_048})
@blueprint.response(200, ManagedTenantSchema, example=MANAGED_TENANT_EXAMPLE)
@blueprint.problems(401, 403, 404, 413, 415, 422, 503, 507)
@blueprint.operation("updateManagedTenant")
def update_tenant(body: dict[str, Any], id: str) -> dict[str, Any]:
    """Set how much an account book may hold."""
    return _describe(context.domain().administration.put_quota(canonical_uuid(id), body["quota_mib"]))


def _describe(summary: TenantSummary) -> dict[str, Any]:
    tenant = summary.tenant
    return {
        "uuid": tenant.uuid,
        "name": tenant.name,
        "user_id": tenant.user_id,
        "state": tenant.state,
        "created_at": tenant.created_at,
        "updated_at": tenant.updated_at,
        "members": summary.members,
        "bytes": summary.bytes,
        "quota_bytes": summary.quota_bytes,
        "last_synced_at": millis_text(summary.synced_at) if summary.synced_at else None,
    }
