"""Readers who take nothing keep neither threads nor much memory: answers are lists or come in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask, Response
from werkzeug.test import EnvironBuilder

from finwise.api.arrivals import SMALL, Arrivals
from finwise.api.auth import sender_of
from finwise.api.departures import Departures
from tests.household import Household

LARGE = "/docs/assets/swagger-ui-bundle.js"  # which needs no token
ELSEWHERE = "192.0.2.7"


class Answer:
    """An answer as a WSGI server is given it."""

    def __init__(self, app: Any, path: str, address: str = "127.0.0.1", token: str | None = None) -> None:
        headers = [("Authorization", f"Bearer {token}")] if token else []
        environ = EnvironBuilder(path, environ_base={"REMOTE_ADDR": address}, headers=headers).get_environ()
        self.body: Iterable[bytes] = app(environ, self._start)

    def _start(self, status: str, headers: list[tuple[str, str]], *error: Any) -> None:
        self.status = int(status[:3])

    def close(self) -> None:
        with suppress(AttributeError):
            self.body.close()  # type: ignore[attr-defined] # WSGI asks for that


def answered(app: Any, path: str, **sender: Any) -> int:
    answer = Answer(app, path, **sender)
    answer.close()
    return answer.status


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/nowhere", "/sync/changes/x"])
def test_a_small_answer_is_a_list_for_which_no_thread_waits(app: Flask, path: str) -> None:
    assert isinstance(Answer(app.wsgi_app, path).body, list)


def test_a_large_answer_comes_in_small_pieces_and_is_whole(app: Flask) -> None:
    answer = Answer(app.wsgi_app, LARGE)
    pieces = list(answer.body)
    answer.close()
    assert max(map(len, pieces)) <= SMALL < sum(map(len, pieces))
    with app.test_client().get(LARGE) as whole:
        assert b"".join(pieces) == whole.data


def test_an_answer_of_unknown_length_comes_piece_by_piece() -> None:
    made = []

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        for number in range(3):
            made.append(number)
            yield b"x"

    next(iter(Answer(Departures(app), "/").body))
    assert made == [0]


def test_one_address_has_half_of_the_places_for_large_answers_without_a_token(app: Flask) -> None:
    taken = [Answer(app.wsgi_app, LARGE) for _ in range(8)]
    assert [answer.status for answer in taken] == [200] * 8
    assert answered(app.wsgi_app, LARGE) == 429
    others = [Answer(app.wsgi_app, LARGE, ELSEWHERE) for _ in range(8)]
    assert [answer.status for answer in others] == [200] * 8
    assert answered(app.wsgi_app, LARGE, address="192.0.2.8") == 503
    for answer in taken + others:
        answer.close()
    assert answered(app.wsgi_app, LARGE) == 200


def test_a_full_house_keeps_nobody_from_small_answers_and_members_from_nothing(app: Flask, home: Household) -> None:
    taken = [Answer(app.wsgi_app, LARGE, address) for address in ("192.0.2.1", ELSEWHERE) for _ in range(8)]
    assert answered(app.wsgi_app, LARGE) == 503
    assert answered(app.wsgi_app, "/healthz") == 200
    assert answered(app.wsgi_app, f"/sync/initial/{home.tenant_id}", token=home.token) == 200
    for answer in taken:
        answer.close()


def test_a_large_answer_is_in_progress_until_its_reader_has_taken_it() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        sender_of(environ).is_known = True
        return Response("x" * (SMALL + 1))(environ, start_response)

    def refuse(environ: dict[str, Any], error: Exception) -> Any:
        raise error

    server = Departures(Arrivals(app, refuse, threads=64, body_bytes=1_000_000))
    taken = [Answer(server, "/", token="ada") for _ in range(16)]
    with pytest.raises(Exception, match="too many requests at once"):
        Answer(server, "/", token="ada")
    assert answered(server, "/", token="grace") == 200
    taken[0].close()
    taken[0].close()
    with pytest.raises(Exception, match="too many requests at once"):
        [Answer(server, "/", token="ada") for _ in range(2)]
    assert sum(map(len, taken[1].body)) == SMALL + 1
    assert answered(server, "/", token="ada") == 200
