"""Load on a real socket: what is sent, what is counted."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from benchmarks import load, wire
from benchmarks.connection import Connection

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FAILED = b"HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\noh!"


class Server:
    """Answers requests without a body; `answer` is asked for each path, on a thread of the connection."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.answer: Callable[[str], bytes] = lambda _: OK
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while asked := connection.recv(10_000):
                path = asked.split(b" ")[1].decode()
                self.paths.append(path)
                connection.sendall(self.answer(path))


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def feeds(connections: int, requests: int) -> list[list[bytes]]:
    return [[wire.request("GET", f"/{line}/{number}") for number in range(requests)] for line in range(connections)]


def test_a_closed_loop_sends_each_request_once_and_in_order(server: Server) -> None:
    ran = load.closed(server.port, feeds(3, 5), 60)
    assert sorted(server.paths) == sorted(f"/{line}/{number}" for line in range(3) for number in range(5))
    for line in range(3):
        own = [path for path in server.paths if path.startswith(f"/{line}/")]
        assert own == [f"/{line}/{number}" for number in range(5)]
    assert (len(ran.waits), ran.errors) == (15, 0)
    assert ran.per_second == 15 / ran.seconds


def test_a_closed_loop_that_repeats_ends_with_its_time(server: Server) -> None:
    ran = load.closed(server.port, feeds(2, 1), 0.1, repeat=True)
    assert len(ran.waits) == len(server.paths) > 2
    assert ran.seconds >= 0.1


def test_answers_that_were_not_wanted_are_counted_and_the_first_is_kept(server: Server) -> None:
    server.answer = lambda path: FAILED if path.endswith("/1") else OK
    ran = load.closed(server.port, feeds(2, 3), 60)
    assert (len(ran.waits), ran.errors) == (6, 2)
    assert ran.first_error == "500: b'oh!'"


def test_paced_waits_count_from_when_a_request_was_due(server: Server) -> None:
    held = threading.Event()

    def answer(path: str) -> bytes:
        if path == "/0/0":
            held.wait(0.3)
        return OK

    server.answer = answer
    ran = load.paced(server.port, feeds(1, 6), 0.05, lambda: False)
    assert len(ran.waits) == ran.sent == 6
    assert ran.waits[0] >= 0.3
    assert ran.waits[1] >= 0.2  # it was due 0.05 s after the first one, and had to wait for it


def test_paced_requests_without_an_answer_are_errors_and_their_waits_count(server: Server) -> None:
    released = threading.Event()

    def answer(_: str) -> bytes:
        released.wait(60)
        return OK

    server.answer = answer
    sent = iter([False] * 5)
    ran = load.paced(server.port, feeds(1, 9), 0.02, lambda: next(sent, True), patience=0.1)
    released.set()
    assert ran.errors == 1
    assert ran.first_error == "no answer"
    assert max(ran.waits) >= 0.1


def test_a_connection_opens_anew_where_the_server_has_closed_it(server: Server) -> None:
    connection = Connection(server.port)
    server.answer = lambda _: OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    replies = [connection.send(wire.request("GET", f"/{number}")) for number in range(2)]
    assert [reply.body for reply in replies] == [b"ok", b"ok"]
    assert server.paths == ["/0", "/1"]


def test_a_question_that_is_refused_raises_what_was_said(server: Server) -> None:
    server.answer = lambda _: FAILED
    connection = Connection(server.port)
    with pytest.raises(RuntimeError, match=r"GET /x was answered 500: b'oh!'"):
        connection.ask("GET", "/x")
    connection.close()


def test_loads_one_after_the_other_are_one_load() -> None:
    whole = load.Load()
    whole += load.Load([0.1, 0.2], seconds=1.0, sent=2)
    whole += load.Load([0.3], errors=1, first_error="503: b''", seconds=0.5, sent=1)
    assert whole == load.Load([0.1, 0.2, 0.3], errors=1, first_error="503: b''", seconds=1.5, sent=2)
    assert whole.per_second == 2.0
