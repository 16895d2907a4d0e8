"""Tables of what was measured, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks import markdown
from benchmarks.figures import medians, ranges
from benchmarks.peer import Peer
from benchmarks.targets import FINWISE, FLOOR, FLOORS, OF_FLOOR, Standing, ratios, standings
from benchmarks.work import Round

Columns = Sequence[tuple[str, str]]  # a figure's name and its title

WORK: Columns = (
    ("push", "M1 push, bookings/s"),
    ("load", "M2 first load, bookings/s"),
    ("load_mb", "MB"),
    ("gzip", "gzipped, bookings/s"),
    ("gzip_mb", "MB"),
    ("delta", "M3 delta, ms"),
    ("delta_p99", "p99"),
    ("delta_kb", "kB"),
    ("empty", "M3 empty, requests/s"),
    ("small", "M4 small pushes, requests/s"),
    ("small_p50", "ms"),
    ("small_p99", "p99"),
)
TAKEN: Columns = (
    ("push_cpu", "M1: CPU µs a booking"),
    ("push_cores", "cores busy"),
    ("small_cpu", "M4: CPU µs a request"),
    ("small_cores", "cores busy"),
    ("syncs", "syncs a push"),
    ("start_s", "start, s"),
    ("processes", "processes"),
    ("idle_rss", "RSS idle, MiB"),
    ("idle_pss", "PSS idle"),
    ("after_rss", "RSS after"),
    ("after_pss", "PSS after"),
    ("disk", "disk, MiB"),
    ("noise", "cores busy with others"),
)
RANGES: Columns = tuple(column for column in WORK if column[0] in ("push", "load", "delta", "empty", "small"))


def report(rounds: Mapping[str, Sequence[Round]]) -> str:
    """The tables of a page. A round that failed is not in the figures, and is named."""
    sound = _sound(rounds)
    middle = {name: medians(figures) for name, figures in sound.items()}
    parts = [
        table(middle, WORK),
        "What it is to reach, and how it stands:\n\n" + standings_table(_standings(sound)),
        "What each took of the machine (M5), and what others took meanwhile:\n\n" + table(middle, TAKEN),
    ]
    failures = [f"- {name}: {failure}" for name, each in rounds.items() for done in each for failure in done.failures]
    if failures:
        parts.append("Rounds that failed and are not counted:\n\n" + "\n".join(failures))
    return "\n\n".join(parts)


def details(rounds: Mapping[str, Sequence[Round]], peers: Mapping[str, type[Peer]]) -> str:
    """How the servers ran and how much the rounds differ: for the person who runs them, not for the page."""
    sound = _sound(rounds)
    parts = [
        "Round by round, times as good · of the Flask floor:\n\n" + ratios_table(sound, _standings(sound)),
        "The least and the most of all rounds:\n\n" + ranges_table(sound),
        "Versions and settings:\n\n" + peers_table([peers[name] for name in rounds]),
    ]
    return "\n\n".join(parts)


def _sound(rounds: Mapping[str, Sequence[Round]]) -> dict[str, list[dict[str, float]]]:
    """The figures of each server's rounds; a round that failed has none."""
    return {name: [{} if done.failures else done.figures for done in each] for name, each in rounds.items()}


def _standings(sound: Mapping[str, Sequence[dict[str, float]]]) -> list[Standing]:
    """How FinWise stands beside the peers, floors aside."""
    return standings(sound, [name for name in sound if name != FINWISE and name not in FLOORS])


def table(figures: Mapping[str, Mapping[str, float]], columns: Columns) -> str:
    """A row for each server, without the columns that none of them has."""
    kept = [column for column in columns if any(column[0] in each for each in figures.values())]
    rows = [[_name(name), *(markdown.shown(each.get(key)) for key, _ in kept)] for name, each in figures.items()]
    return markdown.table(["server", *(title for _, title in kept)], rows)


def ranges_table(figures: Mapping[str, Sequence[dict[str, float]]]) -> str:
    """A row for each server: the least and the greatest of each figure."""
    rows = []
    for name, rounds in figures.items():
        spans = ranges(rounds)
        cells = [" to ".join(map(markdown.shown, spans[key])) if key in spans else "-" for key, _ in RANGES]
        rows.append([_name(name), str(sum(map(bool, rounds))), *cells])
    return markdown.table(["server", "rounds", *(title for _, title in RANGES)], rows)


def standings_table(reached: Sequence[Standing]) -> str:
    """A row for each target."""
    rows = [
        [
            standing.target.title,
            markdown.shown(standing.own),
            standing.rival or "-",
            f"{markdown.shown(standing.times)} (≥ {standing.target.times:g})",
            f"{markdown.shown(standing.of_floor)} (≥ {OF_FLOOR:g})",
            {True: "yes", False: "**no**", None: "-"}[standing.is_met],
        ]
        for standing in reached
    ]
    return markdown.table(["measure", "FinWise", "against", "times as good", "of the Flask floor", "reached"], rows)


def ratios_table(figures: Mapping[str, Sequence[dict[str, float]]], reached: Sequence[Standing]) -> str:
    """A row for each target, a column for each round."""
    rows = []
    for standing in reached:
        pairs = zip(*(ratios(standing.target, figures, name) for name in (standing.rival, FLOOR)), strict=True)
        rows.append([standing.target.title, *(" · ".join(map(markdown.shown, pair)) for pair in pairs)])
    numbers = range(1, len(figures.get(FINWISE, ())) + 1)
    return markdown.table(["measure", *(f"round {number}" for number in numbers)], rows)


def peers_table(peers: Sequence[type[Peer]]) -> str:
    """A row for each server: what it is and how it runs."""
    rows = [
        [_name(peer.name), peer.version(), peer.setting, peer.durability, peer.isolation, f"{peer.batch}", peer.page]
        for peer in peers
    ]
    titles = [
        "server",
        "version",
        "how it runs",
        "when a push is answered",
        "a tenant is",
        "batch",
        "pages of a first load",
    ]
    return markdown.table(titles, rows)


def _name(name: str) -> str:
    return f"*{name}*" if name in FLOORS else f"**{name}**" if name == FINWISE else name
