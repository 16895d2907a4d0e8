"""The bodies about users."""

from marshmallow import Schema, fields

from finwise.schemas.fields import Answer, Email, Line, Password, Time, Uuid

MIN_PASSWORD = 8  # NIST SP 800-63B


class NewUserSchema(Schema):
    """Signing up. Without a password, the operator gives out tokens.

    `invitation`: the code of an invitation; the server may require one (`sign_up` in `/healthz`).
    """

    uuid = Uuid(required=True)
    name = Line(required=True)
    email = Email(required=True)
    password = Password(min_length=MIN_PASSWORD, allow_none=True)
    invitation = Line(allow_none=True)


class UserPatchSchema(Schema):
    """What to change about yourself; a new password revokes all other tokens.

    A new `password` requires `current_password`, unless there is no password yet.
    """

    name = Line()
    email = Email()
    password = Password(min_length=MIN_PASSWORD)
    current_password = Password(min_length=1)


class UserSchema(Answer):
    """A user, as that user sees it."""

    uuid = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    is_admin = fields.Boolean(required=True, metadata={"description": "whether `/admin` answers"})
    created_at = Time(required=True)
    updated_at = Time(
        required=True, metadata={"description": "when name, e-mail, password or rights were changed last"}
    )
