"""What a view has at hand during a request: the domain, the time, who asks."""

from collections.abc import Callable

from flask import Flask, current_app, g, request

from finwise.domain import Domain
from finwise.domain.users import User
from finwise.errors import Invalid

_KEY = "finwise"


def register(app: Flask, domain: Domain, clock: Callable[[], int]) -> None:
    """Asks the clock once per request, and refuses parameters given twice, which two readers would read differently."""
    app.extensions[_KEY] = domain

    @app.before_request
    def begin() -> None:
        g.now = clock()
        for _, values in request.args.lists():
            if len(values) > 1:
                raise Invalid("A parameter is given more than once. Give each once.")


def domain() -> Domain:
    """The rules joined to their stores."""
    joined: Domain = current_app.extensions[_KEY]
    return joined


def now() -> int:
    """The time of this request, µs since 1970."""
    moment: int = g.now
    return moment


def user() -> User:
    """Who asks; there on every route that needs a token."""
    asking: User = g.user
    return asking


def token_id() -> str:
    """The id of the token this was asked with."""
    asked_with: str = g.token_id
    return asked_with


def address() -> str:
    """Where the request comes from."""
    return request.remote_addr or ""
