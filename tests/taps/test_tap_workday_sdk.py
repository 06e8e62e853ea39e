"""The SDK's own tests of a tap, run against the sandbox."""

from __future__ import annotations

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from tap_workday_documents import adjustment, attachment, invoice
from tap_workday_runs import EVERY_STREAM, REPORT, catalog_of, config_for

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from tap_workday.tap import TapWorkday

# Schemas name everything Workday may give; the sandbox gives part of it. That each stream has records is tested in
# test_tap_workday_golden.py.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records:UserWarning"),
    pytest.mark.filterwarnings("ignore:No records were available to test:UserWarning"),
]


class _NotYet:
    """Stands for the sandbox while tests are collected: discovery needs no network."""

    workday_base_url = "http://127.0.0.1:9/workday"


CONFIG = config_for(_NotYet, custom_reports=[REPORT])

StandardTests = get_tap_test_class(
    TapWorkday, config=CONFIG, catalog=catalog_of(CONFIG, EVERY_STREAM), suite_config=SuiteConfig()
)


@pytest.fixture(scope="module", autouse=True)
def _sandbox(tmp_path_factory):
    """A sandbox for the whole module; the config, made before it ran, learns its address."""
    with pytest.MonkeyPatch.context() as patch, Sandbox(World.build(vendors=6, bills=1, payments=0)) as box:
        patch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        CONFIG["base_url"] = box.workday_base_url
        box.workday.add_invoice(invoice("BILL-1", attachments=[attachment()]))
        box.workday.add_adjustment(adjustment("BILL-C1", "BILL-1"))
        yield


class TestTapWorkday(StandardTests):
    """What the SDK demands of every tap."""
