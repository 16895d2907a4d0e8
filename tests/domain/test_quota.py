"""The quota: contents are refused above it; reading, deleting and saying things again go on."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.book import Contact
from finwise.domain.conflicts import Decision
from finwise.domain.sync import PullRequest, PushRequest
from finwise.errors import QuotaExceeded
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user
from tests.store.files import tenant_file, value

DEAD = {"deleted_at": "2026-02-01T00:00:00.000Z", "updated_at": "2026-02-01T00:00:00.000Z", "data": None}


def large(size: int) -> dict[str, str]:
    """Contents of a tag that no longer fits."""
    return {"name": "x", "note": "x" * size}


def fill(domain: Domain, tenant_id: str) -> None:
    """Pushes until nothing more is taken."""
    for number in range(1_000):
        try:
            domain.sync.push(tenant_id, PushRequest([change(f"n{number}", data=large(9_000))]), now())
        except QuotaExceeded:
            return
    raise AssertionError("everything was taken")


@pytest.fixture
def domain(tmp_path: Path) -> Iterator[Domain]:
    made = create_domain(Settings(str(tmp_path / "instance"), str(tmp_path / "tenant_databases"), quota_mib=1))
    yield made
    made.close()


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    """Filled with small entities until nothing more is taken."""
    made = add_tenant(domain, add_user(domain))
    number = 0
    for size in (200, 20, 1):
        while True:
            names = [f"t{each}" for each in range(number, number + size)]
            try:
                domain.sync.push(made, PushRequest([change(name) for name in names]), now())
            except QuotaExceeded:
                break
            number += size
    return made


def ids(domain: Domain, tenant_id: str) -> set[str]:
    page = domain.sync.pull(tenant_id, PullRequest(limit=100_000))
    return {version.id for version in page.entities if version.data}


def test_above_the_quota_nothing_of_a_push_is_stored(domain: Domain, tenant_id: str) -> None:
    before = domain.sync.pull(tenant_id, PullRequest(limit=100_000))
    with pytest.raises(QuotaExceeded):
        domain.sync.push(tenant_id, PushRequest([change("t1", **DEAD), change("new", data=large(9_000))]), now())
    assert domain.sync.pull(tenant_id, PullRequest(limit=100_000)) == before


def test_deletions_are_taken_all_the_same(domain: Domain, tenant_id: str) -> None:
    there = sorted(ids(domain, tenant_id))
    assert len(there) > 900
    for start in range(0, len(there), 300):
        names = there[start : start + 300]
        results = domain.sync.push(tenant_id, PushRequest([change(name, **DEAD) for name in names]), now()).results
        assert {result.verdict.status for result in results} == {"applied"}  # type: ignore[union-attr] # none is rejected
    assert ids(domain, tenant_id) == set()


def test_deletions_that_overwrite_what_they_did_not_know_are_taken(domain: Domain, tenant_id: str) -> None:
    blind = [change(name, base_updated_at=None, **DEAD) for name in sorted(ids(domain, tenant_id))[:300]]
    domain.sync.push(tenant_id, PushRequest(blind), now())
    assert len(ids(domain, tenant_id)) > 600


@pytest.mark.parametrize(("number", "size"), [(500, 1_900), (2_000, 1_900), (5_000, 60)])
def test_however_much_deletions_overwrite_unseen_they_are_taken_and_keep_it(
    settings: Settings, number: int, size: int
) -> None:
    spacious = create_domain(replace(settings, quota_mib=64))
    tenant_id = add_tenant(spacious, add_user(spacious))
    names = [f"t{each}" for each in range(number)]
    for start in range(0, number, 500):
        made = [change(name, data=large(size)) for name in names[start : start + 500]]
        spacious.sync.push(tenant_id, PushRequest(made), now())
    spacious.close()
    small = create_domain(replace(settings, quota_mib=1))
    small.sync.push(tenant_id, PushRequest([change(name, base_updated_at=None, **DEAD) for name in names]), now())
    assert ids(small, tenant_id) == set()
    with small.conflicts.list_of(tenant_id) as found:
        assert sum(len(chunk) for chunk in found.chunks) == number
    with pytest.raises(QuotaExceeded):
        small.sync.push(tenant_id, PushRequest([change("new", data=large(9_000))]), now())
    small.close()


def test_above_a_quota_that_was_lowered_what_deletions_freed_is_not_filled_anew(settings: Settings) -> None:
    spacious = create_domain(replace(settings, quota_mib=64))
    tenant_id = add_tenant(spacious, add_user(spacious))
    names = [f"t{each}" for each in range(300)]
    spacious.sync.push(tenant_id, PushRequest([change(name, data=large(9_000)) for name in names]), now())
    spacious.sync.push(tenant_id, PushRequest([change(name, **DEAD) for name in names[:50]]), now())
    spacious.close()
    small = create_domain(replace(settings, quota_mib=1))
    with pytest.raises(QuotaExceeded):
        small.sync.push(tenant_id, PushRequest([change("new", data=large(9_000))]), now())
    small.sync.push(tenant_id, PushRequest([change(name, **DEAD) for name in names[50:]]), now())
    small.sync.push(tenant_id, PushRequest([change("new", data=large(9_000))]), now())
    assert ids(small, tenant_id) == {"new"}
    small.close()


def test_a_push_that_is_said_again_is_answered(domain: Domain) -> None:
    tenant_id = add_tenant(domain, add_user(domain))
    first = [change("first")]
    domain.sync.push(tenant_id, PushRequest(first), now())
    fill(domain, tenant_id)
    (result,) = domain.sync.push(tenant_id, PushRequest(first), now()).results
    assert result.verdict.status == "unchanged"  # type: ignore[union-attr] # it is not rejected


def test_what_is_no_content_is_noted_all_the_same(domain: Domain, tenant_id: str) -> None:
    tokens = [new_id() for _ in range(100)]
    for token in tokens[:50]:
        domain.sync.pull(tenant_id, PullRequest(contact=Contact(token, now(), f"{token} by a long name")))
    for token in tokens[50:]:
        contact = Contact(token, now(), f"{token} by a long name")
        domain.sync.push(tenant_id, PushRequest([change("t1", **DEAD)], contact=contact), now())
    assert {device.heard.token_id for device in domain.devices.list_of(tenant_id)} == set(tokens)


Repetition = Callable[[int], list[dict[str, object]]]


def deletions_of_what_never_was(turn: int) -> list[dict[str, object]]:
    return [change(f"never-{turn}-{number}", **DEAD) for number in range(5_000)]


def the_same_content_again(turn: int) -> list[dict[str, object]]:
    return [change("t1") for _ in range(5_000)]


def older_deletions(turn: int) -> list[dict[str, object]]:
    old = DEAD | {"updated_at": "2025-01-01T00:00:00.000Z"}
    return [change("t1", base_updated_at=None, **old) for _ in range(5_000)]


def deletions_of_the_same_again(turn: int) -> list[dict[str, object]]:
    times = [f"2026-02-{turn % 28 + 1:02}T00:{each // 1_000:02}:00.{each % 1_000:03}Z" for each in range(5_000)]
    return [change("gone", **DEAD | {"updated_at": time}) for time in times]


@pytest.mark.parametrize(
    "repetition",
    [deletions_of_what_never_was, the_same_content_again, older_deletions, deletions_of_the_same_again],
)
def test_what_neither_brings_contents_nor_frees_room_has_a_bound_beyond_the_quota(
    domain: Domain, tenant_id: str, tmp_path: Path, repetition: Repetition
) -> None:
    def push_often() -> None:
        for turn in range(28):
            domain.sync.push(tenant_id, PushRequest(repetition(turn)), now())

    with pytest.raises(QuotaExceeded):
        push_often()
    pages = value(tenant_file(tmp_path, tenant_id), "PRAGMA page_count")
    assert pages * 4_096 < (1 + 8) * 2**20, "the quota, and the reserve"
    domain.sync.push(tenant_id, PushRequest([change("t2", **DEAD), change("never", **DEAD)]), now())
    assert "t2" not in ids(domain, tenant_id), "what frees room is taken all the same, with a little besides"


def test_new_contents_are_not_kept_above_the_quota_by_deleting_them_at_once(domain: Domain, tenant_id: str) -> None:
    edit = change("t1", base_updated_at=None, updated_at="2026-01-20T00:00:00.000Z", data=large(9_000))
    with pytest.raises(QuotaExceeded):
        domain.sync.push(
            tenant_id, PushRequest([edit, change("t1", base_updated_at="2025-01-01T00:00:00Z", **DEAD)]), now()
        )


def test_a_losing_edit_is_refused_for_it_would_be_kept(domain: Domain, tenant_id: str) -> None:
    late = change("t1", updated_at="2025-01-01T00:00:00Z", base_updated_at=None, data=large(9_000))
    with pytest.raises(QuotaExceeded):
        domain.sync.push(tenant_id, PushRequest([late]), now())


def test_one_push_that_is_far_too_much_is_refused_as_the_quota(domain: Domain, tenant_id: str) -> None:
    much = [change(f"much-{number}", data=large(9_000)) for number in range(800)]
    with pytest.raises(QuotaExceeded):
        domain.sync.push(tenant_id, PushRequest(much), now())


def test_a_conflict_that_is_brought_back_takes_no_more_room_than_it_had(domain: Domain) -> None:
    tenant_id = add_tenant(domain, add_user(domain))
    domain.sync.push(tenant_id, PushRequest([change("t1")]), now())
    late = change("t1", updated_at="2025-01-01T00:00:00Z", base_updated_at=None, data=large(50_000))
    domain.sync.push(tenant_id, PushRequest([late]), now())
    fill(domain, tenant_id)
    with domain.conflicts.list_of(tenant_id) as found:
        ((conflict,),) = list(found.chunks)
    version = domain.conflicts.restore(tenant_id, conflict.conflict_id, Decision(), now())
    assert len(version.data or "") > 50_000


def test_after_deleting_there_is_room_again(domain: Domain, tenant_id: str) -> None:
    names = sorted(ids(domain, tenant_id))
    for start in range(0, len(names), 5_000):
        domain.sync.push(tenant_id, PushRequest([change(name, **DEAD) for name in names[start : start + 5_000]]), now())
    domain.maintenance.run_for(tenant_id, now() + 181 * 86_400_000_000)
    domain.sync.push(tenant_id, PushRequest([change("new", data=large(9_000))]), now())
    with domain.sync.initial(tenant_id, None) as load:
        assert [entity.id for entity in load.entities] == ["new"]
