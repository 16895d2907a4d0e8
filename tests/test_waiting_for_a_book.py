"""One household's requests wait for its book, and others are served meanwhile: with the server that is shipped."""

from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from uuid import uuid4

import httpx

from finwise.store.locks import locked, stripe
from harness.server import Server
from tests.household import PASSWORD, change

MOST = 8  # requests at one book, of a process of so few threads


class Person:
    """Somebody with several tokens."""

    def __init__(self, server: Server, opened: ExitStack, tokens: int = 1) -> None:
        login = {"email": f"{uuid4()}@example.org", "password": PASSWORD}
        account = {"uuid": str(uuid4()), "name": "Ada"} | login
        assert httpx.post(f"{server.url}/users", json=account, timeout=60).status_code == 201
        self.devices = []
        for _ in range(tokens):
            answer = httpx.post(f"{server.url}/auth/tokens", json=login | {"device_name": "test"}, timeout=60)
            headers = {"Authorization": f"Bearer {answer.json()['token']}"}
            self.devices.append(opened.enter_context(httpx.Client(base_url=server.url, headers=headers, timeout=60)))
        self.device = self.devices[0]

    def create(self) -> str:
        tenant_id = str(uuid4())
        answer = self.device.post("/tenants", json={"uuid": tenant_id, "name": "Home"})
        assert answer.status_code == 201, answer.text
        return tenant_id

    def invite(self, guest: "Person", tenant_id: str) -> None:
        invited = self.device.post(f"/tenants/{tenant_id}/invitations", json={"role": "editor"}).json()
        joined = guest.device.post("/invitations/accept", json={"code": invited["code"]})
        assert joined.status_code == 200, joined.text


def push(device: httpx.Client, tenant_id: str) -> httpx.Response:
    return device.post("/sync/changes", json={"tenant_id": tenant_id, "changes": [change()]})


def test_however_many_wait_for_a_book_other_households_are_served(tmp_path: Path) -> None:
    with ExitStack() as opened:
        server = opened.enter_context(Server(tmp_path, FINWISE_WORKERS="1", FINWISE_THREADS="16"))
        ada, grace, other = (Person(server, opened, tokens) for tokens in (2, 2, 1))
        tenant_id = ada.create()
        ada.invite(grace, tenant_id)
        locks = tmp_path / "instance" / "locks"
        elsewhere = next(each for each in iter(other.create, "") if stripe(locks, each) != stripe(locks, tenant_id))
        pool = opened.enter_context(ThreadPoolExecutor(3 * MOST // 2))
        with locked(stripe(locks, tenant_id)):
            devices = [device for _ in range(3) for device in (*ada.devices, *grace.devices)]
            pushes = [pool.submit(push, device, tenant_id) for device in devices]
            refused = [each.result() for each in islice(as_completed(pushes, 60), len(pushes) - MOST)]
            for answer in refused:
                assert (answer.status_code, answer.json()["code"]) == (429, "slow_down")
                assert int(answer.headers["Retry-After"]) >= 1
            assert push(other.device, elsewhere).json()["results"][0]["status"] == "applied"
            pulled = other.device.get(f"/sync/changes/{elsewhere}")
            assert (pulled.status_code, len(pulled.json()["changes"])) == (200, 1)
            assert other.device.get("/healthz").status_code == 200
        statuses = sorted(each.result(60).status_code for each in pushes)
        assert statuses == [200] * MOST + [429] * (len(pushes) - MOST)
        assert push(ada.device, tenant_id).status_code == 200


def test_five_devices_of_a_household_that_sync_at_once_are_all_served(tmp_path: Path) -> None:
    with ExitStack() as opened:
        server = opened.enter_context(Server(tmp_path, FINWISE_WORKERS="1"))
        ada = Person(server, opened, tokens=5)
        tenant_id = ada.create()

        def sync(device: httpx.Client) -> set[int]:
            answers = [push(device, tenant_id) for _ in range(10)]
            answers += [device.get(f"/sync/changes/{tenant_id}"), device.get(f"/sync/initial/{tenant_id}")]
            return {answer.status_code for answer in answers}

        pool = opened.enter_context(ThreadPoolExecutor(5))
        assert set().union(*pool.map(sync, ada.devices)) == {200}
