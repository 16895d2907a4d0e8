"""The bodies about devices."""

from marshmallow import fields

from finwise.schemas.fields import Answer


class DeviceSchema(Answer):
    """A device of a tenant, as of its last contact."""

    device_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "what it calls itself in its pushes; null: it never did"},
    )
    device_name = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the name of its token; null: the token no longer exists"},
    )
    user_id = fields.String(required=True, allow_none=True, metadata={"description": "whose token it shows"})
    user_name = fields.String(
        required=True, allow_none=True, metadata={"description": "that user's name; null: the token no longer exists"}
    )
    token_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "its token (`/auth/tokens`), for one's own devices; null: the device is another's"},
    )
    cursor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the last `since` it sent; null: it has not synced yet"},
    )
    last_contact = fields.String(
        required=True,
        metadata={"format": "date-time", "description": "to a minute for pushes, to ten for pulls"},
    )
    clock_skew_ms = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "its clock minus the server's at its last push; null: it did not tell its time"},
    )
