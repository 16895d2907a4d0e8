"""The attacks: each says what one of its strangers does, again and again. Which there are: ATTACKS.

What is attacked and with which tokens, `Victim` says. Strangers' tokens are valid ones of another household.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from uuid import uuid4

from proofs.strangers import wire
from proofs.strangers.wire import NOBODY, Connection

BODY = 8 * 1024 * 1024  # bytes, the most that a push may have
LONG_AGO = "2020-01-01T00:00:00.000Z"
LONG = 600  # seconds; an attack ends before


@dataclass
class Victim:
    """The server's port, and a household that is not the one which is measured: strangers have its valid tokens.

    tokens: of several members. read_only: a token for reading. large_id: an entity of 250 KiB.
    """

    port: int
    tenant_id: str
    tokens: list[str]
    read_only: str
    large_id: str

    @cached_property
    def made(self) -> Iterator[int]:
        """A number that no other request has."""
        return itertools.count()

    def token(self, number: int) -> str:
        """A token for the stranger of this number."""
        return self.tokens[number % len(self.tokens)]

    @cached_property
    def junk(self) -> bytes:
        """8 MiB of a push to a tenant that never was."""
        change = {"change_id": str(uuid4()), "entity_type": "tags", "id": str(uuid4()), "updated_at": LONG_AGO}
        changes = [change | {"data": {"name": "x" * 1_600}}] * 4_700
        return wire.push(str(uuid4()), changes)

    @cached_property
    def heavy(self) -> bytes:
        """A push of 5,000 changes with an older time, all of them of the large entity."""
        changes = ({**self._change(self.large_id), "data": {"name": "x"}} for _ in range(5_000))
        return wire.push(self.tenant_id, changes)

    def deletions(self) -> bytes:
        """A push of 5,000 deletions of ids that never were."""
        gone = ({**self._change(str(uuid4())), "data": None, "deleted_at": LONG_AGO} for _ in range(5_000))
        return wire.push(self.tenant_id, gone)

    def _change(self, entity_id: str) -> dict[str, Any]:
        return {"change_id": str(uuid4()), "entity_type": "tags", "id": entity_id, "updated_at": LONG_AGO}


class Stranger(NamedTuple):
    """One of those who attack: its number among them, its address, and whom to tell of answers."""

    number: int
    address: str
    victim: Victim
    note: Callable[[object], None]

    def connect(self) -> Connection:
        """A connection from this stranger's address."""
        return Connection(self.victim.port, self.address)


class Attack(NamedTuple):
    """`strangers` that do something at once; from `addresses` addresses.

    allowed: seconds of waiting that docs/security.md promises, if it promises more than for the others.
    """

    about: str
    strangers: int
    act: Callable[[Stranger], Awaitable[None]]
    addresses: int = 1
    allowed: float = 0.0


async def _hold(me: Stranger, first: bytes = b"") -> None:
    async with me.connect() as connection:
        await connection.send(first)
        me.note("held")
        await connection.ended()
        me.note("ended by the server")


async def _drip(me: Stranger, first: bytes) -> None:
    """Sends a byte each second after the first bytes."""
    async with me.connect() as connection:
        await connection.send(first)
        me.note("begun")
        for _ in range(LONG):
            await connection.send(b"x")
            await asyncio.sleep(1)


async def _idle(me: Stranger) -> None:
    await _hold(me)


async def _half_heads(me: Stranger) -> None:
    await _drip(me, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ")


async def _slow_bodies(me: Stranger) -> None:
    routes = [("/users", None), ("/auth/tokens", None), ("/sync/changes", NOBODY)]
    path, token = routes[me.number % 3]
    await _drip(me, wire.head("POST", path, 4_000, token) + b"{")


async def _members_slow_bodies(me: Stranger) -> None:
    await _drip(me, wire.head("POST", "/sync/changes", 60_000, me.victim.token(me.number)) + b"{")


async def _http2(me: Stranger) -> None:
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    headers = b"\x00\x00\x05\x01\x04\x00\x00\x00\x01\x83\x84\x86\x41\x00"
    await _hold(me, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + headers)
    await asyncio.sleep(0.05)


async def _unread(me: Stranger) -> None:
    """Sends requests one after the other and reads no answer."""
    async with me.connect() as connection:
        me.note("begun")
        for _ in range(LONG):
            await connection.send(wire.request("GET", "/openapi.json") * 10)


async def _refused(me: Stranger) -> None:
    """Pushes of 8 MiB: unknown tenant, a token that only reads, no such token, none."""
    victim = me.victim
    tokens = [victim.token(me.number), victim.read_only, NOBODY, None]
    token = tokens[next(victim.made) % 4]
    async with me.connect() as connection:
        me.note(await connection.ask(wire.request("POST", "/sync/changes", victim.junk, token)))


async def _cheap_json(me: Stranger) -> None:
    small, large = b"[" + b"[]," * 5_000 + b"[]]", b"[" + b"[]," * (BODY // 3 - 2) + b"[]]"
    path = ("/users", "/auth/tokens")[me.number % 2]
    async with me.connect() as connection:
        me.note(await connection.ask(wire.request("POST", path, large if next(me.victim.made) % 4 == 0 else small)))


async def _cheap_pushes(me: Stranger) -> None:
    """A member's 8 MiB of cheap JSON."""
    async with me.connect() as connection:
        cheap = b"[" + b"[]," * (BODY // 3 - 2) + b"[]]"
        me.note(await connection.ask(wire.request("POST", "/sync/changes", cheap, me.victim.token(me.number))))


async def _long_queries(me: Stranger) -> None:
    tokens = [None, NOBODY, me.victim.token(me.number)]
    async with me.connect() as connection:
        for _ in range(20):
            made = next(me.victim.made)
            query = f"entity_types=t{made}," + "x" * 60_000
            path = f"/sync/changes/{me.victim.tenant_id}?{query}"
            me.note(await connection.ask(wire.request("GET", path, token=tokens[made % 3])))


async def _standing(me: Stranger) -> None:
    """Asks for something large, and takes nothing of it."""
    tenant_id = me.victim.tenant_id
    path, accept = [
        (f"/sync/initial/{tenant_id}", "application/json"),
        (f"/sync/changes/{tenant_id}", "application/json"),
        (f"/tenants/{tenant_id}/export", "application/json"),
        (f"/tenants/{tenant_id}/export", "application/vnd.sqlite3"),
    ][me.number % 4]
    async with me.connect() as connection:
        await connection.send(wire.request("GET", path, token=me.victim.token(me.number), Accept=accept))
        me.note("begun")
        await asyncio.sleep(10)


async def _wide(me: Stranger) -> None:
    """Reads everything again and again: pages, first loads, exports."""
    paths = ("/sync/changes/{}", "/sync/initial/{}", "/tenants/{}/export")
    async with me.connect() as connection:
        path = paths[me.number % 3].format(me.victim.tenant_id)
        me.note(await connection.ask(wire.request("GET", path, token=me.victim.token(me.number))))


async def _heavy(me: Stranger) -> None:
    async with me.connect() as connection:
        for _ in range(20):
            body = me.victim.heavy
            me.note(await connection.ask(wire.request("POST", "/sync/changes", body, me.victim.token(me.number))))


async def _heavy_spaced(me: Stranger) -> None:
    async with me.connect() as connection:
        body = me.victim.heavy
        me.note(await connection.ask(wire.request("POST", "/sync/changes", body, me.victim.token(me.number))))
        await asyncio.sleep(1)


async def _deletions(me: Stranger) -> None:
    async with me.connect() as connection:
        body = me.victim.deletions()
        me.note(await connection.ask(wire.request("POST", "/sync/changes", body, me.victim.token(me.number))))


async def _sign_ups(me: Stranger) -> None:
    user_id = str(uuid4())
    user = {"uuid": user_id, "name": "Eve", "email": f"{user_id}@example.org", "password": user_id}
    async with me.connect() as connection:
        me.note(await connection.ask(wire.request("POST", "/users", json.dumps(user).encode())))


async def _wrong_logins(me: Stranger) -> None:
    email = f"{me.number}@example.org"
    login = {"email": email, "password": str(uuid4()), "device_name": "x"}
    async with me.connect() as connection:
        for _ in range(20):
            me.note(await connection.ask(wire.request("POST", "/auth/tokens", json.dumps(login).encode())))


async def _unknown_pulls(me: Stranger) -> None:
    """Cheap requests without a valid token, as many as the server answers."""
    asked = wire.request("GET", f"/sync/changes/{me.victim.tenant_id}", token=NOBODY), wire.request("GET", "/nowhere")
    async with me.connect() as connection:
        for number in range(100):
            me.note(await connection.ask(asked[number % 2]))


async def _members_pulls(me: Stranger) -> None:
    """Valid polls of one household, as many as the server answers."""
    path = f"/sync/changes/{me.victim.tenant_id}?limit=1"
    async with me.connect() as connection:
        for _ in range(100):
            me.note(await connection.ask(wire.request("GET", path, token=me.victim.token(me.number))))


async def _churn(me: Stranger) -> None:
    """Connects, asks and goes away at once."""
    async with me.connect() as connection:
        await connection.send(wire.request("GET", f"/sync/initial/{me.victim.tenant_id}", token=me.victim.token(0)))
        me.note("gone")


ATTACKS = {
    "idle": Attack("1,200 idle connections from one address", 1_200, _idle),
    "idle many": Attack("1,200 idle connections from 60 addresses", 1_200, _idle, 60),
    "half heads": Attack("600 heads that never end, from 60 addresses", 600, _half_heads, 60),
    "slow bodies": Attack("300 bodies that drip, without an account", 300, _slow_bodies, 30),
    "members' slow bodies": Attack("300 bodies that drip, with valid tokens", 300, _members_slow_bodies, 30),
    "http/2": Attack("100 connections that speak HTTP/2", 100, _http2),
    "unread": Attack("200 connections that read no answer", 200, _unread, 20, 4.0),
    "refused": Attack("refused pushes of 8 MiB over 24 connections", 24, _refused, 6, 1.0),
    "cheap json": Attack("8 MiB and 15 KiB of cheap JSON without an account, over 24 connections", 24, _cheap_json, 6),
    "cheap pushes": Attack("8 MiB of cheap JSON by members, over 12 connections", 12, _cheap_pushes, 6, 1.0),
    "long queries": Attack("queries of 60 KiB, all different, over 32 connections", 32, _long_queries, 8),
    "standing": Attack("96 readers that take nothing", 96, _standing, 8, 1.0),
    "wide": Attack("64 readers that read a whole book again and again", 64, _wide, 8),
    "heavy 150": Attack("heavy pushes over 150 connections", 150, _heavy, 8),
    "heavy 320": Attack("heavy pushes over 320 connections, a second apart", 320, _heavy_spaced, 8),
    "deletions": Attack("deletions of what never was over 16 connections", 16, _deletions, 4),
    "sign-ups": Attack("sign-ups over 100 connections", 100, _sign_ups, 50),
    "log-ins": Attack("wrong log-ins over 100 connections", 100, _wrong_logins, 50),
    "unknown pulls": Attack("cheap requests without an account over 150 connections", 150, _unknown_pulls, 15),
    "members' pulls": Attack("polls of one household over 150 connections", 150, _members_pulls, 15, 1.0),
    "churn": Attack("first loads that nobody waits for, over 50 connections", 50, _churn, 5),
}
