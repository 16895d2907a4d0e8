"""The server asks nobody: no request makes it open a connection."""

import socket

import pytest

from tests.household import Household, change


def test_no_request_opens_a_connection(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something connects to the outside")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    home.results(change("t1", data={"name": "http://example.org/", "avatarUrl": "http://example.org/x.png"}))
    invited = home.post(f"/tenants/{home.tenant_id}/invitations", json={"role": "viewer"}).get_json()
    assert Household(home.client).post("/invitations/accept", json={"code": invited["code"]}).status_code == 200
    for path in (
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/",
        f"/tenants/{home.tenant_id}/export",
        "/admin/tenants",
    ):
        assert home.get(path, headers={"Host": "example.org", "X-Forwarded-Host": "example.net"}).status_code == 200
