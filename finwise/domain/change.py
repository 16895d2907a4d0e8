"""Changes as devices send them, versions as the server stores them (protocol.md 1 and 2)."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from finwise.domain import json_text
from finwise.domain.identifiers import canonical_uuid, is_entity_id
from finwise.domain.limits import Limits
from finwise.domain.times import canonical_time
from finwise.errors import FieldErrors, quarantined

Key = tuple[str, str]  # (entity_type, id): the name of an entity within its tenant


_ENTITY = re.compile(
    r'\{"entity_type":"([^"]+)","id":"([^"]+)","created_at":"([^"]+)","updated_at":"([^"]+)",'
    r'"deleted_at":(?:null|"[^"]+"),"data":(?:null|(\{.*\}))\}',
    re.DOTALL,
)


class Findings(NamedTuple):
    """What a look at an entity's `data` found, by field."""

    wrong: FieldErrors  # would break a client that relies on the types of the document: the change is rejected
    odd: FieldErrors  # is stored as it is, and told


class FieldCheck(Protocol):
    """Checks the `data` of an entity type; it is parsed, but anything in it may be odd (json_text.py)."""

    def __call__(self, data: Mapping[str, Any], /) -> Findings | None:
        """What is to be said about it; None if nothing is. No value in `data` is one that JSON cannot keep."""

    @property
    def aside(self) -> frozenset[str]:
        """The fields in which a difference alone is no conflict."""

    @property
    def is_flat(self) -> Callable[[Mapping[str, Any]], bool]:
        """Whether nothing is wrong, and nothing in it is odd, unless a text is."""


Catalogue = Mapping[str, FieldCheck]


class Change(NamedTuple):
    """An entity's whole state as one device left it; times are canonical."""

    change_id: str
    sent_change_id: str
    key: Key
    updated_at: str
    data: str | None  # JSON text; None: a deletion
    sent_created_at: Any
    created_at: str | None
    says_base: bool
    base_updated_at: str | None
    warnings: FieldErrors | None = None  # what is odd in `data`, by field
    aside: frozenset[str] = frozenset()  # the fields of its type in which a difference alone is no conflict


Row = tuple[int, bytes]  # an entity's stamp, and its text in UTF-8 as it goes over the wire and is stored


class Entity(NamedTuple):
    """An entity as devices get it."""

    entity_type: str
    id: str
    created_at: str
    updated_at: str
    data: str | None  # JSON text; None: a tombstone


class Version(NamedTuple):
    """An entity as the server holds it: with the change that made it, and the device that sent that."""

    stamp: int
    entity_type: str
    id: str
    created_at: str
    updated_at: str
    data: str | None
    change_id: str
    device_id: str | None


class Rejection(NamedTuple):
    """Why one change of a push is rejected; this affects only its group (groups.py)."""

    change_id: str | None
    code: str
    errors: FieldErrors


class _Refused(Exception):
    def __init__(self, code: str, errors: FieldErrors) -> None:
        self.code = code
        self.errors = errors


def entity_text(version: Version) -> str:
    """The entity as it goes over the wire. Ids and types need no escaping (identifiers.py), and `data` is JSON."""
    _, entity_type, entity_id, created_at, updated_at, data, _, _ = version
    return (
        f'{{"entity_type":"{entity_type}","id":"{entity_id}","created_at":"{created_at}","updated_at":"{updated_at}",'
        f'"deleted_at":{_quote(updated_at) if data is None else "null"},"data":{data or "null"}}}'
    )


def read_entity(text: bytes) -> Entity:
    """The entity of a text that `entity_text` has written. Raises Quarantined if the text is damaged."""
    try:
        match = _ENTITY.fullmatch(text.decode())
    except UnicodeDecodeError:
        match = None
    if match is None:
        raise quarantined()
    return Entity(*match.groups())


def _quote(text: str) -> str:
    return f'"{text}"'


def same_content(one: str | None, other: str | None, aside: frozenset[str] = frozenset()) -> bool:
    """Whether two `data` texts are the same content, some fields left aside; two tombstones are."""
    if one is None or other is None or one == other:
        return one == other
    return json_text.same(
        *({name: value for name, value in _data(text).items() if name not in aside} for text in (one, other))
    )


def _data(text: str) -> dict[str, Any]:
    data: dict[str, Any] = json_text.read_own(text)
    return data


def read_changes(elements: Sequence[Any], catalogue: Catalogue, limits: Limits) -> list[Change | Rejection]:
    """Each element of `changes` as a Change, or as the Rejection that says what is wrong with it."""
    return [_read_change(element, catalogue, limits) for element in elements]


def _read_change(element: Any, catalogue: Catalogue, limits: Limits) -> Change | Rejection:
    if type(element) is not dict:
        reason = json_text.oddity(element) or "is not an object"
        return Rejection(None, "invalid_change", {"change": [f"It {reason}."]})
    sent_id = element.get("change_id")
    try:
        return _change(element, sent_id, catalogue, limits)
    except _Refused as refused:
        return Rejection(_echo(sent_id), refused.code, refused.errors)


def _change(element: dict[str, Any], sent_id: Any, catalogue: Catalogue, limits: Limits) -> Change:
    change_id = canonical_uuid(sent_id)
    if change_id is None:
        raise _Refused("invalid_change", {"change_id": ["Give a UUID of 36 characters."]})
    group = element.get("group")
    if group is not None and canonical_uuid(group) is None:
        raise _Refused("invalid_change", {"group": ["Give a UUID of 36 characters."]})
    entity_type = element.get("entity_type")
    check = catalogue.get(entity_type) if type(entity_type) is str else None
    if check is None:
        raise _Refused("unknown_entity_type", {"entity_type": ["This server knows no such entity type."]})
    if not is_entity_id(element.get("id")):
        raise _Refused("invalid_id", {"id": ["Give 1 to 64 of A-Z a-z 0-9 - _ . :"]})
    is_deletion = "deleted_at" in element and _time(element, "deleted_at") is not None
    data, warnings = (None, None) if is_deletion else _data_text(element, check, limits)
    updated_at = _time(element, "updated_at")
    if updated_at is None:
        raise _Refused("invalid_time", {"updated_at": ["Give the moment of the edit."]})
    sent_created_at = element.get("created_at")
    # In most changes the two are equal, and reading a time costs more than comparing two.
    created_at = updated_at if sent_created_at == element["updated_at"] else _time(element, "created_at")
    says_base = "base_updated_at" in element
    return Change(  # by place: names would cost as much again
        change_id,
        sent_id,
        (element["entity_type"], element["id"]),
        updated_at,
        data,
        sent_created_at,
        created_at,
        says_base,
        _time(element, "base_updated_at") if says_base else None,
        warnings,
        check.aside,
    )


def _time(element: dict[str, Any], name: str) -> str | None:
    sent = element.get(name)
    if sent is None:
        return None
    time = canonical_time(sent)
    if time is None:
        raise _Refused("invalid_time", {name: ["Give a time such as 2026-01-09T19:01:02.123Z."]})
    return time


def _data_text(element: dict[str, Any], check: FieldCheck, limits: Limits) -> tuple[str, FieldErrors | None]:
    """The text to store, and what is odd in it."""
    data = element.get("data")
    if type(data) is dict and len(data) <= limits.fields and limits.depth > 1 and check.is_flat(data):
        text = json_text.flat_text(data)
        if text is not None and len(text) * 4 <= limits.change_bytes:
            return text, None
    if reason := json_text.oddity(data, limits.depth):
        raise _Refused("invalid_data", {"data": [f"It {reason}."]})
    if type(data) is not dict:
        raise _Refused("invalid_data", {"data": ["Give the entity's fields as an object, or set deleted_at."]})
    if len(data) > limits.fields:
        raise _Refused("invalid_data", {"data": [f"Give at most {limits.fields} fields."]})
    text = json_text.write(data)
    if len(text) * 4 > limits.change_bytes and len(text.encode()) > limits.change_bytes:
        raise _Refused("too_large", {"data": [f"Keep one change below {limits.change_bytes} bytes."]})
    found = check(data)
    if found and found.wrong:
        raise _Refused("invalid_data", found.wrong)
    return text, found and found.odd


def _echo(sent_id: Any) -> str | None:
    """The change_id as it was sent, if it can be sent back; it tells the device which queue entry is meant."""
    return sent_id if type(sent_id) is str and len(sent_id) <= 64 and not json_text.oddity(sent_id) else None
