"""A device as the protocol describes it (docs/protocol.md): a copy of the book, a queue, a clock that may be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

Key = tuple[str, str]
Entity = dict[str, Any]

RESTORES = 5  # of the server that one sync lives through before it gives up


class StartAgain(Exception):
    """410: the server cannot go on from this device's cursor. `problem` is what it said."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail"))
        self.problem = problem


@dataclass
class Entry:
    """A queue entry: immutable once it was sent."""

    change: dict[str, Any]
    sent: bool = False

    @property
    def key(self) -> Key:
        return self.change["entity_type"], self.change["id"]


@dataclass
class Device:
    """Edits offline, pushes and pulls when told to. `skew` is how far its clock runs ahead.

    `on_acknowledged` is told the time of each version that the server says it holds.
    """

    url: str
    token: str
    tenant_id: str
    skew: timedelta = timedelta()
    batch: int = 500
    entities: dict[Key, dict[str, Any]] = field(default_factory=dict)
    bases: dict[Key, str | None] = field(default_factory=dict)
    queue: list[Entry] = field(default_factory=list)
    since: str | None = None
    last_time: str = ""
    rejected: list[dict[str, Any]] = field(default_factory=list)
    given_back: int = 0
    on_acknowledged: Callable[[Key, str], None] | None = None

    def edit(self, entity_type: str, entity_id: str, data: dict[str, Any] | None, **times: str) -> None:
        """Changes an entity, or with None deletes it, and queues the change."""
        key = (entity_type, entity_id)
        known = self.entities.get(key, {})
        updated_at = times.get("updated_at") or self._time(known.get("updated_at", ""))
        change = {
            "change_id": str(uuid4()),
            "entity_type": entity_type,
            "id": entity_id,
            "updated_at": updated_at,
            "base_updated_at": self.bases.get(key),
            "deleted_at": updated_at if data is None else None,
            "data": data,
        } | times
        created_at = known.get("created_at") or times.get("created_at") or updated_at
        change["created_at"] = created_at
        self.entities[key] = {name: change[name] for name in ("entity_type", "id", "updated_at", "deleted_at", "data")}
        self.entities[key]["created_at"] = created_at
        self.queue.append(Entry(change))

    def sync(self) -> None:
        """Pushes the queue, then pulls what is new, until nothing is left of either.

        If the server cannot go on from the cursor, it loads the book again, and gives back what a restore has lost.
        """
        with httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=120) as http:
            if self.since is None:
                self._load(http)
            for _ in range(RESTORES):
                try:
                    self._push_and_pull(http)
                    return
                except StartAgain as told:
                    self._start_again(http, told.problem)
            self._push_and_pull(http)

    def living(self) -> dict[Key, dict[str, Any]]:
        return {key: entity for key, entity in self.entities.items() if entity["deleted_at"] is None}

    def _push_and_pull(self, http: httpx.Client) -> None:
        while self.queue:
            self._push(http)
        while self._pull(http):
            pass

    def _push(self, http: httpx.Client) -> None:
        batch = self.queue[: self.batch]
        for entry in batch:
            entry.sent = True
        body = {"tenant_id": self.tenant_id, "since": self.since, "changes": [entry.change for entry in batch]}
        answer = _understood(http.post("/sync/changes", json=body))
        for entry, result in zip(batch, answer.json()["results"], strict=True):
            assert result["change_id"] == entry.change["change_id"]
            self.queue.remove(entry)
            self._settle(entry.key, result)

    def _settle(self, key: Key, result: dict[str, Any]) -> None:
        if result["status"] == "rejected":
            self.rejected.append(result)
        elif result["status"] == "superseded" and "entity" not in result:
            pass  # a later result of this answer brings it
        elif result["status"] == "superseded":
            self._take(key, result["entity"])
        else:
            self.bases[key] = result["updated_at"]
            if self.on_acknowledged:
                self.on_acknowledged(key, result["updated_at"])
            following = next((entry for entry in self.queue if entry.key == key), None)
            if following is None:
                self._adopt(key, result)
            elif not following.sent:
                following.change["base_updated_at"] = result["updated_at"]

    def _adopt(self, key: Key, result: dict[str, Any]) -> None:
        entity = self.entities[key]
        entity["updated_at"] = result["updated_at"]
        entity["created_at"] = result.get("created_at", entity["created_at"])
        if entity["deleted_at"]:
            entity["deleted_at"] = result["updated_at"]

    def _pull(self, http: httpx.Client) -> bool:
        query = {"since": self.since or "", "limit": "300"}
        page = _understood(http.get(f"/sync/changes/{self.tenant_id}", params=query)).json()
        for entity in page["changes"]:
            self._take((entity["entity_type"], entity["id"]), entity)
        self.since = page["next_since"]
        return bool(page["has_more"])

    def _load(self, http: httpx.Client) -> None:
        entities, self.since = self._initial(http)
        for key, entity in entities.items():
            self._take(key, entity)

    def _start_again(self, http: httpx.Client, problem: dict[str, Any]) -> None:
        """Replaces everything except what the queue names, and after a restore gives back what the server lost."""
        entities, since = self._initial(http)
        if problem["code"] == "epoch_changed":
            self._give_back(entities, lacking=problem["give_back"])
        waiting = {entry.key for entry in self.queue}
        self.entities = {key: entity for key, entity in self.entities.items() if key in waiting}
        self.bases = {key: base for key, base in self.bases.items() if key in waiting}
        for key, entity in entities.items():
            self._take(key, entity)
        self.since = since

    def _give_back(self, stored: dict[Key, Entity], *, lacking: bool) -> None:
        """Queues what is newer here than on the server, and if `lacking`, what it has not; without a base."""
        waiting = {entry.key for entry in self.queue}
        for key, entity in self.entities.items():
            newer = entity["updated_at"] > stored[key]["updated_at"] if key in stored else lacking
            if newer and key not in waiting:
                self.queue.append(Entry({"change_id": str(uuid4())} | entity))
                self.given_back += 1

    def _initial(self, http: httpx.Client) -> tuple[dict[Key, Entity], str]:
        headers = {"Accept": "application/x-ndjson"}
        lines = http.get(f"/sync/initial/{self.tenant_id}", headers=headers).raise_for_status().text.splitlines()
        entities = [json.loads(line) for line in lines[:-1]]
        return {(each["entity_type"], each["id"]): each for each in entities}, json.loads(lines[-1])["next_since"]

    def _take(self, key: Key, entity: dict[str, Any] | None) -> None:
        waiting = [entry for entry in self.queue if entry.key == key]
        if entity is None:
            if not waiting:
                self.entities.pop(key, None)
            return
        if waiting and waiting[-1].change["updated_at"] > entity["updated_at"]:
            return
        self.entities[key] = entity
        self.bases[key] = entity["updated_at"]

    def _time(self, previous: str) -> str:
        """Now, but later than the entity's `previous` version and whatever this device has stamped before."""
        earliest = max(self.last_time, previous)
        moment = datetime.now(UTC) + self.skew
        text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if text <= earliest:
            later = datetime.fromisoformat(earliest) + timedelta(milliseconds=1)
            text = later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.last_time = text
        return text


def _understood(answer: httpx.Response) -> httpx.Response:
    """The answer, if it is one to a device whose cursor is still good. Raises StartAgain, or what httpx raises."""
    if answer.status_code == 410 and answer.json().get("action") == "initial":
        raise StartAgain(answer.json())
    return answer.raise_for_status()
