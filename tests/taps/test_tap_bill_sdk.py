"""The SDK's own tests of a tap, run against the sandbox."""

from __future__ import annotations

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from tap_bill_runs import catalog_of, config_for

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from tap_bill.streams import STREAM_CLASSES
from tap_bill.tap import TapBill

pytestmark = pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records:UserWarning")


class _NotYet:
    """Stands for the sandbox while tests are collected: discovery needs no network."""

    bill_base_url = "http://127.0.0.1:9/connect"


CONFIG = config_for(_NotYet)

StandardTests = get_tap_test_class(
    TapBill,
    config=CONFIG,
    catalog=catalog_of(CONFIG, [stream.name for stream in STREAM_CLASSES]),
    suite_config=SuiteConfig(ignore_no_records_for_streams=["bill_documents"]),
)


@pytest.fixture(scope="module", autouse=True)
def _sandbox(tmp_path_factory):
    """A sandbox for the whole module; the config, made before it ran, learns its address."""
    with pytest.MonkeyPatch.context() as patch, Sandbox(World.build(vendors=6, bills=14, payments=7)) as box:
        patch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        CONFIG["base_url"] = box.bill_base_url
        yield


class TestTapBill(StandardTests):
    """What the SDK demands of every tap."""
