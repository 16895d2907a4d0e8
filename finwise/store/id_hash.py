"""The number by which an entity is found. An index of numbers takes a quarter of the room that one of names takes.

Two ids may have the same number, by chance or on purpose. So whoever finds an entity by it looks at its id as well, and
at all that have the number: somebody who makes many of these makes a push as slow as a first load, and no slower.
"""

from zlib import crc32


def id_hash(entity_id: str) -> int:
    """CRC-32 of an id; the same in every file and version."""
    return crc32(entity_id.encode())
