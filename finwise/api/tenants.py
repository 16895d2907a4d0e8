"""Tenants: the account books one may open."""

from typing import Any

from finwise.api import context
from finwise.api.document import Blueprint
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.tenant import Tenant
from finwise.schemas.tenants import NewTenantSchema, TenantPatchSchema, TenantQuerySchema, TenantSchema

blueprint = Blueprint("tenants", __name__, description="Account books, each with a SQLite file of its own")


TENANT_EXAMPLE = {
    "uuid": "5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10",
    "name": "Household",
    "user_id": "8c5d2c6e-52a1-4f7e-9a43-0a3a6f0c9b11",
}
ANSWER_EXAMPLE = {
    **TENANT_EXAMPLE,
    "role": "owner",
    "created_at": "2026-01-09T19:00:30.000Z",
    "updated_at": "2026-01-09T19:00:30.000Z",
}


@blueprint.route("/tenants", methods=["POST"])
@blueprint.arguments(NewTenantSchema, example=TENANT_EXAMPLE)
@blueprint.response(201, TenantSchema, example=ANSWER_EXAMPLE)
@blueprint.alt_response(
    200,
    schema=TenantSchema,
    success=True,
    description="It already exists, with the same content.",
    example=ANSWER_EXAMPLE,
)
@blueprint.problems(401, 403, 409, 413, 415, 422, 503, 507)
@blueprint.operation("createTenant")
def create(body: dict[str, Any]) -> tuple[Tenant, int]:
    """Create an account book. Repeating the request does no harm; a deleted book's UUID stays taken."""
    tenant, is_new = context.domain().tenants.create(
        context.user(), body["uuid"], body["name"], body.get("user_id"), context.now()
    )
    return tenant, 201 if is_new else 200


@blueprint.route("/tenants", methods=["GET"])
@blueprint.arguments(TenantQuerySchema, location="query")
@blueprint.response(200, TenantSchema(many=True), example=[ANSWER_EXAMPLE])
@blueprint.problems(401, 422)
@blueprint.operation("listTenants")
def list_tenants(query: dict[str, Any]) -> list[Tenant]:
    """The account books you may open; with `user_id`, those that this user owns."""
    return context.domain().tenants.list_for(context.caller(), query.get("user_id"))


@blueprint.route("/tenants/<id>", methods=["GET"])
@blueprint.response(200, TenantSchema, example=ANSWER_EXAMPLE)
@blueprint.problems(401, 404, 410, 503)
@blueprint.operation("getTenant")
def get_tenant(id: str) -> Tenant:
    """One account book."""
    return context.domain().tenants.find(context.caller(), canonical_uuid(id))


@blueprint.route("/tenants/<id>", methods=["PATCH"])
@blueprint.arguments(TenantPatchSchema, example={"name": "Home"})
@blueprint.response(200, TenantSchema, example=ANSWER_EXAMPLE)
@blueprint.problems(401, 403, 404, 410, 413, 415, 422, 503, 507)
@blueprint.operation("updateTenant")
def update_tenant(body: dict[str, Any], id: str) -> Tenant:
    """Rename an account book."""
    return context.domain().tenants.rename(context.caller(), canonical_uuid(id), body["name"], context.now())


@blueprint.route("/tenants/<id>", methods=["DELETE"])
@blueprint.response(204)
@blueprint.problems(401, 403, 404, 410, 503, 507)
@blueprint.operation("deleteTenant")
def delete_tenant(id: str) -> None:
    """Delete an account book: all access ends; its devices are told and keep their data."""
    context.domain().tenants.delete(context.caller(), canonical_uuid(id), context.now())
