"""The bodies about conflicts."""

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from finwise.errors import Invalid
from finwise.schemas.fields import Answer, Time
from finwise.schemas.sync import Union, entity_variants


class DecisionSchema(Schema):
    """What the deciding person saw."""

    class Meta:
        unknown = EXCLUDE

    base_updated_at = Time(
        allow_none=True,
        metadata={
            "description": "`updated_at` of the stored version it was compared with; 409 if that is another by now"
        },
    )


class LoserSchema(Answer):
    """The version that lost."""

    created_at = fields.String(required=True, metadata={"format": "date-time"})
    updated_at = fields.String(required=True, metadata={"format": "date-time"})
    deleted_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    data = fields.Dict(required=True, allow_none=True)
    device_id = fields.String(required=True, allow_none=True, metadata={"description": "the device that wrote it"})


class AuthorSchema(Answer):
    """Who wrote a version, with which device."""

    user_name = fields.String(required=True)
    device_name = fields.String(required=True)


class AuthorsSchema(Answer):
    """Who wrote each version of a conflict; null: unknown, because the device's token no longer exists."""

    loser = fields.Nested(AuthorSchema, required=True, allow_none=True)
    entity = fields.Nested(AuthorSchema, required=True, allow_none=True)


class ConflictSchema(Answer):
    """A version that lost unseen, and the one that is stored."""

    conflict_id = fields.String(required=True)
    entity_type = fields.String(required=True)
    id = fields.String(required=True)
    kept_at = fields.String(required=True, metadata={"format": "date-time"})
    reason = fields.String(required=True, validate=validate.OneOf(["older", "overwritten"]))
    authors = fields.Nested(AuthorsSchema, required=True)
    loser = fields.Nested(LoserSchema, required=True)
    entity = Union("Entity", entity_variants(), required=True, allow_none=True)


def read_decision(parsed: Any) -> dict[str, Any]:
    """The body of a decision. Raises Invalid."""
    try:
        decision: dict[str, Any] = DecisionSchema().load(parsed)
    except ValidationError as error:
        raise Invalid("The body is wrong.", errors=error.messages_dict) from None
    return decision
