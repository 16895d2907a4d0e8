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
    """A member's new role. A new `owner` takes the book over, and the previous one becomes an editor."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES, error="Give owner, editor or viewer."))


class NewInvitationSchema(Schema):
    """The role that somebody is invited to."""

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
    """A new invitation. `code` is shown only here: give it to the person you invite."""

    code = fields.String(required=True)


class AcceptanceSchema(Schema):
    """The code of the invitation."""

    code = Line(required=True)
