"""The bodies about bringing a whole book, and emptying one."""

from marshmallow import EXCLUDE, Schema, fields

from finwise.schemas.fields import Answer, Flag, Line


class ImportQuerySchema(Schema):
    """How to import."""

    class Meta:
        unknown = EXCLUDE

    dated_now = Flag(
        metadata={
            "description": "true: date every entity now, so that it wins over what is stored; else newer ones stay"
        }
    )


class RefusedSchema(Answer):
    """An entity that was rejected."""

    place = fields.Integer(required=True, metadata={"description": "where it is in the book, from 1"})
    entity_type = fields.String(required=True)
    id = fields.String(required=True, allow_none=True, metadata={"description": "null: it is not of the form of an id"})
    code = fields.String(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)


class OutcomeSchema(Answer):
    """What became of an import, in numbers of entities."""

    applied = fields.Integer(required=True, metadata={"description": "stored"})
    unchanged = fields.Integer(required=True, metadata={"description": "were there already"})
    superseded = fields.Integer(required=True, metadata={"description": "are newer on the server, and stay"})
    rejected = fields.Integer(required=True)
    conflicts = fields.Integer(
        required=True, metadata={"description": "versions that lost, here or in the book, and are kept as conflicts"}
    )
    rejections = fields.List(
        fields.Nested(RefusedSchema),
        required=True,
        metadata={"description": "the first hundred of those rejected, and why"},
    )


class ResetSchema(Schema):
    """The name of the book, so that nobody empties another by mistake."""

    name = Line(required=True)


class ResetAnswerSchema(Answer):
    """How many entities were deleted."""

    deleted = fields.Integer(required=True)
