"""What a view has at hand while Flask answers a request: the domain, the settings, the time, who asks."""

from collections.abc import Callable

from flask import Flask, current_app, g
from flask import request as flask_request

from finwise.api import proxies
from finwise.api.bodies import read_body
from finwise.api.request import Request
from finwise.api.streams import Streams
from finwise.config import Settings
from finwise.demo import Door
from finwise.domain import Domain, events
from finwise.domain.token import Caller
from finwise.domain.user import User

_DOMAIN, _SETTINGS, _STREAMS, _IMPORTS, _DOOR = (
    "finwise",
    "finwise settings",
    "finwise streams",
    "finwise imports",
    "finwise door",
)
_MOST_IMPORTS = 2  # of a process at once: each keeps a processor busy


def register(app: Flask, domain: Domain, settings: Settings, clock: Callable[[], int]) -> None:
    """Reads the clock once per request, and notes where the request comes from."""
    app.extensions[_DOMAIN] = domain
    app.extensions[_SETTINGS] = settings
    app.extensions[_DOOR] = Door(domain)
    app.extensions[_STREAMS] = Streams(max(1, settings.threads // 2))

    app.extensions[_IMPORTS] = Streams(_MOST_IMPORTS)

    @app.before_request
    def begin() -> None:
        g.request = Request(flask_request.environ, domain, clock(), read_body)
        events.asked_from(proxies.client_address(flask_request.environ))

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        events.end_request()


def domain() -> Domain:
    """The rules joined to their stores."""
    joined: Domain = current_app.extensions[_DOMAIN]
    return joined


def settings() -> Settings:
    """The settings of this installation."""
    chosen: Settings = current_app.extensions[_SETTINGS]
    return chosen


def streams() -> Streams:
    """The places for answers that are made while they are sent."""
    places: Streams = current_app.extensions[_STREAMS]
    return places


def imports() -> Streams:
    """The places for imports of whole books."""
    places: Streams = current_app.extensions[_IMPORTS]
    return places


def door() -> Door:
    """The door to the demo book."""
    opened: Door = current_app.extensions[_DOOR]
    return opened


def request() -> Request:
    """What is asked, and by whom."""
    present: Request = g.request
    return present


def now() -> int:
    """The time of this request, µs since 1970."""
    return request().now


def caller() -> Caller:
    """Who asks, and with which token; there on every route that needs one."""
    return request().caller


def user() -> User:
    """Who asks."""
    return caller().user
