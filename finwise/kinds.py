"""The kinds of fields that the catalogue's classes are made of.

Each says once, in `fits`, which JSON values it takes. Marshmallow uses it to explain what it refuses, `quick_check` to
decide without Marshmallow, which is much slower.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields

from finwise.domain.identifiers import is_entity_id
from finwise.domain.json_text import MAX_NUMBER

NAME_LENGTH = 200
TEXT_LENGTH = 10_000

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class _Strict(fields.Field[Any]):
    """A field that takes a JSON value as it is or not at all: nothing is converted."""

    message: str

    def fits(self, value: Any) -> bool:
        """Whether this JSON value, other than null, is taken."""
        raise NotImplementedError

    def takes(self, value: Any) -> bool:
        """Whether this JSON value is taken."""
        return self.fits(value) if value is not None else self.allow_none

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not self.fits(value):
            raise ValidationError(self.message)
        return value


class Text(_Strict, fields.String):
    """A string of any length up to `max_length` characters (None: bounded by the size of a change alone)."""

    def __init__(self, *, max_length: int | None = TEXT_LENGTH, **kwargs: Any) -> None:
        metadata = {"maxLength": max_length} if max_length else {}
        super().__init__(metadata=metadata, **kwargs)
        self.max_length = max_length
        self.message = f"Give a string of at most {max_length} characters." if max_length else "Give a string."

    def fits(self, value: Any) -> bool:
        return type(value) is str and (self.max_length is None or len(value) <= self.max_length)


class Name(Text):
    """A name: a string of at most 200 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=NAME_LENGTH, **kwargs)


class String(Text):
    """A string without a limit of its own: a word of an enumeration that is not restricted, an image as a data URL."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=None, **kwargs)


class Id(_Strict, fields.String):
    """The id of another entity, which may arrive later."""

    message = "Give an id: 1 to 64 of A-Z a-z 0-9 - _ . :"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"pattern": "^[A-Za-z0-9_.:-]{1,64}$"}, **kwargs)

    def fits(self, value: Any) -> bool:
        return is_entity_id(value)


class Date(_Strict, fields.String):
    """A calendar day, `YYYY-MM-DD`."""

    message = "Give a day such as 2026-01-09."

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "date"}, **kwargs)

    def fits(self, value: Any) -> bool:
        if type(value) is not str or not _DATE.fullmatch(value):
            return False
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
        return True


class Number(_Strict, fields.Float):
    """A finite JSON number; money has two decimals by convention."""

    message = "Give a number."

    def fits(self, value: Any) -> bool:
        kind = type(value)
        return (kind is int or kind is float) and -MAX_NUMBER <= value <= MAX_NUMBER


class Integer(_Strict, fields.Integer):
    """A whole JSON number; 3.0 is one."""

    message = "Give a whole number."

    def fits(self, value: Any) -> bool:
        kind = type(value)
        return (kind is int or (kind is float and value.is_integer())) and -MAX_NUMBER <= value <= MAX_NUMBER


class Boolean(_Strict, fields.Boolean):
    """true or false."""

    message = "Give true or false."

    def fits(self, value: Any) -> bool:
        return type(value) is bool


class Ids(_Strict, fields.List[str]):
    """A list of ids."""

    message = "Give a list of ids."

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Id(), **kwargs)

    def fits(self, value: Any) -> bool:
        return type(value) is list and all(map(is_entity_id, value))


class Anything(_Strict, fields.Raw):
    """Any JSON value."""

    message = "Give a JSON value."

    def fits(self, value: Any) -> bool:
        return True


class Parts(_Strict, fields.List[Any]):
    """A list of objects of one small form."""

    def __init__(self, form: type[Schema], **kwargs: Any) -> None:
        super().__init__(fields.Nested(form), **kwargs)
        self._check = quick_check(form)
        self.message = f"Give a list of objects with {', '.join(form._declared_fields)}."

    def fits(self, value: Any) -> bool:
        return type(value) is list and all(type(item) is dict and self._check(item) for item in value)


def quick_check(form: type[Schema]) -> Callable[[Mapping[str, Any]], bool]:
    """A function that says whether Marshmallow would take an object. Raises TypeError for a field of another kind."""
    kinds = [
        (name, kind.required, kind.takes) for name, kind in form._declared_fields.items() if isinstance(kind, _Strict)
    ]
    if len(kinds) != len(form._declared_fields):
        raise TypeError(f"{form.__name__}: every field is of one of the kinds in kinds.py")

    def fine(data: Mapping[str, Any]) -> bool:
        for name, required, takes in kinds:
            if name in data:
                if not takes(data[name]):
                    return False
            elif required:
                return False
        return True

    return fine
