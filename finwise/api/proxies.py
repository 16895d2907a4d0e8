"""Who is at the other end: proxies are believed only at the addresses that the settings name.

What a request says of itself in headers is worth what its sender is. So X-Forwarded-For and the header that names a
user count only if the connection itself comes from a trusted proxy, which has to overwrite both in every request.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from flask import request
from werkzeug.middleware.proxy_fix import ProxyFix

from finwise.api.request import Environ
from finwise.config import Settings, is_loopback
from finwise.domain.events import tell
from finwise.domain.names import canonical_email
from finwise.errors import Forbidden, Unauthorized

Wsgi = Callable[[Environ, Any], Iterable[bytes]]

_PEER = "finwise.peer"  # the address the connection comes from, whatever the headers say
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")
_WITH_PORT = re.compile(
    r"([0-9.]{7,15}):[0-9]{1,5}|\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?", re.ASCII
)  # as IIS writes it
_IPV6_PREFIX = 64  # bits; who has one address of such a network has all of them


class Proxies:
    """A WSGI middleware: the address of a client behind `hops` trusted proxies."""

    def __init__(self, app: Wsgi, settings: Settings) -> None:
        self._app = app
        self._trusted = settings.proxies
        self._fixed = ProxyFix(app, x_for=settings.proxy_hops, x_proto=0) if settings.proxy_hops else app

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """The application's answer."""
        environ[_PEER] = peer = environ.get("REMOTE_ADDR", "")
        app = self._fixed if self._trusted and _is_in(peer, self._trusted) else self._app
        return app(environ, start_response)


def address() -> str:
    """Where the request comes from, as guessing is counted: an IPv4 address, or the network of an IPv6 address."""
    found = client_address(request.environ)
    return str(ip_network((found, _IPV6_PREFIX), strict=False)) if ":" in found else found


def client_address(environ: Environ) -> str:
    """The address of the client, behind the proxies that are believed; empty: it is none."""
    return _canonical(environ.get("REMOTE_ADDR") or "")


@lru_cache(1_024)
def _canonical(text: str) -> str:
    if form := _WITH_PORT.fullmatch(text):
        text = form[1] or form[2]
    try:
        found = ip_address(text)
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)


def named_user(settings: Settings) -> str:
    """The e-mail of the person a trusted proxy names. Raises Forbidden for another peer, Unauthorized for no name."""
    if not _is_in(request.environ[_PEER], settings.proxies):
        tell("login.refused")
        raise Forbidden("Log in through the proxy in front of this server.")
    try:
        named = request.headers.get(settings.login_header, "").encode("latin-1").decode()  # WSGI hands over bytes so
    except UnicodeError:
        named = ""
    email = canonical_email(named)
    if email is None:
        tell("login.refused")
        raise Unauthorized("The proxy names no user by e-mail.")
    return email


def require_same_machine() -> None:
    """Raises Forbidden for a request that comes from another machine, or may come from one by way of a proxy."""
    if not is_loopback(request.environ[_PEER]) or any(name in request.environ for name in _FORWARDED):
        tell("login.refused")
        raise Forbidden("This server is for one person on its own machine. Set FINWISE_LOGIN for others.")


def _is_in(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)
