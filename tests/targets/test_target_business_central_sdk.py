"""The SDK's own tests of a target: streams meant for warehouses are none of ours and are left out."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from business_central_documents import config_for
from sdk_streams import DOCUMENTS, beside_documents
from singer_sdk.testing import get_target_test_class, target_sync_test, target_test_streams

from ml_connector.errors import MalformedRecord
from target_business_central.target import TargetBusinessCentral


class _Nowhere:
    """Stands for the sandbox: nothing of these tests may reach it."""

    business_central_base_url = business_central_auth_url = "http://127.0.0.1:9"


CONFIG = config_for(_Nowhere, company="11111111-2222-4333-8444-555555555555")
FILES = Path(target_test_streams.__file__).parent

SdkTests = get_target_test_class(TargetBusinessCentral, config=CONFIG)


class TestTargetBusinessCentral(SdkTests):
    """Every file of the SDK goes through without a request to Business Central and without a document in the ledger."""

    @pytest.fixture(autouse=True)
    def _in_a_folder_of_its_own(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
        beside_documents(monkeypatch)

    def test_target_record_before_schema(self):
        """A record before its schema is refused with the number of its line, in this project's own words."""
        with pytest.raises(MalformedRecord, match=r"input line 1: .* came before the stream's schema"):
            sync("record_before_schema.singer")

    def test_target_record_missing_key_property(self, caplog):
        """A record without its key does not matter in a stream that is left out."""
        sync("record_missing_key_property.singer", before=f"{DOCUMENTS}\n")
        assert "'test_record_missing_key_property' is no kind of document" in caplog.text


def sync(file, before=""):
    """Run the target over one of the SDK's files, and what comes before it."""
    target_sync_test(TargetBusinessCentral(config=CONFIG), io.StringIO(before + (FILES / file).read_text("utf-8")))
