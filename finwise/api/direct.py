"""Direct routes: views that are answered without Flask, which costs several times what a poll costs otherwise.

A view asks for it with `@blueprint.direct`. It takes a `Request` and returns an `Answer`, and it is the same function
whichever way a request takes. Flask answers the requests that are not of the usual form: with a path that is spelled in
another way, or with a body that does not say how long it is. It answers all if somebody has added hooks or error
handlers to the application; what is refused before any work (arrivals.py) never comes so far.

The rules are those of Flask's hooks, in the same order. What is done differently is how often things are looked at:
who asks, and what they may, is read from users.db in one look.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, NamedTuple

from flask import Flask, Response

from finwise.api import context
from finwise.api.auth import admit, sender_of
from finwise.api.bodies import body_limit
from finwise.api.browsers import Browsers
from finwise.api.errors import answer_to
from finwise.api.flooding import Flow
from finwise.api.proxies import Wsgi, client_address
from finwise.api.request import VARY, Answer, Environ, Request, remembered_parameters
from finwise.domain import Domain, events
from finwise.turns import Turn

View = Callable[..., Answer]

_RULE = re.compile(r"([^<>]+?)(?:/<(\w+)>)?")
_MARK = "direct"  # the attribute of a view function that holds its view
_FREED_LATER = "finwise.freed_later"
_SMALL = 65_536  # bytes of a body that arrives at once, mostly
_MOST_FAMILIAR = 4_096


def mark(view: View) -> Callable[..., Response]:
    """The view as a function for Flask, from which `Direct` takes the view itself."""

    @wraps(view)
    def answer(**path: str) -> Response:
        return view(context.request(), **path).response()

    setattr(answer, _MARK, view)
    return answer


class Route(NamedTuple):
    """A direct route."""

    endpoint: str  # as Flask names it
    view: View  # the function of the blueprint
    parameter: str  # the name of the last part of its path; empty if the path is fixed
    limit: int | None  # bytes of a body; None: it takes none


class Direct:
    """A WSGI middleware in front of Flask."""

    def __init__(self, app: Flask, domain: Domain, browsers: Browsers, flow: Flow, clock: Callable[[], int]) -> None:
        self._flask = app
        self._app: Wsgi = app.wsgi_app
        self._domain = domain
        self._browsers = browsers
        self._flow = flow
        self._clock = clock
        self._familiar: set[str] = set()  # headers with tokens that opened something lately
        self._routes = dict(_routes(app, domain))
        self._vary = ("Vary", browsers.varies(VARY))
        self._hooks = _Hooks(app)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """The application's answer."""
        found = self._find(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if found is None or self._hooks.have_changed() or not _is_usual(environ, found[0]):
            return self._app(environ, start_response)
        try:
            answer = self._answer(environ, *found)
        except Exception as error:
            return self.refuse(environ, error)(environ, start_response)
        finally:
            events.end_request()
        if answer.freed_later is not None:
            environ[_FREED_LATER] = answer.freed_later
        if answer.status != 200:
            return self._browsers.protect(environ, answer.response())(environ, start_response)
        length = ("Content-Length", str(len(answer.body)))
        kind = ("Content-Type", answer.media_type)
        start_response("200 OK", [length, kind, self._vary, *answer.headers, *self._browsers.headers(environ)])
        return [answer.body]

    def refuse(self, environ: Environ, error: Exception) -> Response:
        """The answer to an error of a request that Flask does not see."""
        events.asked_from(client_address(environ))
        try:
            with self._flask.app_context():
                return self._browsers.protect(environ, answer_to(error))
        finally:
            events.end_request()

    def _find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route of a request, with what its path names."""
        if route := self._routes.get((method, path, False)):
            return route, {}
        above, _, last = path.rpartition("/")
        route = self._routes.get((method, above, True))
        return (route, {route.parameter: last}) if route and last and last.isascii() else None

    def _answer(self, environ: Environ, route: Route, path: Mapping[str, str]) -> Answer:
        request = Request(environ, self._domain, self._clock(), bytes)
        events.asked_from(client_address(environ))
        self._browsers.require_our_name(environ)
        is_admitted = route.limit is not None and self._read(request, route)
        with Turn(), self._domain.hold_permissions() as request.permissions:
            if not is_admitted:
                admit(request, route.endpoint, self._flow)
            request.parameters = remembered_parameters(environ)
            return route.view(request, **path)

    def _read(self, request: Request, route: Route) -> bool:
        """Reads the body, before the turn, for it may take its time; whether the request is admitted.

        Nothing of a stranger's body is read. The caller of a recent request is looked up once the body has arrived.
        """
        environ = request.environ
        length, token = int(environ["CONTENT_LENGTH"]), environ.get("HTTP_AUTHORIZATION", "")
        is_familiar = token in self._familiar and length <= _SMALL
        if is_familiar:
            sender_of(environ).is_known = True
        else:
            admit(request, route.endpoint, self._flow)
            self._remember(token)
        body = environ["wsgi.input"].read(length)
        request.read = lambda: body
        return not is_familiar

    def _remember(self, token: str) -> None:
        if len(self._familiar) >= _MOST_FAMILIAR:
            self._familiar.clear()
        self._familiar.add(token)


class _Hooks:
    """The functions that Flask calls before and after every request, and for errors."""

    def __init__(self, app: Flask) -> None:
        self._lists = (app.before_request_funcs[None], app.after_request_funcs[None], app.teardown_request_funcs[None])
        self._handlers = app.error_handler_spec[None]  # by status and class; an error looked up leaves empty ones
        self._by_class = dict(self._handlers[None])
        self._before = self._count()

    def have_changed(self) -> bool:
        """Whether somebody has added or replaced one since the application was made."""
        return self._count() != self._before or self._handlers[None] != self._by_class

    def _count(self) -> int:
        before, after, teardown = self._lists
        return len(before) + len(after) + len(teardown) + sum(map(len, self._handlers.values()))


def _routes(app: Flask, domain: Domain) -> Iterable[tuple[tuple[str, str, bool], Route]]:
    """The direct routes by method, by the path before a parameter, and by whether there is one."""
    for rule in app.url_map.iter_rules():
        view = getattr(app.view_functions[rule.endpoint], _MARK, None)
        if view is None:
            continue
        form = _RULE.fullmatch(rule.rule)
        if form is None:
            raise ValueError(f"A direct route may have one parameter, as the last part of its path: {rule.rule}")
        path, parameter = form.groups("")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            limit = None if method == "GET" else body_limit(rule.endpoint, domain.limits)
            yield (method, path, bool(parameter)), Route(rule.endpoint, view, parameter, limit)


def _is_usual(environ: Environ, route: Route) -> bool:
    """Whether a request says in plain digits how long its body is, if the route takes one, and is not too long."""
    if route.limit is None:
        return True
    length = environ.get("CONTENT_LENGTH", "")
    is_plain = length.isascii() and length.isdigit() and "HTTP_TRANSFER_ENCODING" not in environ
    return is_plain and int(length) <= route.limit
