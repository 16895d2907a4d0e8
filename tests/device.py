"""A device as the protocol describes it (docs/protocol.md): a copy of the book, a queue, a clock that may be wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

Key = tuple[str, str]


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
    """Edits offline, pushes and pulls when told to. `skew` is how far its clock runs ahead."""

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

    def edit(self, entity_type: str, entity_id: str, data: dict[str, Any] | None, **times: str) -> None:
        """Changes an entity, or with None deletes it, and queues the change."""
        key = (entity_type, entity_id)
        updated_at = times.get("updated_at") or self._time()
        change = {
            "change_id": str(uuid4()),
            "entity_type": entity_type,
            "id": entity_id,
            "updated_at": updated_at,
            "base_updated_at": self.bases.get(key),
            "deleted_at": updated_at if data is None else None,
            "data": data,
        } | times
        known = self.entities.get(key, {})
        created_at = known.get("created_at") or times.get("created_at") or updated_at
        change["created_at"] = created_at
        self.entities[key] = {name: change[name] for name in ("entity_type", "id", "updated_at", "deleted_at", "data")}
        self.entities[key]["created_at"] = created_at
        self.queue.append(Entry(change))

    def sync(self) -> None:
        """Pushes the queue, then pulls what is new, until nothing is left of either."""
        with httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=60) as http:
            if self.since is None:
                self._load(http)
            while self.queue:
                self._push(http)
            while self._pull(http):
                pass

    def living(self) -> dict[Key, dict[str, Any]]:
        return {key: entity for key, entity in self.entities.items() if entity["deleted_at"] is None}

    def _push(self, http: httpx.Client) -> None:
        batch = self.queue[: self.batch]
        for entry in batch:
            entry.sent = True
        body = {"tenant_id": self.tenant_id, "since": self.since, "changes": [entry.change for entry in batch]}
        answer = http.post("/sync/changes", json=body)
        answer.raise_for_status()
        for entry, result in zip(batch, answer.json()["results"], strict=True):
            assert result["change_id"] == entry.change["change_id"]
            self.queue.remove(entry)
            self._settle(entry.key, result)

    def _settle(self, key: Key, result: dict[str, Any]) -> None:
        if result["status"] == "rejected":
            self.rejected.append(result)
        elif result["status"] == "superseded":
            self._take(key, result["entity"])
        else:
            self.bases[key] = result["updated_at"]
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
        answer = http.get(f"/sync/changes/{self.tenant_id}", params={"since": self.since or "", "limit": 300})
        answer.raise_for_status()
        page = answer.json()
        for entity in page["changes"]:
            self._take((entity["entity_type"], entity["id"]), entity)
        self.since = page["next_since"]
        return bool(page["has_more"])

    def _load(self, http: httpx.Client) -> None:
        headers = {"Accept": "application/x-ndjson"}
        lines = http.get(f"/sync/initial/{self.tenant_id}", headers=headers).raise_for_status().text.splitlines()
        for line in lines[:-1]:
            entity = json.loads(line)
            self._take((entity["entity_type"], entity["id"]), entity)
        self.since = json.loads(lines[-1])["next_since"]

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

    def _time(self) -> str:
        moment = datetime.now(UTC) + self.skew
        text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if text <= self.last_time:
            later = datetime.fromisoformat(self.last_time) + timedelta(milliseconds=1)
            text = later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.last_time = text
        return text
