"""The two requests that devices make all the time, without a web framework in between.

A poll that finds nothing costs Flask and its companions several times what it costs the book. So a pull and a push in
the plain form that clients send are answered here: by the same rules (domain/), with the same words (answers.py). What
is not of that form goes on to Flask as it came, and what is refused with the error, for Flask to say it. A test
compares the two ways.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from finwise.api import answers, sync
from finwise.api.auth import KNOWN, REFUSED, identify
from finwise.api.browsers import is_ours, protection
from finwise.api.flooding import Flow
from finwise.config import Settings
from finwise.domain import Domain, json_text
from finwise.domain.cursor import format_cursor
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.limits import MAX_PAGE
from finwise.domain.token import Caller
from finwise.schemas.sync import read_envelope
from finwise.turns import Turn

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]
Answer = tuple[str, list[tuple[str, str]]]  # the body, headers beside those that all answers have

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?|\[[0-9a-f:]+\](:[0-9]+)?", re.ASCII)
_QUERY = re.compile(r"(since|limit|entity_types)=((?:[A-Za-z0-9:._~,-]|%[2-7][0-9A-Fa-f])+)", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_JSON = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})
_ACCEPTED = frozenset({"", "*/*", "application/json", "application/json, text/plain, */*"})
_PUSHED = "finwise.pushed"
_SMALL = 65_536  # bytes of a body that arrives at once, mostly
_MOST_FAMILIAR = 4_096
_LONGEST_QUERY = 512  # characters of a query that is remembered, so that what is remembered is bounded in bytes
_ODD = frozenset({"HTTP_ORIGIN", "HTTP_IF_NONE_MATCH", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING"})


class Express:
    """A WSGI middleware in front of the whole application."""

    def __init__(self, app: Wsgi, domain: Domain, settings: Settings, flow: Flow, clock: Callable[[], int]) -> None:
        self._app = app
        self._domain = domain
        self._flow = flow
        self._clock = clock
        self._familiar: set[str] = set()  # headers with tokens that opened something lately
        self._path = f"{settings.url_prefix}/sync/changes"
        self._names = settings.hosts
        vary = "Accept, Authorization, Origin" if settings.origins else "Accept, Authorization"
        self._headers = [("Content-Type", "application/json"), ("Vary", vary), *protection(settings).items()]

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """The application's answer."""
        answer = None
        if environ["PATH_INFO"].startswith(self._path) and REFUSED not in environ and self._is_plain(environ):
            try:
                answer = self._answered(environ)
            except Exception as error:
                environ[REFUSED] = error
        if answer is None:
            try:
                return self._app(environ, start_response)
            finally:
                environ.pop(REFUSED, None)  # its traceback holds this frame, which holds the environment
        body, headers = answer[0].encode(), answer[1]
        start_response("200 OK", [*headers, ("Content-Length", str(len(body))), *self._headers])
        return [body]

    def _is_plain(self, environ: Environ) -> bool:
        return (
            _HOST.fullmatch(environ.get("HTTP_HOST", "")) is not None
            and is_ours(self._names, environ["HTTP_HOST"])
            and environ.get("HTTP_ACCEPT", "") in _ACCEPTED
            and environ.keys().isdisjoint(_ODD)
            and not environ.get("SCRIPT_NAME")
        )

    def _answered(self, environ: Environ) -> Answer | None:
        """None if the request is not one of the two, or not of the plain form."""
        path, method = environ["PATH_INFO"][len(self._path) :], environ["REQUEST_METHOD"]
        if method == "POST" and not path and not environ.get("QUERY_STRING") and environ.get("CONTENT_TYPE") in _JSON:
            return self._push(environ)
        if method == "GET" and len(path) == 37 and canonical_uuid(path[1:]) == path[1:]:
            with Turn():
                return self._pull(environ, path[1:])
        return None

    def _pull(self, environ: Environ, tenant_id: str) -> Answer | None:
        if environ.get("HTTP_X_TENANT_ID", tenant_id) != tenant_id:
            return None
        now = self._clock()
        with self._domain.moment():
            caller = self._caller(environ, now)
            text = environ.get("QUERY_STRING", "")
            query = _query(text) if len(text) <= _LONGEST_QUERY else None
            if query is None:
                return None
            tenant = self._domain.tenants.to_read(caller, tenant_id)
        request = sync.pull_request(query, sync.contact(query, caller, now))
        page = self._domain.sync.pull(tenant.uuid, request)
        tag = f'W/"{format_cursor(page.next_stamp, page.epoch)}"'
        return answers.page_text(page, now), [("ETag", tag)]

    def _push(self, environ: Environ) -> Answer | None:
        length = environ.get("CONTENT_LENGTH", "")
        if not (length.isascii() and length.isdigit()) or int(length) > self._domain.limits.body_bytes:
            return None
        now = self._clock()
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        # Nothing of a stranger's body is read. Who has just pushed is asked for once the body is there, which is once.
        is_familiar = authorization in self._familiar and int(length) <= _SMALL
        caller = None if is_familiar else self._caller(environ, now)
        self._remember(authorization)
        environ[KNOWN] = caller.user.uuid if caller else True
        body = environ["wsgi.input"].read(int(length))  # before the turn and the moment, for it may take its time
        with Turn():
            return self._pushed(environ, body, caller, now)

    def _pushed(self, environ: Environ, body: bytes, known: Caller | None, now: int) -> Answer:
        with self._domain.moment():
            caller = known or self._caller(environ, now)
            envelope = read_envelope(json_text.parse(body))
            named = [envelope.get("tenant_id"), environ.get("HTTP_X_TENANT_ID")]
            tenant = self._domain.tenants.to_write(caller, sync.tenant_id(*named))
        quota = self._domain.quotas.of_tenant(tenant)
        pushed = self._domain.sync.push(tenant.uuid, sync.push_request(envelope, caller, now), now, quota)
        # To free what was read of 500 changes takes 0.5 ms. So it goes with the environment, after the answer.
        environ[_PUSHED] = envelope, pushed
        return answers.pushed_text(pushed, now), []

    def _remember(self, authorization: str) -> None:
        if len(self._familiar) >= _MOST_FAMILIAR:
            self._familiar.clear()
        self._familiar.add(authorization)

    def _caller(self, environ: Environ, now: int) -> Caller:
        return identify(self._domain, self._flow, environ.get("HTTP_AUTHORIZATION", ""), now)


@lru_cache(1_024)  # a device polls with the same cursor until there is something
def _query(text: str) -> Mapping[str, Any] | None:
    """The parameters of a pull as its schema reads them; None where it had better look itself."""
    given: dict[str, Any] = {}
    for part in text.split("&") if text else ():
        match = _QUERY.fullmatch(part)
        if match is None or match[1] in given:
            return None
        given[match[1]] = unquote(match[2])
    if "entity_types" in given:
        given["entity_types"] = frozenset(given["entity_types"].split(","))
    if "limit" in given:
        if not _LIMIT.fullmatch(given["limit"]) or int(given["limit"]) > MAX_PAGE:
            return None
        given["limit"] = int(given["limit"])
    return given
