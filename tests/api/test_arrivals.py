"""Those who send bodies take the places that there are for them, and give them back."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest

from finwise.api import arrivals
from finwise.api.arrivals import Arrivals
from finwise.errors import Busy


class Broken(BytesIO):
    """A body whose sender has gone."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return [environ["wsgi.input"].read(5), environ["wsgi.input"].readline(), *environ["wsgi.input"]]


def send(server: Arrivals, body: BytesIO) -> bytes:
    return b"".join(server({"wsgi.input": body}, None))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Arrivals:
    """With one place."""
    monkeypatch.setattr(arrivals, "_PATIENCE", 0.01)
    return Arrivals(app, threads=1)


def test_a_body_arrives_as_it_was_sent(server: Arrivals) -> None:
    assert send(server, BytesIO(b"a body\nof\nlines")) == b"a body\nof\nlines"


def test_a_place_is_free_again_when_the_body_is_there(server: Arrivals) -> None:
    assert {send(server, BytesIO(b"said again")) for _ in range(3)} == {b"said again"}


def test_a_place_is_free_again_when_the_sender_has_gone(server: Arrivals) -> None:
    for _ in range(3):
        with pytest.raises(OSError):
            send(server, Broken())
    assert send(server, BytesIO(b"another")) == b"another"


def test_who_finds_no_place_is_told_to_come_again(server: Arrivals) -> None:
    class Arriving(BytesIO):
        """While it is on its way, somebody else comes."""

        def read(self, size: int | None = -1, /) -> bytes:
            with pytest.raises(Busy):
                send(server, BytesIO(b"another"))
            return super().read(size)

    assert send(server, Arriving(b"the first")) == b"the first"
