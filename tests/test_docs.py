"""The generated pages say what the code says."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import click
import pytest
import yaml

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
def test_meltano_yml_declares_exactly_the_settings_of_each_plugin(plugins):
    """Names, kinds and secrecy of settings in meltano.yml are those the plugins tell about themselves."""
    declared = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))["plugins"]
    every = [each for kind in ("extractors", "loaders", "mappers") for each in declared[kind]]
    by_name = {each["name"]: each for each in every if "inherit_from" not in each}
    assert set(by_name) == {plugin.name for plugin in plugins}
    for plugin in plugins:
        listed = {each["name"]: bool(each.get("sensitive")) for each in by_name[plugin.name]["settings"]}
        assert listed == {setting.name: setting.secret for setting in plugin.own_settings}
        assert set(by_name[plugin.name].get("capabilities", ())) <= set(plugin.capabilities)


@pytest.mark.slow
def test_env_example_names_every_setting_and_no_secret(plugins):
    """Each setting has its variable in .env.example; those of secrets have no value."""
    text = (ROOT / ".env.example").read_text("utf-8")
    values = dict(re.findall(r"^#([A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    secrets = {plugin.variable(each): each.secret for plugin in plugins for each in plugin.own_settings}
    assert set(secrets) <= set(values)
    assert [name for name, secret in secrets.items() if secret and values[name]] == []


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
    """A setting's JSON schema tells its kind in meltano.yml."""
    assert generate.Setting("x", schema).kind == kind


def test_settings_are_written_between_their_marks():
    """Only what stands between the marks of meltano.yml is replaced, whatever stood there before."""
    before = "a:\n  # settings of tap-try, written by `make docs`\n  old: 1\n  # end of settings\n  select: ['*.*']\n"
    after = generate.with_settings(before, [TAP])
    assert yaml.safe_load(after) == {
        "a": {
            "settings": [
                {"name": "dev_key", "kind": "string", "sensitive": True, "description": "Developer key."},
                {"name": "page_size", "kind": "string", "description": "Per page."},
            ],
            "select": ["*.*"],
        }
    }
    assert generate.with_settings(after, [TAP]) == after


def test_env_example_shows_defaults_but_no_secret():
    """A variable is commented out, explained, and carries its default if it has one."""
    text = generate.env_example([TAP])
    assert "# Developer key. Required. Secret.\n#TAP_TRY_DEV_KEY=\n" in text
    assert "# Per page.\n#TAP_TRY_PAGE_SIZE=100\n" in text


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
