"""The SDK's own tests of a tap, run against the sandbox."""

from __future__ import annotations

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from tap_business_central_runs import NAMES, catalog_of, config_for

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from tap_business_central.tap import TapBusinessCentral

pytestmark = [
    pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records:UserWarning"),
    pytest.mark.filterwarnings("ignore:No records were available to test:UserWarning"),  # fields that are null
]


class _NotYet:
    """Stands for the sandbox while tests are collected: discovery needs no network."""

    business_central_base_url = "http://127.0.0.1:9"
    business_central_auth_url = "http://127.0.0.1:9"


CONFIG = config_for(_NotYet)

StandardTests = get_tap_test_class(
    TapBusinessCentral,
    config=CONFIG,
    catalog=catalog_of(CONFIG, NAMES),
    suite_config=SuiteConfig(ignore_no_records_for_streams=["vendor_payments"]),
)


@pytest.fixture(scope="module", autouse=True)
def _sandbox(tmp_path_factory):
    """A sandbox for the whole module; the config, made before it ran, learns its address."""
    with pytest.MonkeyPatch.context() as patch, Sandbox(World.build(vendors=6, bills=14, payments=7)) as box:
        patch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        CONFIG["base_url"] = box.business_central_base_url
        CONFIG["auth_url"] = box.business_central_auth_url
        yield


class TestTapBusinessCentral(StandardTests):
    """What the SDK demands of every tap."""
