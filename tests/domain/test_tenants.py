"""What a tenant's states are for: a later process finishes what was begun, and breaks nothing that was finished."""

import pytest
from flask import Flask

from finwise import now
from finwise.domain import Domain
from finwise.domain.tenant import ACTIVE, CREATING, DELETED, DELETING, Tenant
from finwise.store.databases import Databases
from finwise.store.tenants import TenantStore
from tests.household import Household, change


@pytest.fixture
def domain(app: Flask) -> Domain:
    joined: Domain = app.extensions["finwise"]
    return joined


def states(home: Household, *seen: str) -> list[Tenant]:
    return [Tenant(home.tenant_id, "Home", home.user_id, state) for state in seen]


def test_finishing_late_what_somebody_else_has_finished_leaves_the_book_alone(
    domain: Domain, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.results(change("t1"))
    monkeypatch.setattr(TenantStore, "list_unfinished", lambda self: states(home, CREATING))
    domain.life.finish(now())
    assert [entity["id"] for entity in home.pull()["changes"]] == ["t1"]


def test_a_tenant_whose_creation_was_cut_off_is_finished_at_the_next_start(
    domain: Domain, client: object, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Databases, "create", dies)
        other = Household(home.client)
        with pytest.raises(KeyboardInterrupt):
            other.create()
    assert other.get(f"/sync/changes/{other.tenant_id}").status_code == 503
    domain.life.finish(now())
    assert other.pull()["changes"] == []


def test_saying_it_again_finishes_a_creation_that_was_cut_off(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*arguments: object) -> None:
        raise KeyboardInterrupt

    other = Household(home.client)
    with monkeypatch.context() as patch:
        patch.setattr(Databases, "create", dies)
        with pytest.raises(KeyboardInterrupt):
            other.create()
    again = other.post("/tenants", json={"uuid": other.tenant_id, "name": "Home"})
    assert again.status_code == 200
    assert other.results(change())[0]["status"] == "applied"


def test_a_deletion_that_was_cut_off_ends_access_at_once_and_is_finished_at_the_next_start(
    domain: Domain, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Databases, "delete", dies)
        with pytest.raises(KeyboardInterrupt):
            home.request("DELETE", f"/tenants/{home.tenant_id}")
    assert home.push(change()).get_json()["code"] == "tenant_deleted"
    for _ in range(2):
        domain.life.finish(now())
        assert home.push(change()).get_json()["code"] == "tenant_deleted"
    assert home.get("/tenants").get_json() == []


def test_states_only_move_forward(app: Flask, home: Household) -> None:
    store = app.extensions["finwise"].tenants._store
    store.put_state(home.tenant_id, DELETED, instead_of=(DELETING,))
    assert store.find(home.tenant_id).state == ACTIVE
    store.put_state(home.tenant_id, DELETING, instead_of=(CREATING, ACTIVE))
    store.put_state(home.tenant_id, ACTIVE, instead_of=(CREATING,))
    assert store.find(home.tenant_id).state == DELETING
