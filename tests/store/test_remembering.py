"""Servers that remember what they read answer like one that reads everything again, whatever was written in between."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from finwise import create_domain
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.book import Contact
from finwise.domain.conflicts import Decision
from finwise.domain.cursor import Cursor
from finwise.domain.sync import Page, PullRequest, PushRequest
from finwise.errors import CursorExpired
from tests.household import change
from tests.store.accounts import add_tenant, add_user

START = 1_790_000_000_000_000  # µs
MINUTE = 60 * 1_000_000  # µs
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.fixture
def servers(settings: Settings) -> Iterator[list[Domain]]:
    """Two servers of one installation."""
    with ExitStack() as opened:
        made = [create_domain(settings) for _ in range(2)]
        for server in made:
            opened.callback(server.close)
        yield made


def poll(
    server: Domain, tenant_id: str, since: Cursor | None, now: int
) -> tuple[Page | None, list[Contact], int | None]:
    """All that somebody could be told, the size of the book with it; no page where the cursor is refused."""
    page = None
    with suppress(CursorExpired):
        page = server.sync.pull(tenant_id, PullRequest(since, contact=Contact("phone", now)))
    size = server.administration.find_tenant(tenant_id).bytes
    return page, [device.heard for device in server.devices.list_of(tenant_id)], size


def write(server: Domain, tenant_id: str, chance: random.Random, now: int) -> None:
    """Something that moves what is remembered: entities, deletions, contacts, conflicts, forgetting."""
    what = chance.choice(["push", "push", "delete", "conflict", "forget"])
    if what == "push":
        contact = Contact(chance.choice(["phone", "laptop"]), now, chance.choice([None, "one", "two"]))
        data = {"name": "Food", "note": "x" * chance.randrange(10_000)}
        time = "2026-01-02T00:00:00.000Z"
        changes = [change(f"e{chance.randrange(99)}", updated_at=time, data=data) for _ in range(2)]
        server.sync.push(tenant_id, PushRequest(changes, contact=contact), now)
    elif what == "delete":
        time = "2026-01-03T00:00:00.000Z"
        gone = change(f"e{chance.randrange(99)}", deleted_at=time, updated_at=time, data=None)
        server.sync.push(tenant_id, PushRequest([gone]), now)
    elif what == "conflict":
        with server.conflicts.list_of(tenant_id) as found:
            kept = [conflict.conflict_id for chunk in found.chunks for conflict in chunk]
        if kept:
            server.conflicts.restore(tenant_id, chance.choice(kept), Decision(), now)
    else:
        server.maintenance.run(now)


@pytest.mark.parametrize("seed", range(6))
def test_a_poll_is_answered_as_by_a_server_that_was_started_just_now(
    servers: list[Domain], settings: Settings, seed: int
) -> None:
    chance, now = random.Random(seed), START
    tenant_id = add_tenant(servers[0], add_user(servers[0]))
    since: Cursor | None = None
    for _ in range(40):
        now += chance.choice([1, 1_000, MINUTE, HOUR, 400 * DAY])
        write(chance.choice(servers), tenant_id, chance, now)
        fresh = create_domain(settings)
        expected = poll(fresh, tenant_id, since, now)
        fresh.close()
        for server in servers * 2:
            assert poll(server, tenant_id, since, now) == expected
        page = expected[0]
        since = chance.choice([since, Cursor(page.next_stamp, page.epoch)]) if page else None
