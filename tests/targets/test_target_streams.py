"""Which streams a target keeps anything of."""

from __future__ import annotations

import io
import json

import pytest
import sqlalchemy as sa
from singer_sdk.testing import target_sync_test

from erp_sandbox import credentials
from ml_connector.errors import SettingInvalid
from ml_connector.ledger.schema import entries, source_records
from ml_connector.ledger.store import Ledger
from target_workday.target import TargetWorkday

ORGANIZATION = "00801ORGAAAAAAAA0001"
PAYMENT = {
    "id": "stp01PAYMAAAAAAA0001",
    "organizationId": ORGANIZATION,
    "vendorId": "00901VNDRAAAAAAA0001",
    "amount": 5,
    "singleStatus": "CLEARED",
}
DEPARTMENT = {"id": "0de01DEPTAAAAAAA0001", "organizationId": ORGANIZATION, "name": "Operations"}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the target over records of streams; returns what the ledger then holds: documents and references."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path / "shared"))

    def go(*, transform="tap-bill", **streams):
        lines = []
        for stream, records in streams.items():
            lines.append({"type": "SCHEMA", "stream": stream, "schema": {"properties": {}}, "key_properties": ["id"]})
            lines += [{"type": "RECORD", "stream": stream, "record": record} for record in records]
        lines.append({"type": "STATE", "value": {"at": 7}})
        config = {
            "base_url": "https://services.vendor.invalid",
            "tenant": credentials.WORKDAY_TENANT,
            "isu_username": credentials.WORKDAY_ISU_USERNAME,
            "isu_password": credentials.WORKDAY_ISU_PASSWORD,
            "transform": transform,
        }
        text = "".join(json.dumps(line) + "\n" for line in lines)
        out, _ = target_sync_test(TargetWorkday(config=config), io.StringIO(text))
        printed = [json.loads(line) for line in out.read().splitlines()]
        assert printed
        assert all(state["at"] == 7 for state in printed)
        ledger = Ledger(f"sqlite:///{tmp_path / '.ml-connector' / 'ledger.db'}")
        with ledger.read() as connection:
            kept = [
                connection.execute(sa.select(sa.func.count()).select_from(each)).scalar()
                for each in (entries, source_records)
            ]
        ledger.close()
        return kept

    return go


def test_what_a_target_has_no_sink_for_is_left_out(run, caplog):
    """It would wait in the ledger for ever; so nothing is kept, and one line says so."""
    caplog.set_level("INFO")
    assert run(departments=[], payments=[PAYMENT, {**PAYMENT, "id": "stp2"}]) == [0, 0]
    said = [message for message in caplog.messages if "left out" in message]
    assert said == ["target-workday takes no payments; the records of stream 'payments' are left out"]


def test_what_look_ups_need_is_kept_all_the_same(run, caplog):
    """Reference records are remembered though no document is made of them."""
    assert run(departments=[DEPARTMENT], payments=[PAYMENT]) == [0, 1]


def test_an_input_of_which_nothing_is_taken_is_refused(run, capsys):
    """Its state is not acknowledged: the bookmark would move past what nobody has."""
    with pytest.raises(SettingInvalid, match="nothing of the input is taken: stream payments carries payments, which"):
        run(payments=[PAYMENT])
    assert capsys.readouterr().out == ""


def test_without_a_map_native_records_are_refused_before_one_is_read(run, capsys):
    """The cure names the setting; a forgotten transform once dropped each record with exit code 0."""
    with pytest.raises(SettingInvalid, match="stream bills is no kind of document") as refused:
        run(transform="", bills=[{"id": "00n1"}])
    assert "Set transform to the tap's name" in str(refused.value)
    assert capsys.readouterr().out == ""


def test_a_map_that_is_not_there_is_refused_before_one_record_is_read(run, capsys):
    """The nearest name is told."""
    with pytest.raises(SettingInvalid, match="Did you mean tap-bill"):
        run(transform="tap-bil", departments=[DEPARTMENT])
    assert capsys.readouterr().out == ""


def test_documents_need_no_map(run):
    """A stream named after a kind of document is taken as it is, other streams beside it are left out."""
    assert run(transform="", suppliers=[], held_documents=[{"kind": "suppliers"}]) == [0, 0]


def test_meltanos_own_test_is_passed(run):
    """`meltano config test target-workday` sends one record of a stream of its own, with no map."""
    assert run(transform="", meltano_test_stream=[{"id": 1, "name": "Meltano Test Record"}]) == [0, 0]
