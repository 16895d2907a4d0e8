"""The bodies and parameters for administrators."""

from marshmallow import EXCLUDE, Schema, fields, validate

from finwise.domain.administration import PAGE
from finwise.domain.tenant import STATES
from finwise.schemas.fields import Answer, Email, Line, Password, Time, Truth, Uuid, Whole
from finwise.schemas.users import MIN_PASSWORD


class ListQuerySchema(Schema):
    """Where a list goes on."""

    class Meta:
        unknown = EXCLUDE

    after = Uuid(description=f"the last UUID of the page before; a page has {PAGE} at most")


class AddedUserSchema(Schema):
    """A user to add. Without a password, `finwise tokens add` makes tokens."""

    uuid = Uuid(required=True)
    name = Line(required=True)
    email = Email(required=True)
    password = Password(min_length=MIN_PASSWORD, allow_none=True)


class ManagedUserPatchSchema(Schema):
    """What to change about a user; a new password revokes all of the user's tokens."""

    is_admin = Truth()
    password = Password(min_length=MIN_PASSWORD)


class ManagedUserSchema(Answer):
    """A user as an administrator sees it."""

    uuid = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    is_admin = fields.Boolean(required=True)
    created_at = Time(required=True)
    updated_at = Time(
        required=True, metadata={"description": "when name, e-mail, password or rights were changed last"}
    )
    last_used_at = Time(required=True, allow_none=True, metadata={"description": "when a token was used last"})
    tenants = fields.Integer(required=True, metadata={"description": "how many it owns"})


class QuotaSchema(Schema):
    """What a tenant's file may hold; null: the server's setting."""

    quota_mib = Whole(1, 1_048_576, required=True, allow_none=True)


class ManagedTenantSchema(Answer):
    """An account book as an administrator sees it: sizes and dates."""

    uuid = fields.String(required=True)
    name = fields.String(required=True)
    user_id = fields.String(required=True, allow_none=True, metadata={"description": "its owner"})
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    created_at = Time(required=True)
    updated_at = Time(
        required=True, metadata={"description": "when it got its present name or owner; its content does not count"}
    )
    members = fields.Integer(required=True, metadata={"description": "how many, the owner included"})
    bytes = fields.Integer(required=True, allow_none=True, metadata={"description": "null: its file cannot be read"})
    quota_bytes = fields.Integer(required=True)
    last_synced_at = Time(
        required=True,
        allow_none=True,
        metadata={"description": "when a device was heard of, to some minutes, or something stored"},
    )
