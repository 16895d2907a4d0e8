"""What every error's answer has to be: RFC 9457, small, and the same wherever it comes from."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

PROBLEM = "application/problem+json"
MAX_BYTES = 4096
MEMBERS = {"type", "title", "status", "detail", "code"}
MORE_MEMBERS = {"errors", "action", "give_back", "limits"}


def assert_problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The body of an answer that is this problem and nothing else."""
    assert (answer.status_code, answer.mimetype) == (status, PROBLEM), answer.text
    assert len(answer.data) < MAX_BYTES
    body: dict[str, Any] = answer.get_json()
    assert body.keys() >= MEMBERS
    assert body.keys() <= MEMBERS | MORE_MEMBERS
    assert (body["type"], body["status"], body["code"]) == ("about:blank", status, code)
    assert body["title"]
    assert body["detail"]
    return body


def everything(answer: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that a client sees of an answer, to compare two of them byte for byte."""
    return answer.status_code, sorted(answer.headers), answer.data
