"""As much of Protocol Buffers as Actual's server speaks: fields with a length, one in another."""

from __future__ import annotations

from collections.abc import Iterator

_BYTES = 2  # the kind of a field with a length


def field(number: int, content: bytes | str) -> bytes:
    """A field of a message."""
    data = content if isinstance(content, bytes) else content.encode()
    return bytes([number << 3 | _BYTES]) + _varint(len(data)) + data


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The number and content of each field that has a length; numbers are passed over."""
    at = 0
    while at < len(message):
        number, kind = message[at] >> 3, message[at] & 7
        value, at = _read_varint(message, at + 1)
        if kind == _BYTES:
            yield number, message[at : at + value]
            at += value


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
