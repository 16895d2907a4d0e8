"""What is noted of a device, and that a pull stays a read all the same."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from finwise import create_domain
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.book import Contact
from finwise.domain.sync import PullRequest, PushRequest
from finwise.store.locks import locked, stripe
from tests.household import change
from tests.store.accounts import add_tenant, add_user
from tests.store.files import outside, tenant_file

START = 1_790_000_000_000_000  # µs
MINUTE = 60 * 1_000_000  # µs
TEN_MINUTES = 10 * MINUTE


@pytest.fixture
def domain(settings: Settings) -> Iterator[Domain]:
    opened = create_domain(settings)
    yield opened
    opened.close()


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    """A tenant whose device `phone` was heard of at START."""
    made = add_tenant(domain, add_user(domain))
    domain.sync.push(made, PushRequest([change("e1")], contact=Contact("phone", START, "Phone", None, 7)), START)
    return made


def pull(domain: Domain, tenant_id: str, at: int, device_id: str | None = None) -> list[str]:
    page = domain.sync.pull(tenant_id, PullRequest(contact=Contact("phone", at, device_id)))
    return [version.id for version in page.entities]


def heard(domain: Domain, tenant_id: str) -> list[Contact]:
    return [device.heard for device in domain.devices.list_of(tenant_id)]


def push(domain: Domain, tenant_id: str, contact: Contact) -> None:
    domain.sync.push(tenant_id, PushRequest([change()], contact=contact), contact.at)


def test_a_push_that_stores_is_noted_after_a_minute_and_not_before(domain: Domain, tenant_id: str) -> None:
    push(domain, tenant_id, Contact("phone", START + MINUTE - 1, clock_skew=9))
    assert heard(domain, tenant_id) == [Contact("phone", START, "Phone", None, 7)]
    push(domain, tenant_id, Contact("phone", START + MINUTE, clock_skew=9))
    assert heard(domain, tenant_id) == [Contact("phone", START + MINUTE, "Phone", None, 9)]


@pytest.mark.parametrize(
    "said", [{"cursor": "2026-01-09T19:01:02.139001Z~7f3a9c1e"}, {"clock_skew": 1_008}, {"device_id": "another"}]
)
def test_a_push_that_tells_more_of_its_device_is_noted_at_once(
    domain: Domain, tenant_id: str, said: dict[str, Any]
) -> None:
    push(domain, tenant_id, Contact("phone", START + 1)._replace(**said))
    assert heard(domain, tenant_id) == [Contact("phone", START + 1, "Phone", None, 7)._replace(**said)]


def test_the_clock_of_a_device_is_noted_with_the_push_that_tells_of_it_first(domain: Domain) -> None:
    made = add_tenant(domain, add_user(domain))
    push(domain, made, Contact("tablet", START))
    push(domain, made, Contact("tablet", START + 1, clock_skew=0))
    assert heard(domain, made) == [Contact("tablet", START + 1, clock_skew=0)]


def test_a_pull_is_noted_after_ten_minutes_and_not_before(domain: Domain, tenant_id: str) -> None:
    pull(domain, tenant_id, START + TEN_MINUTES - 1)
    assert heard(domain, tenant_id)[0].at == START
    pull(domain, tenant_id, START + TEN_MINUTES)
    assert heard(domain, tenant_id)[0].at == START + TEN_MINUTES


def test_a_pull_in_between_writes_nothing(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    with outside(tenant_file(tmp_path, tenant_id)) as connection:
        before = connection.execute("PRAGMA data_version").fetchone()
        assert pull(domain, tenant_id, START + 1, "Phone") == ["e1"]
        assert connection.execute("PRAGMA data_version").fetchone() == before
        pull(domain, tenant_id, START + TEN_MINUTES)
        assert connection.execute("PRAGMA data_version").fetchone() != before, "the pragma shows what is noted"


def test_a_device_that_was_never_heard_of_or_has_another_name_is_noted_at_once(domain: Domain, tenant_id: str) -> None:
    pull(domain, tenant_id, START + 1, "New phone")
    assert heard(domain, tenant_id)[0].device_id == "New phone"


def test_a_contact_in_the_future_is_not_kept_for_ever(domain: Domain, tenant_id: str) -> None:
    pull(domain, tenant_id, START - TEN_MINUTES)
    assert heard(domain, tenant_id)[0].at == START - TEN_MINUTES


def test_a_pull_neither_waits_nor_fails_where_the_lock_is_held(
    domain: Domain, settings: Settings, tenant_id: str
) -> None:
    with ThreadPoolExecutor(1) as thread:
        with locked(stripe(Path(settings.instance, "locks"), tenant_id)):
            pulled = thread.submit(pull, domain, tenant_id, START + TEN_MINUTES)
            assert pulled.result(30) == ["e1"]
        assert heard(domain, tenant_id)[0].at == START, "it was left for the next pull"
        thread.submit(pull, domain, tenant_id, START + TEN_MINUTES + 1).result(30)
    assert heard(domain, tenant_id)[0].at == START + TEN_MINUTES + 1


def test_a_pull_without_a_contact_is_noted_nowhere(domain: Domain, tenant_id: str) -> None:
    domain.sync.pull(tenant_id, PullRequest())
    assert len(heard(domain, tenant_id)) == 1


def test_who_was_heard_of_last_comes_first(domain: Domain, tenant_id: str) -> None:
    for token_id, at in (("tablet", START + 2), ("laptop", START + 1)):
        domain.sync.pull(tenant_id, PullRequest(contact=Contact(token_id, at)))
    assert [contact.token_id for contact in heard(domain, tenant_id)] == ["tablet", "laptop", "phone"]
