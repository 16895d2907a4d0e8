"""THE CATALOGUE: one class per entity type, and nothing else to touch to add one.

A class decorated with `@entity("goals")` makes the type known to push, pull, the OpenAPI document, `/healthz` and
the SQL views of every tenant's file. Field names are the frontend's own and are never mapped. Unknown fields are kept,
values of enumerations and references are not restricted, and a field added later is never required: a device's queue
may be months old. No field has a default: a server that fills in fields makes devices differ.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import INCLUDE, Schema

from finwise.kinds import Anything, Boolean, Date, Id, Ids, Integer, Name, Number, Parts, String, Text, quick_check

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


def columns() -> dict[str, tuple[str, ...]]:
    """entity_type -> the names of its fields, in the order of the class."""
    return {name: tuple(form._declared_fields) for name, form in CATALOGUE.items()}


class Check:
    """Says what is wrong with the `data` of an entity of one form.

    `is_flat(data)`: whether nothing is, as the quickest look shows that leaves no need for another.
    """

    def __init__(self, form: type[Entity]) -> None:
        self._schema = form()
        self._is_fine = quick_check(form)
        self.is_flat = quick_check(form, flat=True)

    def __call__(self, data: Mapping[str, Any]) -> dict[str, list[str]] | None:
        """What is wrong by field; None if nothing is."""
        if self._is_fine(data):
            return None
        messages = list(self._schema.validate(data).items())[:MAX_ERRORS]
        return {f"data.{field}": [str(text) for text in texts] for field, texts in messages}


def checks() -> dict[str, Check]:
    """entity_type -> what looks at the `data` of its entities."""
    return {name: Check(form) for name, form in CATALOGUE.items()}


class RuleCondition(Schema):
    """What a booking must look like for a rule to act."""

    class Meta:
        unknown = INCLUDE

    type = String(required=True)
    operator = String(required=True)
    value = Anything(required=True, allow_none=True)


class RuleAction(Schema):
    """What a rule does to a booking."""

    class Meta:
        unknown = INCLUDE

    type = String(required=True)
    field = String(allow_none=True)
    value = Anything(required=True, allow_none=True)


@entity("account_groups")
class AccountGroup(Entity):
    """A group of accounts, such as a bank."""

    name = Name(required=True)
    sortOrder = Integer(required=True)
    image = String(allow_none=True)
    logo_path = String(allow_none=True)


@entity("accounts")
class Account(Entity):
    """Something that has a balance: a bank account, a card, cash."""

    name = Name(required=True)
    description = Text(allow_none=True)
    note = Text(allow_none=True)
    accountType = String(required=True)
    isActive = Boolean(required=True)
    isOfflineBudget = Boolean(required=True)
    accountGroupId = Id(required=True)
    sortOrder = Integer(required=True)
    iban = String(allow_none=True)
    balance = Number(required=True)
    creditLimit = Number(allow_none=True)
    offset = Number(required=True)
    image = String(allow_none=True)
    logo_path = String(allow_none=True)


@entity("category_groups")
class CategoryGroup(Entity):
    """A group of categories."""

    name = Name(required=True)
    sortOrder = Integer(required=True)
    isIncomeGroup = Boolean(required=True)


@entity("categories")
class Category(Entity):
    """What money is for: an envelope of the budget."""

    name = Name(required=True)
    icon = String(allow_none=True)
    budgeted = Number(required=True)
    activity = Number(required=True)
    available = Number(required=True)
    isIncomeCategory = Boolean(required=True)
    isHidden = Boolean(required=True)
    isActive = Boolean(required=True)
    sortOrder = Integer(required=True)
    categoryGroupId = Id(allow_none=True)
    parentCategoryId = Id(allow_none=True)
    isSavingsGoal = Boolean(allow_none=True)
    goalDate = Date(allow_none=True)
    targetAmount = Number(allow_none=True)
    monthlyAmount = Number(allow_none=True)
    proportion = Number(allow_none=True)
    priority = Integer(allow_none=True)
    note = Text(allow_none=True)


@entity("recipients")
class Recipient(Entity):
    """Somebody who is paid, or who pays."""

    name = Name(required=True)
    defaultCategoryId = Id(allow_none=True)
    note = Text(allow_none=True)


@entity("tags")
class Tag(Entity):
    """A word to find bookings by."""

    name = Name(required=True)
    parentTagId = Id(allow_none=True)
    color = String(allow_none=True)
    icon = String(allow_none=True)


@entity("transactions")
class Transaction(Entity):
    """A booking."""

    accountId = Id(required=True)
    categoryId = Id(allow_none=True)
    recipientId = Id(allow_none=True)
    date = Date(required=True)
    valueDate = Date(required=True)
    amount = Number(required=True)
    description = Text(required=True)
    note = Text(allow_none=True)
    tagIds = Ids(required=True)
    type = String(required=True)
    runningBalance = Number(required=True)
    counterTransactionId = Id(allow_none=True)
    planningTransactionId = Id(allow_none=True)
    isReconciliation = Boolean(allow_none=True)
    isCategoryTransfer = Boolean(allow_none=True)
    reconciled = Boolean(allow_none=True)
    transferToAccountId = Id(allow_none=True)
    toCategoryId = Id(allow_none=True)
    payee = String(allow_none=True)


@entity("planning_transactions")
class PlanningTransaction(Entity):
    """A booking that is expected, once or again and again."""

    name = Name(required=True)
    accountId = Id(required=True)
    categoryId = Id(allow_none=True)
    recipientId = Id(allow_none=True)
    tagIds = Ids(required=True)
    amount = Number(required=True)
    amountType = String(required=True)
    approximateAmount = Number(allow_none=True)
    minAmount = Number(allow_none=True)
    maxAmount = Number(allow_none=True)
    note = Text(allow_none=True)
    startDate = Date(required=True)
    valueDate = Date(allow_none=True)
    endDate = Date(allow_none=True)
    recurrencePattern = String(required=True)
    recurrenceEndType = String(required=True)
    weekendHandling = String(required=True)
    recurrenceCount = Integer(allow_none=True)
    executionDay = Integer(allow_none=True)
    transactionType = String(allow_none=True)
    counterPlanningTransactionId = Id(allow_none=True)
    transferToAccountId = Id(allow_none=True)
    transferToCategoryId = Id(allow_none=True)
    isActive = Boolean(required=True)
    forecastOnly = Boolean(required=True)
    autoExecute = Boolean(allow_none=True)


@entity("automation_rules")
class AutomationRule(Entity):
    """A rule that completes bookings: what to look for, what to set."""

    name = Name(required=True)
    description = Text(allow_none=True)
    stage = String(required=True)
    conditions = Parts(RuleCondition, required=True)
    actions = Parts(RuleAction, required=True)
    priority = Integer(required=True)
    isActive = Boolean(required=True)
    conditionLogic = String(allow_none=True)


@entity("book_settings")
class BookSetting(Entity):
    """A setting of the whole book, such as its currency. Its id is its key, so the last write wins for each key."""

    value = Anything(required=True, allow_none=True)
