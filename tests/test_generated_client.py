"""A client that openapi-python-client generates from the document works against a running server, with types."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import httpx
import pytest

from harness.account import sign_up
from harness.server import Server
from tests.test_odd_records import CHANGES

DOCUMENT = Path(__file__).parents[1] / "openapi.json"
PACKAGE = "generated_finwise_client"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("generated")
    config = folder / "config.yml"
    config.write_text("post_hooks: []\n", "utf-8")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"]
    options = ["--path", str(DOCUMENT), "--output-path", str(folder / PACKAGE), "--config", str(config)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield folder / PACKAGE
    sys.path.remove(str(folder))


def module(name: str) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.{name}")


def call(name: str, client: Any, *arguments: Any, **options: Any) -> Any:
    return module(f"api.{name}").sync(*arguments, client=client, **options)


def test_the_generated_client_signs_up_pushes_and_pulls_typed_entities(package: Path, server: Server) -> None:
    models, client_module = module("models"), module("client")
    user_id, tenant_id, group_id = uuid4(), uuid4(), str(uuid4())
    with client_module.Client(base_url=server.url) as anonymous:
        user = models.NewUser(uuid=user_id, name="Ada", email="ada@example.org", password="correct horse battery")
        assert call("users.create_user", anonymous, body=user).email == "ada@example.org"
        login = models.Login(email="ada@example.org", password="correct horse battery", device_name="generated")
        token = call("tokens.create_token", anonymous, body=login).token

    group = models.AccountGroup(name="Bank", sort_order=0)
    group["color"] = "blue"  # a field the document does not know
    now = datetime.fromisoformat("2026-01-09T19:01:00.123+00:00")
    change = models.AccountGroupChange(
        change_id=uuid4(),
        entity_type=models.AccountGroupChangeEntityType.ACCOUNT_GROUPS,
        id=group_id,
        updated_at=now,
        base_updated_at=None,
        data=group,
    )
    with client_module.AuthenticatedClient(base_url=server.url, token=token) as client:
        tenant = models.NewTenant(uuid=tenant_id, name="Home")
        assert call("tenants.create_tenant", client, body=tenant).user_id == str(user_id)
        pushed = call("sync.push_changes", client, body=models.Push(tenant_id=tenant_id, changes=[change]))
        assert [result.status.value for result in pushed.results] == ["applied"]

        page = call("sync.pull_changes", client, tenant_id, limit=10)
        (entity,) = page.changes
        assert isinstance(entity, models.AccountGroupEntity)
        assert (entity.id, entity.updated_at, entity.data.name, entity.data["color"]) == (group_id, now, "Bank", "blue")
        assert call("sync.load_initial", client, tenant_id).changes == [entity]
        assert call("sync.pull_changes", client, tenant_id, since=page.next_since).changes == []

        late = models.AccountGroupChange.from_dict(
            change.to_dict()
            | {
                "change_id": str(uuid4()),
                "updated_at": "2026-01-08T00:00:00Z",
                "data": {"name": "Late", "sortOrder": 1},
            }
        )
        call("sync.push_changes", client, body=models.Push(tenant_id=tenant_id, device_id="phone", changes=[late]))
        (conflict,) = call("conflicts.list_conflicts", client, tenant_id)
        assert (conflict.reason.value, conflict.loser.data["name"], conflict.entity) == ("older", "Late", entity)
        seen = models.Decision(base_updated_at=now)
        brought_back = call("conflicts.restore_conflict", client, tenant_id, conflict.conflict_id, body=seen)
        assert isinstance(brought_back, models.AccountGroupEntity)
        assert brought_back.data.name == "Late"
        assert call("conflicts.list_conflicts", client, tenant_id) == []

        (device,) = call("devices.list_devices", client, tenant_id)
        assert (device.device_id, device.device_name, device.user_id) == ("phone", "generated", str(user_id))


def test_the_generated_client_reads_errors_as_problems(package: Path, server: Server) -> None:
    models, client_module = module("models"), module("client")
    with client_module.AuthenticatedClient(base_url=server.url, token="fw_unknown") as stranger:
        problem = call("tenants.list_tenants", stranger)
    assert isinstance(problem, models.Problem)
    assert (problem.status, problem.code) == (401, "unauthorized")


def test_the_generated_client_loads_a_book_full_of_odd_records(package: Path, server: Server) -> None:
    account = sign_up(server.url)
    push = {"tenant_id": account.tenant_id, "changes": CHANGES}
    httpx.post(f"{server.url}/sync/changes", json=push, headers=account.headers).raise_for_status()
    with module("client").AuthenticatedClient(base_url=server.url, token=account.token) as client:
        loaded = call("sync.load_initial", client, account.tenant_id).changes
    assert {entity.id: entity.data.to_dict() for entity in loaded} == {each["id"]: each["data"] for each in CHANGES}
