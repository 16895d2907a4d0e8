"""The forms of names: UUIDs of users, tenants and changes, ids of entities.

`uuid.UUID` is not used to read them: it accepts braces, `urn:`, missing dashes, full-width digits and signs, and
turns some of these into other UUIDs.
"""

import re

_UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
fits_entity_id = re.compile(r"[A-Za-z0-9_.:-]{1,64}").fullmatch  # for what is known to be a text
_NIL = "00000000-0000-0000-0000-000000000000"


def canonical_uuid(text: object) -> str | None:
    """The lower-case text of a UUID given as 36 ASCII characters; None for anything else and for the nil UUID."""
    if type(text) is not str or not _UUID.fullmatch(text):
        return None
    lowered = text.lower()
    return None if lowered == _NIL else lowered


def is_entity_id(text: object) -> bool:
    """Whether this is a device-made entity id: 1 to 64 of `A-Z a-z 0-9 - _ . :` (protocol.md 1)."""
    return type(text) is str and fits_entity_id(text) is not None
