"""What FinWise is to reach: so many times its peers, and so much of the floor, in the same run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

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

Medians = Mapping[str, Mapping[str, float]]  # peer -> figure -> its median


class Standing(NamedTuple):
    """How a target stands; what was not measured is None."""

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


def standings(medians: Medians, peers: Iterable[str]) -> list[Standing]:
    """Each target that FinWise has a figure for; `peers` are those among which the best is looked for."""
    own = medians.get(FINWISE, {})
    return [_standing(target, own[target.figure], medians, peers) for target in TARGETS if target.figure in own]


def _standing(target: Target, own: float, medians: Medians, peers: Iterable[str]) -> Standing:
    measured = {name: figures[target.figure] for name, figures in medians.items() if target.figure in figures}
    rivals = [name for name in peers if name in measured and target.rival in (BEST, name)]
    best = min if target.less else max
    rival = best(rivals, key=lambda name: measured[name]) if rivals else ""
    return Standing(
        target,
        own,
        rival,
        _times(own, measured[rival], target.less) if rival else None,
        _times(own, measured[FLOOR], target.less) if FLOOR in measured else None,
    )


def _times(own: float, other: float, less: bool) -> float:
    return other / own if less else own / other
