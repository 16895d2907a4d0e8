"""Errors over HTTP: RFC 9457 problem bodies, and the one table from an error to its status."""

import logging
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar
from uuid import uuid4

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, SecurityError

from finwise import errors
from finwise.api import context
from finwise.api.bodies import SMALL_BODY
from finwise.api.request import PROBLEM
from finwise.domain import json_text
from finwise.domain.events import tell
from finwise.domain.limits import MAX_PAGE
from finwise.entities import MAX_ERRORS

STATUS: Mapping[type[errors.FinWiseError], int] = {
    errors.BadRequest: 400,
    errors.BadCursor: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.CursorExpired: 410,
    errors.EpochChanged: 410,
    errors.TenantDeleted: 410,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.SlowDown: 429,
    errors.Busy: 503,
    errors.NotPermitted: 503,
    errors.ReadOnly: 503,
    errors.Quarantined: 503,
    errors.NewerSchema: 503,
    errors.OlderSchema: 503,
    errors.QuotaExceeded: 507,
    errors.StorageFull: 507,
}

# The statuses of this API in words; Python's and Werkzeug's own words differ from version to version.
TITLES: Mapping[int, str] = {
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}

# What a plain HTTP error is called and what to do about it, if no domain error says it better.
_PLAIN: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request cannot be read."),
    404: ("not_found", "There is no such route. /docs lists them."),
    405: ("method_not_allowed", "This route does not take this method. The header Allow lists those it takes."),
    406: (
        "not_acceptable",
        "Served: application/json; /sync/initial and imports also application/x-ndjson, exports "
        "application/vnd.sqlite3.",
    ),
    413: (
        "too_large",
        "The body is too large. Send less at once; `limits` says how much is taken: `max_body_bytes` in a push, "
        "`max_import_bytes` in an import, `max_small_body_bytes` elsewhere.",
    ),
    415: (
        "unsupported_media_type",
        "Send application/json in UTF-8 (an import also application/vnd.sqlite3), without a Content-Encoding.",
    ),
    422: ("invalid", "The request is not of the form the document describes. `errors` says where."),
}
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}", re.ASCII)

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Exception)


def _freeing(answer: Callable[[E], Response]) -> Callable[[E], Response]:
    """A function of an error that lets go of the request once it has the answer.

    A traceback holds its frames, and a frame may hold the error: a cycle that keeps the request and its body in memory
    until the garbage collector runs. So the tracebacks of the error, and of what led to it, are dropped.
    """

    @wraps(answer)
    def handle(error: E) -> Response:
        try:
            return answer(error)
        finally:
            waiting: list[BaseException | None] = [error]
            while waiting:
                held = waiting.pop()
                if held is not None and held.__traceback__ is not None:
                    held.__traceback__ = None
                    waiting += [held.__cause__, held.__context__, getattr(held, "exc", None)]  # `exc`: of webargs

    return handle


def register(app: Flask) -> None:
    """Answers every error with a problem body."""
    app.register_error_handler(HTTPException, answer_to)
    app.register_error_handler(Exception, answer_to)


def answer_to(error: Exception) -> Response:
    """The answer to any error; it lets go of the request that led to it."""
    if isinstance(error, errors.FinWiseError):
        return _domain_error(error)
    if isinstance(error, HTTPException):
        return http_error(error)
    return _answer_unexpected(error)


def tell_of(error: errors.FinWiseError) -> None:
    """Has the log say that a request was refused because there was too much at once."""
    if isinstance(error, errors.SlowDown):
        tell(error.event, **error.fields, wait=error.retry_after)
    elif isinstance(error, errors.Busy):
        tell("request.busy", reason=error.detail, wait=error.retry_after)


def limits() -> dict[str, int]:
    """What a request may hold, as `/healthz` and the answers 413 name it."""
    present = context.domain().limits
    return {
        "max_body_bytes": present.body_bytes,
        "max_small_body_bytes": SMALL_BODY,
        "max_import_bytes": present.import_bytes,
        "max_changes": present.changes,
        "max_change_bytes": present.change_bytes,
        "max_depth": present.depth,
        "max_fields": present.fields,
        "max_limit": MAX_PAGE,
    }


@_freeing
def http_error(error: HTTPException) -> Response:
    """The answer to an error of Flask, Werkzeug or webargs, with the headers the error carries."""
    status = error.code or 500
    code, detail = _PLAIN.get(status, ("error", "The request cannot be served."))
    if isinstance(error, SecurityError):
        detail = "This server does not answer to this name (FINWISE_TRUSTED_HOSTS)."
    members: dict[str, Any] = {"limits": limits()} if status == 413 else {}
    if messages := getattr(error, "data", {}).get("messages"):
        members["errors"] = _by_field(messages)
    answer = _problem(status, code, detail, members)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    return answer


@_freeing
def _domain_error(error: errors.FinWiseError) -> Response:
    status = STATUS[type(error)]
    members = dict(error.members)
    if error.errors:
        members["errors"] = error.errors
    if status == 413:
        members["limits"] = limits()
    for note in getattr(error, "__notes__", ()):
        log.error("%s", note)
    tell_of(error)
    answer = _problem(status, error.code, error.detail, members)
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@_freeing
def _answer_unexpected(error: Exception) -> Response:
    """A bug: the log has the whole story under a number, the client gets the number."""
    incident = uuid4().hex[:12]
    log.error("incident %s", incident, exc_info=error)
    return _problem(500, "internal", f"Something went wrong here. The operator finds it in the log as {incident}.", {})


def _problem(status: int, code: str, detail: str, members: Mapping[str, Any]) -> Response:
    body = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        **members,
    }
    return Response(json_text.write(body), status, mimetype=PROBLEM)


def _by_field(messages: Any) -> dict[str, list[str]]:
    """Marshmallow's messages by field. A name that is none of ours could be anything, so it is not repeated."""
    found: dict[str, list[str]] = {}
    for located in messages.values():
        for field, texts in located.items() if isinstance(located, dict) else [("body", located)]:
            known = isinstance(texts, list) and texts != ["Unknown field."] and _FIELD.fullmatch(str(field))
            name, said = (str(field), texts) if known else ("body", ["It has an unknown member."])
            found[name] = [str(text) for text in said]
    return dict(list(found.items())[:MAX_ERRORS])
