"""Entities whose ids have one hash are as distinct as any others, and the hash is the same forever."""

import pytest

from finwise import now
from finwise.domain import Domain
from finwise.domain.change import Rejection, Version
from finwise.domain.conflicts import Decision
from finwise.domain.sync import PullRequest, PushRequest
from finwise.store.id_hash import id_hash
from tests.domain.memory import MemoryBook
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user

ONE, OTHER = "ff05ad15-25f5-4f62-9a7a-3ceeddacab27", "3ba735d7-c172-4bb4-92c7-ee40d6217fdf"
FIRST, THEN = "2026-01-09T19:01:00.000Z", "2026-01-09T19:02:00.000Z"


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    return add_tenant(domain, add_user(domain))


def push(domain: Domain, tenant_id: str, *changes: dict[str, object]) -> list[str]:
    results = domain.sync.push(tenant_id, PushRequest(changes), now()).results
    return ["rejected" if isinstance(result, Rejection) else result.verdict.status for result in results]


def stored(domain: Domain, tenant_id: str) -> dict[tuple[str, str], str | None]:
    entities = domain.sync.pull(tenant_id, PullRequest()).entities
    assert len({(each.entity_type, each.id) for each in entities}) == len(entities), "each stands there once"
    assert domain.verification.verify(tenant_id) == []
    return {(each.entity_type, each.id): each.data for each in entities}


def named(entity_id: str, name: str, **members: object) -> dict[str, object]:
    return change(entity_id, data={"name": name}, **members)


def test_it_is_what_released_files_hold() -> None:
    assert id_hash("t1") == 1532276279
    assert id_hash(ONE) == id_hash(OTHER) == 386216592


@pytest.mark.parametrize("together", [True, False])
def test_each_of_two_ids_with_one_hash_names_an_entity_of_its_own(
    domain: Domain, tenant_id: str, together: bool
) -> None:
    changes = [named(ONE, "one"), named(OTHER, "other")]
    for some in [changes] if together else [changes[:1], changes[1:]]:
        assert set(push(domain, tenant_id, *some)) == {"applied"}
    assert stored(domain, tenant_id) == {("tags", ONE): '{"name":"one"}', ("tags", OTHER): '{"name":"other"}'}


def test_an_edit_and_a_deletion_of_the_one_leave_the_other_alone(domain: Domain, tenant_id: str) -> None:
    push(domain, tenant_id, named(ONE, "one"), named(OTHER, "other"))
    assert push(domain, tenant_id, named(ONE, "edited", updated_at=THEN, base_updated_at=FIRST)) == ["applied"]
    assert stored(domain, tenant_id) == {("tags", ONE): '{"name":"edited"}', ("tags", OTHER): '{"name":"other"}'}
    gone = change(OTHER, data=..., updated_at=THEN, deleted_at=THEN, base_updated_at=FIRST)
    assert push(domain, tenant_id, gone) == ["applied"]
    assert stored(domain, tenant_id) == {("tags", ONE): '{"name":"edited"}', ("tags", OTHER): None}


def test_the_same_id_names_an_entity_of_each_type(domain: Domain, tenant_id: str) -> None:
    push(domain, tenant_id, named(ONE, "tag"), named(ONE, "baker", entity_type="recipients"))
    assert push(domain, tenant_id, named(ONE, "edited", updated_at=THEN, base_updated_at=FIRST)) == ["applied"]
    assert stored(domain, tenant_id) == {("tags", ONE): '{"name":"edited"}', ("recipients", ONE): '{"name":"baker"}'}


def test_a_query_for_one_of_two_ids_with_one_hash_finds_that_alone() -> None:
    versions = [Version(at, "tags", each, FIRST, FIRST, "{}", new_id(), None) for at, each in ((1, ONE), (2, OTHER))]
    with MemoryBook() as book:
        book.put(versions)
        for version in versions:
            assert book.versions_of([("tags", version.id)]) == {("tags", version.id): version}


def test_a_conflict_is_about_its_own_entity(domain: Domain, tenant_id: str) -> None:
    push(domain, tenant_id, named(ONE, "one", updated_at=THEN), named(OTHER, "other"))
    assert push(domain, tenant_id, named(ONE, "late", base_updated_at=None)) == ["superseded"]
    with domain.conflicts.list_of(tenant_id) as found:
        (conflict,) = [each for chunk in found.chunks for each in chunk]
    assert conflict.stored is not None
    assert (conflict.stored.id, conflict.stored.data) == (ONE, '{"name":"one"}')
    restored = domain.conflicts.restore(tenant_id, conflict.conflict_id, Decision(), now())
    assert (restored.id, restored.data) == (ONE, '{"name":"late"}')
    assert stored(domain, tenant_id) == {("tags", ONE): '{"name":"late"}', ("tags", OTHER): '{"name":"other"}'}


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_book_in_which_all_ids_have_one_hash_is_as_good(
    domain: Domain, tenant_id: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("book", "entity_rows"):
        monkeypatch.setattr(f"finwise.store.{module}.id_hash", lambda _: 7)
    ids = [f"e{number}" for number in range(100)]
    for at in range(0, 100, size):
        assert set(push(domain, tenant_id, *(named(each, "first") for each in ids[at : at + size]))) == {"applied"}
    for at in range(0, 100, size):
        edits = (named(each, "then", updated_at=THEN, base_updated_at=FIRST) for each in ids[at : at + size : 2])
        assert set(push(domain, tenant_id, *edits)) <= {"applied"}
    found = stored(domain, tenant_id)
    assert {key[1] for key in found} == set(ids)
    edited = {key[1] for key, data in found.items() if data == '{"name":"then"}'}
    assert edited == {each for at in range(0, 100, size) for each in ids[at : at + size : 2]}
