"""The number by which an entity is found. An index of numbers takes a quarter of the room that one of names takes.

Two ids may have the same number, by chance or on purpose. So whoever finds an entity by it looks at its id as well, and
at all that have the number. Who makes many of these has each push read them all, but once, however many it brings:
with 100,000 of them a push takes 0.25 s, and a first load 0.09 s.
"""

from zlib import crc32


def id_hash(entity_id: str) -> int:
    """CRC-32 of an id; the same in every file and version."""
    return crc32(entity_id.encode())
