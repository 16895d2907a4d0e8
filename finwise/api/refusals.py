"""Refusals before any work is done: each answer is made once, because under attack there are thousands a second.

They end the connection, or one that sends requests without waiting for answers would be refused without a pause.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Response

from finwise.api.errors import tell_of
from finwise.api.proxies import client_address
from finwise.api.request import Environ
from finwise.domain import events
from finwise.errors import FinWiseError

Wsgi = Callable[[Environ, Any], Iterable[bytes]]

_MOST = 64  # answers that are kept; there are a dozen
_OUR_SERVER = "Granian"  # takes this header; WSGI leaves connections to other servers
_THE_END = ("Connection", "close")


@dataclass(frozen=True)
class Made:
    """An answer as a WSGI server is given it."""

    status: str  # with its phrase, such as "429 TOO MANY REQUESTS"
    headers: list[tuple[str, str]]
    body: bytes  # a problem in JSON

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answers as a WSGI application."""
        is_ours = environ.get("SERVER_SOFTWARE") == _OUR_SERVER
        start_response(self.status, [*self.headers, _THE_END] if is_ours else list(self.headers))
        return [self.body]


class Refusals:
    """Answers to errors. make: answers any error, but takes half as long as a poll."""

    def __init__(self, make: Callable[[Environ, Exception], Response]) -> None:
        self._make = make
        self._made: dict[tuple[type[FinWiseError], str, int | None], Made] = {}

    def answer(self, environ: Environ, error: FinWiseError) -> Wsgi:
        """The answer. Those to HEAD and to pages of other origins differ, so they are made each time."""
        if "HTTP_ORIGIN" in environ or environ.get("REQUEST_METHOD") == "HEAD":
            return self._make(environ, error)
        key = type(error), error.detail, error.retry_after
        if (made := self._made.get(key)) is None:
            return self._keep(key, self._make(environ, error), environ)
        events.asked_from(client_address(environ))
        tell_of(error)
        events.end_request()
        return made

    def _keep(self, key: tuple[type[FinWiseError], str, int | None], answer: Response, environ: Environ) -> Made:
        made = Made(answer.status, answer.get_wsgi_headers(environ).to_wsgi_list(), answer.get_data())
        if len(self._made) < _MOST:
            self._made[key] = made
        return made
