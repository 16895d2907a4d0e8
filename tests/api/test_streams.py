"""Answers that are made while they are sent: a first load in particular."""

import gzip
import json
from contextlib import ExitStack
from itertools import chain, islice
from threading import Event, Thread

import pytest

from finwise.api.streams import Streams
from finwise.errors import Busy, SlowDown
from tests.household import Household, change

JSON, NDJSON = "application/json", "application/x-ndjson"


@pytest.mark.parametrize("media_type", [JSON, NDJSON])
@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.5", "*"])
def test_a_first_load_is_gzipped_for_clients_that_take_gzip(home: Household, media_type: str, accepted: str) -> None:
    home.results(*(change(f"e{number}") for number in range(600)))  # of several pieces
    path = f"/sync/initial/{home.tenant_id}"
    plain = home.get(path, headers={"Accept": media_type})
    packed = home.get(path, headers={"Accept": media_type, "Accept-Encoding": accepted})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 5
    assert packed.headers["ETag"] == plain.headers["ETag"]
    assert packed.mimetype == media_type


@pytest.mark.parametrize(
    "accepted", [None, "", "identity", "gzip;q=0", "br", "deflate", "identity, gzip;q=0.5", "*;q=0"]
)
def test_a_first_load_is_plain_for_everybody_else(home: Household, accepted: str | None) -> None:
    home.results(change())
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    answer = home.get(f"/sync/initial/{home.tenant_id}", headers=headers)
    assert "Content-Encoding" not in answer.headers
    assert len(json.loads(answer.data)["changes"]) == 1


def test_what_is_there_already_is_not_packed_either(home: Household) -> None:
    path = f"/sync/initial/{home.tenant_id}"
    etag = home.get(path).headers["ETag"]
    answer = home.get(path, headers={"If-None-Match": etag, "Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.data) == (304, b"")
    assert "Content-Encoding" not in answer.headers


def test_a_reader_without_a_place_comes_again_and_pushes_go_on(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(home.client.application.extensions, "finwise streams", Streams(4))
    home.results(change())
    neighbour = Household(home.client).create()
    paths = [f"/sync/initial/{home.tenant_id}", f"/sync/conflicts/{home.tenant_id}"]
    under_way = [home.get(path) for path in paths]
    for path in (*paths, f"/tenants/{home.tenant_id}/export"):
        refused = home.get(path)
        assert (refused.status_code, refused.get_json()["code"]) == (429, "slow_down")
        assert int(refused.headers["Retry-After"]) > 0
    others = [neighbour.get(f"/sync/initial/{neighbour.tenant_id}") for _ in range(2)]
    assert [answer.status_code for answer in others] == [200, 200]
    third = Household(home.client).create()
    refused = third.get(f"/sync/initial/{third.tenant_id}")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "busy")
    assert home.results(change("e2"))[0]["status"] == "applied"
    assert len(home.pull()["changes"]) == 2
    under_way[0].close()
    assert len(home.initial()["changes"]) == 2


def test_a_load_that_is_refused_or_breaks_off_keeps_no_place(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(home.client.application.extensions, "finwise streams", Streams(1))
    home.results(*(change(f"e{number}") for number in range(600)))
    path = f"/sync/initial/{home.tenant_id}"
    for _ in range(3):
        assert home.get(f"/sync/initial/{'0' * 36}").status_code == 404
        broken_off = home.get(path)
        next(broken_off.iter_encoded())
        broken_off.close()
        home.get(path, headers={"If-None-Match": broken_off.headers["ETag"]}).close()
    assert home.get(path).status_code == 200


def test_a_place_is_free_again_once_what_was_opened_is_closed() -> None:
    streams = Streams(1)
    with ExitStack() as opened:
        streams.take_place(opened, "one")
        with pytest.raises(Busy), ExitStack() as other:
            streams.take_place(other, "another")
    with ExitStack() as opened:
        streams.take_place(opened, "one")


def test_one_book_takes_half_of_the_places_and_leaves_the_others_to_other_books() -> None:
    streams = Streams(4)
    with ExitStack() as opened:
        for _ in range(2):
            streams.take_place(opened, "one")
        with pytest.raises(SlowDown):
            streams.take_place(opened, "one")
        for _ in range(2):
            streams.take_place(opened, "another")
        with pytest.raises(Busy):
            streams.take_place(opened, "a third")
    with ExitStack() as opened:
        streams.take_place(opened, "one", most=1)
        with pytest.raises(SlowDown):
            streams.take_place(opened, "one", most=1)


def test_two_take_turns_at_making_a_piece_and_none_waits_for_a_reader() -> None:
    streams, begun, go_on = Streams(3), Event(), Event()

    def slow() -> object:
        begun.set()
        go_on.wait(30)
        return "slow"

    opened = ExitStack()
    for tenant_id in ("one", "other", "third"):
        streams.take_place(opened, tenant_id)
    one, other = streams.in_turn(iter([slow, str]), "one"), streams.in_turn(iter(["a", "b"]), "other")
    assert next(other) == "a"  # its reader takes its time from here on
    making = streams.in_turn(chain(["first"], iter(slow, "never")), "third")  # the first piece is made at once
    thread = Thread(target=lambda: list(islice(making, 2)))
    thread.start()
    begun.wait(30)
    assert not streams._at_work.acquire(blocking=False)
    go_on.set()
    thread.join(30)
    assert next(other) == "b"
    assert next(one) is slow


def test_answers_from_one_book_wait_for_each_other_and_have_one_turn_among_all_books() -> None:
    streams, made = Streams(4), Event()
    with ExitStack() as opened:
        for tenant_id in ("one", "one", "other"):
            streams.take_place(opened, tenant_id)
        with streams._books["one"]:  # as another answer from that book has it
            thread = Thread(target=lambda: made.set() if next(streams.in_turn(iter("a"), "one")) else None)
            thread.start()
            assert next(streams.in_turn(iter("b"), "other")) == "b"
            assert not made.wait(0.05)
        assert made.wait(30)
        thread.join(30)
    assert streams._books == {}
