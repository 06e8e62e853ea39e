"""Each command over each mistake a person makes with its files and words: one line what, one line cure, no traceback."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ml_connector.cli import main
from ml_connector.cli.common import Named
from ml_connector.ledger.store import Ledger

BIN = Path(sys.executable).parent
HANGS = 120
"""Seconds after which a command is taken to wait for what never comes."""

LEDGER_COMMANDS = {
    "status": ("status",),
    "held": ("held",),
    "show": ("show", "INV-1"),
    "ignore": ("ignore", "INV-1", "--reason", "by hand"),
    "replay": ("replay", "INV-1"),
    "hand-over": ("hand-over", "bill:008", "--to", "documents"),
    "audit verify": ("audit", "verify"),
    "audit anchor": ("audit", "anchor"),
    "audit new-key": ("audit", "new-key"),
    "restored": ("restored",),
    "webhooks health": ("webhooks", "health", "--offline"),
}
SYSTEM_COMMANDS = {
    "doctor": ("doctor",),
    "match suppliers": ("match", "suppliers", "--source", "bill", "--target", "workday"),
    "reconcile": ("reconcile", "bill", "workday"),
}
DOOR_COMMANDS = {
    "webhooks serve": ("webhooks", "serve", "--port", "0"),
    "webhooks subscribe": ("webhooks", "subscribe", "--public-url", "https://hooks.vendor.invalid"),
    "webhooks list": ("webhooks", "list"),
    "webhooks health": ("webhooks", "health"),
    "webhooks rotate-key": ("webhooks", "rotate-key"),
    "webhooks unsubscribe": ("webhooks", "unsubscribe"),
}
PROJECT_COMMANDS = {"plugins": ("plugins",)}
VAULT_COMMANDS = {
    "vault init": ("vault", "init"),
    "vault list": ("vault", "list"),
    "vault set": ("vault", "set", "bill-prod", "--from-env", "tap-bill"),
    "vault rm": ("vault", "rm", "bill-prod", "--yes"),
    "vault rotate": ("vault", "rotate"),
    "vault accept": ("vault", "accept", "--yes"),
}


def leaves(group=main, before=""):
    """Yield the whole name of every command."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_no_command_is_left_out():
    """A new command is tried with these mistakes as well."""
    assert set(leaves()) == {*LEDGER_COMMANDS, *SYSTEM_COMMANDS, *DOOR_COMMANDS, *PROJECT_COMMANDS, *VAULT_COMMANDS}


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Gives a command in an empty project; one that hangs fails."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.setenv("ML_CONNECTOR_KEY_FILE", str(tmp_path / "vault.key"))
    monkeypatch.chdir(tmp_path)
    for name in ("ML_CONNECTOR_LEDGER_URL", "ML_CONNECTOR_KEY", "ML_CONNECTOR_VAULT", "MELTANO_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)

    def hangs(*_):
        raise AssertionError("the command hangs")

    def start(*words, **env):
        signal.signal(signal.SIGALRM, hangs)
        signal.alarm(HANGS)
        try:
            return CliRunner().invoke(main, words, env=env)
        finally:
            signal.alarm(0)

    return start


def refused(result, *words, code=1):
    """Check that a mistake was told in one line, with a line that says how to mend it, and nothing else."""
    assert result.exit_code == code, (result.output, result.exception)
    assert result.stdout == ""
    what, cure = result.stderr.splitlines()
    assert what.startswith("ml-connector: ")
    assert what.endswith(".")
    assert cure.startswith("  ")
    assert "defect" not in result.stderr
    assert [word for word in words if word not in what] == []


def _made(path):
    Ledger(f"sqlite:///{path}").close()


def _cut(path):
    _made(path)
    path.write_bytes(path.read_bytes()[:5_000])


def _changed(statement):
    def change(path):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)
            connection.commit()

    return change


def _tables(path):
    """Return the names of the tables in a file that has some."""
    if not path.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
    except sqlite3.DatabaseError:
        return path.read_bytes()


def _newer(path):
    _made(path)
    _changed("UPDATE alembic_version SET version_num = '9999'")(path)


LEDGERS = {
    "missing": (str, "there is no ledger at"),
    "empty": (lambda path: path.touch(), "there is no ledger at"),
    "a folder": (Path.mkdir, "is a folder"),
    "a pipe": (os.mkfifo, "is no file"),
    "text": (lambda path: path.write_text("source,target\n" * 99), "file is not a database"),
    "cut off": (_cut, "is damaged"),
    "of another program": (_changed("CREATE TABLE notes (id)"), "is the database of another program"),
    "newer": (_newer, "was written by a newer version"),
}


@pytest.mark.parametrize("command", LEDGER_COMMANDS.values(), ids=LEDGER_COMMANDS)
@pytest.mark.parametrize("wrong", LEDGERS)
def test_a_ledger_that_is_none(started, tmp_path, command, wrong):
    """No command makes one of it, or tells that all is well."""
    make, what = LEDGERS[wrong]
    path = tmp_path / "ledger.db"
    make(path)
    before = _tables(path)
    done = started(*command, "--ledger-url", f"sqlite:///{path}")
    refused(done, what if what in done.stderr else "cannot be opened")
    assert _tables(path) == before


@pytest.mark.parametrize("command", LEDGER_COMMANDS.values(), ids=LEDGER_COMMANDS)
@pytest.mark.parametrize("url", ["nonsense", "mysql://u:planted@h/d", "postgresql://%", "://", "sqlite://"])
def test_a_ledger_url_that_is_none(started, command, url):
    """The setting is named, no password shown."""
    done = started(*command, "--ledger-url", url)
    refused(done, "ledger_url")
    assert "planted" not in done.output


UNREADABLE = {
    "a folder": (Path.mkdir, "folder"),
    "a pipe": (os.mkfifo, "pipe"),
    "a link to itself": (lambda path: path.symlink_to(path), "symbolic links"),
    "UTF-16": (lambda path: path.write_text("a: 1\n", "utf-16"), "is UTF-16"),
    "latin-1": (lambda path: path.write_bytes(b"a: 1\n\xe4: 2\n"), "line 2 is not UTF-8"),
}
BROKEN_YAML = {
    "broken YAML": (lambda path: path.write_text("a: [\n b: }\n"), "line 2"),
    "a tab": (lambda path: path.write_text("a:\n\tb: 1\n"), "line 2"),
    "a NUL": (lambda path: path.write_bytes(b"a\0b: 1\n"), "no YAML"),
    "a list": (lambda path: path.write_text("- 1\n"), ""),
    "a word": (lambda path: path.write_text("hello\n"), ""),
}


@pytest.mark.parametrize("command", SYSTEM_COMMANDS.values(), ids=SYSTEM_COMMANDS)
@pytest.mark.parametrize("wrong", {**UNREADABLE, **BROKEN_YAML})
def test_a_meltano_yml_that_cannot_be_used(started, tmp_path, command, wrong):
    """Its file and line are named."""
    make, what = {**UNREADABLE, **BROKEN_YAML}[wrong]
    make(tmp_path / "meltano.yml")
    refused(started(*command), "meltano.yml", what)


@pytest.mark.parametrize("command", SYSTEM_COMMANDS.values(), ids=SYSTEM_COMMANDS)
@pytest.mark.parametrize("wrong", UNREADABLE)
def test_an_env_file_that_cannot_be_read(started, tmp_path, command, wrong):
    """Settings are in it, so it is not passed over."""
    make, what = UNREADABLE[wrong]
    make(tmp_path / ".env")
    refused(started(*command), ".env", what)


@pytest.mark.parametrize("command", PROJECT_COMMANDS.values(), ids=PROJECT_COMMANDS)
def test_a_folder_that_is_no_project(started, command):
    """Nothing is written into a folder that Meltano does not look at."""
    refused(started(*command), "there is no meltano.yml")


@pytest.mark.parametrize(("make", "what"), [(os.mkfifo, "pipe"), (Path.mkdir, "directory")], ids=["a pipe", "a folder"])
def test_a_lock_file_that_is_none(started, tmp_path, make, what):
    """What stands where a definition belongs is named, and nobody waits for what might come through a pipe."""
    (tmp_path / "meltano.yml").write_text("version: 1\n")
    assert started("plugins").exit_code == 0
    lock = next((tmp_path / "plugins" / "extractors").iterdir())
    lock.unlink()
    make(lock)
    refused(started("plugins"), lock.name, what)


@pytest.mark.parametrize("command", DOOR_COMMANDS.values(), ids=DOOR_COMMANDS)
@pytest.mark.parametrize("wrong", {"empty": None, **UNREADABLE, **BROKEN_YAML})
def test_a_webhooks_yml_that_cannot_be_used(started, tmp_path, command, wrong):
    """The packaged one takes the place of a file that is not there, never of one that is wrong."""
    make, what = {"empty": (Path.touch, "webhooks.yml"), **UNREADABLE, **BROKEN_YAML}[wrong]
    make(tmp_path / "webhooks.yml")
    refused(started(*command), "webhooks.yml", what)


VAULTS = {
    "empty": (Path.touch, "damaged"),
    "a folder": (Path.mkdir, "cannot be read"),
    "a pipe": (os.mkfifo, "cannot be read"),
    "UTF-16": (lambda path: path.write_text("{}", "utf-16"), "damaged"),
    "broken JSON": (lambda path: path.write_text("{"), "damaged"),
    "another JSON": (lambda path: path.write_text('{"a": 1}'), "damaged"),
}


@pytest.mark.parametrize("command", VAULT_COMMANDS.values(), ids=VAULT_COMMANDS)
@pytest.mark.parametrize("wrong", VAULTS)
def test_a_vault_that_cannot_be_used(started, tmp_path, command, wrong):
    """It is never replaced by an empty one."""
    make, what = VAULTS[wrong]
    path = tmp_path / ".ml-connector" / "vault.json"
    path.parent.mkdir()
    make(path)
    refused(started(*command), "vault.json", "there is a vault" if "init" in command else what)


@pytest.mark.parametrize("command", [each for name, each in VAULT_COMMANDS.items() if name != "vault init"])
def test_a_vault_that_is_not_there(started, command):
    """It is said how one is made."""
    refused(started(*command), "there is no vault at")


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["a pipe", "a folder"])
def test_a_key_file_that_is_none(started, tmp_path, make):
    """Nobody waits for what might come through a pipe."""
    assert started("vault", "init").exit_code == 0
    (tmp_path / "vault.key").unlink()
    make(tmp_path / "vault.key")
    refused(started("vault", "rotate"), "vault.key", "cannot be read")


@pytest.mark.parametrize("command", [*SYSTEM_COMMANDS.values(), *DOOR_COMMANDS.values()], ids=str)
def test_a_vault_named_in_the_settings_that_is_not_there(started, command):
    """Whoever takes credentials from it says so."""
    done = started(*command, TAP_BILL_CREDENTIALS="bill-prod")
    assert done.exit_code == 1, done.output
    assert "there is no vault at" in done.output
    assert "defect" not in done.output


def arguments(group=main):
    """Yield every argument of every command."""
    for command in group.commands.values():
        yield from (
            arguments(command)
            if isinstance(command, click.Group)
            else (param for param in command.params if isinstance(param, click.Argument))
        )


def test_an_argument_is_never_empty():
    """Not one of them takes an empty text: a variable of a script that is not set would mean whatever there is."""
    assert [each.name for each in arguments() if not isinstance(each.type, click.Choice | Named)] == []


WORDS = {
    "an unknown document": (("show", "INV-1"), 'no document is called "INV-1"', 1),
    "ignoring an unknown document": (("ignore", "INV-1", "--reason", "x"), 'no document is called "INV-1"', 1),
    "replaying an unknown document": (("replay", "INV-1"), 'no document is called "INV-1"', 1),
    "ignoring nothing": (("ignore", "--reason", "x"), "no document is meant", 1),
    "replaying nothing": (("replay",), "no document is meant", 1),
    "ignoring without a reason": (("ignore", "INV-1", "--reason", " "), "--reason", 2),
    "an unknown source": (("hand-over", "bill:x", "--to", "tap-bill"), "knows nothing open or owned of bill:x", 1),
    "an unknown tap": (("hand-over", "bill:x", "--to", "tap-nothing"), 'there is no map for "tap-nothing"', 1),
    "settings that are none": (("hand-over", "bill:x", "--to", "tap-bill", "--map-settings", "{"), "no", 1),
    "an anchor that is none": (("audit", "verify", "--expect", "x"), "x is neither an anchor nor a file", 1),
    "a date that is none": (("reconcile", "bill", "workday", "--since", "yesterday"), "--since", 2),
    "a date there never is": (("reconcile", "bill", "workday", "--since", "2026-02-30"), "--since", 2),
    "dates the wrong way round": (
        ("reconcile", "bill", "workday", "--since", "2026-02-02", "--until", "2026-01-01"),
        "--until",
        2,
    ),
    "a system twice": (("reconcile", "bill", "bill"), "same system", 2),
    "an unknown system": (("doctor", "sap"), "sap", 2),
    "a system without settings": (("match", "suppliers", "--source", "bill", "--target", "workday"), "BILL", 1),
    "a review that is not there": (
        ("match", "suppliers", "--source", "bill", "--target", "workday", "--apply", "none.csv"),
        "none.csv",
        2,
    ),
    "an address that is none": (("webhooks", "subscribe", "--public-url", "hooks"), "--public-url", 1),
    "a port that is none": (("webhooks", "serve", "--port", "99999"), "--port", 2),
    "an unknown door": (("webhooks", "list", "--door", "sap"), "sap", 1),
    "an unknown pipeline": (("webhooks", "serve", "--pipeline", "nightly"), "nightly", 1),
    "a name that is none": (("vault", "set", "../x", "--stdin"), "", 1),
    "a word that is no text": (("show", "\udcff"), "not UTF-8", 2),
    "a document without a name": (("show", ""), "TERM is empty", 1),
    "a document of blanks": (("show", " "), "TERM is empty", 1),
    "ignoring what has no name": (("ignore", "", "--reason", "x"), "DOCUMENT is empty", 1),
    "ignoring what nothing holds": (("ignore", "--held-by", "", "--reason", "x"), "--held-by is empty", 1),
    "replaying what has no name": (("replay", "INV-1", ""), "DOCUMENT is empty", 1),
    "replaying for no target": (("replay", "INV-1", "--target", ""), "--target is empty", 1),
    "held by nothing": (("held", "--held-by", ""), "--held-by is empty", 1),
    "a source without a name": (("hand-over", "", "--to", "documents"), "SOURCE is empty", 1),
    "a tap without a name": (("hand-over", "bill:x", "--to", ""), "--to is empty", 1),
    "credentials without a name": (("vault", "set", ""), "NAME is empty", 1),
    "a setting without a name": (("vault", "rm", "bill-prod", ""), "SETTING is empty", 1),
    "an unknown option": (("status", "--everything"), "--everything", 2),
    "an unknown command": (("stauts",), "stauts", 2),
}


@pytest.mark.parametrize(("words", "what", "code"), WORDS.values(), ids=WORDS)
def test_words_that_mean_nothing(started, tmp_path, words, what, code):
    """The wrong word is named; a command line that is wrong ends with 2."""
    (tmp_path / ".ml-connector").mkdir()
    _made(tmp_path / ".ml-connector" / "ledger.db")
    done = started(*words)
    assert done.exit_code == code, (done.output, done.exception)
    assert what in done.stderr
    assert done.stdout == ""
    assert "defect" not in done.stderr
    if code == 1:
        refused(done)


@pytest.fixture
def project(tmp_path):
    """A project with a ledger, for programs of their own."""
    (tmp_path / ".ml-connector").mkdir()
    _made(tmp_path / ".ml-connector" / "ledger.db")
    return tmp_path


def ran(folder, program, *words, stdout):
    """Run a program; return its exit code and what it said as errors."""
    env = {**os.environ, "MELTANO_PROJECT_ROOT": str(folder)}
    done = subprocess.run(
        [str(BIN / program), *words],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


PRINTING = [
    ("ml-connector", "status"),
    ("ml-connector", "held", "--json"),
    ("ml-connector", "status", "--help"),
    ("ml-connector", "--help"),
    ("erp-sandbox", "crosswalk", "tables"),
    ("erp-sandbox", "--help"),
]


@pytest.mark.slow
@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_an_answer_for_a_full_disk(project, words):
    """It is told, and the exit code says that the answer is not there."""
    with Path("/dev/full").open("w") as full:
        code, said = ran(project, *words, stdout=full)
    assert code == 1
    what, cure = said.splitlines()
    assert "the disk is full" in what
    assert cure == "  Make room and run it again."


@pytest.mark.slow
@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_an_answer_nobody_reads(project, words):
    """Whoever has seen enough, as `head` does, needs to be told nothing."""
    reader, writer = os.pipe()
    os.close(reader)
    code, said = ran(project, *words, stdout=writer)
    os.close(writer)
    assert code == 1
    assert said == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("crosswalk", "/proc/none"), "/proc/none"),
        (("crosswalk", "a_file"), "a_file"),
        (("up", "--port", "0", "--data-dir", "/proc/none"), "/proc/none"),
        (("up", "--port", "0", "--data-dir", "broken"), "cannot be read"),
        (("demo", "--folder", "demo"), "no meltano.yml"),
    ],
    ids=str,
)
def test_a_folder_the_sandbox_cannot_use(project, words, what):
    """It is told before anything is served that could not be kept."""
    (project / "a_file").touch()
    (project / "broken").mkdir()
    (project / "broken" / "sandbox.json").write_bytes(b"{")
    code, said = ran(project, "erp-sandbox", *words, stdout=subprocess.DEVNULL)
    assert code in (1, 2)
    assert "Traceback" not in said
    assert what in said
