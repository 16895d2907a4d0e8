"""A request as a view sees it, whether Flask answers it or a direct route (direct.py).

Each rule of HTTP is one function of the WSGI environment. Where devices send the same few values all the time, it looks
for these first; Werkzeug reads the rest.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from flask import Response
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import NotAcceptable, UnsupportedMediaType
from werkzeug.http import parse_accept_header, parse_etags, parse_options_header

from finwise.domain import Domain, HeldPermissions
from finwise.domain.token import Caller
from finwise.errors import BadRequest, Invalid

Environ = dict[str, Any]

JSON = "application/json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"
SQLITE = "application/vnd.sqlite3"
BYTES = "application/octet-stream"

_SENT_AS_JSON = frozenset({JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=utf-8"})
_TAKES_JSON = frozenset({"", "*/*", JSON, f"{JSON}, text/plain, */*"})
_LONGEST_QUERY = 512  # characters of a query that is remembered, so that what is remembered is bounded in bytes


class Request:
    """What is asked, by whom and when."""

    __slots__ = ("caller", "domain", "environ", "now", "parameters", "permissions", "read")

    caller: Caller  # there on every route that needs a token
    parameters: Mapping[str, str]  # of the query

    def __init__(self, environ: Environ, domain: Domain, now: int, read: Callable[[], bytes]) -> None:
        self.environ = environ
        self.domain = domain
        self.now = now  # µs
        self.read = read  # the bytes of the body
        self.permissions: HeldPermissions | None = None  # on a direct route: what users.db said when it began

    def release_permissions(self) -> None:
        """Says that the caller and their permissions are known. What users.db is asked after this may be newer."""
        if self.permissions is not None:
            self.permissions.release()

    def json_body(self) -> bytes:
        """The bytes of a body that says it is JSON. Raises the HTTP errors 413 and 415."""
        if not _is_json(self.environ):
            raise UnsupportedMediaType
        return self.read()

    def require_body_type(self, *taken: str) -> None:
        """Raises the HTTP error 415 if the body says it is of another media type, or encoded."""
        media_type, _ = parse_options_header(self.environ.get("CONTENT_TYPE", ""))
        encoding = self.environ.get("HTTP_CONTENT_ENCODING", "identity")
        if media_type.lower() not in taken or encoding.lower() != "identity":
            raise UnsupportedMediaType

    def answer_type(self, *served: str) -> str:
        """The media type to answer with, of those served. Raises the HTTP error 406.

        Some generated clients name the media type of errors alone. What they get when nothing is wrong is JSON.
        """
        sent = self.environ.get("HTTP_ACCEPT", "")
        if served[0] == JSON and sent in _TAKES_JSON:
            return JSON
        accepted = parse_accept_header(sent, MIMEAccept)
        if not accepted:
            return served[0]
        best = accepted.best_match(served)
        if best is None and accepted.best_match([PROBLEM]):
            return JSON
        if best is None:
            raise NotAcceptable
        return best

    def has(self, tag: str) -> bool:
        """Whether the client has what this weak ETag names."""
        sent = self.environ.get("HTTP_IF_NONE_MATCH")
        return sent is not None and parse_etags(sent).contains_weak(tag)


class Answer(NamedTuple):
    """What a view answers to a request.

    freed_later: what takes long to free; a direct route frees it after the answer. If it were freed before, the answers
    to the pushes of a book would take 1.10 times the CPU time (`python -m benchmarks.tricks "freed push"`).
    """

    body: bytes
    headers: tuple[tuple[str, str], ...] = ()  # besides those that each answer has
    status: int = 200
    media_type: str = JSON
    freed_later: object = None

    def response(self) -> Response:
        """The answer as an object of Flask."""
        response = Response(self.body, self.status, self.headers, mimetype=self.media_type)
        response.headers["Vary"] = VARY
        return response


VARY = "Accept, Authorization"


def read_parameters(environ: Environ) -> Mapping[str, str]:
    """The parameters of a request. Raises BadRequest if the query is none, Invalid for a parameter given twice."""
    query = environ.get("QUERY_STRING", "")
    return _parse(query) if query else {}


def remembered_parameters(environ: Environ) -> Mapping[str, str]:
    """What `read_parameters` returns, remembered: a caller who is known most likely sends the same query again."""
    query = environ.get("QUERY_STRING", "")
    return _parse_once(query) if len(query) <= _LONGEST_QUERY else _parse(query)


def _parse(query: str) -> Mapping[str, str]:
    """Two readers would read a parameter that is given twice differently, so it is refused."""
    if not query.isascii():  # Werkzeug would not come to its end with what is not UTF-8
        raise BadRequest("The parameters are not a query string. Percent-encode them as UTF-8.")
    given = parse_qsl(query, keep_blank_values=True, errors="werkzeug.url_quote")
    if len(parameters := dict(given)) < len(given):
        raise Invalid("A parameter is given more than once. Give each once.")
    return parameters


_parse_once = lru_cache(1_024)(_parse)  # a device polls with the same cursor until there is something


def _is_json(environ: Environ) -> bool:
    encoding = environ.get("HTTP_CONTENT_ENCODING", "identity")
    sent = environ.get("CONTENT_TYPE", "")
    if encoding == "identity" and sent in _SENT_AS_JSON:
        return True
    media_type, options = parse_options_header(sent)
    charset = options.get("charset", "utf-8").lower()
    return media_type.lower() == JSON and charset in ("utf-8", "utf8") and encoding.lower() == "identity"
