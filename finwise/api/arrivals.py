"""Work in progress, bounded: so that neither strangers nor one household take the threads and the memory of a process.

A thread waits for each body that is still arriving, and a large body takes many times its size while it is worked on.
So bodies of strangers have a few places of their own, bounded by address, and those of members have other places,
bounded by user; a user has a share of the threads and of the bytes with all tokens together, and others find the rest.
What finds no place is told at once when to come again, which costs a fraction of the work itself. How many may work on
one book is bounded behind this (domain/concurrency.py), where it is known which book a request is about.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from threading import Lock
from typing import Any

from finwise import turns
from finwise.api.auth import sender_of
from finwise.api.lane import Lane, reduce_count
from finwise.api.request import Environ
from finwise.api.strangers import Strangers
from finwise.errors import Busy, FinWiseError, SlowDown

Wsgi = Callable[[Environ, Any], Iterable[bytes]]
Refuse = Callable[[Environ, FinWiseError], Wsgi]  # the answer to an error

LARGE = 65_536  # bytes of a body from which on its memory counts
MOST_LARGE = 8  # large bodies that are there at once, half of them of one user; each takes many times its size
SMALL = 131_072  # bytes of an answer that needs no thread (departures.py)
_WITHOUT_BODY = frozenset({"GET", "HEAD"})  # methods: nothing reads the body of such a request
_PATIENCE = 0.2  # seconds; a body that is on its way makes room long before
_RETRY_AFTER = 2  # seconds
_MOST_USERS = 4_096  # tokens whose users are remembered


class Shares:
    """What is worked on: `requests` of a user, `bytes` of large bodies of a user, three times as many in all."""

    def __init__(self, requests: int, size: int) -> None:
        self._requests = requests
        self.size = size
        self._in_progress: dict[str, int] = {}
        self._bytes: Counter[str] = Counter()
        self._bodies: Counter[str] = Counter()
        self._guard = Lock()

    def begin(self, user: str) -> bool:
        """Whether the user may have one more request; `end` gives it back."""
        with self._guard:
            present = self._in_progress.get(user, 0)
            if present < self._requests:
                self._in_progress[user] = present + 1
            return present < self._requests

    def end(self, user: str) -> None:
        """Takes note that one of its requests is answered."""
        with self._guard:
            reduce_count(self._in_progress, user, 1)

    def take(self, user: str, size: int) -> None:
        """Takes room for a body, which `give_back` returns. Raises SlowDown or Busy if there is not enough."""
        if not size:
            return
        with self._guard:
            if self._bodies[user] >= MOST_LARGE // 2:
                raise _too_large()
            if self._bodies.total() >= MOST_LARGE:
                raise _full()
            if self._bytes[user] + size > self.size:
                raise _too_large()
            if self._bytes.total() + size > 3 * self.size:
                raise _full()
            self._bytes[user] += size
            self._bodies[user] += 1

    def give_back(self, user: str, size: int) -> None:
        """Returns the room that `take` took."""
        if size:
            with self._guard:
                reduce_count(self._bytes, user, size)
                reduce_count(self._bodies, user, 1)


class Users:
    """Whose the tokens of the last requests were. Who shows a token is asked for later, and again each time."""

    def __init__(self) -> None:
        self._users: dict[str, str] = {}

    def of(self, token: str) -> str:
        """Whose requests and bytes are counted with this token: its user's, or its own if that is not known yet.

        No token can pass for a user.
        """
        return self._users.get(token) or f"token {token}"

    def knows(self, token: str) -> bool:
        """Whether the token opened something lately."""
        return token in self._users

    def note(self, token: str, user: str | None) -> None:
        """Notes which user a request with the token was answered for; None: the token opened nothing."""
        if user is None:
            self._users.pop(token, None)
            return
        if len(self._users) >= _MOST_USERS:
            self._users.clear()
        self._users[token] = user


class Arrivals:
    """A WSGI middleware in front of the whole application, for a process of so many threads."""

    def __init__(self, app: Wsgi, refuse: Refuse, threads: int, body_bytes: int) -> None:
        self._app = app
        self._refuse = refuse
        places = max(1, threads * 5 // 8)
        self._members = Lane(places, max(1, min(2, places // 2), threads // 12), _PATIENCE)
        self._strangers = Lane(max(1, threads // 8), max(1, threads // 16), patience=0)
        self._visits = Strangers(max(8, threads // 4), max(8, threads // 8))
        self._shares = Shares(max(8, threads // 4), body_bytes)
        self._users = Users()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """The application's answer."""
        token = environ.get("HTTP_AUTHORIZATION", "")
        user = self._users.of(token)
        if token and not self._shares.begin(user):
            error = SlowDown(
                "You have too many requests at once. Wait for their answers.", retry_after=1, limit="requests of a user"
            )
            return self._refuse(environ, error)(environ, start_response)
        try:
            visit = None if self._users.knows(token) else self._visits.enter(environ.get("REMOTE_ADDR", ""))
        except FinWiseError as error:
            if token:
                self._shares.end(user)
            return self._refuse(environ, error)(environ, start_response)
        sender = sender_of(environ)
        sender.visit = visit
        body = None
        if environ.get("REQUEST_METHOD") not in _WITHOUT_BODY:
            body = _Arriving(environ, user, self._users, self._members, self._strangers, self._shares)
            environ["wsgi.input"] = body
        answer: Iterable[bytes] = []
        try:
            answer = self._app(environ, start_response)
        finally:
            if visit:
                visit.end()
            if body:
                body.close()
            is_small = isinstance(answer, list) and sum(map(len, answer)) <= SMALL
            if token and (sender.user or not sender.is_known):  # else it was noted by an earlier request
                self._users.note(token, sender.user)
            if token and is_small:
                self._shares.end(user)
        # What a reader has not taken yet is in progress still.
        return _Taken(answer, partial(self._shares.end, user)) if token and not is_small else answer


class _Taken:
    """An answer; `at_end` is called once, when it has been read to its end or the server gives up."""

    def __init__(self, answer: Iterable[bytes], at_end: Callable[[], None]) -> None:
        self._answer = answer
        self._at_end: Callable[[], None] | None = at_end

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer
        self._end()

    def close(self) -> None:
        """The server calls this in the end."""
        try:
            close(self._answer)
        finally:
            self._end()

    def _end(self) -> None:
        at_end, self._at_end = self._at_end, None
        if at_end:
            at_end()


def close(answer: Iterable[bytes]) -> None:
    """Closes an answer, which WSGI asks of everyone who takes one."""
    if end := getattr(answer, "close", None):
        end()


class _Arriving:
    """What a client is still sending. Its methods are those of the stream; they may raise SlowDown and Busy."""

    def __init__(
        self, environ: Environ, user: str, users: Users, members: Lane, strangers: Lane, shares: Shares
    ) -> None:
        self._stream = environ["wsgi.input"]
        self._user, self._users = user, users
        self._environ = environ
        self._sender = sender_of(environ)
        self._members, self._strangers = members, strangers
        self._shares = shares
        self._counted: tuple[str, int] | None = None
        self._arrived = 0
        self._is_at_work = False

    def read(self, size: int = -1) -> bytes:
        content: bytes = self._in_place(self._stream.read, size)
        return content

    def readline(self, size: int = -1) -> bytes:
        line: bytes = self._in_place(self._stream.readline, size)
        return line

    def readlines(self, hint: int = -1) -> list[bytes]:
        lines: list[bytes] = self._in_place(self._stream.readlines, hint)
        return lines

    def __iter__(self) -> Any:
        return iter(self.readline, b"")

    def close(self) -> None:
        """Gives back the room that the body took, and lets go of the request, which held this object in turn."""
        self._environ["wsgi.input"] = self._stream
        if self._is_at_work:
            turns.end_large()
        if self._counted:
            self._shares.give_back(*self._counted)

    def _length(self) -> float:
        """The bytes that the body has; of a body in chunks nobody knows."""
        length = self._environ.get("CONTENT_LENGTH", "")
        return int(length) if length.isdecimal() and length.isascii() else math.inf

    def _weight(self) -> int:
        """The bytes of the body if they count; a body in chunks may become as large as any."""
        if self._sender.is_spooled:
            return 0
        size = int(min(self._length(), self._shares.size))
        return min(size, self._shares.size) if size > LARGE else 0

    def _in_place(self, read: Callable[[int], Any], size: int) -> Any:
        if self._sender.visit:
            self._sender.visit.end()
        known = self._sender.is_known
        if self._sender.user:  # noted before the body is read, for it may never come
            self._user = self._sender.user
            self._users.note(self._environ.get("HTTP_AUTHORIZATION", ""), self._user)
        lane = self._members if known else self._strangers
        sender = self._user if known else self._environ.get("REMOTE_ADDR", "")
        if known and self._counted is None:
            weight = self._weight()
            self._shares.take(sender, weight)
            self._counted = sender, weight
        lane.enter(sender)
        try:
            content = read(size)
        finally:
            lane.leave(sender)
        self._note_arrival(content)
        return content

    def _note_arrival(self, content: Any) -> None:
        """Begins to count as work once a large body is there to its end."""
        if self._is_at_work or not self._counted or not self._counted[1]:
            return
        self._arrived += len(content)
        if not content or self._arrived >= self._length():
            self._begin_work()

    def _begin_work(self) -> None:
        self._is_at_work = turns.begin_large()
        if not self._is_at_work:
            raise _full()


def _too_large() -> SlowDown:
    return SlowDown(
        "Your large requests are still being processed. Wait for their answers.",
        retry_after=1,
        limit="large bodies of a user",
    )


def _full() -> Busy:
    return Busy("Too many large requests are being processed. Try again in a moment.", retry_after=_RETRY_AFTER)
