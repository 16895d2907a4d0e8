"""The checksum of a row: bits that flip on a disk pass SQLite's own checks, and the book would say something else."""

from hashlib import blake2b, sha256


def checksum(*values: int | str | None) -> bytes:
    """The first 16 bytes of SHA-256 over a row's values, for which most processors have instructions.

    No value contains NUL (json_text.py), so that none runs into the next.
    """
    return checksum_of(_joined(values))


def checksum_of(text: str) -> bytes:
    """The checksum of values that are joined already, by NUL."""
    return sha256(text.encode()).digest()[:16]


def old_checksum(*values: int | str | None) -> bytes:
    """What stands in files of the schemas 2 to 5; migrations alone ask for it."""
    return blake2b(_joined(values).encode(), digest_size=16).digest()


def _joined(values: tuple[int | str | None, ...]) -> str:
    return "\0".join(map(str, values))
