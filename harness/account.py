"""Signing up over a real connection."""

from typing import NamedTuple
from uuid import uuid4

import httpx

TIMEOUT = 120  # seconds: a slow machine may take its time to hash a password


class Account(NamedTuple):
    """A user with a token and a tenant on a running server."""

    url: str
    token: str
    email: str
    tenant_id: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def sign_up(url: str) -> Account:
    """A new user with an empty tenant."""
    user_id, tenant_id, password = (str(uuid4()) for _ in range(3))
    email = f"{user_id}@example.org"
    user = {"uuid": user_id, "name": "Ada", "email": email, "password": password}
    httpx.post(f"{url}/users", json=user, timeout=TIMEOUT).raise_for_status()
    login = {"email": email, "password": password, "device_name": "test"}
    token = httpx.post(f"{url}/auth/tokens", json=login, timeout=TIMEOUT).raise_for_status().json()["token"]
    account = Account(url, token, email, tenant_id)
    tenant = {"uuid": tenant_id, "name": "Home", "user_id": user_id}
    httpx.post(f"{url}/tenants", json=tenant, headers=account.headers, timeout=TIMEOUT).raise_for_status()
    return account
