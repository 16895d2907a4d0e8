"""Work in progress is bounded by sender and in all, and its places are given back."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Event
from typing import Any

import pytest

from finwise import turns
from finwise.api import arrivals
from finwise.api.arrivals import LARGE, MOST_LARGE, Arrivals, Users
from finwise.api.auth import sender_of
from finwise.api.lane import Lane
from finwise.errors import Busy, SlowDown
from finwise.turns import Turn, Wait

BODY_BYTES = 1_000_000


class Broken(BytesIO):
    """A body whose sender has gone."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError


class Arriving(BytesIO):
    """A body during whose arrival something else happens."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__(b"the first")
        self._meanwhile = meanwhile

    def read(self, size: int | None = -1, /) -> bytes:
        self._meanwhile()
        return super().read(size)


def refuse(environ: dict[str, Any], error: Exception) -> Any:
    raise error


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return [environ["wsgi.input"].read(5), environ["wsgi.input"].readline(), *environ["wsgi.input"]]


def send(server: Arrivals, body: BytesIO, token: str = "", address: str = "192.0.2.1", length: int = 9) -> bytes:
    """What the application makes of a request; one with a token is of somebody who is known."""
    environ: dict[str, Any] = {"wsgi.input": body, "REMOTE_ADDR": address, "CONTENT_LENGTH": str(length)}
    if token:
        environ["HTTP_AUTHORIZATION"] = token
        sender_of(environ).is_known = True
    return b"".join(server(environ, None))


def refused(kind: type[Exception], server: Arrivals, **sender: Any) -> Callable[[], None]:
    """Something else that happens: a request is refused."""

    def meanwhile() -> None:
        with pytest.raises(kind):
            send(server, BytesIO(b"another"), **sender)

    return meanwhile


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "_PATIENCE", 0.01)


@pytest.fixture
def server() -> Arrivals:
    """With one place for strangers and one for members."""
    return Arrivals(app, refuse, threads=1, body_bytes=BODY_BYTES)


@pytest.fixture
def large() -> Arrivals:
    """With 40 places for members, 5 of each, and 8 for strangers, 4 of each; 16 requests at once of a token."""
    return Arrivals(app, refuse, threads=64, body_bytes=BODY_BYTES)


@pytest.mark.parametrize("token", ["", "ada"])
def test_a_body_arrives_as_it_was_sent(server: Arrivals, token: str) -> None:
    assert send(server, BytesIO(b"a body\nof\nlines"), token) == b"a body\nof\nlines"


@pytest.mark.parametrize("token", ["", "ada"])
def test_a_place_is_free_again_when_the_body_is_there(server: Arrivals, token: str) -> None:
    assert {send(server, BytesIO(b"said again"), token) for _ in range(3)} == {b"said again"}


@pytest.mark.parametrize("token", ["", "ada"])
def test_a_place_is_free_again_when_the_sender_has_gone(server: Arrivals, token: str) -> None:
    for _ in range(3):
        with pytest.raises(OSError):
            send(server, Broken(), token)
    assert send(server, BytesIO(b"another"), token) == b"another"


def test_who_finds_no_place_is_told_to_come_again(server: Arrivals) -> None:
    assert send(server, Arriving(refused(SlowDown, server)))
    assert send(server, Arriving(refused(Busy, server, address="192.0.2.2")))
    assert send(server, Arriving(refused(Busy, server, token="grace")), "ada")


def test_strangers_leave_the_places_of_members_free(server: Arrivals) -> None:
    assert send(server, Arriving(lambda: send(server, BytesIO(b"a member"), "ada")))


def _nested(server: Arrivals, depth: int, last: Callable[[], object], **sender: Any) -> Callable[[], object]:
    """As many bodies as `depth` that arrive at once, and then something else."""
    for _ in range(depth):
        last = _arriving(server, last, sender)
    return last


def _arriving(server: Arrivals, meanwhile: Callable[[], object], sender: dict[str, Any]) -> Callable[[], object]:
    return lambda: send(server, Arriving(meanwhile), **sender)


def test_one_stranger_takes_half_of_the_places_of_strangers(large: Arrivals) -> None:
    def last() -> None:
        refused(SlowDown, large)()
        assert send(large, BytesIO(b"from elsewhere"), address="192.0.2.2")

    _nested(large, 4, last)()


def test_one_member_takes_a_share_of_the_places_of_members(large: Arrivals) -> None:
    def last() -> None:
        refused(SlowDown, large, token="ada")()
        assert send(large, BytesIO(b"of another"), "grace")

    _nested(large, 5, last, token="ada")()


def test_tokens_of_one_user_share_places_although_no_body_of_theirs_has_ever_arrived() -> None:
    def known(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        sender = sender_of(environ)
        sender.is_known, sender.user = True, environ["HTTP_AUTHORIZATION"].partition(" ")[0]
        return [environ["wsgi.input"].read(5)]

    def next_of_ada(number: int) -> None:
        if number < 5:
            assert send(guarded, Arriving(lambda: next_of_ada(number + 1)), f"ada {number}")
        else:
            refused(SlowDown, guarded, token=f"ada {number}")()
            assert send(guarded, BytesIO(b"of another"), "grace 1") == b"of an"

    guarded = Arrivals(known, refuse, threads=64, body_bytes=BODY_BYTES)
    next_of_ada(0)


def test_as_many_of_a_sender_wait_for_a_place_as_may_have_one() -> None:
    lane = Lane(most=5, each=2, patience=30)
    for _ in range(2):
        lane.enter("ada")
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(lane.enter, "ada") for _ in range(2)]
        while lane._waiting["ada"] < 2:
            time.sleep(0.001)
        with pytest.raises(SlowDown):
            lane.enter("ada")
        lane.enter("grace")
        for _ in range(2):
            lane.leave("ada")
        for each in waiting:
            each.result(30)
    assert not lane._waiting


def test_one_token_has_a_share_of_the_requests_at_once() -> None:
    def last() -> None:
        refused(SlowDown, server, token="ada")()
        assert send(server, BytesIO(b"of another"), "grace")

    def waiting(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if visit := sender_of(environ).visit:
            visit.end()  # as for every token that is valid
        deeper.pop()() if deeper else None
        return [b"answered"]

    server = Arrivals(waiting, refuse, threads=64, body_bytes=BODY_BYTES)
    deeper: list[Callable[[], object]] = [last]
    deeper += [lambda: send(server, BytesIO(), "ada") for _ in range(15)]
    assert send(server, BytesIO(), "ada") == b"answered"
    assert send(server, BytesIO(), "ada") == b"answered"


def test_the_tokens_of_one_user_have_one_share() -> None:
    def known(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        sender = sender_of(environ)
        sender.user = environ["HTTP_AUTHORIZATION"].partition(" ")[0] or None
        sender.is_known = sender.user is not None
        deeper.pop()() if deeper else None
        return [b"answered"]

    def ask(token: str) -> bytes:
        return b"".join(server({"wsgi.input": BytesIO(), "HTTP_AUTHORIZATION": token}, None))

    def last() -> None:
        with pytest.raises(SlowDown):
            ask("ada 1")
        assert ask("ada") == ask("token ada 1") == ask("grace 1") == b"answered", "no token passes for a user"

    server = Arrivals(known, refuse, threads=64, body_bytes=BODY_BYTES)
    deeper: list[Callable[[], object]] = []
    for number in range(20):
        assert ask(f"ada {number}") == b"answered"
    deeper += [last, *[lambda number=number: ask(f"ada {number}") for number in range(15)]]
    assert ask("ada 19") == b"answered"
    assert ask("ada 1") == b"answered"


def test_a_token_that_opens_nothing_any_more_takes_no_share_of_its_user() -> None:
    users = Users()
    users.note("Bearer x", "ada")
    assert users.of("Bearer x") == "ada"
    users.note("Bearer x", None)
    assert users.of("Bearer x") != "ada"
    for number in range(10_000):
        users.note(f"Bearer {number}", "ada")
    assert len(users._users) <= 4_096


def test_large_bodies_of_one_token_have_the_bytes_of_one_body_and_all_have_three_times_that(large: Arrivals) -> None:
    half = {"length": BODY_BYTES // 2 + 1}

    def last() -> None:
        refused(SlowDown, large, token="ada", **half)()
        assert send(large, BytesIO(b"a small one"), "ada", length=LARGE)
        whole = {"length": BODY_BYTES}
        full = _nested(large, 1, refused(Busy, large, token="a fourth", **half), token="a third", **whole)
        _nested(large, 1, full, token="grace", **whole)()

    _nested(large, 1, last, token="ada", **half)()
    assert send(large, BytesIO(b"again"), "ada", length=BODY_BYTES) == b"again"


def test_large_bodies_are_few_and_half_of_them_of_one_token(large: Arrivals) -> None:
    body = {"length": LARGE + 1}

    def last() -> None:
        refused(SlowDown, large, token="ada", **body)()
        refused(SlowDown, large, token="grace", **body)()
        refused(Busy, large, token="a third", **body)()
        assert send(large, BytesIO(b"a small one"), "a third")

    of_grace = _nested(large, MOST_LARGE // 2, last, token="grace", **body)
    _nested(large, MOST_LARGE // 2, of_grace, token="ada", **body)()


def test_of_large_bodies_that_have_arrived_one_is_worked_on_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_LARGE_PATIENCE", 0.1)
    at_work, goes_on = Event(), Event()

    def work(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"].read(LARGE + 1)
        at_work.set()
        assert goes_on.wait(30)
        return [b"done"]

    server = Arrivals(work, refuse, threads=64, body_bytes=BODY_BYTES)
    body = b"x" * (LARGE + 1)

    def one(token: str) -> bytes:
        return send(server, BytesIO(body), token, length=len(body))

    with ThreadPoolExecutor(1) as threads:
        working = threads.submit(one, "ada")
        try:
            assert at_work.wait(30)
            with pytest.raises(Busy):
                one("grace")
        finally:
            goes_on.set()
        assert working.result(30) == one("grace") == b"done"


def test_while_a_large_request_waits_for_its_book_another_is_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_LARGE_PATIENCE", 0.1)

    def work(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"].read(LARGE + 1)
        if environ["HTTP_AUTHORIZATION"] == "ada":
            with ThreadPoolExecutor(1) as threads, Wait():
                return [threads.submit(one, "grace").result(30)]
        return [b"done"]

    server = Arrivals(work, refuse, threads=64, body_bytes=BODY_BYTES)
    body = b"x" * (LARGE + 1)

    def one(token: str) -> bytes:
        return send(server, BytesIO(body), token, length=len(body))

    assert one("ada") == one("ada") == b"done"


def test_a_large_body_takes_no_turn_from_small_ones(large: Arrivals) -> None:
    def work(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"].read(LARGE + 1)
        with Turn():
            return [b"in turn" if turns.leave() else b"out of turn"]

    server = Arrivals(work, refuse, threads=64, body_bytes=BODY_BYTES)
    assert send(server, BytesIO(b"x" * (LARGE + 1)), "ada", length=LARGE + 1) == b"out of turn"
    assert send(server, BytesIO(b"x"), "ada", length=1) == b"in turn"


def test_a_sender_who_is_known_but_was_not_looked_up_stays_the_user_of_before() -> None:
    def known(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        sender = sender_of(environ)
        sender.is_known, sender.user = True, users.pop() if users else None
        return []

    server, users = Arrivals(known, refuse, threads=64, body_bytes=BODY_BYTES), ["ada"]
    for _ in range(2):
        list(server({"wsgi.input": BytesIO(), "HTTP_AUTHORIZATION": "Bearer x"}, None))
        assert server._users.of("Bearer x") == "ada"
