"""The envelopes of push and pull, and the typed union of changes for the OpenAPI document.

Only envelopes are read here. Changes are read one by one by the domain, so that a bad one does not block the others,
and entities are sent as the JSON text they are stored as: the schemas of both are for the document, made from the
catalogue.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from finwise.domain import json_text
from finwise.domain.access import LOGINS, SIGN_UPS
from finwise.domain.limits import MAX_PAGE
from finwise.domain.sync import DEFAULT_LIMIT
from finwise.entities import CATALOGUE
from finwise.errors import Invalid
from finwise.schemas.fields import Answer, Time, Uuid

_ID = {"pattern": "^[A-Za-z0-9_.:-]{1,64}$"}
_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)


class Limit(fields.Integer):
    """How many entities a page has at most."""

    def __init__(self, **kwargs: Any) -> None:
        about = f"entities of a page at most; absent: {DEFAULT_LIMIT}"  # a `default` would make clients require it
        super().__init__(metadata={"minimum": 1, "maximum": MAX_PAGE, "description": about}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is str and _DIGITS.fullmatch(value):
            value = int(value)
        if type(value) is not int or not 1 <= value <= MAX_PAGE:
            raise ValidationError(f"Give a whole number from 1 to {MAX_PAGE}.")
        return value


class Names(fields.String):
    """Names of entity types, separated by commas; ones the server does not know are ignored."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return frozenset(str(value).split(","))


class NameList(fields.List[str]):
    """Names of entity types; ones the server does not know are ignored."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.String(), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) is not list or not all(type(name) is str for name in value):
            raise ValidationError("Give a list of names.")
        return frozenset(value)


class DeviceId(fields.String):
    """A device's name for itself."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"maxLength": 64}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if type(value) is not str or not 1 <= len(value) <= 64 or json_text.oddity(value):
            raise ValidationError("Give 1 to 64 characters, by convention a UUID.")
        return value


class Union(fields.Field[Any]):
    """One of the catalogue's types, told apart by `entity_type`; documented as a named union. Reads nothing."""

    def __init__(self, name: str, variants: dict[str, type[Schema]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name_in_document = name
        self.variants = variants


class Changes(fields.List[Any]):
    """The changes of a push: any list, for each is read by itself."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if type(value) is not list:
            raise ValidationError("Give a list of changes.")
        return value


class PullQuerySchema(Schema):
    """Where to continue, and what to restrict the page to."""

    class Meta:
        unknown = EXCLUDE

    since = fields.String(
        metadata={
            "description": "`next_since` of the last answer, exactly as it came; absent: from the beginning",
            "example": "2026-01-09T19:01:02.139001Z~7f3a9c1e",
        }
    )
    limit = Limit()
    entity_types = Names(metadata={"description": "names separated by commas; absent: all", "example": "accounts,tags"})


class InitialQuerySchema(PullQuerySchema):
    """What to restrict a first load to."""

    class Meta:
        unknown = EXCLUDE
        exclude = ("since", "limit")


class EnvelopeSchema(Schema):
    """What surrounds the changes of a push. Further members are ignored, so that a newer device is not locked out."""

    class Meta:
        unknown = EXCLUDE

    tenant_id = fields.String(
        allow_none=True,
        metadata={"format": "uuid", "description": "the tenant, if the header X-Tenant-ID does not name it"},
    )
    device_id = DeviceId(allow_none=True)
    client_time = Time(allow_none=True)
    since = fields.String(
        allow_none=True, metadata={"description": "the device's cursor; with it the answer is a pull as well"}
    )
    entity_types = NameList(allow_none=True)
    limit = Limit(allow_none=True)
    changes = Changes(fields.Raw(), required=True)


_PULL_QUERY = PullQuerySchema()
_ENVELOPE = EnvelopeSchema()


def read_envelope(parsed: Any) -> dict[str, Any]:
    """The envelope of a push. Raises Invalid; what is wrong inside a change is not looked at."""
    if type(parsed) is not dict:
        raise Invalid("The body is not a JSON object, or has a key twice.")
    with suppress(ValidationError):
        if "changes" in parsed:
            return _read_members(_ENVELOPE, parsed)
    return _load(_ENVELOPE, parsed, "The envelope of the push is wrong.")


def read_pull_query(parameters: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a pull. Raises Invalid."""
    try:
        return _read_members(_PULL_QUERY, parameters)
    except ValidationError:
        return _load(_PULL_QUERY, parameters, "A parameter is not of the form the document describes.")


def _read_members(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a schema reads of members none of which it requires. Marshmallow's own way takes 11 µs, this one 2."""
    return {name: _read(field, given[name]) for name, field in schema.fields.items() if name in given}


def _load(schema: Schema, given: Mapping[str, Any], detail: str) -> dict[str, Any]:
    """The same by Marshmallow, which tells of all that is wrong. Raises Invalid."""
    try:
        loaded: dict[str, Any] = schema.load(given)
    except ValidationError as error:
        raise Invalid(detail, errors=error.messages_dict) from None
    return loaded


def _read(field: fields.Field[Any], value: Any) -> Any:
    return None if value is None and field.allow_none else field._deserialize(value, None, None)


def change_variants() -> dict[str, type[Schema]]:
    """entity_type -> the form of a change to an entity of that type."""
    return {name: _change_schema(name, form) for name, form in CATALOGUE.items()}


@cache
def entity_variants() -> dict[str, type[Schema]]:
    """entity_type -> the form of an entity of that type as the server sends it."""
    return {name: _entity_schema(name, form) for name, form in CATALOGUE.items()}


@cache
def push_schema() -> Schema:
    """The body of a push."""
    change = Union("Change", change_variants())
    return _made("Push", EnvelopeSchema, {"changes": fields.List(change, required=True)})()


@cache
def page_schema() -> Schema:
    """The answer to a pull and to a first load."""
    page = _page_fields()
    for name in ("changes", "next_since", "has_more"):
        page[name].required = True
    return _made("Page", _AnsweredSchema, page)()


def push_answer_schema() -> Schema:
    """The answer to a push; the fields of a page are there when the push had `since`."""
    results = fields.List(fields.Nested(_result_schema()), required=True)
    return _made("PushAnswer", _AnsweredSchema, {"results": results} | _page_fields())()


class HealthSchema(Answer):
    """What this server is, and what it accepts."""

    status = fields.String(required=True)
    protocol = fields.Integer(required=True)
    server_version = fields.String(required=True)
    login = fields.String(required=True, validate=validate.OneOf(LOGINS))
    login_names = fields.Boolean(
        required=True, metadata={"description": "whether people may log in by their name, too"}
    )
    sign_up = fields.String(required=True, validate=validate.OneOf(SIGN_UPS))
    invitation_days = fields.Integer(required=True, metadata={"description": "for which an invitation can be used"})
    trash_days = fields.Integer(required=True, metadata={"description": "for which a deleted book can be restored"})
    limits = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    entity_types = fields.List(fields.String(), required=True)


class ReadinessSchema(Answer):
    """Whether requests would be served."""

    status = fields.String(required=True)


class _AnsweredSchema(Answer):
    protocol = fields.Integer(required=True)
    server_version = fields.String(required=True)
    server_time = fields.String(required=True, metadata={"format": "date-time"})
    epoch = fields.String(required=True, metadata={"description": "the token of this life of the tenant's file"})


def _page_fields() -> dict[str, fields.Field[Any]]:
    entity = Union("Entity", entity_variants())
    return {
        "changes": fields.List(entity, metadata={"description": "what was stored after `since`, in that order"}),
        "next_since": fields.String(metadata={"description": "the cursor to go on from"}),
        "has_more": fields.Boolean(),
        "digest": fields.Dict(
            keys=fields.String(),
            values=fields.String(metadata={"pattern": "^[0-9a-f]{16}$"}),
            metadata={"description": "entity_type -> digest of its living entities, if `has_more` is false"},
        ),
    }


def _result_schema() -> type[Schema]:
    entity = Union("Entity", entity_variants(), allow_none=True)
    return _made(
        "Result",
        Answer,
        {
            "change_id": fields.String(required=True, allow_none=True),
            "status": fields.String(
                required=True, validate=validate.OneOf(["applied", "unchanged", "superseded", "rejected"])
            ),
            "updated_at": fields.String(metadata={"description": "the stored one", "format": "date-time"}),
            "created_at": fields.String(
                metadata={"description": "the stored one, if it differs from the one sent", "format": "date-time"}
            ),
            "entity": entity,
            "code": fields.String(metadata={"description": "why a change was rejected"}),
            "errors": fields.Dict(keys=fields.String(), values=fields.List(fields.String())),
            "warnings": fields.Dict(
                keys=fields.String(),
                values=fields.List(fields.String()),
                metadata={"description": "what is odd in a change that was taken, by field"},
            ),
        },
    )


def _change_schema(entity_type: str, form: type[Schema]) -> type[Schema]:
    return _made(
        f"{form.__name__}Change",
        Answer,
        {
            "change_id": Uuid(required=True),
            "group": Uuid(allow_none=True, description="changes of one push with the same group are taken all or none"),
            "entity_type": fields.String(required=True, validate=validate.OneOf([entity_type])),
            "id": fields.String(required=True, metadata=_ID),
            "created_at": Time(allow_none=True),
            "updated_at": Time(required=True),
            "base_updated_at": Time(allow_none=True),
            "deleted_at": Time(allow_none=True),
            "data": fields.Nested(form, allow_none=True),
        },
    )


def _entity_schema(entity_type: str, form: type[Schema]) -> type[Schema]:
    time = {"format": "date-time"}
    return _made(
        f"{form.__name__}Entity",
        Answer,
        {
            "entity_type": fields.String(required=True, validate=validate.OneOf([entity_type])),
            "id": fields.String(required=True, metadata=_ID),
            "created_at": fields.String(required=True, metadata=time),
            "updated_at": fields.String(required=True, metadata=time),
            "deleted_at": fields.String(required=True, allow_none=True, metadata=time),
            "data": fields.Nested(form, required=True, allow_none=True),
        },
    )


def _made(name: str, parent: type[Schema], members: dict[str, Any]) -> type[Schema]:
    return type(name, (parent,), members)
