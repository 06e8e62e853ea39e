"""What people write as settings: understood, or refused with a suggestion; never passed over."""

from __future__ import annotations

import pytest

from map_finance.mapper import MapFinance
from ml_connector.errors import SettingInvalid
from ml_connector.singer.settings import env_prefix, from_text, read_from, unknown_names, unread_variables
from tap_bill.tap import TapBill
from tap_business_central.tap import TapBusinessCentral
from tap_workday.tap import TapWorkday
from target_bill.target import TargetBill
from target_business_central.target import TargetBusinessCentral
from target_workday.target import TargetWorkday

TARGETS = [TargetBill, TargetBusinessCentral, TargetWorkday]
PLUGINS = [TapBill, TapBusinessCentral, TapWorkday, *TARGETS, MapFinance]
SCHEMA = {
    "properties": {
        "dry_run": {"type": ["boolean", "null"]},
        "max_documents": {"type": ["integer", "null"]},
        "request_timeout": {"type": ["number", "null"]},
        "sweep_streams": {"type": ["array", "null"], "items": {"type": ["string"]}},
        "custom_reports": {
            "type": ["array", "null"],
            "items": {"type": "object", "properties": {"name": {"type": ["string"]}}},
        },
        "map_settings": {"type": ["object", "null"], "properties": {}},
        "fail_on": {"type": ["string", "null"], "enum": ["never", "held", "any"]},
        "password": {"type": ["string"], "secret": True},
    }
}


@pytest.fixture(autouse=True)
def _own_project(tmp_path, monkeypatch):
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_misspelt_setting_is_refused_by_every_plugin(plugin):
    """In a configuration file, with the name that was probably meant."""
    name = next(iter(plugin.config_jsonschema["properties"]))
    with pytest.raises(SettingInvalid, match=f'there is no setting "{name}x"') as refused:
        plugin(config={f"{name}x": "1"})
    assert f"Did you mean {name}?" in str(refused.value)


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_misspelt_variable_is_refused_by_every_plugin(plugin, monkeypatch):
    """Whether the plugin reads variables itself or Meltano does."""
    name = next(iter(plugin.config_jsonschema["properties"])).upper()
    monkeypatch.setenv(f"{env_prefix(plugin.name)}{name}X", "1")
    with pytest.raises(SettingInvalid, match=f"{name}X is set, but there is no such setting"):
        plugin(config={})


@pytest.mark.parametrize("plugin", TARGETS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize("word", ["ture", "enabled", "0x1", "2"])
def test_a_word_that_is_no_boolean_is_refused_by_every_target(plugin, word):
    """It once counted as false, and posted for real."""
    with pytest.raises(SettingInvalid, match=r"which is not true or false"):
        plugin(config={"dry_run": word})


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_empty_settings_count_as_not_set(plugin):
    """As an empty variable means; what is required is then missing, without a traceback."""
    given = dict.fromkeys(plugin.config_jsonschema["properties"], "")
    assert from_text(given, plugin.config_jsonschema) == ({}, [])


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("dry_run", "true", True),
        ("dry_run", " YES ", True),
        ("dry_run", "1", True),
        ("dry_run", "off", False),
        ("dry_run", "0", False),
        ("max_documents", " 5 ", 5),
        ("request_timeout", "1.5", 1.5),
        ("sweep_streams", '["bills", "vendors"]', ["bills", "vendors"]),
        ("sweep_streams", "bills, vendors", ["bills", "vendors"]),
        ("custom_reports", '[{"name": "Open"}]', [{"name": "Open"}]),
        ("map_settings", '{"a": 1}', {"a": 1}),
        ("password", " p ", " p "),
    ],
)
def test_text_becomes_what_the_setting_is(name, text, value):
    """From the environment, and from Meltano, everything comes as text."""
    assert from_text({name: text}, SCHEMA) == ({name: value}, [])


@pytest.mark.parametrize(
    ("name", "text", "what", "cure"),
    [
        ("dry_run", "ture", 'setting "dry_run" is "ture", which is not true or false.', "Did you mean true?"),
        ("dry_run", "maybe", 'setting "dry_run" is "maybe", which is not true or false.', "Correct it"),
        ("max_documents", "1_000", 'setting "max_documents" is "1_000", which is not a whole number.', "Correct it"),
        ("max_documents", "5.5", 'setting "max_documents" is "5.5", which is not a whole number.', "Correct it"),
        ("max_documents", "9" * 5000, "which is not a whole number.", "Correct it"),
        ("request_timeout", "inf", 'setting "request_timeout" is "inf", which is not a number.', "Correct it"),
        ("sweep_streams", '["bills"', "which is not a JSON list.", "Correct it"),
        ("custom_reports", "Open", "which is not a JSON list.", "Correct it"),
        ("map_settings", "[1]", "which is not a JSON object.", "Correct it"),
        ("fail_on", "nevr", "which is not one of never, held, any.", "Did you mean never?"),
    ],
)
def test_text_that_cannot_be_read_is_refused(name, text, what, cure):
    """With the word, bounded, and what was probably meant."""
    [(told, advice)] = from_text({name: text}, SCHEMA)[1]
    assert told.endswith(what)
    assert len(told) < 150
    assert advice.startswith(cure)


def test_names_inside_lists_and_objects_are_checked_too():
    """Where the schema says which there are; a map's own settings are checked by the map."""
    config = {"custom_reports": [{"nmae": "Open"}], "map_settings": {"anything": 1}}
    assert unknown_names(config, SCHEMA) == [
        ('there is no setting "custom_reports[0].nmae".', "Did you mean custom_reports[0].name?")
    ]


@pytest.mark.parametrize(
    ("variable", "advice"),
    [
        ("TARGET_WORKDAY_DRYRUN", "Did you mean TARGET_WORKDAY_DRY_RUN?"),
        ("TARGET_WORKDAY_MAX_DOCUMENT", "Did you mean TARGET_WORKDAY_MAX_DOCUMENTS?"),
        ("TARGET_WORKDAY__DRY_RUN", "Did you mean TARGET_WORKDAY_DRY_RUN?"),
        ("target_workday_dry_run", "Did you mean TARGET_WORKDAY_DRY_RUN?"),
        ("TARGET_WORKDAY__ACME_DRYRUN", "Did you mean TARGET_WORKDAY__ACME_DRY_RUN?"),
        ("TARGET_WORKDAY_MAP_SETTINGS_TYPO", "Set TARGET_WORKDAY_MAP_SETTINGS to a JSON object that has it."),
        ("TARGET_WORKDAY_QUITE_OTHER", "Unset it; `--about` lists the settings there are."),
    ],
)
def test_a_variable_nobody_would_follow_is_refused(variable, advice):
    """Under Meltano, which hands on all variables and reads those it knows."""
    assert [cure for _, cure in unread({variable: "true", "MELTANO_LOADER_NAME": "target-workday--acme"})] == [advice]


@pytest.mark.parametrize(
    "variable",
    [
        "TARGET_WORKDAY_LOGLEVEL",
        "TARGET_WORKDAY_DRY_RUN",
        "TARGET_WORKDAY__SELECT",
        "TARGET_WORKDAY__LOG_PARSER",
        "TARGET_WORKDAY__ACME_DRY_RUN",
        "TARGET_WORKDAY__ACME__DIALECT",
        "TARGET_WORKDAY__OTHER_COMPANY_TENANT",
        "TARGET_WORKDAY_MAP_SETTINGS_COST_CENTER",
        "TARGET_WORKDAYS",
        "TARGET_BILL_DRYRUN",
        "PATH",
    ],
)
def test_what_meltano_sets_and_what_belongs_to_others_passes(variable):
    """Extras, values of other plugins that inherit, and the parts of objects that are in the configuration."""
    environment = {variable: "x", "MELTANO_LOADER_NAME": "target-workday--acme"}
    assert unread(environment, {"map_settings": {"cost_center": "record['x']"}}) == []


def test_variables_of_a_plugin_with_a_longer_name_pass(tmp_path):
    """They stand in the same project, and begin with the same words."""
    (tmp_path / "meltano.yml").write_text("plugins: {loaders: [{name: target-workday-adaptive}]}")
    assert unread({"TARGET_WORKDAY_ADAPTIVE_URL": "x", "MELTANO_LOADER_NAME": "target-workday"}) == []


def test_an_unknown_variable_without_a_value_passes():
    """It says nothing that could be missed."""
    assert unread({"TARGET_WORKDAY_DRYRUN": ""}) == []


def test_a_setting_in_a_variable_that_is_not_read_is_refused():
    """A plugin started by itself reads variables with ``--config ENV`` only; what they say would be passed over."""
    environment = {"TARGET_WORKDAY_DRY_RUN": "true"}
    assert unread(environment) == [
        ("TARGET_WORKDAY_DRY_RUN is set, but variables are not read.", "Add --config ENV, or unset it.")
    ]
    assert unread(environment, reads=True) == unread(environment, {"dry_run": True}) == []


def test_the_environment_wins_over_the_project_s_env_file(tmp_path, monkeypatch):
    """As with Meltano; with ``--config ENV`` both are read."""
    (tmp_path / ".env").write_text("TARGET_WORKDAY_DRY_RUN=false\nTARGET_WORKDAY_TENANT=acme\n")
    monkeypatch.setenv("TARGET_WORKDAY_DRY_RUN", "true")
    found = TargetWorkday._env_var_config
    assert (found["dry_run"], found["tenant"]) == ("true", "acme")


def test_only_settings_are_read_from_variables():
    """An empty one is not set."""
    environment = {"TARGET_X_DRY_RUN": "true", "TARGET_X_FAIL_ON": "", "TARGET_X_OTHER": "1"}
    assert read_from(environment, SCHEMA, "target-x") == {"dry_run": "true"}


def unread(environment, config=None, *, reads=False):
    """Return what target-workday refuses of an environment."""
    schema = TargetWorkday.config_jsonschema
    return unread_variables(environment, config or {}, schema, "target-workday", reads=reads)


@pytest.mark.parametrize("plugin", [TapBill, TapBusinessCentral, TapWorkday], ids=lambda plugin: plugin.name)
def test_discovery_asks_for_no_setting(plugin, caplog):
    """With credentials in the vault, or none yet, it says nothing of settings that are missing."""
    assert plugin(config={"credentials": "prod"}, validate_config=False).catalog_dict["streams"]
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []
