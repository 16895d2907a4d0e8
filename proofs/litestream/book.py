"""Books with devices that write until the disaster."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread

import httpx

from harness.account import Account
from harness.device import Device, Key
from proofs.witness import stored, tenant_file

TENANTS, DEVICES = 3, 2  # devices of each tenant
SHARED_IDS = 20  # of each tenant, written to by all its devices


@dataclass
class Book:
    """A tenant, its devices, and what the server acknowledged: when, by the clock of this process."""

    account: Account
    devices: list[Device] = field(default_factory=list)
    moments: list[tuple[float, Key, str]] = field(default_factory=list)
    guard: Lock = field(default_factory=Lock)

    def open_devices(self) -> None:
        """Adds the devices. Each loads the book, and the first of them makes its schema: until then it has none."""
        account = self.account
        for _ in range(DEVICES):
            device = Device(account.url, account.token, account.tenant_id, on_acknowledged=self._acknowledge)
            device.sync()
            self.devices.append(device)

    def missing(self, databases: Path) -> list[tuple[float, Key, str]]:
        """The acknowledged changes of which the tenant's file has neither this version nor a newer one."""
        versions = {row.key: row.updated_at for row in stored(tenant_file(databases, self.account.tenant_id))}
        return [moment for moment in self.moments if versions.get(moment[1], "") < moment[2]]

    def _acknowledge(self, key: Key, updated_at: str) -> None:
        with self.guard:
            self.moments.append((time.monotonic(), key, updated_at))


class Writer(Thread):
    """A device that edits and syncs until the server is gone."""

    def __init__(self, device: Device, dice: Random, violations: list[str]) -> None:
        super().__init__(daemon=True)
        self.ends = Event()
        self._device = device
        self._dice = dice
        self._violations = violations

    def run(self) -> None:
        number = 0
        try:
            while not self.ends.is_set():
                for _ in range(self._dice.randint(1, 10)):
                    self._edit(number)
                    number += 1
                self._device.sync()
        except httpx.TransportError:
            pass  # the disaster
        except Exception as error:  # whatever an answer made of it: a device that stops is a finding, too
            self._violations.append(f"A device could not go on before the disaster: {error!r}")

    def _edit(self, number: int) -> None:
        shared = self._dice.random() < 0.3
        entity_id = f"shared-{self._dice.randrange(SHARED_IDS)}" if shared else f"{self._dice.getrandbits(64):x}"
        known = self._device.entities.get(("tags", entity_id))
        deletes = known is not None and known["data"] is not None and self._dice.random() < 0.3
        self._device.edit("tags", entity_id, None if deletes else {"name": f"{self.name} {number}"})
