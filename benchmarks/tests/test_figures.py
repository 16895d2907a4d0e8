"""What many measurements come to."""

import pytest

from benchmarks.figures import Waits, medians, percentile, ranges
from benchmarks.markdown import shown, table


@pytest.mark.parametrize(
    ("count", "share", "wanted"), [(100, 0.5, 50), (100, 0.99, 99), (200, 0.99, 198), (10, 0.99, 10), (1, 0.5, 1)]
)
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(count: int, share: float, wanted: float) -> None:
    values = [float(value) for value in range(count, 0, -1)]
    assert percentile(values, share) == wanted
    assert sum(value <= wanted for value in values) >= count * share > sum(value < wanted for value in values)


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_waits_are_told_in_milliseconds() -> None:
    assert Waits.of([0.003, 0.001, 0.002]) == pytest.approx((2, 3, 3))


def test_a_figure_that_a_round_lacks_is_the_median_of_the_others() -> None:
    rounds = [{"a": 1.0, "b": 5.0}, {"a": 9.0}, {"a": 2.0, "b": 6.0}]
    assert medians(rounds) == {"a": 2.0, "b": 5.5}
    assert ranges(rounds) == {"a": (1.0, 9.0), "b": (5.0, 6.0)}


@pytest.mark.parametrize(
    ("value", "wanted"), [(None, "-"), (0.512, "0.51"), (12.34, "12.3"), (123.4, "123"), (1_234_567.8, "1,234,568")]
)
def test_figures_are_shown_with_three_digits_or_all_before_the_point(value: float | None, wanted: str) -> None:
    assert shown(value) == wanted


def test_a_table_is_markdown() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
