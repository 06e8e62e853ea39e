"""What tap-workday writes, stream by stream, compared with files kept beside this test.

To accept a deliberate change, run with ``GOLDEN=write`` and read the difference before committing it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tap_workday_documents import adjustment, attachment, invoice
from tap_workday_runs import EVERY_STREAM, REPORT, catalog_of, config_for, written

from erp_sandbox.clock import Clock
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from tap_workday.tap import TapWorkday

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """The lines of each stream from a small world, in order; time_extracted, which differs each time, left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        with Sandbox(World.build(vendors=6, bills=1, payments=0), clock=Clock()) as box:
            box.workday.add_invoice(invoice("BILL-1", attachments=[attachment()]))
            box.workday.add_adjustment(adjustment("BILL-C1", "BILL-1"))
            config = config_for(box, custom_reports=[REPORT])
            found = written(TapWorkday(config=config, catalog=catalog_of(config, EVERY_STREAM)))
    by_stream = {name: [] for name in EVERY_STREAM}
    for line in found:
        message = json.loads(line)
        if message["type"] != "STATE":
            stamp = f',"time_extracted":"{message["time_extracted"]}"' if message["type"] == "RECORD" else ""
            by_stream[message["stream"]].append(line.replace(stamp, "") if stamp else line)
    return by_stream


@pytest.mark.parametrize("name", EVERY_STREAM)
def test_a_stream_is_written_as_kept(lines, name):
    """Schema, keys, records and their order are exactly as before."""
    path = GOLDEN / f"tap_workday_{name}.jsonl"
    if os.environ.get("GOLDEN") == "write":
        path.write_text("\n".join(lines[name]) + "\n", "utf-8")
    assert len(lines[name]) > 1
    assert lines[name] == path.read_text("utf-8").splitlines()


def test_every_kept_file_belongs_to_a_stream():
    """No file is left of a stream that is gone."""
    assert {path.stem for path in GOLDEN.glob("tap_workday_*.jsonl")} == {
        f"tap_workday_{name}" for name in EVERY_STREAM
    }
