"""A Python client that openapi-generator makes from the document works against a running server.

The generator is a Java program, which its Python package brings along; Java itself is not brought.
"""

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from harness.account import sign_up
from harness.server import Server
from tests.test_odd_records import CHANGES

DOCUMENT = Path(__file__).parents[1] / "openapi.json"
PACKAGE = "client_of_openapi_generator"
NOW = datetime.fromisoformat("2026-01-09T19:01:00.123+00:00")

pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="openapi-generator needs Java, which is not here")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("openapi_generator")
    code = "import openapi_generator_cli; openapi_generator_cli.cli()"
    command = [sys.executable, "-c", code, "generate", "-g", "python", "-i", str(DOCUMENT), "-o", str(folder)]
    done = subprocess.run([*command, "--package-name", PACKAGE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module(PACKAGE)
    sys.path.remove(str(folder))


def test_it_pushes_pulls_and_loads_typed_entities_and_reads_errors(client: Any, server: Server) -> None:
    with client.ApiClient(client.Configuration(host=server.url)) as anonymous:
        user = client.NewUser(uuid=uuid4(), name="Ada", email="ada@example.org", password="correct horse battery")
        assert client.UsersApi(anonymous).create_user(user).email == "ada@example.org"
        login = client.Login(email="ada@example.org", password="correct horse battery", device_name="generated")
        token = client.TokensApi(anonymous).create_token(login).token

    tenant_id, entity_id, group = uuid4(), str(uuid4()), uuid4()
    good = client.AccountGroupChange(
        change_id=uuid4(),
        entity_type="account_groups",
        id=entity_id,
        updated_at=NOW,
        base_updated_at=None,
        data=client.AccountGroup.from_dict({"name": "Bank", "sortOrder": 0, "color": "blue"}),
    )
    names = {"entity_type": "tags", "updated_at": NOW, "group": group}
    in_group = client.TagChange(change_id=uuid4(), id="e1", data=client.Tag(name="holiday"), **names)
    without_data = client.TagChange(change_id=uuid4(), id="e2", **names)

    with client.ApiClient(client.Configuration(host=server.url, access_token=token)) as ours:
        client.TenantsApi(ours).create_tenant(client.NewTenant(uuid=tenant_id, name="Home"))
        sync = client.SyncApi(ours)
        changes = [client.Change(change) for change in (good, in_group, without_data)]
        pushed = sync.push_changes(client.Push(tenant_id=tenant_id, device_id="generated", changes=changes))
        assert [(result.status, result.code) for result in pushed.results] == [
            ("applied", None),
            ("rejected", "group"),
            ("rejected", "invalid_data"),
        ]

        page = sync.pull_changes(tenant_id, limit=10)
        (entity,) = [change.actual_instance for change in page.changes]
        assert isinstance(entity, client.AccountGroupEntity)
        assert (entity.id, entity.updated_at, entity.data.name) == (entity_id, NOW, "Bank")
        assert entity.data.additional_properties == {"color": "blue"}
        assert sync.load_initial(tenant_id).changes == page.changes
        assert sync.pull_changes(tenant_id, since=page.next_since).changes == []

        with pytest.raises(client.ApiException) as refused:
            sync.push_changes(client.Push(tenant_id=uuid4(), changes=[]))
        assert (refused.value.status, json.loads(refused.value.body)["code"]) == (404, "not_found")


def test_it_loads_a_book_full_of_odd_records(client: Any, server: Server) -> None:
    account = sign_up(server.url)
    push = {"tenant_id": account.tenant_id, "changes": CHANGES}
    httpx.post(f"{server.url}/sync/changes", json=push, headers=account.headers).raise_for_status()
    with client.ApiClient(client.Configuration(host=server.url, access_token=account.token)) as ours:
        loaded = client.SyncApi(ours).load_initial(account.tenant_id).changes
    found = {change.actual_instance.id: change.actual_instance.data.to_dict() for change in loaded}
    # This client does not tell a field that is absent from one that is null.
    assert _said(found) == _said({each["id"]: each["data"] for each in CHANGES})


def _said(value: Any) -> Any:
    """The value without what is null in it."""
    if isinstance(value, list):
        return [_said(each) for each in value]
    return {key: _said(each) for key, each in value.items() if each is not None} if isinstance(value, dict) else value
