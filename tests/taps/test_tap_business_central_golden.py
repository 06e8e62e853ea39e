"""What tap-business-central writes, stream by stream, compared with files kept beside this test.

To accept a deliberate change, run with ``GOLDEN=write`` and read the difference before committing it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tap_business_central_runs import NAMES, catalog_of, config_for, written

from erp_sandbox.clock import Clock
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from tap_business_central.tap import TapBusinessCentral

GOLDEN = Path(__file__).parent / "golden"
RECORDS_KEPT = 5
"""The first records of a stream stand for all: the world has more of some kinds than anybody would read."""


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """The first lines of each stream from a small world; time_extracted, which differs each time, left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        world = World.build(vendors=6, bills=14, payments=7, lines=(1, 3))
        with Sandbox(world, clock=Clock()) as box:
            config = config_for(box, include_approvals=True)
            found = written(TapBusinessCentral(config=config, catalog=catalog_of(config, NAMES)))
    by_stream = {name: [] for name in NAMES}
    for line in found:
        message = json.loads(line)
        if message["type"] != "STATE" and len(by_stream[message["stream"]]) <= RECORDS_KEPT:
            stamp = f',"time_extracted":"{message["time_extracted"]}"' if message["type"] == "RECORD" else ""
            by_stream[message["stream"]].append(line.replace(stamp, "") if stamp else line)
    return by_stream


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_is_written_as_kept(lines, name):
    """Schema, keys, records and their order are exactly as before."""
    path = GOLDEN / f"tap_business_central_{name}.jsonl"
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        path.write_text("\n".join(lines[name]) + "\n", "utf-8")
    assert lines[name] == path.read_text("utf-8").splitlines()


def test_every_kept_file_belongs_to_a_stream():
    """No file is left of a stream that is gone."""
    kept = {path.stem for path in GOLDEN.glob("tap_business_central_*.jsonl")}
    assert kept == {f"tap_business_central_{name}" for name in NAMES}
