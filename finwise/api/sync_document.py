"""What the OpenAPI document says about sync beside its schemas: headers and examples."""

from typing import Any

from finwise.version import __version__

IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "the ETag of the last answer; 304 where nothing is new",
    "schema": {"type": "string"},
}
ETAG: dict[str, Any] = {"ETag": {"description": "the cursor, weak", "schema": {"type": "string"}}}
TENANT_HEADER: dict[str, Any] = {
    "name": "X-Tenant-ID",
    "in": "header",
    "description": "the tenant; may also be named elsewhere, if they agree",
    "schema": {"type": "string", "format": "uuid"},
}
ENTITY_EXAMPLE: dict[str, Any] = {
    "entity_type": "account_groups",
    "id": "9d0e6a3c-6d55-4c52-8f0b-2f3f0b6f1d11",
    "created_at": "2026-01-09T19:01:00.000Z",
    "updated_at": "2026-01-09T19:01:00.000Z",
    "deleted_at": None,
    "data": {"name": "Bank", "sortOrder": 0},
}
HEAD_EXAMPLE: dict[str, Any] = {
    "protocol": 1,
    "server_version": __version__,
    "server_time": "2026-01-09T19:01:02.140Z",
    "epoch": "7f3a9c1e",
}
PAGE_EXAMPLE: dict[str, Any] = {
    **HEAD_EXAMPLE,
    "changes": [ENTITY_EXAMPLE],
    "next_since": "2026-01-09T19:01:02.139001Z~7f3a9c1e",
    "has_more": False,
    "digest": {"account_groups": "3f8e6a6a757271ff"},
}
PUSH_ANSWER_EXAMPLE: dict[str, Any] = {
    **HEAD_EXAMPLE,
    "results": [
        {
            "change_id": "a1b2c3d4-0000-4000-8000-000000000001",
            "status": "applied",
            "updated_at": "2026-01-09T19:01:00.000Z",
        },
    ],
}
PUSH_EXAMPLE: dict[str, Any] = {
    "tenant_id": "5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10",
    "device_id": "c0ffee00-1111-4222-8333-444455556666",
    "changes": [
        {
            "change_id": "a1b2c3d4-0000-4000-8000-000000000001",
            "entity_type": "account_groups",
            "id": "9d0e6a3c-6d55-4c52-8f0b-2f3f0b6f1d11",
            "updated_at": "2026-01-09T19:01:00.000Z",
            "base_updated_at": None,
            "deleted_at": None,
            "data": {"name": "Bank", "sortOrder": 0},
        }
    ],
}
CONFLICT_EXAMPLE: dict[str, Any] = {
    "conflict_id": "0b6f2a4d9c3e4f7a8b1d2c3e4f5a6b7c",
    "entity_type": "account_groups",
    "id": "9d0e6a3c-6d55-4c52-8f0b-2f3f0b6f1d11",
    "kept_at": "2026-01-09T19:01:02.140Z",
    "reason": "older",
    "authors": {
        "loser": {"user_name": "Ada", "device_name": "Ada's phone"},
        "entity": {"user_name": "Charles", "device_name": "Firefox, Linux"},
    },
    "loser": {
        "created_at": "2026-01-09T19:01:00.000Z",
        "updated_at": "2026-01-09T18:30:00.000Z",
        "deleted_at": None,
        "device_id": "c0ffee00-1111-4222-8333-444455556666",
        "data": {"name": "Our bank", "sortOrder": 0},
    },
    "entity": ENTITY_EXAMPLE,
}
