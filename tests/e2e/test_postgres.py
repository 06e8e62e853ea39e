"""Two machines deliver from one PostgreSQL ledger at the same time."""

from __future__ import annotations

import pytest
from harness import assert_posted_once, writes
from test_chaos import break_things, chance, enter_bills, settle
from waiting import wait_until

from erp_sandbox.world import World

__all__ = ["chance"]

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.slow]


def test_two_targets_at_once_post_each_bill_once(project, postgres_url, chance):
    """Two pipelines that start together share the work; no bill is posted by both."""
    here = project(
        World.plain(bills=80, lines=(1, 3), vendors=10),
        box={"latency": 0.03, "jitter": 0.02},
        TARGET_WORKDAY_LEDGER_URL=postgres_url,
    )
    with here.piped() as one, here.piped() as two:
        ended = [one.finish(), two.finish()]
    assert [each.target.code for each in ended] == [0, 0], [each.target.err for each in ended]
    created = [each.target.invoices.get("created", 0) for each in ended]
    assert sum(created) == 80
    assert all(created)
    assert writes(here.box) == 80
    assert_posted_once(here)
    assert here.ask("audit", "verify")["intact"] is True


@pytest.mark.parametrize("times", [2, pytest.param(4, marks=pytest.mark.long)])
def test_two_targets_under_faults_and_kills_post_each_bill_once(project, postgres_url, chance, times):
    """With requests failing and one of the two killed again and again, each bill is still one invoice."""
    here = project(
        World.plain(bills=60, lines=(1, 3), vendors=10),
        cold=True,
        box={"latency": 0.02, "jitter": 0.02},
        TARGET_WORKDAY_LEDGER_URL=postgres_url,
    )
    break_things(here.box, chance)
    for _ in range(times):
        before = writes(here.box)
        with here.piped() as one, here.piped() as two:
            goal = before + chance.randint(1, 12)
            wait_until(lambda: writes(here.box) >= goal, one.target)  # noqa: B023 - called at once
            one.kill(one.target)
            two.finish()
        enter_bills(here, chance, 4)
    settle(here)
