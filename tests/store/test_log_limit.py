"""The log of a tenant's file has a bound, even while a slow reader keeps it from being written back."""

from pathlib import Path

import pytest

from finwise import now
from finwise.domain import Domain
from finwise.domain.sync import PullRequest, PushRequest
from finwise.errors import Busy
from finwise.store import log_limit
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user
from tests.store.files import tenant_file


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    made = add_tenant(domain, add_user(domain))
    push(domain, made, 1)
    domain.close()  # and with the last connection all of it is in the file
    return made


def push(domain: Domain, tenant_id: str, entities: int) -> None:
    domain.sync.push(tenant_id, PushRequest([change(new_id()) for _ in range(entities)]), now())


def test_a_log_that_a_reader_keeps_from_being_used_anew_has_a_bound(
    domain: Domain, tenant_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, most = Path(f"{tenant_file(tmp_path, tenant_id)}-wal"), 1024 * 1024
    monkeypatch.setattr(log_limit, "MOST_LOG", most)

    def push_often() -> None:
        for _ in range(40):
            push(domain, tenant_id, 300)

    with domain.sync.initial(tenant_id, None) as load:
        first = next(load.chunks)
        with pytest.raises(Busy):
            push_often()
        assert most < log.stat().st_size < 2 * most
        before = domain.sync.pull(tenant_id, PullRequest()).next_stamp
    assert len(first) == 1
    push_often()
    assert log.stat().st_size < 2 * most
    assert domain.sync.pull(tenant_id, PullRequest(limit=100_000)).next_stamp > before
    assert domain.verification.verify(tenant_id) == []
