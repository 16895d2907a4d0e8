"""The bodies about tokens."""

from marshmallow import Schema, fields

from finwise.schemas.fields import Answer, Line, Password
from finwise.schemas.users import UserSchema


class LoginSchema(Schema):
    """Logging in on a device."""

    email = Line(required=True, max_length=254)
    password = Password(required=True, min_length=1)
    device_name = Line(required=True)


class TokenSchema(Answer):
    """A token, without its secret."""

    id = fields.String(required=True)
    device_name = fields.String(required=True)
    created_at = fields.String(required=True, metadata={"format": "date-time"})
    expires_at = fields.String(required=True, metadata={"format": "date-time"})


class IssuedTokenSchema(Answer):
    """A new token. `token` is told this once: send it as `Authorization: Bearer …`."""

    id = fields.String(required=True)
    token = fields.String(required=True)
    expires_at = fields.String(required=True, metadata={"format": "date-time"})
    user = fields.Nested(UserSchema, required=True)
