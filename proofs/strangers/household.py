"""An ordinary household: devices that poll, push and load at fixed moments, and what they wait for an answer.

A wait counts from the moment a request was due until it has succeeded, so that a server which stops for a second is
not asked less for that, and whatever makes a device ask again (429, 503, a broken connection) is part of the wait.
"""

from __future__ import annotations

import http.client
import json
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from finwise import now
from finwise.domain.times import millis_text

POLL, PUSH, PUSH_50, LOAD = "polls", "pushes", "pushes of 50", "first loads"
KINDS = (POLL, PUSH, PUSH_50, LOAD)

_PATIENCE = 60.0  # seconds that a device waits for an answer
_AGAIN = 0.1  # seconds after which it asks again if the server does not say
_ENTITIES = 300  # of the household's book: fifty of each device


class Account(NamedTuple):
    """Where the household's book is, and a token for each device."""

    port: int
    tenant_id: str
    tokens: list[str]


@dataclass
class Waits:
    """Seconds by kind of request; how often a device had to ask again; what was acknowledged: entity -> its name."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    asked_again: int = 0

    def p99(self, kind: str) -> float:
        """The wait that one request in a hundred exceeds; of less than a hundred the slowest but one."""
        waits = sorted(self.seconds[kind])
        return waits[min(math.ceil(0.99 * len(waits)), len(waits) - 1) - 1] if len(waits) > 1 else math.inf

    def p50(self, kind: str) -> float:
        """The median wait."""
        waits = sorted(self.seconds[kind])
        return waits[len(waits) // 2] if waits else math.inf


class Household:
    """The devices of one household; each is a thread. Use as a context: the devices go on until it is left."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._guard = threading.Lock()
        self._waits = Waits()
        self._over = threading.Event()
        self._acknowledged: dict[str, str] = {}
        self._ids = [str(uuid4()) for _ in range(_ENTITIES)]
        self.wrong: list[str] = []
        plan: list[tuple[str, float, Callable[[Device, int], None]]] = [
            (POLL, 0.02, Device.poll),
            (POLL, 0.02, Device.poll),
            (PUSH, 0.04, Device.push),
            (PUSH, 0.04, Device.push),
            (PUSH_50, 0.2, Device.push_50),
            (LOAD, 0.1, Device.load),
        ]
        self._threads = []
        share = _ENTITIES // len(plan)
        for number, (kind, period, act) in enumerate(plan):
            ids = self._ids[number * share : (number + 1) * share]  # each device has its own, so that none conflicts
            device = Device(account, account.tokens[number % len(account.tokens)], ids)
            self._threads.append(threading.Thread(target=self._live, args=(device, kind, period, act), daemon=True))

    def __enter__(self) -> Household:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(2 * _PATIENCE)

    def take_waits(self) -> Waits:
        """What was waited since this was last asked."""
        with self._guard:
            waits, self._waits = self._waits, Waits()
            return waits

    def lost(self) -> list[str]:
        """Entities that are not in the book as they were last acknowledged. Once the devices have ended."""
        device = Device(self._account, self._account.tokens[0], [])
        held = {entity["id"]: entity["data"]["name"] for entity in device.load(0)["changes"]}
        return [each for each, name in self._acknowledged.items() if held.get(each) != name]

    def _live(self, device: Device, kind: str, period: float, act: Callable[[Device, int], Any]) -> None:
        due = time.monotonic()
        number = 0
        while not self._over.wait(max(0.0, due - time.monotonic())):
            try:
                act(device, number)
            except Exception as error:  # whatever it is, the household was not served
                self.wrong.append(f"{kind}: {type(error).__name__}: {error}")
            with self._guard:
                self._waits.seconds[kind].append(time.monotonic() - due)
                self._waits.asked_again += device.take_asked_again()
                self._acknowledged |= device.take_acknowledged()
            due += period
            number += 1


class Device:
    """One device with a connection that it keeps."""

    def __init__(self, account: Account, token: str, ids: Sequence[str]) -> None:
        self._port, self._tenant_id = account.port, account.tenant_id
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._ids = ids
        self._since = ""
        self._connection: http.client.HTTPConnection | None = None
        self._asked_again = 0
        self._acknowledged: dict[str, str] = {}

    def poll(self, number: int) -> None:
        """Pulls what is new."""
        query = f"?since={self._since}" if self._since else ""
        self._since = self._ask("GET", f"/sync/changes/{self._tenant_id}{query}")["next_since"]

    def push(self, number: int) -> None:
        """Pushes one change."""
        self._push([self._ids[number % len(self._ids)]])

    def push_50(self, number: int) -> None:
        """Pushes fifty changes."""
        self._push(self._ids[:50])

    def load(self, number: int) -> Any:
        """Loads the whole book."""
        return self._ask("GET", f"/sync/initial/{self._tenant_id}")

    def take_asked_again(self) -> int:
        """How often it had to ask again since this was last asked."""
        many, self._asked_again = self._asked_again, 0
        return many

    def take_acknowledged(self) -> dict[str, str]:
        """What was acknowledged since this was last asked: entity -> its name."""
        taken, self._acknowledged = self._acknowledged, {}
        return taken

    def _push(self, ids: Sequence[str]) -> None:
        names = {each: str(uuid4()) for each in ids}
        updated_at = millis_text(now())
        changes = [
            {"change_id": str(uuid4()), "entity_type": "tags", "id": each, "updated_at": updated_at}
            | {"data": {"name": name}}
            for each, name in names.items()
        ]
        results = self._ask("POST", "/sync/changes", {"tenant_id": self._tenant_id, "changes": changes})["results"]
        applied = [result["status"] == "applied" for result in results]
        self._acknowledged |= {each: names[each] for each, is_applied in zip(names, applied, strict=True) if is_applied}

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer, asked for until there is one."""
        sent = None if body is None else json.dumps(body)
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                status, pause, content = self._send(method, path, sent)
            except (OSError, http.client.HTTPException) as error:
                self._connection = None
                status, pause, content = 0, _AGAIN, repr(error).encode()
            if status == 200:
                return json.loads(content)
            if status not in (0, 429, 503) or time.monotonic() > end:
                raise RuntimeError(f"{status}: {content[:200]!r}")
            self._asked_again += 1
            time.sleep(pause)

    def _send(self, method: str, path: str, body: str | None) -> tuple[int, float, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        return answer.status, float(answer.headers.get("Retry-After", _AGAIN)), answer.read()
