"""Two households on a server: one that is measured, and one whose tokens strangers have."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from finwise import now
from finwise.domain.times import millis_text
from proofs.strangers.attacks import Victim
from proofs.strangers.household import Account

_DEVICES = 6  # of the household that is measured
_MEMBERS, _TOKENS = 3, 4  # of the strangers' household; of each of these
_LARGE = 40  # its entities of 250 KiB: a book of 10 MiB
_PATIENCE = 60.0  # seconds


def household(url: str, port: int) -> Account:
    """One person with some devices and an empty book."""
    with httpx.Client(base_url=url, timeout=_PATIENCE) as client:
        person = _sign_up(client)
        tokens = [_token(client, person) for _ in range(_DEVICES)]
        return Account(port, _book(client, tokens[0]), tokens)


def victim(url: str, port: int) -> Victim:
    """Three members with some tokens each, and a book of large entities."""
    with httpx.Client(base_url=url, timeout=_PATIENCE) as client:
        people = [_sign_up(client) for _ in range(_MEMBERS)]
        tokens = [_token(client, person) for person in people for _ in range(_TOKENS)]
        owner = tokens[0]
        tenant_id = _book(client, owner)
        for first in range(_TOKENS, len(tokens), _TOKENS):
            invitation = _post(client, f"/tenants/{tenant_id}/invitations", {"role": "editor"}, owner)
            _post(client, "/invitations/accept", {"code": invitation["code"]}, tokens[first])
        ids = [str(uuid4()) for _ in range(_LARGE)]
        for each in ids:
            change: dict[str, Any] = {"change_id": str(uuid4()), "entity_type": "tags", "id": each}
            change |= {"updated_at": millis_text(now()), "data": {"name": "x", "color": uuid4().hex * 7_900}}
            (result,) = _post(client, "/sync/changes", {"tenant_id": tenant_id, "changes": [change]}, owner)["results"]
            assert result["status"] == "applied", result
        reader = _token(client, people[0], tenant_id=tenant_id, read_only=True)
        return Victim(port, tenant_id, tokens, reader, ids[0])


def _sign_up(client: httpx.Client) -> dict[str, str]:
    """The e-mail and the password of a new person."""
    user_id = str(uuid4())
    login = {"email": f"{user_id}@example.org", "password": user_id}
    _post(client, "/users", login | {"uuid": user_id, "name": "Ada"})
    return login


def _token(client: httpx.Client, person: dict[str, str], **restrictions: Any) -> str:
    token: str = _post(client, "/auth/tokens", person | {"device_name": "phone"} | restrictions)["token"]
    return token


def _book(client: httpx.Client, token: str) -> str:
    tenant_id = str(uuid4())
    _post(client, "/tenants", {"uuid": tenant_id, "name": "Home"}, token)
    return tenant_id


def _post(client: httpx.Client, path: str, body: dict[str, Any], token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.post(path, json=body, headers=headers)
    answer.raise_for_status()
    return answer.json()
