"""THE CATALOGUE: one class per entity type, and nothing else to touch to add one.

A class decorated with `@entity("goals")` makes the type known to push, pull, the OpenAPI document, `/healthz` and
the SQL views of every tenant's file. Field names are the frontend's own and are never mapped. Unknown fields are kept,
values of enumerations and references are not restricted, and no field is required: what a server refuses never leaves
its device. `expected=True` gives a warning if the field is missing; `derived=True` marks what devices compute from
other entities. No field has a default: a server that fills in fields makes devices differ.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import INCLUDE, Schema

from finwise.domain.change import Findings
from finwise.kinds import (
    Anything,
    Boolean,
    Date,
    Id,
    Ids,
    Image,
    InputNumber,
    Integer,
    Name,
    Number,
    Parts,
    String,
    Text,
    kinds_of,
    quick_check,
)

MAX_ERRORS = 10  # messages in one answer about one entity


class Entity(Schema):
    """The form of an entity's `data`."""

    class Meta:
        unknown = INCLUDE


CATALOGUE: dict[str, type[Entity]] = {}


def entity(entity_type: str) -> Callable[[type[Entity]], type[Entity]]:
    """Enters a class into the catalogue under this name, which is also the name of its SQL view."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", entity_type) or entity_type.startswith(("sync_", "sqlite_")):
        raise ValueError(f"{entity_type!r} cannot name an entity type")

    def enter(form: type[Entity]) -> type[Entity]:
        if entity_type in CATALOGUE:
            raise ValueError(f"{entity_type} is in the catalogue already")
        CATALOGUE[entity_type] = form
        return form

    return enter


def columns() -> dict[str, dict[str, str]]:
    """entity_type -> its fields, in the order of the class: name -> what its column in a view shows."""
    return {name: {each: kind.column for each, kind in kinds_of(form).items()} for name, form in CATALOGUE.items()}


class Check:
    """Says what is wrong or odd in the `data` of an entity of one form.

    `is_flat(data)`: whether nothing is, as the quickest look shows that leaves no need for another.
    `aside`: the fields in which a difference alone is no conflict.
    """

    def __init__(self, form: type[Entity]) -> None:
        self._kinds = kinds_of(form)
        self._is_fine = quick_check(form)
        self.is_flat = quick_check(form, flat=True)
        self.aside = frozenset(name for name, kind in self._kinds.items() if kind.derived or kind.last_wins)

    def __call__(self, data: Mapping[str, Any]) -> Findings | None:
        """The errors and the warnings, each by field; None if there are none."""
        return None if self._is_fine(data) else self.explain(data)

    def explain(self, data: Mapping[str, Any]) -> Findings:
        """The same field by field, MAX_ERRORS of both at most."""
        wrong: dict[str, list[str]] = {}
        odd: dict[str, list[str]] = {}
        for name, kind in self._kinds.items():
            value = data.get(name)
            if value is None:
                found = odd if kind.expected else None
            elif not kind.holds(value):
                found = wrong
            else:
                found = None if kind.suits(value) else odd
            if found is not None and len(found) < MAX_ERRORS:
                found[f"data.{name}"] = [kind.message]
        return Findings(wrong, odd)


def checks() -> dict[str, Check]:
    """entity_type -> what looks at the `data` of its entities."""
    return {name: Check(form) for name, form in CATALOGUE.items()}


class RuleCondition(Schema):
    """What a transaction must look like for a rule to act."""

    class Meta:
        unknown = INCLUDE

    type = String(expected=True)
    operator = String(expected=True)
    value = Anything()


class RuleAction(Schema):
    """What a rule does to a transaction."""

    class Meta:
        unknown = INCLUDE

    type = String(expected=True)
    field = String()
    value = Anything()


@entity("account_groups")
class AccountGroup(Entity):
    """A group of accounts, such as a bank."""

    name = Name(expected=True)
    sortOrder = Integer()
    image = Image()
    logo_path = String()


@entity("accounts")
class Account(Entity):
    """Something that has a balance: a bank account, a card, cash."""

    name = Name(expected=True)
    description = Text()
    note = Text()
    accountType = String()
    isActive = Boolean()
    isOfflineBudget = Boolean()
    accountGroupId = Id()
    sortOrder = Integer()
    iban = String()
    balance = Number(derived=True)
    creditLimit = Number()
    offset = Number()
    image = Image()
    logo_path = String()


@entity("category_groups")
class CategoryGroup(Entity):
    """A group of categories."""

    name = Name(expected=True)
    sortOrder = Integer()
    isIncomeGroup = Boolean()


@entity("categories")
class Category(Entity):
    """What money is for: an envelope of the budget."""

    name = Name(expected=True)
    icon = String()
    budgeted = Number()
    activity = Number(derived=True)
    available = Number(derived=True)
    isIncomeCategory = Boolean()
    isHidden = Boolean()
    isActive = Boolean()
    sortOrder = Integer()
    categoryGroupId = Id()
    parentCategoryId = Id()
    isSavingsGoal = Boolean()
    goalDate = Date()
    targetAmount = Number()
    monthlyAmount = Number()
    proportion = InputNumber()
    priority = Integer()
    note = Text()


@entity("recipients")
class Recipient(Entity):
    """Somebody who is paid, or who pays."""

    name = Name(expected=True)
    defaultCategoryId = Id()
    note = Text()


@entity("tags")
class Tag(Entity):
    """A word to find transactions by."""

    name = Name(expected=True)
    parentTagId = Id()
    color = String()
    icon = String()


@entity("transactions")
class Transaction(Entity):
    """A transaction."""

    accountId = Id()
    categoryId = Id()
    recipientId = Id()
    date = Date(expected=True)
    valueDate = Date()
    amount = Number(expected=True)
    description = Text()
    note = Text()
    tagIds = Ids()
    type = String()
    runningBalance = Number(derived=True)
    counterTransactionId = Id()
    planningTransactionId = Id()
    isReconciliation = Boolean()
    isCategoryTransfer = Boolean()
    reconciled = Boolean()
    transferToAccountId = Id()
    toCategoryId = Id()
    payee = String()


@entity("planning_transactions")
class PlanningTransaction(Entity):
    """A transaction that is expected, once or again and again."""

    name = Name(expected=True)
    accountId = Id()
    categoryId = Id()
    recipientId = Id()
    tagIds = Ids()
    amount = Number(expected=True)
    amountType = String()
    approximateAmount = Number()
    minAmount = Number()
    maxAmount = Number()
    note = Text()
    startDate = Date(expected=True)
    valueDate = Date()
    endDate = Date()
    recurrencePattern = String()
    recurrenceEndType = String()
    weekendHandling = String()
    recurrenceCount = Integer()
    executionDay = Integer()
    transactionType = String()
    counterPlanningTransactionId = Id()
    transferToAccountId = Id()
    transferToCategoryId = Id()
    isActive = Boolean()
    forecastOnly = Boolean()
    autoExecute = Boolean()


@entity("automation_rules")
class AutomationRule(Entity):
    """A rule that completes transactions: what to look for, what to set."""

    name = Name(expected=True)
    description = Text()
    stage = String()
    conditions = Parts(RuleCondition)
    actions = Parts(RuleAction)
    priority = Integer()
    isActive = Boolean()
    conditionLogic = String()


@entity("book_settings")
class BookSetting(Entity):
    """A setting of the whole book, such as its currency. Its id is its key, so the last write wins for each key."""

    value = Anything()


@entity("user_settings")
class UserSetting(Entity):
    """A setting of one person in this book. Its id is `<the user's UUID>:<key>`; all members of the book receive it."""

    value = Anything(last_wins=True)
