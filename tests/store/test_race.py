"""Six processes push while a reader pages: with the right stamps it misses nothing.

With wrong stamps it misses rows, or the store finds the book damaged.
"""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from threading import Event
from typing import NamedTuple

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import push
from finwise.domain.cursor import Cursor, next_stamp
from finwise.domain.sync import Page, PullRequest, PushRequest, Sync
from finwise.domain.times import millis_text
from finwise.errors import EpochChanged, Quarantined
from finwise.store.checksum import checksum
from tests.household import change
from tests.store.accounts import add_tenant, add_user
from tests.store.files import outside, tenant_file, value
from tests.store.processes import outcomes, ready

WRITERS = 6
PUSHES = 160  # of each writer, of 1 to 6 changes: 3,360 entities on average
LEAST = 3_000
FEW_PUSHES = 40  # enough for a wrong stamp to show

RIGHT = "under the lock, above the last one"
ONE_PER_BATCH = "the clock before the lock, in milliseconds, one per batch"
DEVICE = "the device's time"

Stamping = Callable[[int, int, int], int]  # the last stamp, the server's now, the device's time of the edit
STAMPINGS: dict[str, Stamping] = {
    RIGHT: lambda last, now, edited: next_stamp(last, now),
    ONE_PER_BATCH: lambda last, now, edited: now - now % 1000,
    DEVICE: lambda last, now, edited: edited,
}


class Race(NamedTuple):
    stored: int
    missed: int
    sent_twice: int
    equal_stamps: int
    refused: int  # cursors that the server did not know again


def test_a_reader_misses_nothing_while_six_processes_push(settings: Settings) -> None:
    race = run(settings, RIGHT, PUSHES)
    assert race.stored >= LEAST
    assert race == Race(race.stored, missed=0, sent_twice=0, equal_stamps=0, refused=0)


@pytest.mark.parametrize("stamping", [ONE_PER_BATCH, DEVICE])
def test_the_same_race_with_wrong_stamps_is_noticed(settings: Settings, stamping: str) -> None:
    try:
        race = run(settings, stamping, FEW_PUSHES)
    except Quarantined:
        return
    assert race.missed > 0
    assert race.equal_stamps > 0


def test_devices_that_pull_in_the_answers_to_their_pushes_miss_nothing(settings: Settings) -> None:
    tenant_id = make_tenant(settings)
    devices = outcomes(push_and_pull, *((settings, tenant_id, seed) for seed in range(4)))
    sync = create_domain(settings).sync
    everything = {version.id for version in sync.pull(tenant_id, PullRequest(limit=10_000)).entities}
    assert len(everything) >= 4 * 60
    for seen, cursor in devices:
        rest = sync.pull(tenant_id, PullRequest(cursor, limit=10_000))
        assert seen | {version.id for version in rest.entities} == everything


def run(settings: Settings, stamping: str, pushes: int) -> Race:
    tenant_id = make_tenant(settings)
    path = tenant_file(Path(settings.tenant_databases).parent, tenant_id)
    sync = create_domain(settings).sync
    sync.pull(tenant_id, PullRequest())
    if stamping != RIGHT:
        let_stamps_repeat(path)
    over = Event()
    with ThreadPoolExecutor() as threads:
        reader = threads.submit(read_until, over, sync, tenant_id)
        try:
            writers = [(settings, tenant_id, seed, stamping, pushes) for seed in range(WRITERS)]
            stored = sum(outcomes(push_many, *writers))
            if stamping != RIGHT:
                mend_last_stamp(path)
        finally:
            over.set()
        seen, refused = reader.result()
    return Race(
        stored=stored,
        missed=stored - len(seen),
        sent_twice=seen.total() - len(seen),
        equal_stamps=value(path, "SELECT count(*) - count(DISTINCT stamp) FROM sync_entities"),
        refused=refused,
    )


def read_until(over: Event, sync: Sync, tenant_id: str) -> tuple[Counter[str], int]:
    """Pages until it has read the last page after `over`: how often each id came, how often a cursor was refused."""
    seen: Counter[str] = Counter()
    refused = 0
    since: Cursor | None = None
    while True:
        last = over.is_set()  # asked before the page, which then has to bring all there is
        try:
            page = sync.pull(tenant_id, PullRequest(since, limit=20))
        except EpochChanged:
            refused += 1
            continue
        seen.update(version.id for version in page.entities)
        since = Cursor(page.next_stamp, page.epoch)
        if last and not page.has_more:
            return seen, refused
        if not page.has_more:
            over.wait(0.001)  # leaves the writers some time


def push_many(pipe: Connection, settings: Settings, tenant_id: str, seed: int, stamping: str, pushes: int) -> None:
    """A process that pushes what was edited up to 2 s ago; says how many entities it stored."""
    sync = create_domain(settings).sync
    random = Random(seed)
    edited = 0
    stamp = STAMPINGS[stamping]
    if stamping != RIGHT:
        vars(push)["next_stamp"] = lambda last, now: stamp(last, now, edited)
    ready(pipe)
    stored = 0
    for _ in range(pushes):
        edited = now() - random.randint(0, 2_000_000)
        changes = [change(updated_at=millis_text(edited)) for _ in range(random.randint(1, 6))]
        asked = now()
        time.sleep(random.random() * 0.004)  # a body that is read and checked after the clock was asked
        stored += len(sync.push(tenant_id, PushRequest(changes), asked).results)
    pipe.send(stored)


def push_and_pull(pipe: Connection, settings: Settings, tenant_id: str, seed: int) -> None:
    """A device that reads only what its pushes answer; says which entities it has and its cursor."""
    sync = create_domain(settings).sync
    random = Random(seed)
    first = sync.pull(tenant_id, PullRequest())
    seen, cursor = ids(first), Cursor(first.next_stamp, first.epoch)
    ready(pipe)
    for _ in range(60):
        changes = [change() for _ in range(random.randint(1, 6))]
        page = sync.push(tenant_id, PushRequest(changes, pull=PullRequest(cursor, limit=10)), now()).page
        assert page is not None
        seen |= ids(page) | {str(each["id"]) for each in changes}
        cursor = Cursor(page.next_stamp, page.epoch)
    pipe.send((seen, cursor))


def ids(page: Page) -> set[str]:
    return {version.id for version in page.entities}


def make_tenant(settings: Settings) -> str:
    domain = create_domain(settings)
    tenant_id = add_tenant(domain, add_user(domain))
    domain.close()
    return tenant_id


def let_stamps_repeat(path: Path) -> None:
    """Wrong stamps shall show what they lose, not fail at the index that is there to forbid them."""
    with outside(path) as connection:
        connection.execute("DROP INDEX sync_entities_stamp")
        connection.execute("CREATE INDEX sync_entities_stamp ON sync_entities (stamp)")


def mend_last_stamp(path: Path) -> None:
    """Wrong stamps fall: without this the reader's last pages would be refused, which is not the loss to be shown."""
    with outside(path) as connection:
        connection.create_function("checksum", -1, checksum)
        connection.execute(
            """UPDATE sync_book SET (last_stamp, checksum) =
                 (SELECT max(stamp), checksum(epoch, max(stamp), horizon, writes, conflicts, digests, sums)
                    FROM sync_entities)"""
        )
