"""The form of every error: RFC 9457, `application/problem+json`."""

from marshmallow import fields

from finwise.schemas.fields import Answer


class ProblemSchema(Answer):
    """What went wrong and what to do. `code` is stable, `detail` is for people."""

    type = fields.String(required=True, metadata={"description": "always about:blank: `code` says more"})
    title = fields.String(required=True, metadata={"description": "the status in words"})
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "what went wrong, for programs"})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "what is wrong with which field"},
    )
    action = fields.String(
        metadata={"description": "what the device has to do: `initial` (load everything again) or `stop`"}
    )
    give_back = fields.Boolean(
        metadata={"description": "with `epoch_changed`: the device also sends back what the server lacks"}
    )
    limits = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "with `too_large`: what is taken"}
    )
