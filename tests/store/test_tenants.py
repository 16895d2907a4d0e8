from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from finwise.domain.tenant import Tenant
from finwise.domain.times import millis_text
from finwise.domain.user import User
from finwise.errors import Conflict
from finwise.store.tenants import TenantStore
from finwise.store.users import UserStore
from finwise.store.users_database import UsersDatabase
from tests.household import new_id
from tests.store.files import open_users_database
from tests.store.processes import Peer

NOW = 1_768_000_000_000_000
LATER = NOW + 60_000_000
TIMES: dict[str, Any] = {"created_at": millis_text(NOW), "updated_at": millis_text(NOW)}  # of what was added then
STATES = ["creating", "active", "deleting", "deleted"]


@pytest.fixture
def user_id(users_database: UsersDatabase) -> str:
    return add_user(users_database)


def add_user(users_database: UsersDatabase) -> str:
    uuid = new_id()
    assert UserStore(users_database).add(User(uuid, "Ada", uuid, None), uuid, NOW)
    return uuid


def test_a_tenant_is_found_by_its_uuid(tenants: TenantStore, user_id: str) -> None:
    tenant = Tenant(new_id(), "Home", user_id, "creating", **TIMES)
    assert tenants.add(tenant, NOW)
    assert tenants.find(tenant.uuid) == tenant
    assert tenants.find(new_id()) is None


def test_a_known_uuid_is_not_added_again(tenants: TenantStore, users_database: UsersDatabase, user_id: str) -> None:
    tenant = Tenant(new_id(), "Home", user_id, "active", **TIMES)
    tenants.add(tenant, NOW)
    assert not tenants.add(Tenant(tenant.uuid, "Theirs", add_user(users_database), "creating"), NOW)
    assert tenants.find(tenant.uuid) == tenant


def test_the_uuid_of_a_deleted_tenant_stays_reserved(tenants: TenantStore, user_id: str) -> None:
    tenant = Tenant(new_id(), "Home", user_id, "deleted", **TIMES)
    tenants.add(tenant, NOW)
    assert not tenants.add(tenant._replace(state="creating"), NOW)


def test_a_tenant_of_nobody_is_refused(tenants: TenantStore) -> None:
    with pytest.raises(Conflict):
        tenants.add(Tenant(new_id(), "Home", new_id(), "creating"), NOW)


def test_a_user_sees_the_own_tenants_that_are_there_oldest_first(
    tenants: TenantStore, users_database: UsersDatabase, user_id: str
) -> None:
    dated: dict[str, Any] = {"created_at": millis_text(LATER), "updated_at": millis_text(LATER)}
    later = Tenant(new_id(), "Later", user_id, "active", **dated)
    earlier = Tenant(new_id(), "Earlier", user_id, "creating", **TIMES)
    tenants.add(later, LATER)
    tenants.add(earlier, NOW)
    tenants.add(Tenant(new_id(), "Theirs", add_user(users_database), "active"), NOW)
    for gone in ("deleting", "deleted"):
        tenants.add(Tenant(new_id(), "Gone", user_id, gone, **TIMES), NOW)
    assert tenants.list_for(user_id) == [each._replace(role="owner") for each in (earlier, later)]


def test_what_was_begun_and_not_finished_is_listed(tenants: TenantStore, user_id: str) -> None:
    for state in STATES:
        tenants.add(Tenant(new_id(), "Home", user_id, state, **TIMES), NOW)
    assert sorted(tenant.state for tenant in tenants.list_unfinished()) == ["creating", "deleting"]


def test_a_tenant_is_renamed(tenants: TenantStore, user_id: str) -> None:
    tenant, other = (Tenant(new_id(), "Home", user_id, "active", **TIMES) for _ in range(2))
    tenants.add(tenant, NOW)
    tenants.add(other, NOW)
    tenants.put_name(tenant.uuid, "Cottage", LATER)
    assert tenants.find(tenant.uuid) == tenant._replace(name="Cottage", updated_at=millis_text(LATER))
    assert tenants.find(other.uuid) == other


@pytest.mark.parametrize("state", STATES)
def test_a_tenant_moves_on_only_from_the_states_that_are_named(tenants: TenantStore, user_id: str, state: str) -> None:
    tenant = Tenant(new_id(), "Home", user_id, state, **TIMES)
    tenants.add(tenant, NOW)
    tenants.put_state(tenant.uuid, "deleting", instead_of=("creating", "active"))
    expected = "deleting" if state in ("creating", "active") else state
    assert tenants.find(tenant.uuid) == tenant._replace(state=expected)


def test_a_tenant_that_is_being_deleted_does_not_become_active(tenants: TenantStore, user_id: str) -> None:
    # One process finishes creating while another one deletes.
    tenant = Tenant(new_id(), "Home", user_id, "creating", **TIMES)
    tenants.add(tenant, NOW)
    tenants.put_state(tenant.uuid, "deleting", instead_of=("creating", "active"))
    tenants.put_state(tenant.uuid, "active", instead_of=("creating",))
    assert tenants.find(tenant.uuid) == tenant._replace(state="deleting")


def test_a_state_in_one_process_is_seen_in_another(tenants: TenantStore, user_id: str, tmp_path: Path) -> None:
    tenant = Tenant(new_id(), "Home", user_id, "active", **TIMES)
    tenants.add(tenant, NOW)
    with Peer(find_when_told, tmp_path, tenant.uuid) as other:
        assert other.hear() == tenant
        tenants.put_state(tenant.uuid, "deleting", instead_of=("active",))
        other.say("go on")
        assert other.hear() == tenant._replace(state="deleting")


def find_when_told(pipe: Connection, root: Path, uuid: str) -> None:
    tenants = TenantStore(open_users_database(root))
    pipe.send(tenants.find(uuid))
    pipe.recv()
    pipe.send(tenants.find(uuid))
