"""Sharing an account book: invitations, roles, leaving, another owner."""

from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from flask.testing import FlaskClient

from finwise.config import Settings
from finwise.domain.invitations import MOST_OPEN
from harness.problems import assert_problem
from tests.conftest import Clock
from tests.household import Household, change, new_id
from tests.store.files import outside, value

Answered = dict[str, Any]


@pytest.fixture
def guest(client: FlaskClient, home: Household) -> Household:
    """Somebody who is signed up, and no member of anything."""
    return Household(client)


def invite(home: Household, role: str = "editor") -> Answered:
    answer = home.post(f"/tenants/{home.tenant_id}/invitations", json={"role": role})
    assert answer.status_code == 201, answer.text
    invited: Answered = answer.get_json()
    return invited


def join(home: Household, guest: Household, role: str = "editor") -> Household:
    """Makes the guest a member of the household's tenant, at which it then asks."""
    answer = guest.post("/invitations/accept", json={"code": invite(home, role)["code"]})
    assert answer.status_code == 200, answer.text
    guest.tenant_id = home.tenant_id
    return guest


def members(who: Household) -> list[tuple[str, str]]:
    return [(each["user_id"], each["role"]) for each in who.get(f"/tenants/{who.tenant_id}/members").get_json()]


def put_role(home: Household, user_id: str, role: str) -> Any:
    return home.request("PATCH", f"/tenants/{home.tenant_id}/members/{user_id}", json={"role": role})


def remove(home: Household, user_id: str) -> Any:
    return home.request("DELETE", f"/tenants/{home.tenant_id}/members/{user_id}")


@pytest.mark.parametrize(("days", "expires_at"), [(1, "2026-01-11"), (7, "2026-01-17")])
def test_an_invitation_lasts_as_many_days_as_one_says(home: Household, days: int, expires_at: str) -> None:
    answer = home.post(f"/tenants/{home.tenant_id}/invitations", json={"role": "viewer", "days": days})
    assert (answer.status_code, answer.get_json()["expires_at"][:10]) == (201, expires_at)
    assert home.client.get("/healthz").get_json()["invitation_days"] == 7


@pytest.mark.parametrize("days", [0, 8, 366, True, "3", 1.5, None])
def test_an_invitation_lasts_no_longer_than_the_server_allows(home: Household, days: Any) -> None:
    answer = home.post(f"/tenants/{home.tenant_id}/invitations", json={"role": "viewer", "days": days})
    assert list(assert_problem(answer, 422, "invalid")["errors"]) == ["days"]
    assert home.get(f"/tenants/{home.tenant_id}/invitations").get_json() == []


def test_a_person_who_accepts_an_invitation_opens_the_book_in_its_role(home: Household, guest: Household) -> None:
    home.results(change("t1"))
    code = invite(home)["code"]
    accepted = guest.post("/invitations/accept", json={"code": code}).get_json()
    assert accepted == {**home.get(f"/tenants/{home.tenant_id}").get_json(), "role": "editor"}
    assert guest.get("/tenants").get_json() == [accepted]
    assert home.get("/tenants").get_json() == [{**accepted, "role": "owner"}]
    guest.tenant_id = home.tenant_id
    assert [entity["id"] for entity in guest.pull()["changes"]] == ["t1"]
    guest.results(change("t2"))
    assert [entity["id"] for entity in home.pull()["changes"]] == ["t1", "t2"]
    assert members(home) == members(guest) == [(home.user_id, "owner"), (guest.user_id, "editor")]


def test_a_viewer_pulls_and_exports_and_changes_nothing(home: Household, guest: Household) -> None:
    home.results(change("t1"))
    join(home, guest, "viewer")
    assert guest.pull() == home.pull() | {"server_time": guest.pull()["server_time"]}
    assert guest.get(f"/tenants/{home.tenant_id}/export").status_code == 200
    assert_problem(guest.push(change("t2")), 403, "forbidden")
    assert_problem(guest.request("DELETE", f"/tenants/{home.tenant_id}"), 403, "forbidden")
    assert [entity["id"] for entity in home.pull()["changes"]] == ["t1"]


def test_an_invitation_works_once(home: Household, guest: Household, client: FlaskClient) -> None:
    code = invite(home)["code"]
    assert guest.post("/invitations/accept", json={"code": code}).status_code == 200
    assert_problem(Household(client).post("/invitations/accept", json={"code": code}), 404, "not_found")


def test_accepting_again_after_a_lost_answer_is_answered_as_before(home: Household, guest: Household) -> None:
    code = invite(home)["code"]
    first, second = (guest.post("/invitations/accept", json={"code": code}) for _ in range(2))
    assert (second.status_code, second.get_json()) == (200, first.get_json())


def test_of_many_who_take_an_invitation_at_the_same_moment_one_becomes_a_member(
    home: Household, client: FlaskClient
) -> None:
    app = client.application
    guests = [Household(app.test_client()) for _ in range(6)]
    code, barrier, statuses = invite(home)["code"], Barrier(6), list[int]()

    def take(guest: Household) -> None:
        barrier.wait()
        statuses.append(guest.post("/invitations/accept", json={"code": code}).status_code)

    threads = [Thread(target=take, args=(guest,)) for guest in guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 404, 404, 404, 404, 404]
    assert len(members(home)) == 2


def test_an_invitation_expires(home: Household, guest: Household, clock: Clock) -> None:
    code = invite(home)["code"]
    clock.forward(days=7, seconds=-1)
    assert len(home.get(f"/tenants/{home.tenant_id}/invitations").get_json()) == 1
    clock.forward(seconds=1)
    assert home.get(f"/tenants/{home.tenant_id}/invitations").get_json() == []
    assert_problem(guest.post("/invitations/accept", json={"code": code}), 404, "not_found")


def test_an_invitation_is_listed_without_its_code_until_it_is_used_or_taken_back(
    home: Household, guest: Household
) -> None:
    used, taken_back = invite(home), invite(home, "viewer")
    path = f"/tenants/{home.tenant_id}/invitations"
    listed = home.get(path).get_json()
    assert sorted(listed, key=lambda each: str(each["id"])) == sorted(
        ({name: each[name] for name in each if name != "code"} for each in (used, taken_back)),
        key=lambda each: str(each["id"]),
    )
    assert home.request("DELETE", f"{path}/{taken_back['id']}").status_code == 204
    assert_problem(home.request("DELETE", f"{path}/{taken_back['id']}"), 404, "not_found")
    assert_problem(guest.post("/invitations/accept", json={"code": taken_back["code"]}), 404, "not_found")
    guest.post("/invitations/accept", json={"code": used["code"]})
    assert home.get(path).get_json() == []
    assert_problem(home.request("DELETE", f"{path}/{used['id']}"), 404, "not_found")


def test_a_book_has_so_many_open_invitations_at_most(home: Household, guest: Household, clock: Clock) -> None:
    invited = [invite(home) for _ in range(MOST_OPEN)]
    path = f"/tenants/{home.tenant_id}/invitations"
    assert_problem(home.post(path, json={"role": "viewer"}), 409, "conflict")
    assert guest.post("/invitations/accept", json={"code": invited[0]["code"]}).status_code == 200
    invite(home)
    assert home.request("DELETE", f"{path}/{invited[1]['id']}").status_code == 204
    invite(home)
    assert_problem(home.post(path, json={"role": "viewer"}), 409, "conflict")
    clock.forward(days=8)
    invite(home)


def test_a_code_stands_nowhere_on_disk(home: Household, settings: Settings) -> None:
    code = invite(home)["code"].encode()
    home.client.application.extensions["finwise"].close()
    for file in Path(settings.instance).rglob("*"):
        assert file.is_dir() or code not in file.read_bytes()


def test_a_member_cannot_take_a_second_invitation_and_leaves_it_usable(
    home: Household, guest: Household, client: FlaskClient
) -> None:
    join(home, guest, "viewer")
    code = invite(home)["code"]
    for member in (home, guest):
        assert_problem(member.post("/invitations/accept", json={"code": code}), 409, "conflict")
    assert members(home)[1] == (guest.user_id, "viewer")
    assert Household(client).post("/invitations/accept", json={"code": code}).status_code == 200


def test_an_invitation_to_a_deleted_book_is_worth_nothing(home: Household, guest: Household) -> None:
    code = invite(home)["code"]
    home.request("DELETE", f"/tenants/{home.tenant_id}")
    assert_problem(guest.post("/invitations/accept", json={"code": code}), 404, "not_found")


def test_somebody_signs_up_with_an_invitation_and_is_a_member_at_once(home: Household, client: FlaskClient) -> None:
    newcomer = {"uuid": new_id(), "name": "Charles", "email": "charles@example.org", "password": "difference engine"}
    body = newcomer | {"invitation": invite(home)["code"]}
    assert [client.post("/users", json=body).status_code for _ in range(2)] == [201, 200]
    assert members(home)[1] == (newcomer["uuid"], "editor")


def test_with_a_wrong_invitation_nobody_signs_up(home: Household, client: FlaskClient, tmp_path: Path) -> None:
    body = {"uuid": new_id(), "name": "Eve", "email": "eve@example.org", "password": "12345678", "invitation": "fwi_x"}
    assert_problem(client.post("/users", json=body), 404, "not_found")
    assert value(tmp_path / "instance" / "users.db", "SELECT count(*) FROM users") == 1


def test_a_removed_member_does_not_come_back_by_an_invitation_it_made_as_the_owner(
    home: Household, guest: Household, client: FlaskClient
) -> None:
    join(home, guest)
    kept, used = invite(home)["code"], invite(home, "viewer")["code"]
    friend = Household(client)
    assert friend.post("/invitations/accept", json={"code": used}).status_code == 200
    assert put_role(home, guest.user_id, "owner").status_code == 200
    of_the_new_owner = invite(guest)["code"]
    assert remove(guest, home.user_id).status_code == 204
    assert_problem(home.post("/invitations/accept", json={"code": kept}), 404, "not_found")
    assert members(guest) == [(guest.user_id, "owner"), (friend.user_id, "viewer")]
    assert home.post("/invitations/accept", json={"code": of_the_new_owner}).status_code == 200


def test_a_removed_member_does_not_come_back_by_the_invitation_it_took(home: Household, guest: Household) -> None:
    code = invite(home)["code"]
    assert guest.post("/invitations/accept", json={"code": code}).status_code == 200
    assert remove(home, guest.user_id).status_code == 204
    assert_problem(guest.post("/invitations/accept", json={"code": code}), 404, "not_found")
    assert members(home) == [(home.user_id, "owner")]


def test_a_role_changes_at_once(home: Household, guest: Household) -> None:
    join(home, guest, "viewer")
    assert put_role(home, guest.user_id, "editor").get_json()["role"] == "editor"
    guest.results(change("t1"))
    put_role(home, guest.user_id, "viewer")
    assert_problem(guest.push(change("t2")), 403, "forbidden")


def test_a_removed_members_devices_lose_access_at_once(home: Household, guest: Household) -> None:
    join(home, guest)
    other_device = guest.log_in().get_json()["token"]
    guest.pull()
    assert remove(home, guest.user_id).status_code == 204
    for token in (guest.token, other_device):
        answer = guest.get(f"/sync/changes/{home.tenant_id}", headers={"Authorization": f"Bearer {token}"})
        assert_problem(answer, 404, "not_found")
    assert guest.get("/tenants").get_json() == []
    assert_problem(remove(home, guest.user_id), 404, "not_found")


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_anybody_but_the_owner_may_leave_and_nobody_but_the_owner_removes_others(
    home: Household, guest: Household, client: FlaskClient, role: str
) -> None:
    join(home, guest, role)
    third = join(home, Household(client), "viewer")
    assert_problem(remove(guest, third.user_id), 403, "forbidden")
    assert_problem(remove(guest, home.user_id), 403, "forbidden")
    assert_problem(remove(home, home.user_id), 409, "conflict")
    assert remove(guest, guest.user_id).status_code == 204
    assert members(home) == [(home.user_id, "owner"), (third.user_id, "viewer")]


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_only_the_owner_decides_about_members(home: Household, guest: Household, role: str) -> None:
    join(home, guest, role)
    path = f"/tenants/{home.tenant_id}"
    assert_problem(put_role(guest, guest.user_id, "owner"), 403, "forbidden")
    assert_problem(guest.post(f"{path}/invitations", json={"role": "editor"}), 403, "forbidden")
    assert_problem(guest.get(f"{path}/invitations"), 403, "forbidden")
    assert_problem(guest.request("PATCH", path, json={"name": "Mine"}), 403, "forbidden")
    assert members(home) == [(home.user_id, "owner"), (guest.user_id, role)]


def test_an_owner_hands_the_book_over_and_becomes_an_editor(home: Household, guest: Household, clock: Clock) -> None:
    join(home, guest, "viewer")
    clock.forward(seconds=60)
    assert put_role(home, guest.user_id, "owner").get_json() == {
        "user_id": guest.user_id,
        "name": "Ada",
        "role": "owner",
    }
    assert members(home) == [(guest.user_id, "owner"), (home.user_id, "editor")]
    assert guest.get(f"/tenants/{home.tenant_id}").get_json()["updated_at"] == clock.text
    assert_problem(put_role(home, guest.user_id, "viewer"), 403, "forbidden")
    home.results(change("t1"))
    assert guest.request("DELETE", f"/tenants/{home.tenant_id}").status_code == 204
    for each in (home, guest):
        assert_problem(each.get(f"/sync/changes/{home.tenant_id}"), 410, "tenant_deleted")


def test_a_book_keeps_an_owner(home: Household, guest: Household) -> None:
    join(home, guest)
    assert_problem(put_role(home, home.user_id, "viewer"), 409, "conflict")
    assert put_role(home, home.user_id, "owner").get_json()["role"] == "owner"
    assert_problem(put_role(home, new_id(), "owner"), 404, "not_found")
    assert members(home)[0] == (home.user_id, "owner")


def test_members_learn_each_others_names_and_no_more(home: Household, guest: Household) -> None:
    join(home, guest)
    said = guest.get(f"/tenants/{home.tenant_id}/members").get_json()
    assert [sorted(member) for member in said] == [["name", "role", "user_id"]] * 2


def test_an_account_goes_with_the_books_it_has_alone(home: Household, settings: Settings) -> None:
    home.results(change("t1"))
    assert home.request("DELETE", f"/users/{home.user_id}").status_code == 204
    assert_problem(home.get("/tenants"), 401, "unauthorized")
    trash = [file.name for file in Path(settings.tenant_databases, "trash").glob("*.db")]
    assert len(trash) == 1
    assert home.tenant_id in trash[0]


def test_a_push_while_the_account_is_deleted_is_answered_and_brings_nothing_back(
    home: Household, settings: Settings
) -> None:
    app, begun, statuses = home.client.application, Barrier(4), list[int]()

    def push_until_refused() -> None:
        device = app.test_client()
        begun.wait()
        while not statuses or statuses[-1] == 200:
            body = {"tenant_id": home.tenant_id, "changes": [change()]}
            headers = {"Authorization": f"Bearer {home.token}"}
            statuses.append(device.post("/sync/changes", json=body, headers=headers).status_code)

    devices = [Thread(target=push_until_refused) for _ in range(3)]
    for device in devices:
        device.start()
    begun.wait()
    while len(statuses) < 6:  # each has got going
        assert all(device.is_alive() for device in devices)
    assert home.request("DELETE", f"/users/{home.user_id}").status_code == 204
    for device in devices:
        device.join()
    assert set(statuses) - {200} <= {401, 410}
    assert list(Path(settings.tenant_databases).glob("tenant_*")) == []


def test_an_account_with_a_shared_book_needs_another_owner_first(home: Household, guest: Household) -> None:
    alone = new_id()
    home.post("/tenants", json={"uuid": alone, "name": "Alone"})
    join(home, guest)
    assert_problem(home.request("DELETE", f"/users/{home.user_id}"), 409, "conflict")
    assert len(home.get("/tenants").get_json()) == 2
    put_role(home, guest.user_id, "owner")
    assert home.request("PATCH", f"/admin/users/{guest.user_id}", json={"is_admin": True}).status_code == 200
    assert home.request("DELETE", f"/users/{home.user_id}").status_code == 204
    assert members(guest) == [(guest.user_id, "owner")]
    assert [entity["id"] for entity in guest.pull()["changes"]] == []


def test_an_account_whose_book_is_being_restored_is_not_left_half_deleted(home: Household, settings: Settings) -> None:
    restored = new_id()
    assert home.post("/tenants", json={"uuid": restored, "name": "Cabin"}).status_code == 201
    with outside(settings.users_db) as connection:
        connection.execute("UPDATE tenants SET state = 'restoring' WHERE uuid = ?", (restored,))
    assert_problem(home.request("DELETE", f"/users/{home.user_id}"), 409, "conflict")
    assert len(home.get("/tenants").get_json()) == 2
    assert home.get("/admin/users").status_code == 200


def test_the_last_administrator_does_not_leave_others_without_one(home: Household, guest: Household) -> None:
    assert_problem(home.request("DELETE", f"/users/{home.user_id}"), 409, "conflict")
    assert guest.request("DELETE", f"/users/{guest.user_id}").status_code == 204
    assert home.request("DELETE", f"/users/{home.user_id}").status_code == 204


def test_a_member_who_leaves_for_good_is_gone_from_the_book(home: Household, guest: Household) -> None:
    join(home, guest)
    guest.results(change("t1"))
    assert guest.request("DELETE", f"/users/{guest.user_id}").status_code == 204
    assert members(home) == [(home.user_id, "owner")]
    assert [entity["id"] for entity in home.pull()["changes"]] == ["t1"]
