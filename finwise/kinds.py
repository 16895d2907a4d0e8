"""The kinds of fields that the catalogue's classes are made of.

Each says once, in `types` and `further`, which JSON values it is for. `quick_check` finds out whether an object has
nothing but such values; entities.py explains what is wrong or odd in the few others. Marshmallow only describes them.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from finwise.domain.identifiers import is_entity_id
from finwise.domain.json_text import MAX_NUMBER
from finwise.domain.times import is_day

NAME_LENGTH = 200
TEXT_LENGTH = 10_000
IMAGE_LENGTH = 65_536  # characters

Further = Callable[[Any], object]  # what it gives counts as true or false
_Rule = tuple[frozenset[type] | None, Further | None]  # what a value is of (None: anything), and has to meet beside
_Demands = list[tuple[str, Further]]  # of fields, by their names

_MOST_SHAPES = 1_000  # remembered of a form


class _Strict(fields.Field[Any]):
    """A field that keeps a JSON value as it is: nothing is converted, nothing is required, and null means "none".

    A value that is not of `types` is refused, because the document promises them to clients. One that does not `suit`
    is kept with a warning, and so is an `expected` field that is not there.
    `derived`: devices compute it from other entities. `last_wins`: one person sets it. A difference in these alone is
    no conflict.
    `is_flat`: nothing lies within a value but texts. `column`: what its column in a view shows (store/views.py).
    """

    message: str
    types: frozenset[type]
    is_flat = True
    column = "value"

    def __init__(
        self, *args: Any, expected: bool = False, derived: bool = False, last_wins: bool = False, **kwargs: Any
    ) -> None:
        if derived:
            kwargs["metadata"] = {"description": "derived: devices compute it from other entities"}
        super().__init__(*args, allow_none=True, **kwargs)
        self.expected = expected
        self.derived = derived
        self.last_wins = last_wins

    def further(self) -> Further | None:
        """What a value of one of the types should be beside; None: nothing."""
        return None

    def holds(self, value: Any) -> bool:
        """Whether this JSON value, other than null, is of a type that the document promises."""
        return type(value) in self.types

    def suits(self, value: Any) -> bool:
        """Whether a value of these types is also what the field is meant for."""
        further = self.further()
        return further is None or bool(further(value))


class Text(_Strict, fields.String):
    """A string, of up to `max_length` characters (None: bounded by the size of a change alone)."""

    types = frozenset({str})

    def __init__(self, *, max_length: int | None = TEXT_LENGTH, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.message = f"Give a string of at most {max_length} characters." if max_length else "Give a string."

    def further(self) -> Further | None:
        most = self.max_length
        return None if most is None else lambda value: len(value) <= most


class Name(Text):
    """A name: a string of up to 200 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=NAME_LENGTH, **kwargs)


class String(Text):
    """A string without a limit of its own: such as a word of an enumeration that is not restricted."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=None, **kwargs)


class Image(Text):
    """An image as a data URL. What 128 x 128 pixels never need is kept with a warning."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=IMAGE_LENGTH, **kwargs)
        self.message = f"Give an image of at most {IMAGE_LENGTH} characters."


class Id(_Strict, fields.String):
    """The id of another entity, which may arrive later; `""` means none."""

    types = frozenset({str})
    message = "Give an id: 1 to 64 of A-Z a-z 0-9 - _ . :"
    column = "id"

    def further(self) -> Further:
        return _fits_id_or_none


class Date(_Strict, fields.String):
    """A calendar day, `YYYY-MM-DD`; `""` means none."""

    types = frozenset({str})
    message = "Give a day such as 2026-01-09."
    column = "day"

    def further(self) -> Further:
        return is_day if self.expected else lambda value: not value or is_day(value)


class Number(_Strict, fields.Float):
    """A finite JSON number; money has two decimals by convention."""

    types = frozenset({int, float})
    message = "Give a number."
    column = "number"

    def further(self) -> Further:
        return _is_exact


class InputNumber(_Strict, fields.Raw):
    """A number from an input of a form, which leaves a text behind when it is cleared: `""` means none."""

    types = frozenset({int, float, str})
    message = "Give a number."
    column = "number"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"anyOf": [{"type": kind} for kind in ("number", "string", "null")]}, **kwargs)

    def further(self) -> Further:
        return lambda value: not value if type(value) is str else _is_exact(value)


class Integer(InputNumber):
    """A whole JSON number, of which 3.0 is one; also from an input of a form."""

    message = "Give a whole number."

    def further(self) -> Further:
        return lambda value: not value if type(value) is str else _is_exact(value) and float(value).is_integer()


class Boolean(_Strict, fields.Boolean):
    """true or false."""

    types = frozenset({bool})
    message = "Give true or false."


class Ids(_Strict, fields.List[str]):
    """A list of ids."""

    types = frozenset({list})
    message = "Give a list of ids."

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.String(), **kwargs)

    def further(self) -> Further:
        return lambda value: all(map(is_entity_id, value))

    def holds(self, value: Any) -> bool:
        return super().holds(value) and all(type(item) is str for item in value)


class Anything(_Strict, fields.Raw):
    """Any JSON value."""

    types = frozenset({str, int, float, bool, list, dict})
    is_flat = False
    message = "Give a JSON value."


class Parts(_Strict, fields.List[Any]):
    """A list of objects of one small form."""

    types = frozenset({list})
    is_flat = False

    def __init__(self, form: type[Schema], **kwargs: Any) -> None:
        super().__init__(fields.Nested(form), **kwargs)
        self._check = quick_check(form)
        self._kinds = kinds_of(form)
        self.message = f"Give a list of objects with {', '.join(form._declared_fields)}."

    def further(self) -> Further:
        return lambda value: all(type(item) is dict and self._check(item) for item in value)

    def holds(self, value: Any) -> bool:
        return super().holds(value) and all(type(item) is dict and self._holds_part(item) for item in value)

    def _holds_part(self, item: Mapping[str, Any]) -> bool:
        return all(item.get(name) is None or kind.holds(item[name]) for name, kind in self._kinds.items())


def kinds_of(form: type[Schema]) -> dict[str, _Strict]:
    """The fields of a form by name. Raises TypeError for a field of another kind."""
    kinds = {name: kind for name, kind in form._declared_fields.items() if isinstance(kind, _Strict)}
    if len(kinds) != len(form._declared_fields):
        raise TypeError(f"{form.__name__}: every field is of one of the kinds in kinds.py")
    return kinds


def quick_check(form: type[Schema], *, flat: bool = False) -> Callable[[Mapping[str, Any]], bool]:
    """A function that says whether nothing in an object is wrong or odd. Raises TypeError for a field of another kind.

    With `flat`: whether moreover nothing lies within its values but ids. Then nothing in it can be odd (json_text.py)
    but a text, so that the long search for it can be left out.

    Most objects are of few shapes: the same fields, with values of the same types. What is left to ask of the values of
    a shape is remembered. Without this a push of the book takes 1.18 times the CPU time
    (`python -m benchmarks.tricks shapes`).
    """
    demands_of = _demands(form, flat)
    fields_of_form = form._declared_fields.keys()
    shapes: dict[tuple[object, ...], _Demands] = {}

    def fine(data: Mapping[str, Any]) -> bool:
        shape = (*data, *map(type, data.values()))
        demands = shapes.get(shape)
        if demands is None:
            demands = demands_of(data)
            if demands is None:
                return False
            if len(shapes) < _MOST_SHAPES and data.keys() <= fields_of_form:  # other names may be of any length
                shapes[shape] = demands
        for name, demand in demands:
            value = data[name]
            if not demand(value):
                return False
        return True

    return fine


def _demands(form: type[Schema], flat: bool) -> Callable[[Mapping[str, Any]], _Demands | None]:
    """A function that says what an object's values have to meet beside their types; None: their types are wrong."""
    kinds = kinds_of(form)
    expected = frozenset(name for name, kind in kinds.items() if kind.expected)
    rules = {name: _rule(kind) if kind.is_flat or not flat else _NOTHING for name, kind in kinds.items()}
    rule_of, other = rules.get, _FLAT if flat else _ANYTHING

    def demands(data: Mapping[str, Any]) -> _Demands | None:
        found: _Demands = []
        for name, value in data.items():
            types, further = rule_of(name, other)
            if types is not None and type(value) not in types:
                return None
            if further and value is not None:
                found.append((name, further))
        return found if expected <= data.keys() else None

    return demands


def _rule(kind: _Strict) -> _Rule:
    return (kind.types if kind.expected else kind.types | _NULL), kind.further()


def _is_exact(value: float) -> bool:
    return -MAX_NUMBER <= value <= MAX_NUMBER


_fits_id_or_none = re.compile(r"[A-Za-z0-9_.:-]{0,64}").fullmatch
_NULL = frozenset({type(None)})
_NOTHING: _Rule = (frozenset(), None)
_ANYTHING: _Rule = (None, None)
_FLAT: _Rule = (frozenset({str, bool, int, float}) | _NULL, lambda value: type(value) is str or _is_exact(value))
