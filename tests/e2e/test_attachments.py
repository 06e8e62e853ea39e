"""Invoices approved in Workday become bills with their files: real Meltano, each file once and whole."""

from __future__ import annotations

import base64
import hashlib
import json
import random

import pytest
from workday_invoices import entered

from erp_sandbox.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SENDING = {
    "TARGET_BILL_TRANSFORM": "tap-workday",
    "TARGET_BILL_MAP_SETTINGS": json.dumps({"send_invoices": True, "send_attachments": True}),
}
SCAN = b"%PDF-1.7 a small scan"
LARGE = random.Random(1).randbytes(4_500_000)
TOO_LARGE = bytes(6_000_001)


def test_files_arrive_once_and_whole_and_stand_in_no_log(project):
    """One of several megabytes too; one BILL would not take is held with its cure, and its invoice is not."""
    here = project(World.plain(vendors=1, bills=0))
    here.box.workday.add_invoice(entered(1, "19.90", ("scan.pdf", SCAN), ("large.pdf", LARGE)))
    here.box.workday.add_invoice(entered(2, "19.90", ("scan.pdf", SCAN), ("huge.pdf", TOO_LARGE)))
    done = here.meltano("run", "tap-workday--invoices", "target-bill", **SENDING)
    assert done.code == 0, done.err
    numbers = {bill["id"]: bill["invoice"]["invoiceNumber"] for bill in here.box.bill.bills()}
    kept = {(numbers[bill], each["sha256"]) for bill, files in here.box.bill.main.documents.items() for each in files}
    hashes = {content: hashlib.sha256(content).hexdigest() for content in (SCAN, LARGE)}
    assert kept == {("R-1", hashes[SCAN]), ("R-1", hashes[LARGE]), ("R-2", hashes[SCAN])}
    (held,) = [each for each in here.ask("held") if each["kind"] == "attachments"]
    assert "huge.pdf has 6.0 MB, BILL takes up to 6 MB" in json.dumps(held)
    uploads = here.box.stats.as_json()["bill"]["endpoints"]["POST /v3/documents/bills/{id}"]
    again = here.meltano("run", "--full-refresh", "tap-workday--invoices", "target-bill", **SENDING)
    assert again.code == 0, again.err
    assert here.box.stats.as_json()["bill"]["endpoints"]["POST /v3/documents/bills/{id}"] == uploads
    content = base64.b64encode(SCAN).decode()
    logs = list(here.folder.rglob("*.log"))
    assert not [path for path in logs if content in path.read_text("utf-8", errors="replace")]
    assert content not in f"{done.out}{done.err}{again.out}{again.err}"
