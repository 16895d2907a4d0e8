"""The bodies about members and invitations."""

from marshmallow import Schema, fields, validate

from finwise.domain.access import EDITOR, ROLES, VIEWER
from finwise.schemas.fields import Answer, Line, Whole


class MemberSchema(Answer):
    """Somebody who may open an account book."""

    user_id = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))


class MemberPatchSchema(Schema):
    """What a member is to be. As `owner` the member takes the book over, and who was its owner becomes an editor."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES, error="Give owner, editor or viewer."))


class NewInvitationSchema(Schema):
    """What somebody is invited to be."""

    role = fields.String(required=True, validate=validate.OneOf((EDITOR, VIEWER), error="Give editor or viewer."))
    days = Whole(1, 365, description="until it expires; at most, and if left out, `invitation_days` of `/healthz`")


class InvitationSchema(Answer):
    """An invitation that nobody has used, without its code. `tenant_id` null: to sign up, and no more."""

    id = fields.String(required=True)
    tenant_id = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, allow_none=True, validate=validate.OneOf((EDITOR, VIEWER)))
    created_at = fields.String(required=True, metadata={"format": "date-time"})
    expires_at = fields.String(required=True, metadata={"format": "date-time"})


class InvitedSchema(InvitationSchema):
    """A new invitation. `code` is told this once: hand it to whom you invite."""

    code = fields.String(required=True)


class AcceptanceSchema(Schema):
    """The code that one was given."""

    code = Line(required=True)
