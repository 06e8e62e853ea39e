"""webhooks.yml: which event wakes which pipeline."""

from __future__ import annotations

import pytest
from rooms import event, webhooks

from ml_connector.errors import SettingInvalid
from ml_connector.webhooks.provider import CATCH_UP
from ml_connector.webhooks.settings import load


def test_the_packaged_file_wakes_the_job_for_bills_and_vendors(monkeypatch, tmp_path):
    """Without a file of the project's own; payments wake nothing, the pipeline does not read them."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    settings = load()
    woken = {
        kind: settings.woken_by(event(kind=kind), "bill")
        for kind in ("bill.created", "vendor.updated", "payment.updated", CATCH_UP)
    }
    job = ("bills-to-workday",)
    assert woken == {"bill.created": job, "vendor.updated": job, "payment.updated": (), CATCH_UP: job}
    assert settings.wanted_of("bill", ["bill.created", "invoice.created"]) == {"bill.created"}


def test_the_projects_own_file_wins(monkeypatch, tmp_path):
    """Several pipelines may be woken by one event."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    (tmp_path / "webhooks.yml").write_text(
        "doors: {b: {system: bill, plugin: tap-bill}}\n"
        "pipelines: {one: {events: {b: [bill.*]}}, two: {events: {b: ['*']}, run: [a, b]}}\n",
        "utf-8",
    )
    settings = load()
    assert settings.woken_by(event(kind="bill.updated"), "b") == ("one", "two")
    assert settings.woken_by(event(kind="bill.updated"), "other") == ()
    assert list(settings.only(["two"]).pipelines) == ["two"]
    with pytest.raises(SettingInvalid, match="no pipeline three"):
        settings.only(["three"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("doors: {}", "pipelines"),
        ("doors: {}\npipelines: {p: {events: {x: ['*']}}}", "no door"),
        ("doors: {}\npipelines: {}\ndebounce_seconds: -1", "debounce_seconds"),
        ("doors: {}\npipelines: {}\ndebounce: 1", "debounce"),
        ("doors: {'../x': {system: bill, plugin: tap-bill}}\npipelines: {}", "doors"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(monkeypatch, tmp_path, text, words):
    """What is wrong and where."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    (tmp_path / "webhooks.yml").write_text(text, "utf-8")
    with pytest.raises(SettingInvalid) as caught:
        load()
    assert words in caught.value.what
    assert "docs/webhooks.md" in caught.value.cure


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"{", "line 1"),
        (b"doors:\n\tbill: {}", "line 2"),
        (b"doors: {}\n\xe4: 1", "line 2 is not UTF-8"),
        ("doors: {}".encode("utf-16"), "is UTF-16"),
        (b"doors: \0", "no YAML"),
        (b"[" * 5_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_yaml_is_told_with_its_line(monkeypatch, tmp_path, content, what):
    """Whatever has written it."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    (tmp_path / "webhooks.yml").write_bytes(content)
    with pytest.raises(SettingInvalid) as caught:
        load()
    assert what in caught.value.what
    assert caught.value.cure


def test_pauses_and_waits_have_sensible_defaults():
    """A few seconds of debounce, five tries, a look every five minutes."""
    settings = webhooks()
    assert (settings.debounce_seconds, settings.most_wakes, settings.check_seconds) == (2.0, 5, 300.0)
