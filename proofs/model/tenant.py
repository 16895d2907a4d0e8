"""A tenant of the model, which the referee watches: its requests, and what is checked after each of them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from unittest.mock import patch
from uuid import UUID

from finwise.domain.cursor import parse_cursor
from finwise.domain.sync import PushRequest
from finwise.errors import FinWiseError, StorageFull
from finwise.store.book import Book
from proofs.model.device import Device, Json, Push, time_text
from proofs.model.installation import START, Installation
from proofs.model.lineage import Key, Lineage
from proofs.model.referee import Judgement
from proofs.model.service import Refused
from proofs.model.state import MILLI, Reader, State, Violation, require


class Tenant:
    """One tenant and its bystander, another tenant that nothing here may touch.

    `now` is the true time in µs, `server_skew` how far the server's clock is off, `state` what the file holds.
    """

    def __init__(self, installation: Installation, cases: Counter[str]) -> None:
        self.service, self.domain, self.cases = installation.service, installation.domain, cases
        self.tenant_id, self.bystander_id = installation.new_tenant(), installation.new_tenant()
        self.now, self.server_skew = START, 0
        self.lineage = Lineage()
        self._reader = Reader(installation.file(self.tenant_id))
        self._bystander = Reader(installation.file(self.bystander_id))
        self.state = self._reader.look()
        self._bystander_state = self._bystander.look()
        self._sets = self._unbased_changes = 0

    def close(self) -> None:
        self._reader.close()
        self._bystander.close()

    # Requests

    @property
    def server_now(self) -> int:
        return self.now + self.server_skew

    def _stored_change(self, key: Key) -> str | None:
        stored = self.state.entities.get(key)
        return stored.change_id if stored else None

    def _deliver(self, request: Push) -> Json:
        """A push arrives at the server."""
        before = self.state
        try:
            answer = self._asked(request.since, lambda: self.service.push(self.tenant_id, request, self.server_now))
        finally:
            after = self._look()
        Judgement(self.lineage, self.cases, request, answer, before, after, self.server_now).check()
        return answer

    def _push_failing(self, request: Push, nth: int) -> None:
        """A push during which the disk is full (I8): nothing of it is stored."""
        before = self.state
        with _failing_write(nth) as failed, suppress(Refused, StorageFull):
            self._deliver(request)
        if failed:
            self._look()
            require(self.state == before, "I8: a push that failed has left something behind")
            self.cases["pushes that failed"] += 1

    def _page(self, reader: Device, limit: int) -> Json:
        answer = self._asked(
            reader.since or "", lambda: self.service.pull(self.tenant_id, reader.since, limit, self.server_now)
        )
        self._look()
        self._check_page(answer, reader.since, limit)
        return answer

    def _load(self, reader: Device, refusal: Mapping[str, Any] | None) -> None:
        answer = self.service.load(self.tenant_id, self.server_now)
        self.cases["first loads"] += 1
        self._look()
        self._check_entities(answer)
        living = {key for key, stored in self.state.entities.items() if stored.data is not None}
        there = {(entity["entity_type"], entity["id"]) for entity in answer["changes"]}
        require(there == living, f"I7: a first load has {sorted(there)} where {sorted(living)} live")
        if refusal is None and reader.is_before_restore(answer):
            refusal = {"code": "epoch_changed", "give_back": True}
            self.cases["restores seen by the epoch alone"] += 1
        reader.receive_load(answer, self.now // MILLI, refusal)
        self._check_equal(reader, answer)

    def _asked(self, since: str | None, ask: Callable[[], Json]) -> Json:
        """The answer, or the 410 that had to come. `since` "" is a pull from the beginning."""
        expected = self._expected_refusal(since)
        try:
            answer = ask()
        except Refused as refused:
            body = refused.body
            require(expected == body, f"{_invariant(body)}: {body} where {expected} was due")
            self.cases[f"410 {body['code']}"] += 1
            self.cases["410 without give_back"] += body.get("give_back") is False
            raise
        except StorageFull:
            raise
        except (FinWiseError, sqlite3.Error) as error:
            raise Violation(f"the server failed: {type(error).__name__}: {error}") from error
        require(expected is None, f"{_invariant(expected)}: a stale cursor was served where {expected} was due")
        require(answer["epoch"] == self.state.epoch, "I14: an answer names another epoch than the file")
        return answer

    def _expected_refusal(self, since: str | None) -> Mapping[str, Any] | None:
        state = self.state
        if since is None:
            return None
        cursor = parse_cursor(since) if since else None
        stamp = cursor.stamp if cursor else 0
        if cursor and (cursor.epoch != state.epoch or stamp > state.last_stamp):
            return {"code": "epoch_changed", "action": "initial", "give_back": stamp >= state.horizon}
        return {"code": "cursor_expired", "action": "initial"} if stamp < state.horizon else None

    # What is looked at

    def _look(self) -> State:
        self.state = self._reader.look()
        require(self._bystander.look() == self._bystander_state, "I10: another tenant's book has changed")
        return self.state

    def _check_page(self, answer: Json, since: str | None, limit: int) -> None:
        self._check_entities(answer)
        require(len(answer["changes"]) <= limit, f"I7: a page of {len(answer['changes'])} where {limit} was asked for")
        if answer["has_more"]:
            stamp = parse_cursor(since).stamp if since else 0
            require(parse_cursor(answer["next_since"]).stamp > stamp, "I7: a page makes no progress")

    def _check_entities(self, answer: Json) -> None:
        for entity in answer["changes"]:
            self.check_entity(entity)

    def check_entity(self, entity: Json) -> None:
        """What is answered is what is stored."""
        stored = self.state.entities.get((entity["entity_type"], entity["id"]))
        said = (entity["created_at"], entity["updated_at"], entity["data"])
        require(stored is not None and stored[1:4] == said, f"an answer says {said} where {stored} is stored")
        require(entity["deleted_at"] == (None if entity["data"] else entity["updated_at"]), "a wrong deleted_at")

    def _check_equal(self, device: Device, answer: Json) -> None:
        """After the last page, a device holds what the server holds, its own queue aside (I7)."""
        self._require_equal(device)
        if not device.queue:
            said = {name: digest for name, digest in answer["digest"].items() if int(digest, 16)}
            require(device.digests() == said, f"I9: the digest of {device.name}'s book is not the server's")

    def _require_equal(self, device: Device) -> None:
        named = {entry.key for entry in device.queue}
        for key in {*device.book, *self.state.entities} - named:
            local, stored = device.book.get(key), self.state.entities.get(key)
            mine = (
                (time_text(local.updated_at), local.created_at, local.data)
                if local and local.data is not None
                else None
            )
            theirs = (stored.updated_at, stored.created_at, stored.data) if stored and stored.data is not None else None
            require(mine == theirs, f"I7: device {device.name} ends with {mine} of {key}, the server with {theirs}")

    # The bystander

    def permute(self, orders: Sequence[Sequence[int]], cuts: Sequence[int], kinds: Sequence[int]) -> None:
        """The bystander is pushed one set of changes, without bases, in several orders and cuts: one table (I4)."""
        tables = [self._permuted(str(place), order, cuts[place:], kinds) for place, order in enumerate(orders)]
        require(all(table == tables[0] for table in tables), f"I4: the order of pushes decides: {tables}")
        self._bystander_state = self._bystander.look()
        before = self.state
        require(self._reader.look() == before, "I10: a push to another tenant has changed this one")
        self.cases["orders of one set of changes"] += len(orders)

    def _permuted(self, name: str, order: Sequence[int], cuts: Sequence[int], kinds: Sequence[int]) -> dict[str, Any]:
        """Pushes the changes `order` about two entities; the number of a change is its age, its kind what it does."""
        self._sets += 1
        waiting = [self._unbased(number, kinds[number]) for number in order]
        for cut in [*cuts, len(waiting)]:
            body = PushRequest(waiting[: cut + 1])
            self.domain.sync.push(self.bystander_id, body, self.now)
            del waiting[: cut + 1]
        found = self._bystander.look().entities
        mine = f"s{self._sets}-"
        return {key[1].removeprefix(mine): stored[1:4] for key, stored in found.items() if key[1].startswith(mine)}

    def _unbased(self, number: int, kind: int) -> Json:
        self._unbased_changes += 1
        at = time_text(START // MILLI - number)
        data = None if kind % 4 == 0 else {"name": f"v{number}"}
        return {
            "change_id": str(UUID(int=self._unbased_changes)),
            "entity_type": "tags",
            "id": f"s{self._sets}-{kind % 2}",
            "created_at": time_text(0),
            "updated_at": at,
            "deleted_at": None if data else at,
            "data": data,
        }


@contextmanager
def _failing_write(nth: int) -> Iterator[list[str]]:
    """The disk is full at the nth writing step of a push; the list then names that step."""
    failed: list[str] = []
    left = [nth]

    def failing(name: str, write: Callable[..., None]) -> Callable[..., None]:
        def step(*arguments: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                failed.append(name)
                raise StorageFull("The disk is full.")
            write(*arguments)

        return step

    writes = {name: write for name, write in vars(Book).items() if name.startswith(("put_", "add_"))}
    with ExitStack() as patches:
        for name, write in writes.items():
            patches.enter_context(patch.object(Book, name, failing(name, write)))
        yield failed


def _invariant(expected: Mapping[str, Any] | None) -> str:
    return "I14" if expected and expected["code"] == "epoch_changed" else "I7"
