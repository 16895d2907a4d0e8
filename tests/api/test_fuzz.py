"""Requests that nobody would write: no answer is a server error, and what is refused leaves no trace.

A short run of `python -m proofs.requests`, which tries harder; a failure names the seed and the request. Beside it,
bytes that were never a request.
"""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest

from harness.requests.rounds import attempt, faults
from harness.requests.valid import VALID, with_token
from harness.requests.world import Sent, World

SIZE = 500  # requests of one seed
BODIES = 100
SEEDS = (1, 2, 3)
ALPHABET = b'{}[]",:\\/ue0123456789.-+Etfnrlsa\x00\xff\xc3\xa9\n '

BODILESS = ("/admin/invitations", "/app/demo")  # take no body, and look at none


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spoilt_request_is_never_a_server_error_and_a_refused_one_changes_nothing(tmp_path: Path, seed: int) -> None:
    told = attempt(tmp_path, seed, SIZE)
    assert told.violations == []
    assert SIZE // 3 < told.refused < told.sent == SIZE  # or they were not spoilt as they should be
    assert told.reached > {"POST /sync/changes", "GET /sync/changes/<tenant_id>"}
    assert told.lines > told.bugs > 0  # or the log had nothing to keep quiet about


@pytest.mark.parametrize("seed", SEEDS)
def test_any_bytes_as_a_body_are_answered(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with closing(World(tmp_path, dice)) as world:
        paths = [route.removeprefix("POST ") for route in VALID if route.startswith("POST ") and "<" not in route]
        paths = [path for path in paths if path not in BODILESS]
        before = world.files.held()
        environ = with_token(world.home.token) | {"CONTENT_TYPE": "application/json"}
        environ["HTTP_X_TENANT_ID"] = world.home.tenant_id
        for _ in range(BODIES):
            body = bytes(dice.choices(ALPHABET, k=dice.choice([0, 1, 3, 10, 40, 300])))
            for path in paths:
                sent = Sent(f"POST {path}", "POST", path, "", environ, body)
                answer = world.send(sent)
                assert list(faults(answer, sent)) == [], sent
                assert answer.status_code == 422, sent
        assert world.files.held() == before
