"""Each trick can be left out, and the work that shows it is done."""

from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import pytest

from benchmarks.tricks import TRICKS, Size, Work, edited, imported, polled


@pytest.mark.parametrize("name", TRICKS)
def test_what_a_trick_replaces_is_there(name: str) -> None:
    with ExitStack() as without:
        for target, value in TRICKS[name][1].items():
            without.enter_context(mock.patch(target, value))


@pytest.mark.parametrize("work", [imported, polled, edited])
def test_a_work_ends_without_a_refused_request(work: Work, tmp_path: Path) -> None:
    spent = work(tmp_path, Size(bookings=600, requests=16))
    assert spent.wall > 0
