"""Where `finwise serve` listens: from what a person types to an address for the server and a URL for the browser."""

import errno
import socket
from ipaddress import ip_address

from finwise.errors import BadSetting


def address_of(host: str) -> str:
    """The address of a name or of an address, with or without brackets. Raises BadSetting."""
    name = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM) if name else []
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise BadSetting(f"{host!r} is neither an address nor a name that resolves. Listen on 127.0.0.1, for example.")
    families = {family: str(where[0]) for family, _, _, _, where in reversed(found)}
    return families.get(socket.AF_INET) or families[socket.AF_INET6]


def url_of(host: str, address: str, port: int) -> str:
    """The URL by which a browser on this machine reaches a server that listens on `address`, called `host`."""
    if ip_address(address).is_unspecified:  # all addresses of the machine
        host = "::1" if ":" in address else "127.0.0.1"
    elif ":" in address:
        host = address if ":" in host else host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def require_usable(address: str, port: int) -> None:
    """Raises BadSetting if listening there is not allowed, or another program listens: both would share the port."""
    try:
        socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET).close()
    except OSError as error:
        raise BadSetting(f"{address} port {port} cannot be used: {_reason(error, port)}") from None


def _reason(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return "something listens there already. Stop it, or choose another port."
    if error.errno == errno.EADDRNOTAVAIL:
        return "it is not an address of this machine. Listen on one that is, or on 127.0.0.1."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not. Choose a port from 1024 on, and let a proxy listen on {port}."
    return f"{error.strerror or 'the system refuses it'}. Choose another address or port."
