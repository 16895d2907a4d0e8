"""Administration: users, and tenants from outside. Sizes and dates, never the content of a book."""

from typing import NamedTuple, Protocol

from finwise.domain.book import Books
from finwise.domain.events import tell
from finwise.domain.logins import PasswordHasher
from finwise.domain.tenant import ACTIVE, Tenant, TenantStore
from finwise.domain.user import User, UserChange, UserStore
from finwise.domain.users import NewUser, Users
from finwise.errors import FinWiseError, NotFound

PAGE = 100  # users or tenants in one answer


class UserSummary(NamedTuple):
    """A user as an administrator sees it; times are canonical text."""

    uuid: str
    name: str
    email: str
    is_admin: bool
    created_at: str
    updated_at: str
    last_used_at: str | None
    tenants: int  # how many the user owns


class TenantSummary(NamedTuple):
    """A tenant as an administrator sees it."""

    tenant: Tenant
    members: int  # how many, the owner included
    quota_bytes: int
    bytes: int | None  # that its book takes; None: its file cannot be read
    synced_at: int | None  # when a device was heard of or something was stored last, µs; 0: never; None as above


class AdministrationStore(Protocol):
    """users.db, as far as administrators look at it."""

    def list_users(self, after: str, limit: int) -> list[UserSummary]:
        """By UUID, those above `after`."""

    def find_tenant(self, uuid: str) -> tuple[Tenant, int] | None:
        """With how many members it has."""

    def list_tenants(self, after: str, limit: int) -> list[tuple[Tenant, int]]:
        """By UUID, those above `after`, each as `find_tenant` has it."""


class Quotas:
    """How many bytes a tenant's file may hold: its own quota, or else the server's setting."""

    def __init__(self, tenants: TenantStore, default_mib: int) -> None:
        self._tenants = tenants
        self._default_mib = default_mib

    def of(self, tenant_id: str) -> int:
        """In bytes."""
        return self.of_tenant(self._tenants.find(tenant_id))

    def of_tenant(self, tenant: Tenant | None) -> int:
        """In bytes, of a tenant that is at hand."""
        quota_mib = tenant.quota_mib if tenant else None
        return (quota_mib or self._default_mib) * 1024 * 1024


class Administration:
    """What administrators and the operator do. The caller checks whether somebody is one."""

    def __init__(
        self,
        store: AdministrationStore,
        users: Users,
        user_store: UserStore,
        tenants: TenantStore,
        books: Books,
        passwords: PasswordHasher,
        quotas: Quotas,
    ) -> None:
        self._store = store
        self._users = users
        self._user_store = user_store
        self._tenants = tenants
        self._books = books
        self._passwords = passwords
        self._quotas = quotas

    def list_users(self, after: str, limit: int) -> list[UserSummary]:
        """By UUID, those above `after`."""
        return self._store.list_users(after, limit)

    def list_tenants(self, after: str, limit: int) -> list[TenantSummary]:
        """By UUID, those above `after`, deleted ones included."""
        return [self._summary(*row) for row in self._store.list_tenants(after, limit)]

    def find_user(self, uuid: str | None) -> User:
        """Raises NotFound."""
        user = self._user_store.find(uuid) if uuid else None
        if user is None:
            raise NotFound("There is no such user.")
        return user

    def add_user(self, new: NewUser, now: int) -> User:
        """A new user, regardless of how signing up is set. Raises Conflict."""
        return self._users.add(new, now)

    def change_user(self, user: User, now: int, *, password: str | None = None, is_admin: bool | None = None) -> User:
        """The user with what is not None changed, all of it or nothing.

        Another password revokes all of the user's tokens. Raises Conflict if no administrator would be left.
        """
        hashed = None if password is None else self._passwords.hash(password)
        change = UserChange(hashed_password=hashed, is_admin=is_admin)
        changed = self._user_store.put(user.uuid, change, now, keep_token=None)
        if password is not None:
            tell("password.changed", user_id=user.uuid)
        if is_admin not in (None, user.is_admin):
            tell("admin.granted" if is_admin else "admin.revoked", user_id=user.uuid)
        return changed

    def delete_user(self, user: User, now: int) -> None:
        """As the user could. Raises Conflict."""
        self._users.delete(user, now)

    def put_quota(self, tenant_id: str | None, quota_mib: int | None) -> TenantSummary:
        """Sets a tenant's quota; None: the server's setting applies. Raises NotFound."""
        if tenant_id is None or not self._tenants.put_quota(tenant_id, quota_mib):
            raise NotFound("There is no such tenant.")
        tell("tenant.quota_set", tenant_id=tenant_id, quota_mib=quota_mib)
        return self.find_tenant(tenant_id)

    def find_tenant(self, tenant_id: str | None) -> TenantSummary:
        """Raises NotFound."""
        found = self._store.find_tenant(tenant_id) if tenant_id else None
        if found is None:
            raise NotFound("There is no such tenant.")
        return self._summary(*found)

    def _summary(self, tenant: Tenant, members: int) -> TenantSummary:
        quota = self._quotas.of_tenant(tenant)
        size = synced_at = None
        if tenant.state == ACTIVE:
            try:
                with self._books.read(tenant.uuid) as book:
                    size = book.size()
                    heard = [contact.at for contact in book.list_contacts()]
                    synced_at = max([book.find_position().last_stamp, *heard])
            except FinWiseError:  # it says so itself when somebody uses it
                pass
        return TenantSummary(tenant, members, quota, size, synced_at)
