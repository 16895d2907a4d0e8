"""The watch over a server process's connections: it ends those that hold a place and do nothing with it.

The server under the application has a limit for how long a head may take, but none for a body that never comes or for
a reader that stands still. Linux counts the bytes of each TCP connection, so a look every few seconds is enough. Other
systems do not tell; a proxy in front does the same there (docs/security.md).
"""

import os
import socket
import stat
import struct
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

READER_SECONDS = 30  # that a reader may take nothing of an answer that waits for it
SENDER_SECONDS = 60  # that a request may take without coming forward, or nothing may happen at all
LEAST_BYTES = 16_384  # in that time; less is standing still
PER_ADDRESS = 512  # connections of one address at a process; trusted proxies may have any number

_EVERY = 5  # seconds between looks
_FOLDER = "/proc/self/fd"
_IPV6_PREFIX = 64  # bits; who has one address of such a network has all of them
_TCP_INFO = 11  # `socket.TCP_INFO`, which Python has on Linux alone
_INFO_BYTES = 152
_UNACKED, _ACKED_AND_RECEIVED, _NOT_SENT = 24, 120, 144  # places in Linux's struct tcp_info

Networks = tuple[IPv4Network | IPv6Network, ...]


class Counts(NamedTuple):
    """What Linux counts for a connection, in bytes."""

    received: int
    acknowledged: int
    is_waiting: bool  # part of an answer was not acknowledged yet


class _Stretch(NamedTuple):
    """When somebody began to watch a connection, and the counts at that time."""

    since: float
    counts: Counts


class Watch:
    """Looks after the connections to `port`, of which a process may hold `most`."""

    def __init__(self, port: int, most: int, trusted: Networks = (), per_address: int = PER_ADDRESS) -> None:
        self._port = port
        self._most = most
        self._trusted = trusted
        self._per_address = per_address
        self._stretches: dict[int, _Stretch] = {}

    def look(self, now: float) -> int:
        """Ends what stands still or is too much; how many that were. `now` in seconds, of a clock that never jumps."""
        stretches: dict[int, _Stretch] = {}
        by_address: dict[str, list[_Open]] = defaultdict(list)
        ended = 0
        for connection in _open_connections(self._port):
            stretch = _continue(self._stretches.get(connection.inode), connection.counts, now)
            if _stands_still(stretch, connection.counts, now):
                connection.end()
                ended += 1
                continue
            stretches[connection.inode] = stretch
            by_address[_address(connection.peer)].append(connection)
        self._stretches = stretches
        return ended + self._end_what_is_too_much(by_address)

    def _end_what_is_too_much(self, by_address: dict[str, list["_Open"]]) -> int:
        """Of an address, and then in all: those that were never answered first, then those that stand longest."""
        kept: list[_Open] = []
        ended = 0
        for address, connections in by_address.items():
            most = len(connections) if self._is_trusted(address) else self._per_address
            ended += self._end_but(connections, most)
            kept += connections[:most]
        return ended + self._end_but(kept, self._most)

    def _end_but(self, connections: list["_Open"], most: int) -> int:
        connections.sort(key=self._worth, reverse=True)
        for connection in connections[most:]:
            connection.end()
        return max(0, len(connections) - most)

    def _worth(self, connection: "_Open") -> tuple[bool, float]:
        return connection.counts.acknowledged > 1, self._stretches[connection.inode].since

    def _is_trusted(self, address: str) -> bool:
        found = ip_network(address)
        return any(found.version == network.version and found.subnet_of(network) for network in self._trusted)  # type: ignore[arg-type] # of one version


def is_possible() -> bool:
    """Whether this system tells what a watch needs."""
    return sys.platform == "linux" and os.path.isdir(_FOLDER)


def start(watch: Watch) -> None:
    """Looks every few seconds in a thread of its own, as long as the process lives."""

    def run() -> None:
        while True:
            time.sleep(_EVERY)
            watch.look(time.monotonic())

    threading.Thread(target=run, name="connections", daemon=True).start()


def _continue(stretch: _Stretch | None, counts: Counts, now: float) -> _Stretch:
    """The stretch goes on until an answer begins or has arrived, or enough has moved to begin a new one."""
    if stretch is None or counts.is_waiting != stretch.counts.is_waiting:
        return _Stretch(now, counts)
    taken = counts.acknowledged - stretch.counts.acknowledged
    came = counts.received - stretch.counts.received
    has_moved = taken >= LEAST_BYTES if counts.is_waiting else taken > 0 or came >= LEAST_BYTES
    return _Stretch(now, counts) if has_moved else stretch


def _stands_still(stretch: _Stretch, counts: Counts, now: float) -> bool:
    return now - stretch.since >= (READER_SECONDS if counts.is_waiting else SENDER_SECONDS)


class _Open(NamedTuple):
    """A connection as it was a moment ago."""

    descriptor: int
    inode: int
    peer: str
    counts: Counts

    def end(self) -> None:
        """Ends it for both sides, unless its descriptor means something else by now."""
        if (held := _socket_of(self.descriptor)) is None:
            return
        with held:
            if os.fstat(held.fileno()).st_ino == self.inode:
                with suppress(OSError):  # it has ended by itself
                    held.shutdown(socket.SHUT_RDWR)


def _open_connections(port: int) -> Iterator[_Open]:
    for name in os.listdir(_FOLDER):
        if (held := _socket_of(int(name))) is None:
            continue
        with held:
            try:
                if held.getsockname()[1] == port:
                    counts = _counts(held.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO_BYTES))
                    yield _Open(int(name), os.fstat(held.fileno()).st_ino, held.getpeername()[0], counts)
            except (OSError, IndexError, TypeError):
                continue  # it listens, is of another kind, or has just ended


def _socket_of(descriptor: int) -> socket.socket | None:
    """A second handle on a socket of this process, which stays valid if the first is closed."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        return socket.socket(fileno=os.dup(descriptor))
    except OSError:
        return None


def _counts(info: bytes) -> Counts:
    acknowledged, received = struct.unpack_from("=QQ", info, _ACKED_AND_RECEIVED)
    (unacked,), (not_sent,) = (struct.unpack_from("=I", info, place) for place in (_UNACKED, _NOT_SENT))
    return Counts(received, acknowledged, bool(unacked or not_sent))


def _address(peer: str) -> str:
    """The address that connections are counted by: an IPv4 address, or the network of an IPv6 address."""
    found = ip_address(peer.partition("%")[0])
    if found.version == 4:
        return peer
    return str(found.ipv4_mapped or ip_network((found, _IPV6_PREFIX), strict=False))
