"""How often a run has to get into which trouble: one that is never in trouble shows nothing."""

from __future__ import annotations

from collections import Counter

SHARES = (  # what, of what, at least that much
    ("edits over a foreign version", "edits", 0.10),
    ("ties", "contested", 0.03),
    ("too late", "contested", 0.20),
    ("delete versus edit", "contested", 0.05),
    ("late deliveries", "pushes", 0.05),
    ("pushes: lost answer", "pushes", 0.05),
    ("pushes: lost request", "pushes", 0.03),
    ("doubled", "pushes", 0.03),
    ("clamped", "judged", 0.03),
    ("contested", "judged", 0.20),
)
FALSE_CONFLICTS = 0.05  # of all conflicts at most
NUMBERS = {  # at scale 1
    "conflicts: restored": 70,
    "conflicts: restored blindly": 70,
    "conflicts: restored too late": 70,
    "conflicts: dismissed": 70,
    "edits of one millisecond": 100,
    "late deliveries refused": 100,
    "purges of tombstones": 70,
    "410 cursor_expired": 40,
    "410 epoch_changed": 40,
    "restores": 60,
    "given back": 30,
    "rolled back, given back": 30,
    "reinstalls": 140,
    "bad changes": 140,
    "pushes that failed": 140,
    "pulls ended between pages": 140,
    "unsent edits that a pull left alone": 700,
    "orders of one set of changes": 200,
    "jumps of a device's clock": 340,
    "jumps of the server's clock": 40,
}


def too_easy(cases: Counter[str], scale: float) -> list[str]:
    """What the weighted driver saw too seldom; small runs are spared the numbers they cannot reach."""
    shares = [
        f"the run was too easy: {cases[what]} {what} among {cases[whole]} {whole}, {share:.0%} are wanted"
        for what, whole, share in SHARES
        if cases[what] < share * cases[whole]
    ]
    numbers = [
        f"the run was too easy: {what} happened {cases[what]} times, {int(number * scale)} are wanted"
        for what, number in NUMBERS.items()
        if cases[what] < int(number * scale)
    ]
    return shares + numbers + _too_many(cases)


def _too_many(cases: Counter[str]) -> list[str]:
    false, kept = cases["false conflicts"], cases["conflicts"]
    return [f"{false} of {kept} conflicts are none"] if false > FALSE_CONFLICTS * kept else []
