"""Reading request bodies strictly, and telling what may be answered."""

from typing import Any

from flask import Request, request
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import NotAcceptable, RequestEntityTooLarge, UnsupportedMediaType

from finwise.domain import json_text

JSON = "application/json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"
SQLITE = "application/vnd.sqlite3"
SMALL_BODY = 16_384  # bytes that the body of anything but a push may have; logging in needs 4,000 at most


class StrictParser(FlaskParser):
    """Reads JSON bodies by FinWise's own rules (json_text.py) instead of webargs'."""

    def load_json(self, req: Request, schema: Any) -> Any:
        """The parsed body. Raises Invalid, or the HTTP errors 413 and 415."""
        return json_text.read(json_body())


def json_body() -> bytes:
    """The bytes of a body that says it is JSON. Raises the HTTP errors 413 and 415."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if request.mimetype != JSON or charset not in ("utf-8", "utf8") or encoding != "identity":
        raise UnsupportedMediaType
    body = request.get_data(cache=False)
    most = request.max_content_length
    if request.content_length is None and most is not None and len(body) >= most:
        raise RequestEntityTooLarge  # without a length, Werkzeug cuts off what is beyond the limit
    return body


def answer_type(*served: str) -> str:
    """The media type to answer with, of those served. Raises the HTTP error 406.

    Some generated clients name the media type of errors alone. What they get when nothing is wrong is JSON.
    """
    accepted = request.accept_mimetypes
    if not accepted:
        return served[0]
    best = accepted.best_match(served)
    if best is None and accepted.best_match([PROBLEM]):
        return JSON
    if best is None:
        raise NotAcceptable
    return best
