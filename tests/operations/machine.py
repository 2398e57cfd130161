"""Runs a state machine against a tenant of its own."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.factories.tenant import TestTenant


def run(machine: type[RuleBasedStateMachine], tenant: TestTenant, *, examples: int, steps: int) -> None:
    """Each example has a session of its own: all of them last longer than a token does."""

    def begin(self: RuleBasedStateMachine) -> None:
        tenant.admin = tenant.logged_in(tenant.admin.id, tenant.admin.email)
        machine.__init__(self)

    run_state_machine_as_test(
        type("Machine", (machine,), {"tenant": tenant, "__init__": begin}),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate], derandomize=True,
        ),
    )  # fmt: skip
