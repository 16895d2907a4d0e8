"""Descriptors: however many tenants there are, a process has few files open, and none is turned away for that."""

from __future__ import annotations

import os
import random
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.users import NewUser
from finwise.store.pool import SIZE
from proofs.children import in_child
from proofs.proof import MEMORY, CannotRun, Result, main

TENANTS = 1_500  # at scale 1
MOST_TENANTS = 10_000
LONG = 2  # the scale from which on there are so many
THREADS = 16
REQUESTS = 3  # per tenant
LIMIT = 1_024  # descriptors a process may have
EACH, ELSE = 4, 64  # descriptors of a connection with its lock; of everything else


def prove(scale: float, seed: int) -> Result:
    """Threads use the tenants in random order, in a process that may have few descriptors."""
    tenants = int(TENANTS * scale) if scale < LONG else MOST_TENANTS
    with tempfile.TemporaryDirectory(prefix="finwise-descriptors-", dir=MEMORY) as made:
        ended = in_child(lambda _: _use(Path(made), tenants, seed))
    if ended.error:
        raise RuntimeError(ended.error)
    result = Result("Open files do not grow with the number of tenants", {"requests": ended.said["requests"]})
    result.violations = ended.said["violations"]
    allowed = (SIZE + THREADS) * EACH + ELSE
    if ended.said["most"] > allowed:
        result.violations.append(f"{ended.said['most']} descriptors were open; {allowed} are enough")
    result.figures = {"tenants": tenants, "descriptors open at most": ended.said["most"], "limit": LIMIT}
    return result


def _use(folder: Path, tenants: int, seed: int) -> dict[str, Any]:
    _limit_descriptors()
    folders = str(folder / "instance"), str(folder / "tenant_databases")
    domain = create_domain(Settings(*folders, tenants_per_user=tenants))
    user, _ = domain.users.register(NewUser(str(uuid4()), "Ada", "ada@example.org", None), "", now())
    ids = [domain.tenants.create(user, str(uuid4()), "Book", None, now())[0].uuid for _ in range(tenants)]
    chance = random.Random(seed)
    chosen = [tenant_id for _ in range(REQUESTS) for tenant_id in chance.sample(ids, len(ids))]
    with ThreadPoolExecutor(THREADS) as threads:
        ends = list(threads.map(lambda tenant_id: _request(domain, tenant_id), chosen))
    domain.close()
    violations = [error for _, error in ends if error]
    return {"requests": len(ends), "most": max(opened for opened, _ in ends), "violations": violations}


def _request(domain: Domain, tenant_id: str) -> tuple[int, str]:
    """A push and a pull: how many descriptors were open after it, and what went wrong."""
    try:
        change = {"change_id": str(uuid4()), "entity_type": "tags", "id": str(uuid4()), "data": {"name": "x"}}
        push = PushRequest([change | {"updated_at": "2026-01-09T19:01:00.000Z"}])
        domain.sync.push(tenant_id, push, now())
        domain.sync.pull(tenant_id, PullRequest())
    except Exception as error:  # whatever it is, a request was turned away
        return _count_open(), f"a request failed: {type(error).__name__}: {error}"
    return _count_open(), ""


def _count_open() -> int:
    return len(os.listdir("/dev/fd"))


def _limit_descriptors() -> None:
    try:
        import resource
    except ImportError:
        raise CannotRun("this system does not limit descriptors; run the proof on Linux or macOS.") from None
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


main(__name__, prove)
