"""The contract of a store of tenants' books: what finwise/domain/book.py and life.py promise, whatever keeps them.

A store passes if a class derived from `BooksContract` does, with a fixture `stores` that returns its `Stores`. The
tests use the store as the rules do, and never look behind it.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from finwise import entities
from finwise.domain.book import Book, Books, Contact, KeptConflict, Remembered, StoredConflict
from finwise.domain.change import Version
from finwise.domain.concurrency import Concurrency
from finwise.domain.cursor import Cursor
from finwise.domain.life import TenantFiles
from finwise.domain.limits import MAX_TEXT, Limits
from finwise.domain.push import Result
from finwise.domain.sync import PullRequest, PushRequest, Sync
from finwise.errors import CursorExpired, FinWiseError, Quarantined, TenantDeleted

NOW = 1_790_000_000_000_000  # µs
DAY = 86_400_000_000  # µs
T1, T2, T3 = (f"2026-01-0{day}T12:00:00.000Z" for day in (1, 2, 3))
WAYS = ["read", "transact"]


class Stores(NamedTuple):
    """A store under test: where tenants come and go, and their books."""

    files: TenantFiles
    books: Books

    @property
    def sync(self) -> Sync:
        return Sync(self.books, entities.checks(), Limits(), Concurrency(1_000))

    def create(self) -> str:
        """A new tenant."""
        tenant_id = str(uuid4())
        self.files.create(tenant_id, lambda: True)
        return tenant_id

    def push(self, tenant_id: str, *changes: dict[str, Any], now: int = NOW) -> list[str]:
        """What became of each change of a push; none is rejected."""
        results = self.sync.push(tenant_id, PushRequest(list(changes)), now).results
        judged = [result.verdict.status for result in results if isinstance(result, Result)]
        assert len(judged) == len(changes), results
        return judged

    def pulled(self, tenant_id: str, *, limit: int = 1_000, entity_types: list[str] | None = None) -> list[str]:
        """The ids that a device gets which pulls from the beginning, page by page."""
        found: list[str] = []
        since = None
        while True:
            page = self.sync.pull(tenant_id, PullRequest(since, entity_types, limit))
            found += [entity.id for entity in page.entities]
            since = Cursor(page.next_stamp, page.epoch)
            if not page.has_more:
                return found

    def loaded(self, tenant_id: str, entity_types: list[str] | None = None) -> list[str]:
        """The ids of a first load."""
        with self.sync.initial(tenant_id, entity_types) as load:
            return [entity.id for entity in load.entities]

    def contacts(self, tenant_id: str) -> list[Contact]:
        with self.books.read(tenant_id) as book:
            return book.list_contacts()

    def refusal(self, tenant_id: str, way: str) -> type[FinWiseError] | None:
        """What `read` or `transact` raises."""
        try:
            with getattr(self.books, way)(tenant_id):
                return None
        except FinWiseError as error:
            return type(error)


def tag(entity_id: str, updated_at: str = T1, **members: Any) -> dict[str, Any]:
    """A change of a tag, as a device sends it."""
    return {
        "change_id": str(uuid4()),
        "entity_type": "tags",
        "id": entity_id,
        "updated_at": updated_at,
        "data": {"name": "holiday"},
    } | members


def deletion(entity_id: str, updated_at: str = T2, **members: Any) -> dict[str, Any]:
    return tag(entity_id, updated_at, deleted_at=updated_at, data=None, **members)


def loser(change_id: str) -> KeptConflict:
    """A version that lost, to be kept."""
    return KeptConflict("overwritten", NOW, Version(0, "tags", "e1", T1, T1, '{"name":"lost"}', change_id, "phone"))


def conflicts(book: Book) -> list[StoredConflict]:
    """All that are kept."""
    return [conflict for chunk in book.read_conflicts() for conflict in chunk]


class BooksContract:
    """Tenants, transactions and contents."""

    @pytest.fixture
    def tenant_id(self, stores: Stores) -> str:
        return stores.create()

    # ---- tenants ----

    def test_a_tenant_is_there_until_it_is_deleted(self, stores: Stores, tenant_id: str) -> None:
        assert stores.files.exists(tenant_id)
        assert stores.files.tenant_ids() == {tenant_id}
        assert stores.files.delete(tenant_id, NOW)
        assert not stores.files.exists(tenant_id)
        assert stores.files.tenant_ids() == set()

    @pytest.mark.parametrize("way", WAYS)
    def test_an_unknown_tenant_is_missing(self, stores: Stores, way: str) -> None:
        assert stores.refusal(str(uuid4()), way) is Quarantined

    @pytest.mark.parametrize("way", WAYS)
    def test_a_tenant_that_is_not_wanted_any_more_is_not_created(self, stores: Stores, way: str) -> None:
        tenant_id = str(uuid4())
        stores.files.create(tenant_id, lambda: False)
        assert stores.refusal(tenant_id, way) is Quarantined

    @pytest.mark.parametrize("way", WAYS)
    def test_a_deleted_tenant_stays_deleted(self, stores: Stores, tenant_id: str, way: str) -> None:
        stores.push(tenant_id, tag("e1"))
        for _ in range(2):
            assert stores.files.delete(tenant_id, NOW)
            assert stores.refusal(tenant_id, way) is TenantDeleted

    def test_a_tenant_that_is_created_again_keeps_what_it_has(self, stores: Stores, tenant_id: str) -> None:
        stores.files.create(tenant_id, lambda: True)
        stores.push(tenant_id, tag("e1"))
        stores.files.create(tenant_id, lambda: False)
        assert stores.pulled(tenant_id) == ["e1"]

    @pytest.mark.parametrize("first", WAYS)
    def test_the_first_to_come_makes_the_epoch_and_all_see_the_same(
        self, stores: Stores, tenant_id: str, first: str
    ) -> None:
        epochs = set()
        for way in (first, *WAYS):
            with getattr(stores.books, way)(tenant_id) as book:
                epochs.add(book.find_position().epoch)
        assert len(epochs) == 1

    def test_tenants_share_neither_epoch_nor_contents(self, stores: Stores, tenant_id: str) -> None:
        other = stores.create()
        stores.push(tenant_id, tag("e1"))
        stores.push(other, tag("e2"))
        assert (stores.pulled(tenant_id), stores.pulled(other)) == (["e1"], ["e2"])
        epochs = {stores.sync.pull(each, PullRequest()).epoch for each in (tenant_id, other)}
        assert len(epochs) == 2
        stores.files.delete(other, NOW)
        assert stores.pulled(tenant_id) == ["e1"]

    # ---- transactions ----

    def test_a_transaction_that_fails_stores_nothing(self, stores: Stores, tenant_id: str) -> None:
        stores.push(tenant_id, tag("e1"))
        with pytest.raises(ZeroDivisionError):
            self._store_and_fail(stores, tenant_id)
        assert stores.contacts(tenant_id) == []
        with stores.books.read(tenant_id) as book:
            assert conflicts(book) == []
        assert stores.pulled(tenant_id) == ["e1"]

    def _store_and_fail(self, stores: Stores, tenant_id: str) -> None:
        with stores.books.transact(tenant_id) as book:
            book.put_contact(Contact("phone", NOW))
            book.add_conflicts([loser("c1")])
            _ = 1 // 0

    def test_the_next_reader_sees_what_was_committed(self, stores: Stores, tenant_id: str) -> None:
        for number in range(3):
            stores.push(tenant_id, tag(f"e{number}"))
            assert len(stores.pulled(tenant_id)) == number + 1

    def test_no_commit_of_several_threads_is_lost(self, stores: Stores, tenant_id: str) -> None:
        def count_up() -> None:
            for _ in range(25):
                with stores.books.transact(tenant_id) as book:
                    contact = book.find_contact("counter")
                    book.put_contact(Contact("counter", contact.at + 1 if contact else 1))

        with ThreadPoolExecutor(4) as threads:
            for counting in [threads.submit(count_up) for _ in range(4)]:
                counting.result()
        assert stores.contacts(tenant_id) == [Contact("counter", 100)]

    def test_a_reader_sees_one_state_whatever_is_written_meanwhile(self, stores: Stores, tenant_id: str) -> None:
        stores.push(tenant_id, tag("e1"))
        reading = Event()

        def write() -> None:
            reading.wait(60)
            stores.push(tenant_id, tag("e2"))

        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(write)
            with stores.books.read(tenant_id) as book:
                before = book.find_position()
                reading.set()
                seen = {book.find_position() for _ in range(100)}
            writing.result()
        assert seen == {before}
        assert stores.pulled(tenant_id) == ["e1", "e2"]

    def test_a_device_that_pulls_while_others_push_misses_nothing(self, stores: Stores, tenant_id: str) -> None:
        def push_many() -> int:
            return sum(len(stores.push(tenant_id, tag(str(uuid4())), tag(str(uuid4())))) for _ in range(20))

        seen: set[str] = set()
        since = None
        with ThreadPoolExecutor(2) as threads:
            writers = [threads.submit(push_many) for _ in range(2)]
            while True:
                over = all(writer.done() for writer in writers)
                page = stores.sync.pull(tenant_id, PullRequest(since, limit=7))
                seen |= {entity.id for entity in page.entities}
                since = Cursor(page.next_stamp, page.epoch)
                if over and not page.has_more:
                    break
        assert len(seen) == sum(writer.result() for writer in writers)

    # ---- entities ----

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 1_000])
    def test_pages_follow_each_other_in_the_order_of_storing(self, stores: Stores, tenant_id: str, limit: int) -> None:
        ids = [f"e{number}" for number in range(8)]
        for entity_id in ids:
            stores.push(tenant_id, tag(entity_id))
        stores.push(tenant_id, tag("e2", T2))
        assert stores.pulled(tenant_id, limit=limit) == [*ids[:2], *ids[3:], "e2"]

    def test_a_page_ends_with_the_entity_that_makes_it_large(self, stores: Stores, tenant_id: str) -> None:
        large = {"name": "holiday", "image": "x" * (MAX_TEXT // 5)}
        stores.push(tenant_id, *(tag(f"e{number}", data=large) for number in range(7)))
        page = stores.sync.pull(tenant_id, PullRequest())
        assert (len(page.entities), page.has_more) == (5, True)
        assert len(stores.pulled(tenant_id)) == len(stores.loaded(tenant_id)) == 7

    def test_a_pull_of_one_type_comes_past_much_of_another(self, stores: Stores, tenant_id: str) -> None:
        large = {"name": "holiday", "image": "x" * (MAX_TEXT // 5)}
        stores.push(tenant_id, *(tag(f"e{number}", data=large) for number in range(7)))
        stores.push(tenant_id, tag("g1", entity_type="account_groups", data={"name": "Cash", "sortOrder": 1}))
        assert stores.pulled(tenant_id, entity_types=["account_groups"]) == ["g1"]

    def test_entities_of_two_types_may_have_one_id(self, stores: Stores, tenant_id: str) -> None:
        group = tag("e1", entity_type="account_groups", data={"name": "Cash", "sortOrder": 1})
        stores.push(tenant_id, tag("e1"), group)
        assert stores.pulled(tenant_id) == ["e1", "e1"]
        for entity_types, count in ((["tags"], 1), (["account_groups"], 1), (["accounts"], 0), (["tags", "no"], 1)):
            assert len(stores.pulled(tenant_id, entity_types=entity_types)) == count
            assert len(stores.loaded(tenant_id, entity_types)) == count

    def test_a_first_load_has_no_tombstones_and_a_pull_has(self, stores: Stores, tenant_id: str) -> None:
        stores.push(tenant_id, tag("e1"), tag("e2"))
        stores.push(tenant_id, deletion("e1"))
        assert stores.loaded(tenant_id) == ["e2"]
        assert stores.pulled(tenant_id) == ["e2", "e1"]

    def test_a_change_that_comes_twice_is_stored_once(self, stores: Stores, tenant_id: str) -> None:
        first, second = tag("e1", T1), tag("e1", T2)
        stores.push(tenant_id, first)
        stores.push(tenant_id, second)
        with stores.books.read(tenant_id) as book:
            before = book.find_position()
        assert stores.push(tenant_id, second) == ["unchanged"]
        assert stores.push(tenant_id, first) == ["superseded"]
        with stores.books.read(tenant_id) as book:
            assert book.find_position() == before

    def test_a_digest_is_of_what_is_stored_and_not_of_how_it_came(self, stores: Stores, tenant_id: str) -> None:
        one, other = tag("e1"), tag("e2", T2)
        stores.push(tenant_id, one, other)
        elsewhere = stores.create()
        stores.push(elsewhere, other)
        stores.push(elsewhere, one, now=NOW + DAY)
        digests = [stores.sync.pull(each, PullRequest()).digest for each in (tenant_id, elsewhere)]
        assert digests[0] == digests[1]
        assert digests[0] is not None
        stores.push(elsewhere, tag("e1", T3))
        assert stores.sync.pull(elsewhere, PullRequest()).digest != digests[0]

    # ---- what is kept beside them ----

    def test_conflicts_are_kept_once_and_in_order_until_one_is_deleted(self, stores: Stores, tenant_id: str) -> None:
        stores.push(tenant_id, tag("e1"))
        for change_ids in (["c2", "c1"], ["c1", "c3"]):
            with stores.books.transact(tenant_id) as book:
                book.add_conflicts([loser(change_id) for change_id in change_ids])
        with stores.books.read(tenant_id) as book:
            kept = conflicts(book)
            assert [conflict.kept for conflict in kept] == [loser(each) for each in ("c2", "c1", "c3")]
            assert {conflict.stored.updated_at for conflict in kept if conflict.stored} == {T1}
        with stores.books.transact(tenant_id) as book:
            assert book.find_conflict(kept[1].conflict_id) == kept[1].kept
            assert book.delete_conflict(kept[1].conflict_id)
            assert not book.delete_conflict(kept[1].conflict_id)
            assert book.find_conflict(kept[1].conflict_id) is None
        with stores.books.read(tenant_id) as book:
            assert conflicts(book) == [kept[0], kept[2]]

    def test_a_change_id_is_remembered_as_of_the_first_time(self, stores: Stores, tenant_id: str) -> None:
        one, other = (("tags", "e1"), "c1"), (("tags", "e2"), "c2")
        with stores.books.transact(tenant_id) as book:
            book.add_remembered([Remembered(*one, NOW), Remembered(*other, NOW + DAY)])
            book.add_remembered([Remembered(*one, NOW + DAY)])
        with stores.books.transact(tenant_id) as book:
            assert book.list_remembered(["c1"]) == {one}
            assert book.list_remembered(["c2", "c1", "c3"]) == {one, other}
            assert book.purge(NOW + 1, NOW, NOW).change_ids == 1
            assert book.list_remembered(["c2", "c1"]) == {other}

    def test_a_contact_keeps_what_the_device_did_not_say_again(self, stores: Stores, tenant_id: str) -> None:
        contacts = [
            Contact("phone", NOW, "Phone", "cursor", 7),
            Contact("laptop", NOW + 1, "Laptop"),
            Contact("phone", NOW + 2, clock_skew=9),
            Contact("phone", NOW + 3),
        ]
        with stores.books.transact(tenant_id) as book:
            for contact in contacts:
                book.put_contact(contact)
        phone = Contact("phone", NOW + 3, "Phone", "cursor", 9)
        assert stores.contacts(tenant_id) == [phone, contacts[1]]
        with stores.books.read(tenant_id) as book:
            assert book.find_contact("phone") == phone
            assert book.find_contact("tablet") is None

    def test_a_name_that_another_device_takes_over_is_its_own(self, stores: Stores, tenant_id: str) -> None:
        for contact in (Contact("old token", NOW, "Phone"), Contact("new token", NOW + 1, "Phone")):
            with stores.books.transact(tenant_id) as book:
                book.put_contact(contact)
        assert stores.contacts(tenant_id) == [Contact("new token", NOW + 1, "Phone")]

    # ---- age ----

    def test_a_purge_forgets_what_is_old_and_moves_the_horizon(self, stores: Stores, tenant_id: str) -> None:
        gone = deletion("e1")
        stores.push(tenant_id, tag("e1"), tag("e2"))
        stores.push(tenant_id, gone)
        with stores.books.read(tenant_id) as book:
            position = book.find_position()
        with stores.books.transact(tenant_id) as book:
            book.add_conflicts([loser("c1")])
            book.put_contact(Contact("phone", NOW))
            nothing = book.purge(NOW, NOW, NOW)
            assert sum(nothing) == 0
            purged = book.purge(NOW + DAY, NOW + DAY, NOW + DAY)
        assert (purged.tombstones, purged.conflicts, purged.devices) == (1, 1, 1)
        assert stores.contacts(tenant_id) == []
        with stores.books.transact(tenant_id) as book:
            assert book.find_position().horizon == position.last_stamp
            assert book.list_remembered([gone["change_id"]]) == {(("tags", "e1"), gone["change_id"])}
        assert stores.loaded(tenant_id) == ["e2"]
        with pytest.raises(CursorExpired):
            stores.sync.pull(tenant_id, PullRequest(Cursor(position.last_stamp - 1, position.epoch)))

    def test_what_is_deleted_makes_room_for_other_contents(self, stores: Stores, tenant_id: str) -> None:
        def size() -> int:
            with stores.books.read(tenant_id) as book:
                return book.size()

        empty = size()
        stores.push(tenant_id, tag("e1", data={"name": "holiday", "image": "x" * 200_000}))
        full = size()
        assert full > empty + 100_000
        stores.push(tenant_id, deletion("e1"))
        assert size() < full
