import pytest

from finwise.domain.concurrency import Concurrency
from finwise.errors import SlowDown


def test_so_many_work_on_a_book_at_once_and_others_find_theirs_free() -> None:
    at_once = Concurrency(2)
    with at_once.of("a"), at_once.of("a"):
        with pytest.raises(SlowDown) as refused, at_once.of("a"):
            pass
        with at_once.of("b"):
            pass
    assert refused.value.retry_after == 1
    with at_once.of("a"), at_once.of("a"):
        pass


def test_a_failed_request_gives_the_place_back() -> None:
    at_once = Concurrency(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), at_once.of("a"):
            raise ZeroDivisionError
    with at_once.of("a"):
        pass
    assert not at_once._counts, "and what is counted is forgotten"
