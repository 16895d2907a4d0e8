"""What FinWise is to reach: so many times its peers, and so much of the floor, in the same run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.figures import medians

FINWISE, FLOOR = "finwise", "floor-flask-granian"
FLOORS = (FLOOR, "floor-raw-granian")
BEST = "best peer"
OF_FLOOR = 0.8


class Target(NamedTuple):
    """A figure that is to be `times` as good as that of `rival`: a peer, or the best one.

    less: whether less is better.
    """

    figure: str
    title: str
    times: float
    rival: str = BEST
    less: bool = False


TARGETS = (
    Target("push", "M1 push, bookings/s", 5.0),
    Target("load", "M2 first load, bookings/s", 2.5),
    Target("delta", "M3 delta of 100, ms", 2.5, less=True),
    Target("empty", "M3 empty poll, requests/s", 1.2, "pocketbase"),
    Target("small", "M4 small pushes, requests/s", 1.1, "pocketbase"),
)

Figures = Mapping[str, float]
Rounds = Mapping[str, Sequence[Figures]]  # peer -> the figures of each round, none if it failed


class Standing(NamedTuple):
    """How a target stands; what was not measured is None.

    own: the median of the rounds. times, of_floor: the medians of the rounds' ratios, for in a round they took turns.
    """

    target: Target
    own: float
    rival: str
    times: float | None
    of_floor: float | None

    @property
    def is_met(self) -> bool | None:
        """Whether both are reached; None where they are not, or cannot be, compared."""
        if self.times is None or self.of_floor is None:
            return None
        return self.times >= self.target.times and self.of_floor >= OF_FLOOR


def standings(rounds: Rounds, peers: Iterable[str]) -> list[Standing]:
    """Each target that FinWise has a figure for; `peers` are those among which the best is looked for."""
    own = medians(rounds.get(FINWISE, ()))
    return [_standing(target, own[target.figure], rounds, peers) for target in TARGETS if target.figure in own]


def _standing(target: Target, own: float, rounds: Rounds, peers: Iterable[str]) -> Standing:
    middle = {name: medians(each) for name, each in rounds.items()}
    rivals = [name for name in peers if target.figure in middle.get(name, {}) and target.rival in (BEST, name)]
    best = min if target.less else max
    rival = best(rivals, key=lambda name: middle[name][target.figure]) if rivals else ""
    return Standing(target, own, rival, _times(target, rounds, rival), _times(target, rounds, FLOOR))


def _times(target: Target, rounds: Rounds, other: str) -> float | None:
    known = [ratio for ratio in ratios(target, rounds, other) if ratio is not None]
    return median(known) if known else None


def ratios(target: Target, rounds: Rounds, other: str) -> list[float | None]:
    """How many times as good as another FinWise was in each round; None where one of them failed."""
    return [
        _ratio(target, own, theirs)
        for own, theirs in zip(rounds[FINWISE], rounds.get(other, [{}] * len(rounds[FINWISE])), strict=True)
    ]


def _ratio(target: Target, own: Figures, theirs: Figures) -> float | None:
    if target.figure not in own or target.figure not in theirs:
        return None
    better, worse = (theirs, own) if target.less else (own, theirs)
    return better[target.figure] / worse[target.figure]
