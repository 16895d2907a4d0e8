"""The number by which an entity is found. An index of numbers takes a quarter of the room that one of names takes.

Two ids may have the same number, by chance or on purpose. So a lookup compares the id as well, of
all entities with the number. Colliding ids make each push read all of them once, however many changes it brings:
with 100,000 of them a push takes 0.25 s, and a first load 0.09 s.
"""

from zlib import crc32


def id_hash(entity_id: str) -> int:
    """CRC-32 of an id; the same in every file and version."""
    return crc32(entity_id.encode())
