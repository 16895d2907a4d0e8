"""The watch ends connections that stand still or are too many, and leaves all others alone: with real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network

import pytest

from finwise.connections import LEAST_BYTES, READER_SECONDS, SENDER_SECONDS, Watch, is_possible

pytestmark = pytest.mark.skipif(not is_possible(), reason="this system does not tell what a watch needs")

ANY = 1_000


class Listener:
    """A server's side of some connections. Clients and servers are closed with the context."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        self._listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port: int = self._listening.getsockname()[1]

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """The client's and the server's end of a new connection."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        server, _ = self._listening.accept()
        return self._opened.enter_context(client), self._opened.enter_context(server)

    def answer(self, ends: tuple[socket.socket, socket.socket], size: int = 10) -> None:
        """Sends an answer that the client takes."""
        client, server = ends
        server.sendall(b"x" * size)
        assert len(client.recv(size, socket.MSG_WAITALL)) == size


@pytest.fixture
def listener() -> Iterator[Listener]:
    with ExitStack() as opened:
        yield Listener(opened)


def has_ended(client: socket.socket) -> bool:
    client.settimeout(0.2)
    try:
        while client.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def test_a_request_that_never_comes_is_ended_after_a_minute(listener: Listener) -> None:
    watch = Watch(listener.port, ANY)
    client, _ = listener.connect()
    client.sendall(b"POST / HTTP/1.1")
    assert [watch.look(at) for at in (0, SENDER_SECONDS - 1)] == [0, 0]
    assert not has_ended(client)
    assert watch.look(SENDER_SECONDS) == 1
    assert has_ended(client)


def test_a_body_that_trickles_is_ended_and_one_that_comes_forward_is_not(listener: Listener) -> None:
    watch = Watch(listener.port, ANY)
    (slow, _), (steady, taking) = listener.connect(), listener.connect()
    for at in range(0, SENDER_SECONDS, 5):
        slow.sendall(b"x")
        steady.sendall(b"x" * (LEAST_BYTES // 10))
        taking.recv(LEAST_BYTES)
        assert watch.look(at) == 0
    assert watch.look(SENDER_SECONDS) == 1
    assert (has_ended(slow), has_ended(steady)) == (True, False)


def test_a_reader_that_takes_nothing_is_ended_after_half_a_minute(listener: Listener) -> None:
    watch = Watch(listener.port, ANY)
    (standing, server), ends = listener.connect(), listener.connect()
    server.setblocking(False)
    for _ in range(1_000):
        try:
            server.send(b"x" * 65_536)
        except BlockingIOError:
            break
    for at in range(0, READER_SECONDS, 5):
        listener.answer(ends, LEAST_BYTES)
        assert watch.look(at) == 0
    assert watch.look(READER_SECONDS) == 1
    server.setblocking(True)
    with pytest.raises(OSError):
        server.sendall(b"x" * 65_536)
    assert not has_ended(ends[0])
    standing.close()


def test_who_is_answered_from_time_to_time_stays(listener: Listener) -> None:
    watch = Watch(listener.port, ANY)
    ends = listener.connect()
    for at in range(0, 10 * SENDER_SECONDS, SENDER_SECONDS - 5):
        listener.answer(ends)
        assert watch.look(at) == 0
    assert not has_ended(ends[0])


def test_an_answer_after_a_long_wait_is_not_taken_for_a_reader_that_stands_still(listener: Listener) -> None:
    watch = Watch(listener.port, ANY)
    client, server = listener.connect()
    assert watch.look(0) == 0
    server.setblocking(False)
    for _ in range(1_000):
        try:
            server.send(b"x" * 65_536)
        except BlockingIOError:
            break
    assert watch.look(SENDER_SECONDS - 1) == 0
    assert not has_ended(client)


def test_of_too_many_connections_those_that_were_never_answered_end_first(listener: Listener) -> None:
    watch = Watch(listener.port, most=3)
    known = [listener.connect() for _ in range(3)]
    for ends in known:
        listener.answer(ends)
    strangers = [listener.connect() for _ in range(5)]
    assert watch.look(0) == 5
    assert all(has_ended(client) for client, _ in strangers)
    assert not any(has_ended(client) for client, _ in known)


def test_one_address_has_a_bound_of_its_own_unless_it_is_a_trusted_proxy(listener: Listener) -> None:
    connections = [listener.connect() for _ in range(5)]
    proxy = (ip_network("127.0.0.0/8"),)
    assert Watch(listener.port, ANY, proxy, per_address=2).look(0) == 0
    assert Watch(listener.port, ANY, (ip_network("::1/128"),), per_address=2).look(0) == 3
    assert sum(has_ended(client) for client, _ in connections) == 3


def test_connections_to_other_ports_and_files_are_left_alone(listener: Listener) -> None:
    other = Watch(listener.port + 1, most=0)
    client, _ = listener.connect()
    assert [other.look(at) for at in (0, SENDER_SECONDS)] == [0, 0]
    assert not has_ended(client)
