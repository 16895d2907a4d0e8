r"""The digest by which a device sees that it holds what the server holds (protocol.md 4).

Per entity type: the sum mod 2^64 of the first 8 bytes (big-endian) of SHA-256 of `entity_type\nid\nupdated_at` over
its living entities. A sum, so that one change costs one subtraction and one addition.
"""

from hashlib import sha256

from finwise.domain.change import Entity, Version

ZERO = "0" * 16  # the digest of nothing

_MODULUS = 2**64


def weight(version: Version | Entity) -> int:
    """What a version adds to its type's digest: 0 for a tombstone."""
    if version.data is None:
        return 0
    text = f"{version.entity_type}\n{version.id}\n{version.updated_at}"
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big")


def add(digest: str, difference: int) -> str:
    """The digest after a change of its sum: 16 hex digits, as it is stored and answered."""
    return f"{(int(digest, 16) + difference) % _MODULUS:016x}"
