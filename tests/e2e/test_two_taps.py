"""BILL's three calls at once are per organization: processes share them, and one login."""

from __future__ import annotations

import json
import subprocess

import pytest
from waiting import PATIENCE

from erp_sandbox.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_two_taps_share_three_calls_and_one_login(project):
    """Two taps that read at the same time never make more than three calls at once, and log in once."""
    here = project(World.plain(bills=600, lines=(1, 3)), box={"latency": 0.05})
    taps = [
        subprocess.Popen(
            [here.programs / "tap-bill", "--config=ENV"],
            cwd=here.folder,
            env=here.environment(TAP_BILL_MAX_CONCURRENCY="3", TAP_BILL_PAGE_SIZE="20"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [tap.communicate(timeout=PATIENCE) for tap in taps]
    assert [tap.returncode for tap in taps] == [0, 0], outputs
    for out, _ in outputs:
        records = [json.loads(line) for line in out.splitlines()]
        bills = [each["record"]["id"] for each in records if each["type"] == "RECORD" and each["stream"] == "bills"]
        assert len(bills) == len(set(bills)) == 600
    assert here.box.stats.max_concurrency("bill") == 3
    assert here.box.bill.sessions.logins == 1
    assert "BDC_1322" not in "".join(err for _, err in outputs)
    # 400 is how BILL refuses to filter some lists by time; the tap then reads all of them.
    assert set(here.box.stats.as_json()["bill"]["statuses"]) <= {"200", "400"}
