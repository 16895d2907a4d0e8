"""Two devices, a real server in processes of its own, a real-sized book: in the end all hold the same."""

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from finwise.cli import main
from harness.account import Account, sign_up
from harness.device import Device
from harness.server import Server

BOOK = Path(__file__).parent / "data" / "ledger.json"
LEDGER: dict[str, list[dict[str, Any]]] = json.loads(BOOK.read_text("utf-8"))
OWN = ("id", "created_at", "updated_at")


def device(account: Account, **options: Any) -> Device:
    return Device(account.url, account.token, account.tenant_id, **options)


def enter_ledger(device: Device) -> None:
    for entity_type, entities in LEDGER.items():
        for entity in entities:
            data = {name: value for name, value in entity.items() if name not in OWN}
            times = {"created_at": entity["created_at"], "updated_at": entity["updated_at"]}
            device.edit(entity_type, entity["id"], data, **times)


def edit_offline(device: Device, name: str, dice: random.Random) -> None:
    """Changes, deletes and adds transactions; some are the same ones the other device touches."""
    transactions = LEDGER["transactions"]
    for entity in dice.sample(transactions[:400], 120):
        known = device.entities["transactions", entity["id"]]
        if known["data"] is not None:
            note = None if dice.random() < 0.2 else {**known["data"], "note": f"{name} {dice.random()}"}
            device.edit("transactions", entity["id"], note)
    for number in range(40):
        template = dice.choice(transactions)
        data = {field: value for field, value in template.items() if field not in OWN}
        device.edit("transactions", f"{name}-{number}", {**data, "description": f"{name} {number}"})


def server_holds(account: Account) -> dict[tuple[str, str], dict[str, Any]]:
    answer = httpx.get(f"{account.url}/sync/initial/{account.tenant_id}", headers=account.headers, timeout=60)
    entities = answer.raise_for_status().json()["changes"]
    return {(entity["entity_type"], entity["id"]): entity for entity in entities}


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(hours=-3), timedelta(days=40)])
def test_two_devices_and_the_server_end_equal_entity_by_entity(server: Server, skew: timedelta) -> None:
    dice = random.Random(7)
    account = sign_up(server.url)
    first, second = device(account), device(account, skew=skew)

    enter_ledger(first)
    first.sync()
    assert first.rejected == []
    second.sync()
    assert second.living() == first.living() == server_holds(account)
    assert len(first.living()) == sum(map(len, LEDGER.values()))

    edit_offline(first, "first", dice)
    edit_offline(second, "second", dice)
    for each in (first, second, first):
        each.sync()

    held = server_holds(account)
    assert first.living() == held
    assert second.living() == held
    assert held["transactions", "first-3"]["data"]["description"] == "first 3"
    assert held["transactions", "second-3"]["data"]["description"] == "second 3"


def test_what_an_import_writes_reaches_the_devices_at_their_next_pull(server: Server, tmp_path: Path) -> None:
    account = sign_up(server.url)
    listener = device(account)
    listener.sync()
    folders = {
        "FINWISE_INSTANCE": str(tmp_path / "instance"),
        "FINWISE_TENANT_DATABASES": str(tmp_path / "tenant_databases"),
    }
    done = CliRunner(env=folders).invoke(main, ["import", str(BOOK), "--tenant", account.tenant_id])
    assert done.exit_code == 0, done.output

    listener.sync()
    assert len(listener.living()) == sum(map(len, LEDGER.values()))
    assert listener.living() == server_holds(account)


def test_what_was_acknowledged_is_there_after_all_processes_are_killed(server: Server) -> None:
    account = sign_up(server.url)
    first = device(account)
    enter_ledger(first)
    first.sync()
    server.kill()
    server.start()
    assert server_holds(account) == first.living()
