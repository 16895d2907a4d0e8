"""Turns spare the processor and keep nothing safe: nobody is held up by them for long."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from finwise import turns
from finwise.turns import Turn, Wait, leave

PATIENCE = 30  # seconds


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that waits for a turn waits until there is one."""
    monkeypatch.setattr(turns, "_PATIENCE", PATIENCE)


def work(began: Event) -> str:
    with Turn():
        began.set()
        return "done"


@pytest.mark.usefixtures("patient")
def test_one_works_while_the_others_wait(threads: ThreadPoolExecutor) -> None:
    began = Event()
    with Turn():
        other = threads.submit(work, began)
        assert not began.wait(0.1)
    assert other.result(PATIENCE) == "done"


@pytest.mark.usefixtures("patient")
def test_a_thread_that_waits_leaves_the_turn_to_others(threads: ThreadPoolExecutor) -> None:
    began = Event()
    with Turn():
        other = threads.submit(work, began)
        with Wait():
            assert other.result(PATIENCE) == "done"
        again = threads.submit(work, Event())
        assert not again.done()
    assert again.result(PATIENCE) == "done"


@pytest.mark.usefixtures("patient")
def test_a_thread_that_leaves_does_not_end_the_turn_of_another(threads: ThreadPoolExecutor) -> None:
    began, ended = Event(), Event()

    def work_long() -> bool:
        with Turn():
            began.set()
            return ended.wait(PATIENCE)

    with Turn():
        assert leave()
        other = threads.submit(work_long)
        assert began.wait(PATIENCE)
        assert not leave()
    assert turns._turn.locked()
    ended.set()
    assert other.result(PATIENCE)


def test_a_thread_without_a_turn_goes_on_and_takes_it_from_nobody(threads: ThreadPoolExecutor) -> None:
    with Turn():
        assert threads.submit(work, Event()).result(PATIENCE) == "done"
        assert turns._turn.locked(), "the turn is still that of this thread"
    assert not turns._turn.locked()


def test_a_wait_without_a_turn_changes_nothing(threads: ThreadPoolExecutor) -> None:
    def wait() -> bool:
        with Wait():
            return turns._turn.locked()

    with Turn():
        assert threads.submit(wait).result(PATIENCE)
    with Wait():
        assert not turns._turn.locked()


def test_an_error_ends_a_turn() -> None:
    with pytest.raises(ZeroDivisionError), Turn(), Wait():
        _ = 1 // 0
    assert not turns._turn.locked()
