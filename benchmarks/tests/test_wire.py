"""Answers are followed to their end, however they are cut on the way."""

import json

import pytest

from benchmarks import wire
from benchmarks.scale.reader import Lines

WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nETag: a\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n11;name=value\r\n0\r\n\r\n and more...\r\n0\r\n\r\n"
)
EMPTY = b"HTTP/1.1 304 Not Modified\r\nETag: a\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "body"),
    [(WITH_LENGTH, 200, b"hello"), (CHUNKED, 200, b"hello0\r\n\r\n and more..."), (EMPTY, 304, b"")],
)
@pytest.mark.parametrize("piece", [1, 3, 7, 1_000])
def test_an_answer_is_whole_with_its_last_byte_and_not_before(
    sent: bytes, status: int, body: bytes, piece: int
) -> None:
    answer = wire.Answer()
    pieces = [sent[at : at + piece] for at in range(0, len(sent), piece)]
    assert [answer.take(each) for each in pieces] == [False] * (len(pieces) - 1) + [True]
    assert (answer.status, answer.body, answer.size) == (status, body, len(sent))


def test_an_answer_can_be_used_for_the_next_one() -> None:
    answer = wire.Answer()
    assert answer.take(CHUNKED)
    answer.clear()
    assert answer.take(WITH_LENGTH)
    assert answer.body == b"hello"
    assert answer.headers["etag"] == "a"


def test_a_length_in_a_header_of_another_name_is_not_taken_for_the_length() -> None:
    sent = WITH_LENGTH.replace(b"ETag: a", b"X-Uncompressed-Content-Length: 99")
    assert wire.Answer().take(sent.replace(b"Content-Type", b"X-Content-Length: 98\r\nContent-Type"))


def test_an_answer_that_ends_with_the_connection_is_refused() -> None:
    with pytest.raises(ConnectionError):
        wire.Answer().take(b"HTTP/1.1 200 OK\r\n\r\nhello")


def test_a_request_says_how_long_its_body_is() -> None:
    head, _, body = wire.request("POST", "/path", {"a": "ä"}, {"X-Name": "value"}).partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /path HTTP/1.1",
        b"Content-Type: application/json",
        b"Host: 127.0.0.1",
        b"Origin: http://127.0.0.1",
        b"X-Name: value",
        b"Content-Length: %d" % len(body),
    ]
    assert json.loads(body) == {"a": "ä"}


def test_the_content_type_can_be_another_one() -> None:
    assert b"application/json" not in wire.request("POST", "/", b"x", {"Content-Type": "text/plain"})


def test_a_gzipped_answer_is_asked_for_by_one_header_more() -> None:
    plain = wire.request("GET", "/path")
    assert wire.gzipped(plain).replace(b"Accept-Encoding: gzip\r\n", b"") == plain
    assert wire.gzipped(plain).startswith(b"GET /path HTTP/1.1\r\nAccept-Encoding: gzip\r\n")


@pytest.mark.parametrize("piece", [1, 2, 5, 1_000])
def test_a_slow_reader_counts_entities_without_keeping_them(piece: int) -> None:
    body = b'{"id":"a"}\n{"id":"b"}\n{"id":"c0"}\n{"has_more":false}\n'
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:3], body[3:30], body[30:]))
    sent = CHUNKED[: CHUNKED.index(b"\r\n\r\n") + 4] + chunks + b"0\r\n\r\n"
    lines = Lines(b"")
    for at in range(0, len(sent), piece):
        assert not lines.is_whole
        lines.take(sent[at : at + piece])
    assert lines.is_whole
    assert (lines.entities, lines.size) == (3, len(sent))


def test_a_request_names_the_page_it_comes_from_as_a_browser_does() -> None:
    assert b"\r\nOrigin: http://127.0.0.1\r\n" in wire.request("POST", "/path", b"x")
    assert b"Origin" not in wire.request("GET", "/path")
