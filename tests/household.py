"""A household for tests: a user, a tenant and requests in their name; and changes as a device writes them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"


def new_id() -> str:
    """A UUID as a device makes one."""
    return str(uuid4())


def change(entity_id: str | None = None, **members: Any) -> dict[str, Any]:
    """A valid change of a tag; `members` replace or, where `...`, remove parts of it."""
    made: dict[str, Any] = {
        "change_id": new_id(),
        "entity_type": "tags",
        "id": entity_id or new_id(),
        "updated_at": "2026-01-09T19:01:00.000Z",
        "data": {"name": "holiday"},
    }
    made |= members
    return {name: value for name, value in made.items() if value is not ...}


class Household:
    """A user with a token and, from `create`, a tenant."""

    def __init__(self, client: FlaskClient, email: str | None = None) -> None:
        self.client = client
        self.user_id = new_id()
        self.email = email or f"{self.user_id}@example.org"
        self.sign_up = {"uuid": self.user_id, "name": "Ada", "email": self.email, "password": PASSWORD}
        assert client.post("/users", json=self.sign_up).status_code == 201
        self.token = self.log_in().json["token"]  # type: ignore[index] # asserted by the status
        self.tenant_id = new_id()

    def log_in(self, password: str = PASSWORD) -> TestResponse:
        login = {"email": self.email, "password": password, "device_name": "test"}
        return self.client.post("/auth/tokens", json=login)

    def create(self) -> Household:
        assert self.post("/tenants", json={"uuid": self.tenant_id, "name": "Home"}).status_code == 201
        return self

    def request(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.request("POST", path, **options)

    def push(self, *changes: Any, **envelope: Any) -> TestResponse:
        return self.post("/sync/changes", json={"tenant_id": self.tenant_id, "changes": list(changes)} | envelope)

    def results(self, *changes: Any, **envelope: Any) -> list[dict[str, Any]]:
        answer = self.push(*changes, **envelope)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.get_json()["results"]
        return results

    def pull(self, since: str | None = None, **query: Any) -> dict[str, Any]:
        given = query | ({"since": since} if since else {})
        answer = self.get(f"/sync/changes/{self.tenant_id}", query_string=given)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.get_json()
        return page

    def initial(self, **query: Any) -> dict[str, Any]:
        answer = self.get(f"/sync/initial/{self.tenant_id}", query_string=query)
        assert answer.status_code == 200, answer.text
        load: dict[str, Any] = answer.get_json()
        return load
