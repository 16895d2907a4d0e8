"""HTTP/1.1 as an attacker speaks it: any bytes, and any pause between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

NOBODY = "fw_nobody"
PATIENCE = 60.0  # seconds that an attacker waits for anything


def request(method: str, path: str, body: bytes = b"", token: str | None = None, **headers: str) -> bytes:
    """A whole request. A header `X_Tenant_ID` is sent as X-Tenant-ID."""
    return head(method, path, len(body), token, **headers) + body


def head(method: str, path: str, length: int, token: str | None = None, **headers: str) -> bytes:
    """The head of a request whose body has so many bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*"]
    if length:
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def push(tenant_id: str, changes: Iterable[object]) -> bytes:
    """The body of a push."""
    return json.dumps({"tenant_id": tenant_id, "changes": list(changes)}, separators=(",", ":")).encode()


class Connection:
    """A connection to the server from an address of this machine, for as long as the context is open."""

    def __init__(self, port: int, address: str) -> None:
        self._port = port
        self._address = address

    async def __aenter__(self) -> Connection:
        self._reader, self._writer = await asyncio.wait_for(
            asyncio.open_connection("127.0.0.1", self._port, local_addr=(self._address, 0)), PATIENCE
        )
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._writer.transport.abort()

    async def send(self, data: bytes) -> None:
        """Sends, as fast as the server takes it."""
        self._writer.write(data)
        await self._writer.drain()

    async def ended(self) -> None:
        """Reads until the server ends the connection."""
        while await self._reader.read(65_536):
            pass

    async def ask(self, data: bytes) -> int:
        """Sends a request and reads the answer to its end: its status. The server may answer before all is sent."""
        sending = asyncio.ensure_future(self.send(data))
        try:
            return await asyncio.wait_for(self._answer(), PATIENCE)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _answer(self) -> int:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await self._reader.readline(), 16):
                await self._discard(size + 2)
            await self._reader.readline()
        else:
            await self._discard(int(headers.get("content-length", 0)))
        return int(lines[0].split()[1])

    async def _discard(self, size: int) -> None:
        while size:
            size -= len(data := await self._reader.read(min(size, 1 << 20)))
            if not data:
                raise ConnectionResetError
