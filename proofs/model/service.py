"""What the model asks of a server, and the server that it asks by default: the rules within this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from finwise.api import answers
from finwise.domain import Domain
from finwise.domain.conflicts import Decision
from finwise.domain.cursor import parse_cursor
from finwise.domain.sync import PullRequest, PushRequest
from finwise.errors import CursorExpired, EpochChanged
from proofs.model.device import Json, Push


class Refused(Exception):
    """The body of a 410."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(body)
        self.body = body


class Shown(NamedTuple):
    """A conflict as a person sees it: what lost, and `updated_at` of the stored version, None if there is none."""

    conflict_id: str
    loser: Json
    stored_at: str | None


class Service(Protocol):
    """The requests of devices and people, answered as the protocol says. `now` in µs is the server's clock.

    All raise Refused for a 410. A pull without `since` begins at the beginning.
    """

    def push(self, tenant_id: str, request: Push, now: int) -> Json: ...

    def pull(self, tenant_id: str, since: str | None, limit: int, now: int) -> Json: ...

    def load(self, tenant_id: str, now: int) -> Json: ...

    def list_conflicts(self, tenant_id: str, now: int) -> list[Shown]: ...

    def restore(self, tenant_id: str, conflict_id: str, decision: Decision, now: int) -> None:
        """Raises Conflict if another version is stored than the person saw."""

    def dismiss(self, tenant_id: str, conflict_id: str, now: int) -> None: ...


class Direct:
    """The rules and the stores of this process, and the texts that go over the wire."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def push(self, tenant_id: str, request: Push, now: int) -> Json:
        pull = PullRequest(parse_cursor(request.since), None, request.limit) if request.since else None
        body = PushRequest(json.loads(json.dumps(request.changes)), request.device, pull)
        return _answer(lambda: answers.pushed_text(self._domain.sync.push(tenant_id, body, now), now))

    def pull(self, tenant_id: str, since: str | None, limit: int, now: int) -> Json:
        request = PullRequest(parse_cursor(since) if since else None, None, limit)
        return _answer(lambda: answers.page_text(self._domain.sync.pull(tenant_id, request), now))

    def load(self, tenant_id: str, now: int) -> Json:
        with self._domain.sync.initial(tenant_id, None) as load:
            return _answer(lambda: b"".join(answers.load_chunks(load, now)))

    def list_conflicts(self, tenant_id: str, now: int) -> list[Shown]:
        with self._domain.conflicts.list_of(tenant_id) as listed:
            return shown(json.loads("".join(answers.conflicts_text(listed))))

    def restore(self, tenant_id: str, conflict_id: str, decision: Decision, now: int) -> None:
        self._domain.conflicts.restore(tenant_id, conflict_id, decision, now)

    def dismiss(self, tenant_id: str, conflict_id: str, now: int) -> None:
        self._domain.conflicts.dismiss(tenant_id, conflict_id)


def shown(listed: list[Json]) -> list[Shown]:
    """The conflicts of an answer."""
    return [
        Shown(each["conflict_id"], each["loser"], each["entity"] and each["entity"]["updated_at"]) for each in listed
    ]


def _answer(ask: Callable[[], bytes]) -> Json:
    try:
        text = ask()
    except (CursorExpired, EpochChanged) as error:
        raise Refused({"code": error.code} | error.members) from error
    answer: Json = json.loads(text)
    return answer
