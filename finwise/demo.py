"""A demo book: two years of transactions, the same ones each time it is made on the same day."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple
from uuid import NAMESPACE_DNS, uuid4, uuid5

from finwise.domain import Domain, json_text
from finwise.domain.book_text import BookText
from finwise.domain.imports import import_book, outcome_of
from finwise.domain.tokens import NewToken
from finwise.domain.user import DEMO_EMAIL, User
from finwise.domain.users import NewUser
from finwise.errors import NotFound, Unauthorized

EMAIL = DEMO_EMAIL
TOKENS = 20  # that the door makes in a process

_DAYS = 730
_NAMESPACE = uuid5(NAMESPACE_DNS, "demo.finwise.example")
_GROUPS = ("Bank", "Wallet")
# name, kind, group, what it held at the beginning
_ACCOUNTS = (
    ("Giro", "giro", "Bank", 2400.0),
    ("Savings", "tagesgeld", "Bank", 8000.0),
    ("Cash", "CASH", "Wallet", 120.0),
)
_CATEGORIES = (
    ("Rent", False),
    ("Household", False),
    ("Groceries", False),
    ("Going out", False),
    ("Transport", False),
    ("Holidays", False),
    ("Salary", True),
)


class _Habit(NamedTuple):
    """What is booked again and again: on one day of the month, or by chance about every so many days."""

    name: str
    account: str
    category: str
    least: float
    most: float
    day: int | None = None
    about_every: int = 0


_HABITS = (
    _Habit("Landlord", "Giro", "Rent", -920.0, -920.0, day=1),
    _Habit("Employer", "Giro", "Salary", 2850.0, 2850.0, day=28),
    _Habit("City utilities", "Giro", "Household", -94.0, -78.0, day=12),
    _Habit("Telephone", "Giro", "Household", -34.9, -34.9, day=15),
    _Habit("Market", "Giro", "Groceries", -64.0, -11.0, about_every=3),
    _Habit("Bakery", "Cash", "Groceries", -9.5, -2.4, about_every=4),
    _Habit("Trattoria", "Giro", "Going out", -58.0, -17.0, about_every=9),
    _Habit("Cinema", "Giro", "Going out", -31.0, -12.0, about_every=24),
    _Habit("Railway", "Giro", "Transport", -39.0, -3.2, about_every=6),
    _Habit("Hardware store", "Giro", "Household", -140.0, -8.0, about_every=30),
    _Habit("Guest house by the sea", "Giro", "Holidays", -960.0, -420.0, about_every=160),
)
# day of the month, from, to, amount
_TRANSFERS = ((5, "Giro", "Cash", 60.0), (29, "Giro", "Savings", 950.0))


class Admission(NamedTuple):
    """What opens the demo book."""

    tenant_id: str
    token: str


def create(domain: Domain, now: int) -> str:
    """Makes the demo user and book if they are not there yet; the book's tenant. `now` in µs.

    Any number of processes may do so at the same moment. The user has no password: the door lets everybody in.
    """
    with domain.alone("demo"):
        user_id = domain.users.uuid_of(EMAIL)
        if user_id:
            user = domain.administration.find_user(user_id)
        else:
            user = domain.users.add(NewUser(str(uuid4()), "Demo", EMAIL, None), now)
        return find_book(domain) or _add_book(domain, user, now)


class Door:
    """Lets strangers into the demo book. A process makes a limited number of tokens and hands them out in turn."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._admissions: list[Admission] = []
        self._guard = Lock()

    def admit(self, now: int) -> Admission:
        """A token that opens the demo book and does nothing else in the demo user's name. Raises NotFound without one.

        The first visitors have a token each, so that each is a device of its own; later ones share them.
        """
        tenant_id = find_book(self._domain)
        if tenant_id is None:
            raise NotFound("There is no demo book.")
        with self._guard:
            admission = self._admissions.pop(0) if len(self._admissions) == TOKENS else None
            if admission is None or not self._opens(admission, tenant_id, now):
                new = NewToken("demo", tenant_id)
                admission = Admission(tenant_id, self._domain.tokens.add_for(EMAIL, new, now).secret)
            self._admissions.append(admission)
        return admission

    def _opens(self, admission: Admission, tenant_id: str, now: int) -> bool:
        """Whether it still does: a token expires, may be revoked, and goes with its book."""
        try:
            self._domain.tokens.authenticate(admission.token, now)
        except Unauthorized:
            return False
        return admission.tenant_id == tenant_id


def find_book(domain: Domain) -> str | None:
    """The demo book's tenant, if it is there."""
    user_id = domain.users.uuid_of(EMAIL)
    books = domain.tenants.ids_owned_by(user_id) if user_id else []
    return books[0] if books else None


def book(today: date) -> dict[str, list[dict[str, Any]]]:
    """The demo book up to and including `today`: something of each entity type, in the format of `finwise import`."""
    transactions = sorted(_transactions(today), key=lambda transaction: str(transaction["created_at"]))
    balances = dict.fromkeys((_id(f"account {name}") for name, *_ in _ACCOUNTS), 0.0)
    for transaction in transactions:
        account = transaction["accountId"]
        balances[account] = transaction["runningBalance"] = round(balances[account] + transaction["amount"], 2)
    return {
        "account_groups": [_entity("group", name, sortOrder=place) for place, name in enumerate(_GROUPS)],
        "accounts": [
            _entity(
                "account", name, accountType=kind, isActive=True, isOfflineBudget=False, sortOrder=place, offset=0,
                accountGroupId=_id(f"group {group}"), balance=balances[_id(f"account {name}")],
            )
            for place, (name, kind, group, _) in enumerate(_ACCOUNTS)
        ],
        "category_groups": [_entity("category group", "Everyday", sortOrder=0, isIncomeGroup=False)],
        "categories": [
            _entity(
                "category", name, budgeted=0, activity=0, available=0, isIncomeCategory=income, isHidden=False,
                isActive=True, sortOrder=place, categoryGroupId=_id("category group Everyday"),
            )
            for place, (name, income) in enumerate(_CATEGORIES)
        ],
        "recipients": [
            _entity("recipient", habit.name, defaultCategoryId=_id(f"category {habit.category}")) for habit in _HABITS
        ],
        "tags": [_entity("tag", "holiday", color="#2f6f4f")],
        "transactions": transactions,
        "planning_transactions": [
            _entity(
                "plan", "Rent", accountId=_id("account Giro"), categoryId=_id("category Rent"), tagIds=[],
                amount=-920.0, amountType="EXACT", startDate=today.isoformat(), recurrencePattern="MONTHLY",
                recurrenceEndType="NEVER", weekendHandling="NONE", isActive=True, forecastOnly=False,
            )
        ],
        "automation_rules": [
            _entity(
                "rule", "Bakery is groceries", stage="DEFAULT", priority=1, isActive=True, conditionLogic="all",
                conditions=[{"type": "recipient", "operator": "is", "value": "Bakery"}],
                actions=[{"type": "set", "field": "categoryId", "value": _id("category Groceries")}],
            )
        ],
        "book_settings": [{"id": "currency", "value": "EUR"}],
    }  # fmt: skip


def _transactions(today: date) -> Iterator[dict[str, Any]]:
    dice = random.Random(_DAYS)  # noqa: S311 - invented transactions, no secret
    first = today - timedelta(days=_DAYS)
    for name, _, _, opening in _ACCOUNTS:
        yield _transaction(first, f"opening {name}", name, opening, "RECONCILE", "Opening balance", hour=6)
    for ago in range(_DAYS, -1, -1):
        day = today - timedelta(days=ago)
        for habit in _HABITS:
            if day.day != habit.day if habit.day else dice.randrange(habit.about_every):
                continue
            amount = round(dice.uniform(habit.least, habit.most), 2)
            kind = "INCOME" if amount > 0 else "EXPENSE"
            transaction = _transaction(day, habit.name, habit.account, amount, kind, habit.name)
            yield transaction | {
                "categoryId": _id(f"category {habit.category}"),
                "recipientId": _id(f"recipient {habit.name}"),
            }
        for of_month, source, target, amount in _TRANSFERS:
            if day.day == of_month:
                yield from _transfer(day, source, target, amount)


def _transfer(day: date, source: str, target: str, amount: float) -> Iterator[dict[str, Any]]:
    for account, other, signed in ((source, target, -amount), (target, source, amount)):
        transaction = _transaction(day, f"{source} to {target} on {account}", account, signed, "ACCOUNTTRANSFER", "")
        yield transaction | {
            "transferToAccountId": _id(f"account {other}"),
            "counterTransactionId": _id(f"transaction {day} {source} to {target} on {other}"),
        }


def _transaction(
    day: date, name: str, account: str, amount: float, kind: str, payee: str, hour: int = 12
) -> dict[str, Any]:
    return {
        "id": _id(f"transaction {day} {name}"),
        "created_at": f"{day}T{hour:02}:00:00.000Z",
        "updated_at": f"{day}T{hour:02}:00:00.000Z",
        "accountId": _id(f"account {account}"),
        "date": day.isoformat(),
        "valueDate": day.isoformat(),
        "amount": amount,
        "description": payee,
        "tagIds": [],
        "type": kind,
        "payee": payee or None,
    }


def _entity(kind: str, name: str, **members: Any) -> dict[str, Any]:
    return {"id": _id(f"{kind} {name}"), "name": name, **members}


def _id(name: str) -> str:
    return str(uuid5(_NAMESPACE, name))


def _add_book(domain: Domain, user: User, now: int) -> str:
    """A UUID for a demo tenant. Each is new, because the UUID of a deleted tenant stays reserved."""
    tenant_id = str(uuid4())
    domain.tenants.create(user, tenant_id, "Demo household", None, now)
    today = datetime.fromtimestamp(now / 1_000_000, UTC).date()
    text = json_text.write(book(today)).encode()
    brought = BookText([text], len(text), domain.limits.change_bytes)
    outcome_of(import_book(domain.sync, tenant_id, brought, now))
    return tenant_id
