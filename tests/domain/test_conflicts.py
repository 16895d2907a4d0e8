"""What lost unseen: brought back as a new change, or dismissed, once and with nothing else changed."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import NAMESPACE_OID, uuid5

import pytest

from finwise import create_domain
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.book import StoredConflict
from finwise.domain.conflicts import Decision
from finwise.domain.sync import PullRequest, PushRequest
from finwise.errors import Conflict, NotFound, QuotaExceeded
from tests.household import change
from tests.store.accounts import add_tenant, add_user

START = 1_790_000_000_000_000  # µs
EARLY, LATE, LATE_PLUS_1 = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "2026-01-02T00:00:00.001Z"
MANY = 450  # more than are read at once, twice


@pytest.fixture
def domain(settings: Settings) -> Iterator[Domain]:
    opened = create_domain(settings)
    yield opened
    opened.close()


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    """A tenant in which an edit of e1 came too late."""
    made = add_tenant(domain, add_user(domain))
    keep(domain, made, ["e1"])
    return made


def lost(entity_id: str) -> dict[str, object]:
    return change(entity_id, change_id=str(uuid5(NAMESPACE_OID, entity_id)), updated_at=EARLY, data={"name": "lost"})


def keep(domain: Domain, tenant_id: str, ids: list[str]) -> None:
    """A conflict for each of the entities."""
    domain.sync.push(tenant_id, PushRequest([change(each, updated_at=LATE) for each in ids]), START)
    domain.sync.push(tenant_id, PushRequest([lost(each) for each in ids], "laptop"), START + 1)


def conflicts(domain: Domain, tenant_id: str) -> list[StoredConflict]:
    with domain.conflicts.list_of(tenant_id) as found:
        return [conflict for chunk in found.chunks for conflict in chunk]


def test_a_long_list_is_whole_and_in_order(domain: Domain, tenant_id: str) -> None:
    keep(domain, tenant_id, [f"m{number}" for number in range(MANY)])
    kept = conflicts(domain, tenant_id)
    assert [each.kept.loser.id for each in kept] == ["e1", *(f"m{number}" for number in range(MANY))]
    assert len({each.conflict_id for each in kept}) == MANY + 1


def test_the_loser_comes_back_after_what_is_stored_and_the_file_stays_proven(domain: Domain, tenant_id: str) -> None:
    (kept,) = conflicts(domain, tenant_id)
    version = domain.conflicts.restore(tenant_id, kept.conflict_id, Decision(True, LATE), START + 2)
    assert (version.data, version.updated_at, version.device_id) == ('{"name":"lost"}', LATE_PLUS_1, "laptop")
    assert list(domain.sync.pull(tenant_id, PullRequest()).entities) == [version[1:6]]
    assert conflicts(domain, tenant_id) == []
    assert domain.verification.verify(tenant_id) == []


def test_a_decision_about_another_version_changes_nothing(domain: Domain, tenant_id: str) -> None:
    (kept,) = before = conflicts(domain, tenant_id)
    for seen in (EARLY, None):
        with pytest.raises(Conflict):
            domain.conflicts.restore(tenant_id, kept.conflict_id, Decision(True, seen), START + 2)
    assert conflicts(domain, tenant_id) == before
    assert domain.conflicts.restore(tenant_id, kept.conflict_id, Decision(True, LATE), START + 2)


@pytest.mark.parametrize("first", ["restore", "dismiss"])
def test_a_conflict_is_decided_once_and_not_kept_again(domain: Domain, tenant_id: str, first: str) -> None:
    (kept,) = conflicts(domain, tenant_id)
    if first == "restore":
        domain.conflicts.restore(tenant_id, kept.conflict_id, Decision(True, LATE), START + 2)
    else:
        domain.conflicts.dismiss(tenant_id, kept.conflict_id)
    with pytest.raises(NotFound):
        domain.conflicts.restore(tenant_id, kept.conflict_id, Decision(), START + 3)
    with pytest.raises(NotFound):
        domain.conflicts.dismiss(tenant_id, kept.conflict_id)
    domain.sync.push(tenant_id, PushRequest([lost("e1")]), START + 4)
    assert conflicts(domain, tenant_id) == []


def test_above_the_quota_nothing_is_brought_back_but_dismissing_goes_on(
    settings: Settings, domain: Domain, tenant_id: str
) -> None:
    data = {"name": "x", "note": "x" * 9_000}
    domain.sync.push(tenant_id, PushRequest([change(data=data) for _ in range(150)]), START + 2)
    domain.close()
    lowered = create_domain(replace(settings, quota_mib=1))
    (kept,) = before = conflicts(lowered, tenant_id)
    with pytest.raises(QuotaExceeded):
        lowered.conflicts.restore(tenant_id, kept.conflict_id, Decision(), START + 3)
    assert conflicts(lowered, tenant_id) == before
    lowered.conflicts.dismiss(tenant_id, kept.conflict_id)
    assert conflicts(lowered, tenant_id) == []
    lowered.close()
