"""Each plugin over each mistake a person makes with its files: one line what, one line cure, no traceback."""

from __future__ import annotations

import json
import logging

import pytest
from click.testing import CliRunner

from erp_sandbox import credentials
from map_finance.mapper import MapFinance
from tap_bill.tap import TapBill
from tap_business_central.tap import TapBusinessCentral
from tap_workday.tap import TapWorkday
from target_bill.target import TargetBill
from target_business_central.target import TargetBusinessCentral
from target_workday.target import TargetWorkday

BILL = {
    "base_url": "http://127.0.0.1:9/connect",
    "dev_key": credentials.BILL_DEV_KEY,
    "username": credentials.BILL_SYNC_TOKEN_NAME,
    "password": credentials.BILL_SYNC_TOKEN_VALUE,
    "organization_id": credentials.BILL_ORGANIZATION_ID,
}
CENTRAL = {"tenant_id": "acme.invalid", "environment": "production", "client_id": "a", "client_secret": "b"}
WORKDAY = {
    "base_url": "https://services.vendor.invalid",
    "tenant": credentials.WORKDAY_TENANT,
    "isu_username": credentials.WORKDAY_ISU_USERNAME,
    "isu_password": credentials.WORKDAY_ISU_PASSWORD,
}
TAPS = {TapBill: BILL, TapBusinessCentral: CENTRAL, TapWorkday: WORKDAY}
TARGETS = {
    TargetBill: {**BILL, "transform": "tap-workday"},
    TargetBusinessCentral: {**CENTRAL, "company": "9b0d6d6b-1c77-4c0d-9b1c-1d6a3c6f0a01", "transform": "tap-bill"},
    TargetWorkday: {**WORKDAY, "transform": "tap-bill"},
}
READERS = {**TARGETS, MapFinance: {"transform": "tap-bill", "target": "workday"}}
PLUGINS = {**TAPS, **READERS}

FILES = {
    "missing": (None, "cannot be read"),
    "a folder": ("folder", "cannot be read"),
    "empty": (b"", "is empty"),
    "blank": (b" \n", "is empty"),
    "UTF-16": ("{}".encode("utf-16"), "is UTF-16"),
    "latin-1": ('{"a": "ä"}'.encode("latin-1"), "is not UTF-8, line 1"),
    "broken JSON": (b'{"a": 1,\n "b"', "is not JSON"),
    "a list": (b"[]", "is not a JSON object"),
    "a number": (b"1", "is not a JSON object"),
    "nested too deeply": (b'{"a":' + b"[" * 100_000, "is not usable JSON"),
    "a number without end": (b'{"a": ' + b"9" * 5_000 + b"}", "is not usable JSON"),
}


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Runs a plugin's command in a project of its own; returns exit code and what it said as errors."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record):
            assert not record.exc_info, "a traceback for a person's mistake"
            said.append(record.getMessage())

    ear = Ear(logging.ERROR)
    root = logging.getLogger()
    root.addHandler(ear)

    def start(plugin, *args, text=""):
        done = CliRunner().invoke(plugin.cli, [str(each) for each in args], input=text)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, [*said, *done.stderr.splitlines()[-1:]]

    yield start
    root.removeHandler(ear)


def written(folder, content):
    """Return the path of a file with a mistake."""
    path = folder / "given.json"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    return path


def configured(folder, config):
    """Return the path of a configuration."""
    path = folder / "config.json"
    path.write_text(json.dumps(config), "utf-8")
    return path


def refused(answer, what):
    """Check that a mistake was told in one line, with a line that says how to mend it."""
    code, said = answer
    assert code == 1
    told = [line for line in said if what in line]
    assert told, said
    first, cure = told[0].split("\n")
    assert len(first) < 400
    assert cure.startswith("  ")
    assert cure.endswith(".")


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize(("content", "what"), FILES.values(), ids=FILES)
def test_a_configuration_that_cannot_be_used(started, tmp_path, plugin, content, what):
    """Whatever is wrong with the file of settings."""
    refused(started(plugin, "--config", written(tmp_path, content)), what)


@pytest.mark.parametrize("option", ["catalog", "state"])
@pytest.mark.parametrize("plugin", TAPS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize("wrong", FILES)
def test_a_catalog_or_state_that_cannot_be_used(started, tmp_path, plugin, option, wrong):
    """An empty state would read everything once more, in silence."""
    content, what = FILES[wrong]
    config = configured(tmp_path, TAPS[plugin])
    refused(started(plugin, "--config", config, f"--{option}", written(tmp_path, content)), what)


@pytest.mark.parametrize("plugin", TAPS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize(
    "catalog",
    [
        {},
        {"streams": {}},
        {"streams": ["bills"]},
        {"streams": [{"stream": "bills"}]},
        {"streams": [{"tap_stream_id": "bills", "schema": 1}]},
        {"streams": [{"tap_stream_id": "bills", "schema": {}}]},
        {"streams": [{"tap_stream_id": "bills", "schema": {"properties": {}}, "metadata": [1]}]},
        {"streams": [{"tap_stream_id": "bills", "schema": {"properties": {}}, "metadata": {"selected": True}}]},
    ],
    ids=json.dumps,
)
def test_a_catalog_of_another_shape(started, tmp_path, plugin, catalog):
    """Edited by hand, or written by something else."""
    path = written(tmp_path, json.dumps(catalog).encode())
    refused(started(plugin, "--config", configured(tmp_path, TAPS[plugin]), "--catalog", path), "no Singer catalog")


@pytest.mark.parametrize("plugin", TAPS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize(
    "state", [{"bookmarks": []}, {"bookmarks": {"bills": "x"}}, {"bookmarks": {"bills": {"partitions": 1}}}], ids=str
)
def test_a_state_of_another_shape(started, tmp_path, plugin, state):
    """Edited by hand, or of another program."""
    path = written(tmp_path, json.dumps(state).encode())
    refused(started(plugin, "--config", configured(tmp_path, TAPS[plugin]), "--state", path), "no Singer state")


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_log_level_that_is_none(started, monkeypatch, plugin):
    """The SDK reads it before the plugin begins."""
    monkeypatch.setenv("LOGLEVEL", "LOUD")
    with pytest.raises(SystemExit, match="logging cannot be set up"):
        _ = plugin.cli


STREAM_MAPS = {
    "a list": [],
    "a number": {"bills": 1},
    "a word": {"bills": "off"},
    "half an expression": {"bills": {"amount": "record["}},
    "an unknown function": {"bills": {"amount": "nothing(record)"}},
    "a number as an expression": {"bills": {"amount": 1.5}},
    "an alias that is none": {"bills": {"__alias__": "1 +"}},
    "a filter of a number": {"bills": {"__filter__": 1}},
    "an expression without its field": {"bills": {"amount": "record['no such field'] + 1"}},
    "a key that is gone": {"bills": {"__key_properties__": ["nothing"]}},
}


@pytest.mark.parametrize("plugin", TARGETS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize("stream_maps", STREAM_MAPS.values(), ids=STREAM_MAPS)
def test_stream_maps_that_cannot_be_used(started, tmp_path, plugin, stream_maps):
    """Whether they are no maps, or an expression fails on a record."""
    config = configured(tmp_path, {**TARGETS[plugin], "transform": "tap-bill", "stream_maps": stream_maps})
    lines = [
        {"type": "SCHEMA", "stream": "bills", "schema": {"properties": {"id": {}, "amount": {}}}, "key_properties": []},
        {"type": "RECORD", "stream": "bills", "record": {"id": "00n1", "amount": 5}},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    code, said = started(plugin, "--config", config, text=text)
    assert code == 1, said
    assert any("stream_maps" in line or "no Singer" in line or "organizationId" in line for line in said), said


@pytest.mark.parametrize("plugin", TARGETS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"properties": []}], ids=str)
def test_a_schema_without_properties(started, tmp_path, plugin, schema):
    """It does not say which fields there are, so nothing of its records could be trusted."""
    line = {"type": "SCHEMA", "stream": "departments", "schema": schema, "key_properties": []}
    answer = started(plugin, "--config", configured(tmp_path, TARGETS[plugin]), text=f"{json.dumps(line)}\n")
    refused(answer, "the schema of stream 'departments' has no properties")


FOLDERS = {
    "no such map": {"transform": "tap-bil"},
    "no such folder of maps": {"maps_dir": "nowhere"},
    "a file for a folder of maps": {"maps_dir": "a_file"},
    "unknown setting of the map": {"map_settings": {"nothing": 1}},
    "map that is empty": {"maps_dir": "empty"},
    "map that is UTF-16": {"maps_dir": "utf16"},
    "map that is a folder": {"maps_dir": "folder"},
    "map that is no YAML": {"maps_dir": "broken"},
    "map that is a list": {"maps_dir": "list"},
}


@pytest.mark.parametrize("plugin", READERS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize("wrong", FOLDERS.values(), ids=FOLDERS)
def test_a_map_that_cannot_be_used(started, tmp_path, plugin, wrong):
    """The file is named; a folder is told from a file."""
    (tmp_path / "a_file").write_text("")
    contents = {"empty": b"", "utf16": "source: bill".encode("utf-16"), "broken": b"a: [\n", "list": b"- 1\n"}
    for name, content in contents.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "tap_bill.yml").write_bytes(content)
    (tmp_path / "folder" / "tap_bill.yml").mkdir(parents=True)
    config = configured(tmp_path, {**READERS[plugin], "transform": "tap-bill", **wrong})
    text = json.dumps({"type": "SCHEMA", "stream": "bills", "schema": {"properties": {}}, "key_properties": []})
    code, said = started(plugin, "--config", config, text=f"{text}\n")
    if wrong != {"maps_dir": "folder"}:  # a folder of that name is no map; the packaged one is found
        assert code == 1, said
        assert "\n  " in said[0]


@pytest.mark.parametrize("plugin", TARGETS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite:////proc/none/ledger.db", "mysql://x/y", "postgresql://%", "://", "x://y"]
)
def test_a_ledger_that_cannot_be_used(started, tmp_path, plugin, url):
    """The setting is named, or the file."""
    config = configured(tmp_path, {**TARGETS[plugin], "ledger_url": url})
    text = json.dumps({"type": "SCHEMA", "stream": "bills", "schema": {"properties": {}}, "key_properties": []})
    code, said = started(plugin, "--config", config, text=f"{text}\n")
    assert code != 0, said
    assert all(line for line in said)


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize("content", [b"\xff\xfeA\x00", b"\xe4=1\n", "folder"], ids=["UTF-16", "latin-1", "a folder"])
def test_an_env_file_that_cannot_be_read(started, tmp_path, plugin, content):
    """It is read with ``--config ENV``."""
    path = tmp_path / ".env"
    if content == "folder":
        path.mkdir()
    else:
        path.write_bytes(content)
    code, said = started(plugin, "--config", "ENV")
    assert code == 1, said
    assert any("\n  " in line for line in said)
