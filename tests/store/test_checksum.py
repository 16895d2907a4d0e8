"""The checksum of a row: the same in every process and version, and another for every other row."""

import sys
from itertools import combinations
from subprocess import run

from finwise.store.checksum import checksum

ROW = (5, "tags", "t1", "2026-01-09T19:01:00.000Z", "2026-01-09T19:01:00.000Z", '{"name":"ä"}', "c1", None)


def test_it_is_what_released_files_hold() -> None:
    assert checksum(*ROW).hex() == "cebf0e45f35c41e5f27548c174a95b0f"


def test_it_is_the_same_in_every_process() -> None:
    script = f"from finwise.store.checksum import checksum; print(checksum(*{ROW!r}).hex())"
    said = run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == checksum(*ROW).hex()


def test_it_depends_on_every_value() -> None:
    others = [(*ROW[:place], "another", *ROW[place + 1 :]) for place in range(len(ROW))]
    rows = [ROW, *others]
    assert len({checksum(*row) for row in rows}) == len(rows)


def test_values_do_not_run_into_each_other() -> None:
    rows = [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("abc",), ("", "", "abc")]
    for one, other in combinations(rows, 2):
        assert checksum(*one) != checksum(*other)


def test_a_deletion_is_not_an_empty_content() -> None:
    assert checksum(*ROW[:5], None, *ROW[6:]) != checksum(*ROW[:5], "", *ROW[6:])
