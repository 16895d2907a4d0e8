"""The bodies about tokens."""

from marshmallow import EXCLUDE, Schema, fields

from finwise.schemas.fields import Answer, Flag, Line, LoginEmail, Password, Time, Truth, Uuid
from finwise.schemas.users import UserSchema


class LoginSchema(Schema):
    """Logging in on a device, or getting a token for a script.

    E-mail and password are for servers whose `login` is `password` (`/healthz`). If its `login_names` is true, `email`
    may hold the person's name.
    """

    email = LoginEmail()
    password = Password(min_length=1)
    device_name = Line(required=True)
    tenant_id = Uuid(allow_none=True, description="the only tenant that the token opens")
    read_only = Truth(metadata={"description": "whether the token may only read"})


class TokenSchema(Answer):
    """A token, without its secret."""

    id = fields.String(required=True)
    device_name = fields.String(required=True)
    created_at = Time(required=True)
    expires_at = Time(required=True, metadata={"description": "extended by each use"})
    last_used_at = Time(required=True, allow_none=True, metadata={"description": "to some minutes; null: never"})
    tenant_id = fields.String(
        required=True, allow_none=True, metadata={"description": "the only tenant that it opens; null: all"}
    )
    read_only = fields.Boolean(required=True)


class TokenPatchSchema(Schema):
    """What to change about a token."""

    device_name = Line(required=True)


class RevocationQuerySchema(Schema):
    """Which of your tokens to keep."""

    class Meta:
        unknown = EXCLUDE

    others = Flag(metadata={"description": "true: all but the one this is asked with", "default": False})


class IssuedTokenSchema(Answer):
    """A new token. `token` is shown only here: send it as `Authorization: Bearer …`."""

    id = fields.String(required=True)
    token = fields.String(required=True)
    expires_at = Time(required=True)
    user = fields.Nested(UserSchema, required=True)
