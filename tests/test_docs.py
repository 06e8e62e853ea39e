"""The generated pages say what the code says."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import click
import pytest
import yaml

from ml_connector.singer.connections import CONNECTIONS

ROOT = Path(__file__).resolve().parent.parent


def _load_generator():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generate = _load_generator()

SECRET = generate.Setting(
    "dev_key", {"type": ["string"], "description": "Developer key.", "secret": True}, required=True
)
PAGE_SIZE = generate.Setting("page_size", {"type": ["integer", "null"], "default": 100, "description": "Per page."})
STREAM = {
    "tap_stream_id": "bills",
    "key_properties": ["id"],
    "replication_key": "updatedTime",
    "schema": {
        "properties": {
            "id": {"type": ["string"], "description": "Id of | the bill."},
            "lines": {
                "type": ["array", "null"],
                "items": {"properties": {"amount": {"type": ["number", "null"]}}},
            },
            "vendor": {"type": "object", "properties": {"name": {"type": "string"}}},
            "updatedTime": {"type": ["string", "null"], "format": "date-time"},
        }
    },
}
TAP = generate.Plugin("tap-try", "Tries.", ("state", "about"), (SECRET, PAGE_SIZE), streams=(STREAM,))


@pytest.fixture(scope="module")
def plugins():
    """The plugins of this distribution, asked about themselves."""
    return generate.plugins()


@pytest.mark.slow
def test_generated_files_are_up_to_date():
    """`make docs` would change nothing."""
    assert generate.differences(generate.generated()) == []


@pytest.mark.slow
def test_lock_files_declare_exactly_the_settings_of_each_plugin(plugins):
    """Names, defaults and secrecy in the lock files are those the plugins tell about themselves; no secret has a value."""
    locks = {path.name: json.loads(path.read_text("utf-8")) for path in (ROOT / "plugins").glob("*/*.lock")}
    assert set(locks) == {f"{plugin.name}--ml-connector.lock" for plugin in plugins}
    for plugin in plugins:
        lock = locks[f"{plugin.name}--ml-connector.lock"]
        told = {setting.name: setting for setting in plugin.own_settings}
        assert {each["name"]: bool(each.get("sensitive")) for each in lock["settings"]} == {
            name: setting.secret for name, setting in told.items()
        }
        for each in lock["settings"]:
            assert each["label"]
            assert each.get("value") in (None, told[each["name"]].schema.get("default"))
            assert "value" not in each or not each.get("sensitive")
        assert set(lock["capabilities"]) <= set(plugin.capabilities)
        assert {name for group in lock["settings_group_validation"] for name in group} <= set(told)


@pytest.mark.slow
def test_no_default_goes_before_what_the_vault_gives(plugins):
    """Meltano passes defaults on as if they were set, so what an entry of the vault may hold has none."""
    for path in (ROOT / "plugins").glob("*/*.lock"):
        lock = json.loads(path.read_text("utf-8"))
        kept = {each.name for each in CONNECTIONS.get(lock["name"].partition("-")[2].replace("-", "_"), ())}
        assert [each["name"] for each in lock["settings"] if "value" in each and each["name"] in kept] == []


def test_meltano_yml_is_for_people():
    """It has pipelines, jobs and schedules; no plugin is defined in it but the utility."""
    text = (ROOT / "meltano.yml").read_text("utf-8")
    assert len(text.splitlines()) <= 250
    declared = yaml.safe_load(text)["plugins"]
    named = [each for kind in ("extractors", "loaders", "mappers") for each in declared[kind]]
    assert all("settings" not in each and ("inherit_from" in each) != ("variant" in each) for each in named)


@pytest.mark.slow
def test_env_example_names_what_logs_in_and_no_secret(plugins):
    """What a plugin requires and what is secret has its variable in .env.example, without a value; so have the logins."""
    text = (ROOT / ".env.example").read_text("utf-8")
    values = dict(re.findall(r"^#([A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    shown = {
        plugin.variable(each)
        for plugin in plugins
        for each in plugin.own_settings
        if each.required or each.secret or each.needed
    }
    assert shown <= set(values)
    assert {name for name in values if name.startswith(("TAP_", "TARGET_", "MAP_"))} == shown
    assert [name for name, value in values.items() if value] == []
    assert {"TAP_WORKDAY_ISU_USERNAME", "TAP_WORKDAY_CLIENT_ID", "TAP_BILL_CREDENTIALS"} <= shown
    assert all(f"docs/plugins/{plugin.name}.md" in text for plugin in plugins)


@pytest.mark.slow
def test_every_setting_and_stream_explains_itself(plugins):
    """Each setting has a description; each stream says what identifies its records."""
    silent = [
        f"{plugin.name} {each.name}" for plugin in plugins for each in plugin.own_settings if not each.description
    ]
    silent += [each["tap_stream_id"] for plugin in plugins for each in plugin.streams if not each["key_properties"]]
    assert silent == []


def test_env_example_names_every_variable_the_code_reads():
    """A variable ML_CONNECTOR_... that some module reads is explained in .env.example."""
    packages = [ROOT / "ml_connector", ROOT / "taps", ROOT / "targets", ROOT / "transforms"]
    read = {
        name
        for package in packages
        for path in package.rglob("*.py")
        for name in re.findall(r"\bML_CONNECTOR_[A-Z_]+\b", path.read_text("utf-8"))
    }
    assert read <= set(generate.OWN_VARIABLES)


def test_a_difference_is_seen(tmp_path, monkeypatch):
    """A file that is missing, differs or belongs to nothing is reported."""
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    (tmp_path / "docs" / "plugins").mkdir(parents=True)
    (tmp_path / "same.md").write_text("a\n", "utf-8")
    (tmp_path / "other.md").write_text("a\n", "utf-8")
    (tmp_path / "docs" / "plugins" / "tap-gone.md").write_text("a\n", "utf-8")
    wanted = {tmp_path / "same.md": "a\n", tmp_path / "other.md": "b\n", tmp_path / "new.md": "c\n"}
    found = "\n".join(generate.differences(wanted))
    assert "same.md" not in found
    assert {"-a", "+b", "+c", "docs/plugins/tap-gone.md belongs to no plugin"} <= set(found.splitlines())


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": ["string", "null"]}, "string"),
        ({"type": "integer"}, "integer"),
        ({"type": ["number", "null"]}, "decimal"),
        ({"type": ["boolean"]}, "boolean"),
        ({"type": ["array", "null"]}, "array"),
        ({"type": "object"}, "object"),
        ({"type": ["string"], "format": "date-time"}, "date_iso8601"),
        ({"type": ["string"], "enum": ["never", "held"]}, "options"),
    ],
)
def test_kinds_of_settings_are_meltanos(schema, kind):
    """A setting's JSON schema tells its kind in Meltano's words."""
    assert generate.Setting("x", schema).kind == kind


def test_env_example_leaves_the_rest_to_the_page():
    """A variable that is shown is commented out and explained; of the others the page is named."""
    text = generate.env_example([TAP])
    assert "# Developer key. Required. Secret.\n#TAP_TRY_DEV_KEY=\n" in text
    assert "TAP_TRY_PAGE_SIZE" not in text
    assert "docs/plugins/tap-try.md" in text


def test_a_plugin_page_shows_settings_streams_and_nested_fields():
    """The page lists settings with variables, streams with keys, and fields down to those of lines."""
    page = generate.plugin_page(TAP)
    for line in (
        "| `dev_key` | `TAP_TRY_DEV_KEY` | secret | required | Developer key. |",
        "| `page_size` | `TAP_TRY_PAGE_SIZE` | integer | `100` | Per page. |",
        "| [bills](#bills) | `id` | `updatedTime` |",
        "| `id` | string | Id of \\| the bill. |",
        "| `lines[].amount` | number |  |",
        "| `vendor.name` | string |  |",
        "| `updatedTime` | date-time |  |",
    ):
        assert line in page


def test_the_command_page_shows_every_command():
    """Groups and their commands each have a heading and their help."""

    @click.group()
    def group():
        """Group."""

    @group.command()
    def leaf():
        """Leaf."""

    page = generate.cli_page({"prog": group})
    assert "## prog\n" in page
    assert "### prog leaf\n" in page
    assert "Leaf." in page
