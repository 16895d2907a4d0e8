"""What the benchmark knows of a server: how to start it, and its shapes on the wire. A tenant is a name here."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import processes, wire
from benchmarks.bookings import Booking
from benchmarks.connection import Connection, Reply

START_SECONDS = 60


class Pushed(NamedTuple):
    """What a peer took for pushes."""

    seconds: float  # waited for answers
    accepted: int  # bookings that the answers say are stored


class Pulled(NamedTuple):
    """What a peer took for a pull."""

    seconds: float  # waited for answers
    bookings: int
    pages: int
    size: int  # bytes received, heads included
    gzipped: bool = False  # all of its pages were


class Peer(ABC):
    """A server of its own in a folder of its own, for one round."""

    name: str
    batch = 500  # bookings in one push
    page: str  # how a first load is cut
    setting: str  # what else is to be known of how it runs
    durability: str  # what is on disk when a push is answered
    isolation: str  # what a tenant is
    health_path = "/"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = processes.free_port()
        self.connection = Connection(self.port)
        self._process: subprocess.Popen[bytes] | None = None

    # ---- its life ----

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """What is installed. Raises FileNotFoundError where nothing is."""

    def prepare(self) -> None:  # noqa: B027 most have nothing to do
        """What is to be done before it starts."""

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """How it is started."""

    def environment(self) -> Mapping[str, str]:
        """What is added to the environment."""
        return {}

    def set_up(self) -> None:  # noqa: B027 most have nothing to do
        """What is to be done once it answers: log in, settings."""

    def start(self) -> float:
        """Starts it: the seconds until its first answer. Raises RuntimeError where none comes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        begun = time.perf_counter()
        self._process = processes.start(self.command(), self.folder, self.environment())
        while not self._is_up():
            if self._process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                raise RuntimeError(f"{self.name} did not start; see {self.folder / 'log.txt'}")
            time.sleep(0.01)
        seconds = time.perf_counter() - begun
        self.set_up()
        return seconds

    def stop(self) -> None:
        """Ends it."""
        self.connection.close()
        if self._process is not None:
            processes.stop(self._process)

    @property
    def pid(self) -> int:
        """The process that was started; others may be below it. Raises RuntimeError before the start."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    def _is_up(self) -> bool:
        trial = Connection(self.port, timeout=5)
        try:
            return trial.send(wire.request("GET", self.health_path)).status < 500
        except OSError:
            return False
        finally:
            trial.close()

    # ---- the work ----

    @abstractmethod
    def create_tenant(self, tenant: str) -> None:
        """Makes a tenant without bookings."""

    @abstractmethod
    def push_request(self, tenant: str, bookings: Sequence[Booking]) -> bytes:
        """A request that stores new or changed bookings, at most `batch` of them."""

    def one_request(self, tenant: str, booking: Booking) -> bytes:
        """A request that stores one new booking, in the peer's shortest way."""
        return self.push_request(tenant, [booking])

    @abstractmethod
    def count_accepted(self, sent: Sequence[Booking], reply: Reply) -> int:
        """How many of the bookings that were sent the answer says are stored."""

    @abstractmethod
    def load_request(self, tenant: str) -> bytes:
        """The request of a first load, or its first page."""

    @abstractmethod
    def read_page(self, tenant: str, reply: Reply) -> tuple[int, bytes | None]:
        """How many bookings a page has; the request for the next one, if there is one."""

    @abstractmethod
    def cursor(self, tenant: str) -> str:
        """What a device holds that has seen everything."""

    @abstractmethod
    def since_request(self, tenant: str, cursor: str) -> bytes:
        """The request for what was stored after a cursor."""

    @abstractmethod
    def count_changes(self, reply: Reply) -> int:
        """How many bookings the answer to it has."""

    def push(self, tenant: str, bookings: Sequence[Booking]) -> Pushed:
        """Pushes all in batches over one connection."""
        batches = [bookings[at : at + self.batch] for at in range(0, len(bookings), self.batch)]
        requests = [self.push_request(tenant, batch) for batch in batches]
        seconds, accepted = 0.0, 0
        for batch, request in zip(batches, requests, strict=True):
            reply = self.connection.send(request)
            seconds += reply.seconds
            accepted += self.count_accepted(batch, reply)
        return Pushed(seconds, accepted)

    def load(self, tenant: str, *, gzipped: bool = False) -> Pulled:
        """A first load; `gzipped`: the answer may be. Raises RuntimeError if it is refused."""
        replies, bookings = [], 0
        request: bytes | None = self.load_request(tenant)
        while request:
            replies.append(self._get(wire.gzipped(request) if gzipped else request))
            count, request = self.read_page(tenant, replies[-1])
            bookings += count
        return Pulled(
            seconds=sum(reply.seconds for reply in replies),
            bookings=bookings,
            pages=len(replies),
            size=sum(reply.size for reply in replies),
            gzipped=all(reply.is_gzipped for reply in replies),
        )

    def pull(self, tenant: str, cursor: str) -> Pulled:
        """What was stored after a cursor. Raises RuntimeError if it is refused."""
        reply = self._get(self.since_request(tenant, cursor))
        return Pulled(reply.seconds, self.count_changes(reply), 1, reply.size)

    def _get(self, request: bytes) -> Reply:
        reply = self.connection.send(request)
        if reply.status != 200:
            raise RuntimeError(f"{self.name} answered {reply.status}: {reply.body[:300]!r}")
        return reply
