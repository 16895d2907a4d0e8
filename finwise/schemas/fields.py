"""Kinds of fields that bodies and parameters are made of. Each takes a JSON value as it is or not at all."""

import re
import unicodedata
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from finwise.domain.identifiers import canonical_uuid
from finwise.domain.names import MOST_EMAIL, MOST_NAME, canonical_email, canonical_name
from finwise.domain.times import canonical_time

_MOST_PASSWORD = 128  # characters
_SURROGATE = re.compile("[\ud800-\udfff]")


class Answer(Schema):
    """The form of an answer: a client has to bear further members."""

    class Meta:
        unknown = EXCLUDE


class Uuid(fields.String):
    """A UUID made by the client, as exactly 36 ASCII characters; read in lower case."""

    def __init__(self, *, description: str | None = None, **kwargs: Any) -> None:
        metadata = {"format": "uuid", "minLength": 36, "maxLength": 36}
        super().__init__(metadata=metadata | ({"description": description} if description else {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        uuid = canonical_uuid(value)
        if uuid is None:
            raise ValidationError("Give a UUID of 36 characters.")
        return uuid


class Truth(fields.Boolean):
    """true or false, and nothing that could be meant so."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise ValidationError("Give true or false.")
        return value


class Whole(fields.Integer):
    """A whole number within bounds, and nothing that could be meant so."""

    def __init__(self, least: int, most: int, *, description: str | None = None, **kwargs: Any) -> None:
        metadata: dict[str, Any] = {"minimum": least, "maximum": most}
        super().__init__(metadata=metadata | ({"description": description} if description else {}), **kwargs)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is not int or not self.least <= value <= self.most:
            raise ValidationError(f"Give a whole number from {self.least} to {self.most}.")
        return value


class Flag(fields.Boolean):
    """`true` or `false` as a parameter."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("Give true or false.")
        return bool(value == "true")


class Line(fields.String):
    """One line of text that can all be seen; read without the spaces around it, and not empty then."""

    def __init__(self, *, max_length: int = MOST_NAME, **kwargs: Any) -> None:
        super().__init__(metadata={"minLength": 1, "maxLength": max_length}, **kwargs)
        self.max_length = max_length

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        name = canonical_name(value) if type(value) is str and len(value) <= self.max_length else None
        if name is None:
            raise ValidationError(
                f"Give one line of 1 to {self.max_length} characters, without control characters or invisible ones."
            )
        return name


class Email(fields.String):
    """An e-mail address. Nothing is sent to it, so only its form is looked at."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "email", "maxLength": MOST_EMAIL}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        email = canonical_email(value) if type(value) is str and len(value) <= 2 * MOST_EMAIL else None
        if email is None:
            raise ValidationError(f"Give an e-mail address of at most {MOST_EMAIL} characters.")
        return email


class LoginEmail(fields.String):
    """An e-mail address as somebody types it to log in. What is none belongs to nobody; that is not told apart."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"minLength": 1, "maxLength": MOST_EMAIL}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        email = value.strip() if type(value) is str and len(value) <= 2 * MOST_EMAIL else ""
        if not 1 <= len(email) <= MOST_EMAIL:
            raise ValidationError(f"Give an e-mail address of at most {MOST_EMAIL} characters.")
        return email


class Password(fields.String):
    """A password, counted in composed characters; the upper bound keeps hashing from being fed without end."""

    def __init__(self, *, min_length: int, **kwargs: Any) -> None:
        metadata = {"format": "password", "minLength": min_length, "maxLength": _MOST_PASSWORD}
        super().__init__(metadata=metadata, **kwargs)
        self.min_length = min_length

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        # What a system sends decomposed has several characters for one; beyond that nothing is looked at.
        is_short = type(value) is str and len(value) <= 4 * _MOST_PASSWORD and not _SURROGATE.search(value)
        length = len(unicodedata.normalize("NFC", value)) if is_short else 0
        if not max(1, self.min_length) <= length <= _MOST_PASSWORD:
            raise ValidationError(f"Give a password of {self.min_length} to {_MOST_PASSWORD} characters.")
        return str(value)


class Time(fields.String):
    """A time such as 2026-01-09T19:01:02.123Z; read as its canonical text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "date-time"} | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        time = canonical_time(value)
        if time is None:
            raise ValidationError("Give a time such as 2026-01-09T19:01:02.123Z.")
        return time
