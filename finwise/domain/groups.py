"""Groups of changes that belong together: one that is rejected takes the others with it (protocol.md 2.3)."""

from collections.abc import Sequence
from typing import Any

from finwise.domain.change import Change, Rejection
from finwise.domain.identifiers import canonical_uuid

CODE = "group"
_ERRORS = {"group": ["Another change of this group was rejected."]}


def reject_broken_groups(elements: Sequence[Any], read: list[Change | Rejection]) -> list[Change | Rejection]:
    """`read`, in which every change is rejected whose group has a rejected one. `elements`: the changes as sent.

    Most pushes have no rejected change, so groups are read only if there is one.
    """
    if Rejection not in map(type, read):
        return read
    groups = [_group(element) for element in elements]
    broken = {group for group, change in zip(groups, read, strict=True) if type(change) is Rejection and group}
    return [
        Rejection(change.sent_change_id, CODE, _ERRORS) if type(change) is Change and group in broken else change
        for group, change in zip(groups, read, strict=True)
    ]


def _group(element: Any) -> str | None:
    return canonical_uuid(element.get("group")) if type(element) is dict else None
