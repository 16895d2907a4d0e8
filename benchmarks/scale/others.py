"""Other households: tenants that push one booking now and then, as after an edit, and how long they wait."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks import load
from benchmarks.bookings import make_bookings
from benchmarks.peers.finwise import FinWise

TENANTS = 8
EVERY = 0.05  # seconds between the pushes of a tenant
LONGEST = 300.0  # seconds for which pushes are made ready
PATIENCE = 120.0  # seconds that a push may take


class Others:
    """Tenants of a running server; each has its pushes ready."""

    def __init__(self, server: FinWise, longest: float = LONGEST) -> None:
        self._server = server
        self._feeds = []
        each = int(longest / EVERY)
        bookings = make_bookings(TENANTS * each, seed=3)
        for number in range(TENANTS):
            tenant = f"other{number}"
            server.create_tenant(tenant)
            own = bookings[number * each : (number + 1) * each]
            self._feeds.append([server.one_request(tenant, booking) for booking in own])

    def push_for(self, seconds: float) -> load.Load:
        """For so long."""
        end = time.monotonic() + seconds
        return self.push_until(lambda: time.monotonic() >= end)

    def push_until(self, enough: Callable[[], bool]) -> load.Load:
        """Until it is enough, or what was made ready is used up."""
        pushed = load.paced(self._server.port, self._feeds, EVERY, enough, PATIENCE)
        self._feeds = [feed[pushed.sent :] for feed in self._feeds]
        return pushed
