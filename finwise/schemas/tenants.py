"""The bodies and parameters about tenants."""

from marshmallow import EXCLUDE, Schema, fields, validate

from finwise.domain.access import ROLES
from finwise.schemas.fields import Answer, Line, Time, Uuid


class NewTenantSchema(Schema):
    """A new account book. `user_id` is yourself and may be left out."""

    uuid = Uuid(required=True)
    name = Line(required=True)
    user_id = Uuid(allow_none=True)


class TenantPatchSchema(Schema):
    """What to change about a tenant."""

    name = Line(required=True)


class TenantQuerySchema(Schema):
    """Which tenants to list."""

    class Meta:
        unknown = EXCLUDE

    user_id = Uuid()


class TenantSchema(Answer):
    """An account book that the user may open."""

    uuid = fields.String(required=True)
    name = fields.String(required=True)
    user_id = fields.String(required=True, metadata={"description": "its owner"})
    role = fields.String(required=True, validate=validate.OneOf(ROLES), metadata={"description": "one's own"})
    created_at = Time(required=True)
    updated_at = Time(
        required=True, metadata={"description": "when it got its present name or owner; its content does not count"}
    )
