"""Answers that are made while they are sent, such as a first load: how many at once, in which turn, how packed.

Such an answer occupies a thread for as long as its reader takes, which may be minutes, and a reader that stands still
takes forever. So such answers take places, half as many as a process has threads; a request that finds none free is
answered 503, and small pushes find a thread even during many loads. The answers take turns at making their next piece,
so that everybody else waits for one of them at most: Python runs one thread at a time anyway.
"""

import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Lock
from typing import Any, TypeVar

from flask import Response, request

from finwise.errors import Busy, SlowDown

_GZIP = zlib.MAX_WBITS | 16  # deflate with gzip's head and tail
_FASTEST = 1  # a sixth of the size for 3 µs an entity; level 6: a seventh for 7 µs
_RETRY_AFTER = 5  # seconds

T = TypeVar("T")
Body = Iterator[str] | Iterator[bytes]


class Streams:
    """The places of one process."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken: Counter[str] = Counter()
        self._guard = Lock()
        self._at_work = Lock()
        self._books: dict[str, Lock] = {}  # of the answers from one book, while there are any

    def take_place(self, opened: ExitStack, tenant_id: str, most: int | None = None) -> None:
        """Takes a place for a tenant, which is free again once `opened` is closed.

        A tenant may have `most` places, half of all if that is not given, so that others find one. Raises SlowDown if
        it has them, Busy if none is free.
        """
        with self._guard:
            if self._taken[tenant_id] >= (most or max(1, self._places // 2)):
                raise SlowDown(
                    "This book is loaded too many times at once. Wait for the others.",
                    retry_after=_RETRY_AFTER,
                    limit="loads of a book",
                    tenant_id=tenant_id,
                )
            if self._taken.total() >= self._places:
                raise Busy("Too many books are being loaded at once. Try again in a moment.", retry_after=_RETRY_AFTER)
            self._taken[tenant_id] += 1
            self._books.setdefault(tenant_id, Lock())
        opened.callback(self._leave, tenant_id)

    def _leave(self, tenant_id: str) -> None:
        with self._guard:
            self._taken[tenant_id] -= 1
            if not self._taken[tenant_id]:
                del self._taken[tenant_id], self._books[tenant_id]

    def answer(self, body: Body, media_type: str, opened: ExitStack, tenant_id: str) -> Response:
        """An answer that reads from `opened` while it is sent, and closes it at the end, even after an error."""
        pieces: Any = self.in_turn(
            body, tenant_id
        )  # Flask takes texts or bytes, and mypy would have both told apart here
        answer = Response(pieces, mimetype=media_type)
        answer.headers["Vary"] = "Accept, Authorization"
        answer.call_on_close(opened.close)
        return answer

    def in_turn(self, body: Iterator[T], tenant_id: str) -> Iterator[T]:
        """The pieces of a body, each made when nobody else makes one. The tenant has a place.

        The first is made here and now: if that fails, there is an error to answer, and not a body that breaks off.
        """
        of_the_book = self._books[tenant_id]
        first = self._next(body, of_the_book)
        return iter(()) if first is None else self._from(first, body, of_the_book)

    def _from(self, piece: T | None, body: Iterator[T], of_the_book: Lock) -> Iterator[T]:
        while piece is not None:
            yield piece
            piece = self._next(body, of_the_book)

    def _next(self, body: Iterator[T], of_the_book: Lock) -> T | None:
        with of_the_book, self._at_work:
            return next(body, None)


def pack(answer: Response, body: Iterator[bytes]) -> None:
    """Gives the answer its body, gzipped if the client accepts that.

    Nothing of a request is in such an answer and no token, and a browser sends none by itself; so its length tells
    nobody what they may not see (BREACH).
    """
    del answer.headers["Content-Length"]  # nobody knows it yet
    if request.accept_encodings.best_match(("gzip", "identity"), "identity") == "gzip":
        answer.headers["Content-Encoding"] = "gzip"
        answer.response = _gzip(body)
    else:
        answer.response = body


def _gzip(body: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP)
    for piece in body:
        if ready := packer.compress(piece):
            yield ready
    yield packer.flush()
