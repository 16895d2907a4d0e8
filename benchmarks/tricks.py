"""`python -m benchmarks.tricks NAME …`: what a trick for speed is worth: the same work with it and without it.

Each run is a process of its own, and the two take turns. The work goes to the application itself, without a server in
front, so it needs no network. Without names: all. docs/performance.md says what the tricks are for.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock
from uuid import uuid4

from marshmallow import Schema

from benchmarks.bookings import OWN_FIELDS, Booking, make_bookings
from finwise import config, create_app
from finwise.api.request import Answer
from finwise.cli import serving
from finwise.kinds import quick_check

BATCH = 500
THREADS = 8


@dataclass(frozen=True)
class Size:
    """How much is done: bookings that are imported, small requests."""

    bookings: int = 20_000
    requests: int = 2_000


class Book:
    """An application with one user and some tenants, in this process."""

    def __init__(self, folder: Path, tenants: int) -> None:
        environment = {"FINWISE_INSTANCE": str(folder / "i"), "FINWISE_TENANT_DATABASES": str(folder / "t")}
        self._app = create_app(config.parse(environment | {"FINWISE_REQUESTS_PER_MINUTE": "0"}))
        self._token = ""
        user = {"uuid": str(uuid4()), "email": "ada@example.org", "name": "Ada", "password": str(uuid4())}
        self.ask("POST", "/users", user)
        login = {"email": user["email"], "password": user["password"], "device_name": "benchmark"}
        self._token = self.ask("POST", "/auth/tokens", login)["token"]
        self.tenants = [str(uuid4()) for _ in range(tenants)]
        for tenant in self.tenants:
            self.ask("POST", "/tenants", {"uuid": tenant, "name": "Home"})

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The parsed answer. Raises AssertionError if it is an error."""
        return json.loads(self.send(method, path, b"" if body is None else json.dumps(body).encode()))

    def send(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The answer to a request. Raises AssertionError if it is an error."""
        return b"".join(self.answer(self.environ(method, path, body)))

    def environ(self, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        """A request, as a server hands it over."""
        path, _, query = path.partition("?")
        return {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": self._token and f"Bearer {self._token}",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
        }

    def answer(self, environ: dict[str, Any]) -> Iterable[bytes]:
        """What the application returns. Raises AssertionError if it is an error."""
        told: list[str] = []
        body = self._app.wsgi_app(environ, lambda status, *_: told.append(status))  # type: ignore[arg-type] # no `write`
        assert told[0].startswith("2"), told
        return body


class Spent:
    """A block, entered once or often; the seconds that it took in all, of wall time and of CPU time."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> Spent:
        self._begun = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        wall, cpu = self._begun
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


Work = Callable[[Path, Size], Spent]


def imported(folder: Path, size: Size) -> Spent:
    """The pushes of a book (M1). To free a request after its answer is not counted."""
    book, spent = Book(folder, 1), Spent()
    for body in _pushes(book.tenants[0], make_bookings(size.bookings), BATCH):
        environ = book.environ("POST", "/sync/changes", body)
        with spent:
            book.answer(environ)
    return spent


def polled(folder: Path, size: Size) -> Spent:
    """Polls that find nothing (M3), over eight threads, each of its own tenant."""
    book = Book(folder, THREADS)
    paths = [f"/sync/changes/{tenant}?since={_cursor(book, tenant)}" for tenant in book.tenants]
    return _in_threads([[book.environ("GET", path) for _ in range(size.requests)] for path in paths], book)


def edited(folder: Path, size: Size) -> Spent:
    """Pushes of one booking (M4), over eight threads, each to its own tenant."""
    book, bookings = Book(folder, THREADS), make_bookings(size.requests // THREADS)
    return _in_threads(
        [
            [book.environ("POST", "/sync/changes", body) for body in _pushes(tenant, bookings, 1)]
            for tenant in book.tenants
        ],
        book,
    )


def _in_threads(requests: list[list[dict[str, Any]]], book: Book) -> Spent:
    def send(environs: list[dict[str, Any]]) -> None:
        for environ in environs:
            book.answer(environ)

    with ThreadPoolExecutor(THREADS) as pool, Spent() as spent:
        list(pool.map(send, requests))
    return spent


def _cursor(book: Book, tenant: str) -> str:
    for body in _pushes(tenant, make_bookings(1), 1):
        book.send("POST", "/sync/changes", body)
    cursor: str = book.ask("GET", f"/sync/changes/{tenant}")["next_since"]
    return cursor


def _pushes(tenant: str, bookings: Sequence[Booking], size: int) -> list[bytes]:
    return [
        json.dumps({"tenant_id": tenant, "changes": list(map(_change, some))}, separators=(",", ":")).encode()
        for some in (bookings[begin : begin + size] for begin in range(0, len(bookings), size))
    ]


def _change(booking: Booking) -> dict[str, Any]:
    data = {name: value for name, value in booking.items() if name not in OWN_FIELDS}
    own = {name: booking[name] for name in OWN_FIELDS}
    return {"change_id": str(uuid4()), "entity_type": "transactions", **own, "data": data}


def _freed_at_once(*given: Any, **named: Any) -> Answer:
    return Answer(*given, **{**named, "freed_later": None})


def _never_flat(form: type[Schema], *, flat: bool = False) -> Callable[[Mapping[str, Any]], bool]:
    return (lambda _: False) if flat else quick_check(form)


def _found_again(*given: Any) -> Any:
    """Instead of `Cache.recall`, which is given a cache, a question and a function that finds the answer."""
    return given[2]()


# A trick: the work that shows it, and what to replace to be without it.
TRICKS: dict[str, tuple[Work, dict[str, object]]] = {
    "turns": (edited, {"finwise.api.direct.Turn": nullcontext}),
    "switching": (edited, {"finwise.cli.serving.SWITCH_SECONDS": 0.005}),
    "garbage": (imported, {"finwise.cli.serving.GARBAGE": 700}),
    "shapes": (imported, {"finwise.kinds._MOST_SHAPES": 0}),
    "flat text": (imported, {"finwise.entities.quick_check": _never_flat}),
    "freed push": (imported, {"finwise.api.sync.Answer": _freed_at_once}),
    "pool": (polled, {"finwise.store.pool.SIZE": 0}),
    "cache": (polled, {"finwise.store.cache.Cache.recall": _found_again}),
}


def run(name: str, size: Size, *, is_without: bool) -> Spent:
    """What a trick's work takes in this process."""
    work, replaced = TRICKS[name]
    with ExitStack() as without, tempfile.TemporaryDirectory() as folder:
        for target, value in replaced.items() if is_without else ():
            without.enter_context(mock.patch(target, value))
        sys.setswitchinterval(serving.SWITCH_SECONDS)
        gc.freeze()
        gc.set_threshold(serving.GARBAGE)
        return work(Path(folder), size)


def compare(name: str, turns: int) -> tuple[float, float]:
    """How many times as long the work takes without the trick, in wall time and in CPU time: medians of the turns."""
    ratios = []
    for _ in range(turns):
        (wall, cpu), (other_wall, other_cpu) = _once(name), _once(name, "--without")
        ratios.append((other_wall / wall, other_cpu / cpu))
    return median(wall for wall, _ in ratios), median(cpu for _, cpu in ratios)


def _once(name: str, *options: str) -> tuple[float, float]:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.tricks", "--once", *options, name],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    wall, cpu = json.loads(ran.stdout)
    return wall, cpu


def main() -> None:
    """Compares what the command line names, and prints a line for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tricks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(TRICKS)}")
    parser.add_argument("--turns", type=int, default=5, help="runs with each trick and without it")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--without", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.names) - TRICKS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if options.once:
        spent = run(options.names[0], Size(), is_without=options.without)
        print(json.dumps([spent.wall, spent.cpu]))
        return
    for name in options.names or TRICKS:
        wall, cpu = compare(name, options.turns)
        print(f"{name}: without it {wall:.2f} times the time, {cpu:.2f} times the CPU time", flush=True)


if __name__ == "__main__":
    main()
