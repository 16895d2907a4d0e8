"""How FinWise stands: against whom, by how much, whether that is enough."""

from types import SimpleNamespace
from typing import Any

from benchmarks.report import details, ratios_table, report, standings_table
from benchmarks.targets import Standing, standings

PEERS = ["pocketbase", "pouchdb-server"]
ROUND = {
    "finwise": {"push": 20_000.0, "delta": 0.8, "empty": 6_000.0},
    "pocketbase": {"push": 2_000.0, "delta": 5.0, "empty": 5_000.0},
    "pouchdb-server": {"push": 5_000.0, "delta": 4.0, "empty": 5_500.0},
    "floor-flask-granian": {"push": 25_000.0, "delta": 0.6, "empty": 6_000.0},
}
FAKE: Any = SimpleNamespace(
    name="finwise", batch=500, page="", setting="", durability="", isolation="", version=lambda: "1"
)


def standing(figure: str, **changed: float) -> Standing:
    rounds = {name: [figures | changed if name == "finwise" else figures] for name, figures in ROUND.items()}
    return next(each for each in standings(rounds, PEERS) if each.target.figure == figure)


def pushes(**rounds: list[float]) -> Standing:
    """Of so many bookings a second in each round; a round without is one that failed."""
    each = {name.replace("_", "-"): [{"push": figure} if figure else {} for figure in rounds[name]] for name in rounds}
    return standings(each, PEERS)[0]


def test_the_best_peer_is_the_one_with_most_where_more_is_better() -> None:
    assert standing("push")[2:] == ("pouchdb-server", 4.0, 0.8)


def test_the_best_peer_is_the_one_with_least_where_less_is_better() -> None:
    assert standing("delta")[2:] == ("pouchdb-server", 5.0, 0.6 / 0.8)


def test_a_target_about_one_peer_looks_at_that_one() -> None:
    assert standing("empty")[2:] == ("pocketbase", 1.2, 1.0)


def test_a_target_is_met_by_peer_and_floor_together() -> None:
    assert standing("empty").is_met is True
    assert standing("push").is_met is False  # 4 times the best peer, 5 are wanted
    assert standing("push", push=26_000.0).is_met is True
    assert standing("delta").is_met is False  # 5 times as fast as the best peer, but 0.75 of the floor


def test_floors_are_no_peers() -> None:
    rounds = {name: [figures] for name, figures in ROUND.items()}
    assert all(not each.rival.startswith("floor") for each in standings(rounds, PEERS))


def test_ratios_are_those_of_the_rounds_for_each_round_has_its_own_weather() -> None:
    standing = pushes(finwise=[10.0, 60.0, 30.0], pocketbase=[2.0, 10.0, 3.0])
    assert (standing.own, standing.rival, standing.times) == (30.0, "pocketbase", 6.0)


def test_a_round_that_failed_is_compared_with_none() -> None:
    standing = pushes(finwise=[10.0, 0.0, 30.0], pocketbase=[2.0, 1.0, 0.0], floor_flask_granian=[0.0, 9.0, 40.0])
    assert (standing.own, standing.times, standing.of_floor) == (20.0, 5.0, 0.75)


def test_what_was_not_compared_is_neither_met_nor_missed() -> None:
    alone = standings({"finwise": [{"push": 1.0}]}, [])
    assert [(each.rival, each.times, each.of_floor, each.is_met) for each in alone] == [("", None, None, None)]
    assert standings_table(alone).splitlines()[-1].endswith("| 1.00 | - | - (≥ 5) | - (≥ 0.8) | - |")


def test_a_round_that_failed_is_named_and_not_counted() -> None:
    rounds: dict[str, Any] = {
        "finwise": [
            SimpleNamespace(figures={"push": 10.0}, failures=[]),
            SimpleNamespace(figures={"push": 90.0}, failures=["bookings loaded: 9, not 10"]),
        ]
    }
    text = report(rounds)
    assert "| **finwise** | 10.0 |" in text
    assert "90" not in text
    assert "- finwise: bookings loaded: 9, not 10" in text


def test_the_ratios_of_each_round_are_told() -> None:
    rounds = {"finwise": [{"push": 10.0}, {"push": 30.0}], "pocketbase": [{"push": 2.0}, {}]}
    told = ratios_table(rounds, standings(rounds, ["pocketbase"]))
    assert told.splitlines()[-1] == "| M1 push, bookings/s | 5.00 · - | - · - |"


def test_how_much_the_rounds_differ_is_no_part_of_the_page() -> None:
    rounds: dict[str, Any] = {
        "finwise": [
            SimpleNamespace(figures={"push": 10.0}, failures=[]),
            SimpleNamespace(figures={"push": 30.0}, failures=[]),
        ]
    }
    told = details(rounds, {"finwise": FAKE})
    assert "10.0 to 30.0" in told
    assert "round 2" in told
    assert "10.0 to 30.0" not in report(rounds)
