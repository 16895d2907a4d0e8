"""How large bodies may be, and reading those that Flask takes."""

from collections.abc import Iterator

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from finwise.domain.limits import Limits

SMALL_BODY = 16_384  # bytes that the body of anything but a push may have; logging in needs 4,000 at most
_PIECE = 256 * 1024  # bytes of a body that are in memory at once
_LARGE_BODIES = frozenset({"sync.push_changes"})  # endpoints
_IMPORTS = frozenset({"imports.import_tenant"})


def body_limit(endpoint: str | None, limits: Limits) -> int:
    """Bytes that the body of a request may have."""
    if endpoint in _IMPORTS:
        return limits.import_bytes
    return limits.body_bytes if endpoint in _LARGE_BODIES else SMALL_BODY


def read_body() -> bytes:
    """The bytes of a body that Flask has not read. Raises the HTTP error 413."""
    body = request.get_data(cache=False)
    most = request.max_content_length
    if request.content_length is None and most is not None and len(body) >= most:
        raise RequestEntityTooLarge  # without a length, Werkzeug cuts off what is beyond the limit
    return body


def read_pieces() -> Iterator[bytes]:
    """The bytes of a body that Flask has not read, piece by piece. Raises the HTTP error 413, also at the end."""
    taken, most = 0, request.max_content_length
    while piece := request.stream.read(_PIECE):
        taken += len(piece)
        yield piece
    if request.content_length is None and most is not None and taken >= most:
        raise RequestEntityTooLarge
