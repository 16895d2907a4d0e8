"""What a view has at hand during a request: the domain, the settings, the time, who asks."""

from collections.abc import Callable

from flask import Flask, current_app, g, request

from finwise.api import proxies
from finwise.api.streams import Streams
from finwise.config import Settings
from finwise.demo import Door
from finwise.domain import Domain, events
from finwise.domain.token import Caller
from finwise.domain.user import User
from finwise.errors import BadRequest, Invalid

_DOMAIN, _SETTINGS, _STREAMS, _DOOR = "finwise", "finwise settings", "finwise streams", "finwise door"


def register(app: Flask, domain: Domain, settings: Settings, clock: Callable[[], int]) -> None:
    """Asks the clock once per request, and refuses parameters given twice, which two readers would read differently."""
    app.extensions[_DOMAIN] = domain
    app.extensions[_SETTINGS] = settings
    app.extensions[_DOOR] = Door(domain)
    app.extensions[_STREAMS] = Streams(max(1, settings.threads // 2))

    @app.before_request
    def begin() -> None:
        g.now = clock()
        events.asked_from(proxies.client_address(request.environ))
        if not request.query_string.isascii():  # Werkzeug would not come to its end with what is not UTF-8
            raise BadRequest("The parameters are not a query string. Percent-encode them as UTF-8.")
        for _, values in request.args.lists():
            if len(values) > 1:
                raise Invalid("A parameter is given more than once. Give each once.")

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        events.answered()


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


def door() -> Door:
    """The door to the demo book."""
    opened: Door = current_app.extensions[_DOOR]
    return opened


def now() -> int:
    """The time of this request, µs since 1970."""
    moment: int = g.now
    return moment


def caller() -> Caller:
    """Who asks, and with which token; there on every route that needs one."""
    asking: Caller = g.caller
    return asking


def user() -> User:
    """Who asks."""
    return caller().user
