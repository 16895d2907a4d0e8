"""The work: bookings of a household, the same for every peer. One is a flat object of 21 fields, 640 bytes of JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

Booking = dict[str, Any]

OWN_FIELDS = ("id", "created_at", "updated_at")  # of the entity itself; the others are its data
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
_EDITS_BEGIN = 10_000_000  # seconds later: after the last booking of any book made here, before anybody's now
_PAYEES = ("Baker", "Rent", "Power", "Salary", "Fuel", "Books", "Cinema", "Railway", "Donation", "Interest")


def make_bookings(count: int, seed: int = 1) -> list[Booking]:
    """So many bookings, the oldest first; the same seed makes the same."""
    chance = Random(seed)
    accounts, categories, recipients, tags = (_ids(chance, number) for number in (8, 60, 200, 20))
    balance = 1000.0
    made = []
    for number in range(count):
        amount = round(chance.uniform(-500, 500), 2)
        balance = round(balance + amount, 2)
        day = (_BEGIN + timedelta(hours=number)).date().isoformat()
        payee = chance.choice(_PAYEES)
        made.append(
            {
                "id": _id(chance),
                "accountId": chance.choice(accounts),
                "categoryId": chance.choice(categories),
                "recipientId": chance.choice(recipients),
                "date": day,
                "valueDate": day,
                "amount": amount,
                "description": f"{payee} booking {number}",
                "note": f"receipt {chance.randrange(10**6)}",
                "tagIds": [chance.choice(tags)] if number % 3 == 0 else [],
                "type": "EXPENSE" if amount < 0 else "INCOME",
                "runningBalance": balance,
                "counterTransactionId": None,
                "planningTransactionId": None,
                "isReconciliation": False,
                "isCategoryTransfer": False,
                "transferToAccountId": None,
                "reconciled": number % 2 == 0,
                "payee": payee,
                "created_at": _time(number),
                "updated_at": _time(number),
            }
        )
    return made


def edited(bookings: list[Booking]) -> list[Booking]:
    """The same bookings with another note, edited later than any was made."""
    return [
        booking | {"note": f"edited {number}", "updated_at": _time(_EDITS_BEGIN + number)}
        for number, booking in enumerate(bookings)
    ]


def _ids(chance: Random, count: int) -> list[str]:
    return [_id(chance) for _ in range(count)]


def _id(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def _time(seconds: int) -> str:
    """As a browser's toISOString() writes it."""
    return (_BEGIN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
