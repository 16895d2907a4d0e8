"""The checksums of rows: bits that flip on a disk pass SQLite's own checks, and the book would say something else.

Entities are read by the ten thousand. So with whatever is read of them an Adler-32 is compared, which takes an eighth
of the time that SHA-256 takes in Python. It notices every flipped bit and all damage within two bytes. Before anything
is derived from an entity a CRC-32 is compared as well, which notices all damage within four bytes. Either misses one of
some thousand millions of other damages. They keep off accidents, not somebody who can write the file.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from zlib import adler32, crc32

from finwise.errors import quarantined


def checksum(*values: int | str | None) -> bytes:
    """The first 16 bytes of SHA-256 over a row's values; of a row that is not read often.

    No value contains NUL (json_text.py), so that none runs into the next.
    """
    return sha256(_join(values)).digest()[:16]


def require_intact(row: tuple[Any, ...]) -> None:
    """Raises Quarantined unless the last value of a row is the checksum of the others."""
    if checksum(*row[:-1]) != row[-1]:
        raise quarantined()


def entity_checksum(stamp: int, text: bytes) -> int:
    """The checksum of an entity as devices get it, plus its stamp, to cover both. SQL subtracts the stamp again."""
    return stamp + adler32(text)


def row_crc(text: bytes, change_id: str | None, device_id: str | None) -> int:
    """The checksum of an entity together with the change and the device that it comes from."""
    return crc32(f"\0{change_id}\0{device_id}".encode(), crc32(text))


def are_intact(texts: Sequence[Any], sums: Sequence[Any]) -> bool:
    """Whether texts in UTF-8 have these Adler-32."""
    try:
        return tuple(map(adler32, texts)) == sums
    except TypeError:  # a damaged head of a row makes its values something else than texts
        return False


def checksum_of_bytes(stamp: int, *texts: bytes | None) -> bytes:
    """As `checksum`, of texts in UTF-8; migrations alone ask for it, of files of schema 6."""
    parts = [b"None" if text is None else text for text in texts]
    return sha256(b"\0".join([str(stamp).encode(), *parts])).digest()[:16]


def _join(values: tuple[int | str | None, ...]) -> bytes:
    return "\0".join(map(str, values)).encode()
