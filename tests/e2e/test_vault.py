"""Pipelines whose credentials are in the vault: they deliver, and nothing secret is to be found anywhere."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from harness import assert_posted_once, children, issued_secrets

from erp_sandbox import credentials
from ml_connector.cli import main

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def here(project):
    """A project that knows its systems by name only; their credentials are in its vault."""
    made = project()
    names = ("DEV_KEY", "USERNAME", "PASSWORD", "ORGANIZATION_ID", "BASE_URL")
    made.settings |= {f"TAP_BILL_{name}": None for name in names}
    names = ("BASE_URL", "TENANT", "ISU_USERNAME", "ISU_PASSWORD")
    made.settings |= {f"TARGET_WORKDAY_{name}": None for name in names}
    made.settings |= {name: None for name in made.environment() if name.startswith(("TARGET_BILL_", "TAP_WORKDAY_"))}
    configure(made, "extractors", "tap-bill", credentials="bill-prod")
    configure(made, "loaders", "target-workday", credentials="workday-prod")

    command(made, "init")
    command(made, "set", "bill-prod", "--stdin", stdin=bill_settings(made))
    workday = {"base_url": made.box.workday_base_url, "tenant": credentials.WORKDAY_TENANT}
    client = {
        "client_id": credentials.WORKDAY_CLIENT_ID,
        "client_secret": credentials.WORKDAY_CLIENT_SECRET,
        "refresh_token": credentials.WORKDAY_REFRESH_TOKEN,
    }
    command(made, "set", "workday-prod", "--stdin", stdin=workday | client)
    isu = {"isu_username": credentials.WORKDAY_ISU_USERNAME, "isu_password": credentials.WORKDAY_ISU_PASSWORD}
    command(made, "set", "workday-isu", "--stdin", stdin=workday | isu)
    return made


def bill_settings(made):
    """What leads to the sandbox's organization."""
    return {
        "base_url": made.box.bill_base_url,
        "dev_key": credentials.BILL_DEV_KEY,
        "username": credentials.BILL_SYNC_TOKEN_NAME,
        "password": credentials.BILL_SYNC_TOKEN_VALUE,
        "organization_id": credentials.BILL_ORGANIZATION_ID,
    }


def configure(made, kind, plugin, **config):
    """Set settings of a plugin in the project's meltano.yml."""
    path = made.folder / "meltano.yml"
    content = yaml.safe_load(path.read_text("utf-8"))
    (entry,) = (each for each in content["plugins"][kind] if each["name"] == plugin)
    entry["config"] = {**entry.get("config", {}), **config}
    path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")


def command(made, *words, stdin=None):
    """Give an `ml-connector vault` command in the project, within this process."""
    env = {**made.environment(), "MELTANO_PROJECT_ROOT": str(made.folder), "XDG_CONFIG_HOME": None}
    done = CliRunner().invoke(main, ["vault", *words], env=env, input=json.dumps(stdin))
    assert done.exit_code == 0, done.output
    assert made.leaks(done.output) == []


class Watch:
    """What can be seen of a run from outside: arguments, environments and files, some of which are there only then."""

    def __init__(self, made, issued):
        self.made = made
        self.issued = issued
        self.found = set()
        self.programs = set()
        self.files = set()

    def __call__(self, pid):
        texts = []
        for each in {pid, *children(pid)}:
            with contextlib.suppress(OSError):
                arguments = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                self.programs |= {Path(word).name for word in arguments.split()[:2]}
                texts += [arguments, Path(f"/proc/{each}/environ").read_bytes().decode(errors="replace")]
        self.files |= {path.name for path in self.made.folder.rglob("*")}
        self.search(*texts)

    def search(self, *texts):
        """Look for all secrets in texts and in every file there is now."""
        (key,) = (self.made.outside / "home" / ".config" / "ml-connector" / "vault.key").read_text("utf-8").split()
        further = {f"issued {number}": each for number, each in enumerate(sorted(self.issued))}
        leaks = self.made.leaks(*texts, **further, **{"the key": key})
        self.found |= {each for each in leaks if not each.endswith("vault.key") or "the key" not in each}


def test_no_secret_of_the_vault_is_found_anywhere(here, monkeypatch):
    """During and after runs under faults, at debug level: not in arguments, environments, configurations, logs or files."""
    client = here.box.workday.api_client
    client.rotate = True
    for kind in ("throttle", "error_500", "expire_session", "expire_session"):
        here.box.faults.next("bill", kind)
        here.box.faults.next("workday", kind)
    issued = issued_secrets(here.box, monkeypatch)
    watch = Watch(here, issued)
    debug = {"TAP_BILL_LOGLEVEL": "DEBUG", "TARGET_WORKDAY_LOGLEVEL": "DEBUG"}
    done = here.observed("meltano", "--log-level=debug", "run", "tap-bill", "target-workday", look=watch, **debug)
    assert done.code == 0, done.err
    assert_posted_once(here)
    watch.search(done.out, done.err)
    client.revoke_all()  # whoever comes now needs the refresh token that was rotated last
    for words in (
        ["meltano", "config", "print", "target-workday"],
        ["target-workday", "--about", "--format=json"],
        ["ml-connector", "vault", "list", "--json"],
        ["ml-connector", "show", "INV-20001", "--audit", "--json"],
        ["ml-connector", "doctor", "bill", "workday"],
    ):
        shown = here.run(*words)
        assert shown.code == 0, shown.err
        watch.search(shown.out, shown.err)
    assert watch.found == set()
    assert client.issued >= 3
    assert len(issued) > 2 * client.issued  # pairs of tokens of Workday, and sessions of BILL
    assert {"meltano", "tap-bill", "target-workday"} <= watch.programs
    assert "ledger.db-wal" in watch.files
    assert any(name.endswith("config.json") for name in watch.files)


def test_the_search_finds_what_was_planted(here):
    """A secret in a file, in the output, in an argument and the vault's key are each found."""
    watch = Watch(here, {"an-access-token"})
    key = (here.outside / "home" / ".config" / "ml-connector" / "vault.key").read_text("utf-8").strip()
    (here.folder / "oops.log").write_text(f"{credentials.WORKDAY_REFRESH_TOKEN} {key} an-access-token", "utf-8")
    here.observed("python", "-c", "import time; time.sleep(1)", credentials.BILL_DEV_KEY, look=watch)
    found = {each.partition(" in ")[0] for each in watch.found}
    assert found == {"Workday refresh token", "the key", "issued 0", "BILL developer key"}


@pytest.mark.parametrize("plugin", ["tap-bill", "target-workday"])
def test_a_plugin_without_the_key_says_so(here, plugin):
    """It names the places the key is looked for, without a traceback."""
    (here.outside / "home" / ".config" / "ml-connector" / "vault.key").unlink()
    config = here.folder / "config.json"
    config.write_text(json.dumps({"credentials": "bill-prod"}), "utf-8")
    done = here.run(plugin, "--config=ENV", "--config", str(config))
    assert done.code == 1
    assert f"{plugin}: there is no key for the vault" in done.err
    assert "Traceback" not in done.err
