"""What many waits come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that so large a share of them does not exceed. Raises ValueError where there are none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


class Waits(NamedTuple):
    """How long answers took, in ms."""

    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Waits:
        """Of waits in seconds."""
        return cls(1e3 * percentile(seconds, 0.5), 1e3 * percentile(seconds, 0.99), 1e3 * max(seconds))


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over the rounds that have it."""
    names = dict.fromkeys(name for figures in rounds for name in figures)
    return {name: median(figures[name] for figures in rounds if name in figures) for name in names}


def ranges(rounds: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """The least and the greatest of each figure over the rounds that have it."""
    names = dict.fromkeys(name for figures in rounds for name in figures)
    gathered = {name: [figures[name] for figures in rounds if name in figures] for name in names}
    return {name: (min(values), max(values)) for name, values in gathered.items()}
