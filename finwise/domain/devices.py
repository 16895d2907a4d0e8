"""What the server knows of a tenant's devices: when it last heard of each, up to where it has the book, its clock."""

import logging
from typing import NamedTuple, Protocol

from finwise.domain.book import Book, Books, Contact
from finwise.errors import FinWiseError

PULL_NOTED_EVERY = 10 * 60 * 1_000_000  # µs: a pull is noted so often at most, so that it stays a read

log = logging.getLogger(__name__)


class Owner(NamedTuple):
    """Whose device it is, and what it is called in the list of tokens."""

    user_id: str
    device_name: str


class Owners(Protocol):
    """users.db, as far as it is about the tokens that devices show."""

    def list_owners(self, token_ids: list[str]) -> dict[str, Owner]:
        """The owners of those tokens that there are."""


class Device(NamedTuple):
    """A device of a tenant; `owner` None: its token is there no more."""

    heard: Contact
    owner: Owner | None


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


def is_due(book: Book, contact: Contact | None) -> bool:
    """Whether a contact without news is to be noted: the last one is some minutes ago, or it calls itself otherwise."""
    if contact is None:
        return False
    last = book.find_contact(contact.token_id)
    if last is None or contact.device_id not in (None, last.device_id):
        return True
    return not last.at <= contact.at < last.at + PULL_NOTED_EVERY


def note(books: Books, tenant_id: str, contact: Contact) -> None:
    """Notes a contact if it can be done at once; whoever reads must not wait or fail for it."""
    try:
        with books.transact(tenant_id, wait=False) as book:
            book.put_contact(contact)
    except FinWiseError as error:
        log.debug("a contact was not noted: %s", error.detail)
