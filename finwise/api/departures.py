"""Answers on their way out: a reader who takes nothing keeps neither a thread nor much memory.

The server under the application takes an answer that is a list at once and keeps it until it is sent; from any other it
asks for the next piece once the last ones have left, and a thread waits for that. So a small answer is handed over as a
list. A large one goes in pieces, so that what a reader has not taken yet is known: a token's is part of its work in
progress (arrivals.py), and what needs no token, such as the files of the page, has places of its own here.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from flask import Flask, Response, request

from finwise.api import errors, proxies
from finwise.api.arrivals import SMALL, close
from finwise.api.auth import sender_of
from finwise.api.lane import Lane
from finwise.api.request import Environ
from finwise.errors import FinWiseError

Wsgi = Callable[[Environ, Any], Iterable[bytes]]

_PIECE = 262_144  # bytes; the server asks for four ahead, and each piece wakes a thread


class Departures:
    """A WSGI middleware outside of all others."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """The application's answer: a list if it is small."""
        sent: list[tuple[str, str]] = []

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal sent
            sent = headers
            return start_response(status, headers, *error)

        answer = self._app(environ, start)
        if isinstance(answer, list):
            return answer if sum(map(len, answer)) <= SMALL else _InPieces(answer)
        length = next((value for name, value in sent if name == "Content-Length"), None)
        if length is None or int(length) > SMALL:
            return _InPieces(answer)
        try:
            return [b"".join(answer)]
        finally:
            close(answer)


class _InPieces:
    """An answer in pieces of one size at most."""

    def __init__(self, answer: Iterable[bytes]) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        for content in self._answer:
            yield from (content[begin : begin + _PIECE] for begin in range(0, len(content), _PIECE))

    def close(self) -> None:
        """The server calls this in the end, even if it did not send everything."""
        close(self._answer)


def register(app: Flask, threads: int) -> None:
    """Gives large answers that need no token places: a quarter of the threads, half of that for an address."""
    lane = Lane(max(1, threads // 4), max(1, threads // 8), patience=0)

    @app.after_request
    def take_place(answer: Response) -> Response:
        if sender_of(request.environ).is_known or request.method == "HEAD" or (answer.content_length or 0) <= SMALL:
            return answer
        address = proxies.address()
        try:
            lane.enter(address)
        except FinWiseError as error:
            answer.close()
            return errors.answer_to(error)
        answer.direct_passthrough = False  # or a file would be handed on as it is, and nobody told when it is sent
        answer.call_on_close(partial(lane.leave, address))
        return answer
