"""The model's second driver: Hypothesis chooses what happens (`world.py` says what can)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from proofs.model.decisions import DECISIONS
from proofs.model.device import FORMS
from proofs.model.installation import Installation
from proofs.model.state import FOUND, HOUR, MILLI, MINUTE, SECOND, said
from proofs.model.world import DEVICES, KEYS, PULL_FATES, PUSH_FATES, SKEWS, World

STEPS = 40  # of one example

_devices = st.integers(0, len(DEVICES) - 1)
_keys = st.integers(0, len(KEYS) - 1)
_limits = st.integers(1, 3)
_places = st.integers(0, 8)


def prove(folder: Path, examples: int, start: int, cases: Counter[str], violations: list[str]) -> tuple[int, int]:
    """Numbers of examples and of steps; adds to `cases` and `violations`. Nothing is shrunk: that takes minutes."""
    done = Counter[str]()
    with Installation(folder) as installation:

        class Rules(_Rules):
            def __init__(self) -> None:
                super().__init__(installation, cases, violations, done)

        wanted = settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            phases=(Phase.generate,),
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(seed(start)(Rules), settings=wanted)
    return done["examples"], done["steps"]


class _Rules(RuleBasedStateMachine):
    """A violation is noted; then nothing more happens."""

    def __init__(
        self, installation: Installation, cases: Counter[str], violations: list[str], done: Counter[str]
    ) -> None:
        super().__init__()
        self._installation, self._cases, self._violations, self._done = installation, cases, violations, done
        self._world: World | None = None

    @initialize(skews=st.lists(st.sampled_from(SKEWS), min_size=len(DEVICES), max_size=len(DEVICES)))
    def begin(self, skews: list[int]) -> None:
        if not self._violations:
            self._world = World(self._installation, self._cases, skews)
            self._done["examples"] += 1

    @rule(
        device=_devices,
        key=_keys,
        kind=st.sampled_from(("write", "same", "delete")),
        form=st.integers(0, FORMS - 1),
        merge=st.booleans(),
    )
    def edit(self, device: int, key: int, kind: str, form: int, merge: bool) -> None:
        self._do(lambda world: world.edit(device, key, kind, form, merge))

    @rule(device=_devices, fate=st.sampled_from(PUSH_FATES), fresh=st.integers(0, 3), limit=_limits)
    def push(self, device: int, fate: str, fresh: int, limit: int) -> None:
        self._do(lambda world: world.push(device, fate, fresh, limit))

    @rule(device=_devices, fate=st.sampled_from(PULL_FATES), limit=_limits, pages=st.sampled_from((1, 2, 100)))
    def pull(self, device: int, fate: str, limit: int, pages: int) -> None:
        self._do(lambda world: world.pull(device, fate, limit, pages))

    @rule(which=_places)
    def deliver_late(self, which: int) -> None:
        self._do(lambda world: world.deliver_late(which))

    @rule(micros=st.sampled_from((1, MILLI, SECOND, MINUTE, 30 * HOUR)))
    def wait(self, micros: int) -> None:
        self._do(lambda world: world.wait(micros))

    @rule(device=_devices, millis=st.sampled_from(SKEWS), spoil=st.booleans(), which=_places)
    def trouble_a_device(self, device: int, millis: int, spoil: bool, which: int) -> None:
        self._do(lambda world: world.spoil(device, which) if spoil else world.jump(device, millis))

    @rule(device=_devices)
    def reinstall(self, device: int) -> None:
        self._do(lambda world: world.reinstall(device))

    @rule(hours=st.integers(0, 60))
    def run_maintenance(self, hours: int) -> None:
        self.wait(hours * HOUR)
        self._do(World.run_maintenance)

    @rule()
    def back_up(self) -> None:
        self._do(World.back_up)

    @rule(which=_places)
    def restore(self, which: int) -> None:
        self._do(lambda world: world.restore(which))

    @rule(which=_places, what=st.sampled_from(DECISIONS))
    def decide(self, which: int, what: str) -> None:
        self._do(lambda world: world.decide(which, what))

    @rule()
    def settle(self) -> None:
        self._do(World.settle)

    def teardown(self) -> None:
        self._do(World.finish)
        if self._world:
            self._world.close()

    def _do(self, what: Callable[[World], object]) -> None:
        if self._world is None or self._violations:
            return
        self._done["steps"] += 1
        try:
            what(self._world)
        except FOUND as error:
            self._violations.append(f"Hypothesis example {self._done['examples']}: {said(error)}")
