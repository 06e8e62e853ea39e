"""Settings of a Workday tenant: what is wrong is said in one line, how to mend it in another."""

from __future__ import annotations

import pytest

from ml_connector.errors import SettingInvalid
from ml_connector.systems.workday.settings import WorkdaySettings

ISU = {"isu_username": "ISU_AP", "isu_password": "hidden-word"}
OAUTH = {"client_id": "cid", "client_secret": "hidden-word", "refresh_token": "hidden-token"}
HOST = {"base_url": "https://wd2-impl-services1.invalid", "tenant": "acme_dpt1"}


def settings(**config):
    """Settings of the invented tenant, changed by the arguments."""
    return WorkdaySettings.from_config({**HOST, **ISU, **config})


def test_the_defaults_are_those_of_the_docs():
    """Version, concurrency and token endpoint need not be set."""
    made = settings()
    assert (made.api_version, made.max_concurrency, made.requests_per_minute) == ("v42.2", 2, None)
    assert made.token_url == "https://wd2-impl-services1.invalid/ccx/oauth2/acme_dpt1/token"
    assert made.service_url("X") == "https://wd2-impl-services1.invalid/ccx/service/acme_dpt1/X/v42.2"


@pytest.mark.parametrize("name", ["ISU_AP", "ISU_AP@acme_dpt1", " ISU_AP "])
def test_the_tenant_is_appended_to_the_login_once(name):
    """A stored name that already contains the tenant is a common failure."""
    assert settings(isu_username=name).login == "ISU_AP@acme_dpt1"


@pytest.mark.parametrize(
    "config, what, cure",
    [
        ({**ISU, "tenant": "acme"}, '"base_url" is missing', "TARGET_WORKDAY_BASE_URL"),
        ({**ISU, "base_url": "https://h.invalid"}, '"tenant" is missing', "the part after the @ in the ISU login"),
        (HOST, "no Workday credentials", "TARGET_WORKDAY_ISU_USERNAME"),
        ({**HOST, **ISU, **OAUTH}, '"isu_username" and "client_id" contradict', "Keep either"),
        ({**HOST, "isu_username": "x"}, '"isu_password" is missing', "belong together"),
        ({**HOST, "client_id": "x", "client_secret": "y"}, '"refresh_token" is missing', "belong together"),
        ({**HOST, **ISU, "base_url": "http://h.invalid"}, "unencrypted", "https"),
        ({**HOST, **OAUTH, "token_url": "http://h.invalid/token"}, '"token_url"', "https"),
        ({**HOST, **ISU, "base_url": "https://h.invalid/ccx/service/acme"}, "already names a service", "host only"),
        ({**HOST, **ISU, "api_version": "42"}, '"api_version"', "v42.2"),
        ({**HOST, **ISU, "tenant": "a/b"}, '"tenant"', "ISU login"),
        ({**HOST, **OAUTH, "client_auth": "digest"}, '"client_auth"', "basic or body"),
        ({**HOST, **ISU, "page_size": 1000}, '"page_size"', "1 to 999"),
        ({**HOST, **ISU, "max_concurrency": 0}, '"max_concurrency"', "1 to 16"),
        ({**HOST, **ISU, "requests_per_minute": 0}, '"requests_per_minute"', "1 to"),
    ],
)
def test_a_wrong_setting_is_named_with_its_cure(config, what, cure):
    """The message names the setting, the cure names what to do."""
    with pytest.raises(SettingInvalid) as caught:
        WorkdaySettings.from_config(config)
    assert what in caught.value.what
    assert cure in caught.value.cure


def test_plain_http_is_accepted_on_this_machine():
    """The sandbox has no certificate."""
    assert settings(base_url="http://127.0.0.1:8765/workday/").base_url == "http://127.0.0.1:8765/workday"


@pytest.mark.parametrize("credentials", [ISU, OAUTH])
def test_no_secret_shows(credentials):
    """A settings object may end up in a log."""
    made = WorkdaySettings.from_config({**HOST, **credentials})
    assert "hidden" not in repr(made)


def test_empty_values_count_as_unset():
    """An environment variable set to nothing is no credential."""
    made = settings(client_id="", refresh_token=None, api_version="")
    assert not made.uses_oauth
    assert made.api_version == "v42.2"
