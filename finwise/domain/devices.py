"""What the server knows of a tenant's devices: when it last heard of each, how far each has read, its clock."""

import logging
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from finwise.domain.book import Book, Books, Contact
from finwise.errors import FinWiseError

_MINUTE = 60 * 1_000_000  # µs
PULL_NOTED_EVERY = 10 * _MINUTE  # at most, so that it stays a read
PUSH_NOTED_EVERY = _MINUTE  # at most: one that stores something is written anyway, but what it stores is less then

_CLOCK_WAS_SET = 1_000  # ms of difference; less is the way of a request

log = logging.getLogger(__name__)


class Owner(NamedTuple):
    """The user of a device, and its name in the list of tokens."""

    user_id: str
    user_name: str
    device_name: str


class Owners(Protocol):
    """users.db, as far as it is about the tokens that devices show."""

    def list_owners(self, token_ids: list[str]) -> dict[str, Owner]:
        """The owners of those tokens that there are."""


class Device(NamedTuple):
    """A device of a tenant."""

    heard: Contact
    owner: Owner | None  # None: its token no longer exists


class Devices:
    """Notes contacts and tells of them."""

    def __init__(self, books: Books, owners: Owners) -> None:
        self._books = books
        self._owners = owners

    def list_of(self, tenant_id: str) -> list[Device]:
        """The tenant's devices, the one heard of last first. Raises what Books raises."""
        with self._books.read(tenant_id) as book:
            heard = book.list_contacts()
        owners = self._owners.list_owners([device.token_id for device in heard])
        return [Device(device, owners.get(device.token_id)) for device in heard]


def authors(book: Book, owners: Owners) -> Mapping[str, Owner]:
    """Whose device it is, by what the device calls itself; devices whose tokens no longer exist are left out."""
    tokens = {heard.device_id: heard.token_id for heard in book.list_contacts() if heard.device_id is not None}
    found = owners.list_owners(list(tokens.values()))
    return {device_id: found[token_id] for device_id, token_id in tokens.items() if token_id in found}


def is_due(book: Book, contact: Contact, *, stores: bool = False) -> bool:
    """Whether to note a contact: the last one is some minutes ago, or the device has a new name.

    `stores`: the push stores something; that is noted after a minute, or if it says something new.
    """
    last = book.find_contact(contact.token_id)
    if last is None or contact.device_id not in (None, last.device_id):
        return True
    if stores and _tells_more(last, contact):
        return True
    return not last.at <= contact.at < last.at + (PUSH_NOTED_EVERY if stores else PULL_NOTED_EVERY)


def _tells_more(last: Contact, contact: Contact) -> bool:
    """Whether a cursor or a clock is reported for the first time, or the clock was set."""
    if last.cursor is None and contact.cursor is not None:
        return True
    if contact.clock_skew is None:
        return False
    return last.clock_skew is None or abs(contact.clock_skew - last.clock_skew) > _CLOCK_WAS_SET


def note(books: Books, tenant_id: str, contact: Contact) -> None:
    """Notes a contact if that is possible at once; a request that reads must not wait or fail for it."""
    try:
        with books.transact(tenant_id, wait=False) as book:
            book.lift_limit()
            book.put_contact(contact)
    except FinWiseError as error:
        log.debug("a contact was not noted: %s", error.detail)
