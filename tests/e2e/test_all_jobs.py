"""All jobs of the shipped project on one ledger: each moves its own documents, whatever ran before it."""

from __future__ import annotations

import collections
import json

import pytest
import sqlalchemy as sa
import yaml
from harness import Project

from erp_sandbox.business_central.crosswalk import write_crosswalk
from erp_sandbox.world import World
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ORDERS = [
    pytest.param(lambda jobs: jobs, id="as they stand there", marks=pytest.mark.long),
    pytest.param(lambda jobs: jobs[::-1], id="backwards"),
]
OF_JOB = {
    "business-central-to-bill": {
        "TARGET_BILL_MAP_SETTINGS": json.dumps({"account_numbers": "same", "location_dimension": "LOCATION"})
    }
}
"""What a job is given beside what all are: settings of a map hold for that map only."""


@pytest.fixture
def project(tmp_path, sandbox, programs):
    """A project with the tables of all pairs."""
    world = World.plain(vendors=4, bills=3, lines=(1, 1))
    here = Project(tmp_path, sandbox(world), programs, TAP_BUSINESS_CENTRAL_SETTLE_SECONDS="0")
    write_crosswalk(world, here.crosswalk.parent)
    return here


@pytest.mark.parametrize("order", ORDERS)
def test_every_job_delivers_its_own_in_any_order_and_twice(project, order):
    """No run fails, none maps what another brought in, nothing is there twice, and everything has an owner."""
    jobs = [job["name"] for job in yaml.safe_load((project.folder / "meltano.yml").read_text("utf-8"))["jobs"]]
    assert {"bills-to-workday", "vendors-both-ways", "business-central-to-bill", "payments-to-business-central"} <= {
        *jobs
    }
    for job in order(jobs) * 2:
        done = project.meltano("run", job, **OF_JOB.get(job, {}))
        assert (job, done.code) == (job, 0), done.err
        assert "Traceback" not in done.err
    with Ledger(project.ledger_url) as ledger, ledger.read() as connection:
        known = list(connection.execute(sa.select(entries)))
    moved = collections.Counter((row.source.partition(":")[0], row.target.partition(":")[0], row.kind) for row in known)
    assert {
        ("bill", "workday", "supplier_invoices"),
        ("bill", "workday", "suppliers"),
        ("workday", "bill", "suppliers"),
        ("business_central", "bill", "supplier_invoices"),
    } <= set(moved)
    assert [row.reasons for row in known if '"malformed"' in row.reasons or '"technical"' in row.reasons] == []
    twice = collections.Counter((row.target, row.kind, row.target_id) for row in known if row.origin == "delivered")
    assert set(twice.values()) == {1}
    posted = [row for row in known if row.kind == "supplier_invoices" and row.state == "posted"]
    assert {row.source.partition(":")[0] for row in posted} == {"bill", "business_central"}
    pipelines = project.ask("status")["pipelines"]
    assert {each["owned"] for each in pipelines} == {True}
    assert {(each["plugin"].partition("--")[0], each["map"]) for each in pipelines} == {
        ("tap-bill", "tap_bill.yml"),
        ("tap-workday", "tap_workday.yml"),
        ("tap-business-central", "tap_business_central.yml"),
    }
    assert project.ask("audit", "verify")["intact"] is True
