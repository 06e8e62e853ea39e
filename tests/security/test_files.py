"""Whatever is written is for its owner alone: 0700 and 0600, under any umask, and no link leads elsewhere."""

from __future__ import annotations

import json
import logging
import os
import pathlib
import re
import sqlite3
import stat
import subprocess
import sys
import time
from importlib.metadata import entry_points

import pytest
from click.testing import CliRunner
from open_files import open_to_others, umask
from streaming import TARGETS, record, run, schema, settings_for

from ml_connector import defects, leftovers
from ml_connector.cli import main
from ml_connector.crosswalk.rows import NewRow, add_rows
from ml_connector.crosswalk.tables import SqliteReferences
from ml_connector.errors import SettingInvalid, VaultKeyExposed
from ml_connector.files import replace_file, replace_private_file
from ml_connector.ledger.engine import make_place
from ml_connector.ledger.store import Ledger
from ml_connector.private import make_folder, open_file
from ml_connector.state_directory import state_directory
from ml_connector.transport.rate_limits import HourlyBudget, Pace, Permits
from ml_connector.transport.soap import WsdlStore
from ml_connector.transport.token_cache import SharedSession, Token
from ml_connector.vault import Vault
from ml_connector.vault.keys import KeyFile
from ml_connector.webhooks.meltano_run import MeltanoRuns

UMASKS = [0o000, 0o002, 0o022, 0o077, 0o177]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project in a folder others may enter, as a home directory often is, and its own state directory."""
    for name in ("ML_CONNECTOR_KEY", "ML_CONNECTOR_KEY_FILE", "ML_CONNECTOR_VAULT", "ML_CONNECTOR_AUDIT_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    folder.chmod(0o755)
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(folder))
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(folder)
    return folder


# What is written


@pytest.mark.parametrize("dry_run", [False, True], ids=["for-real", "dry-run"])
@pytest.mark.parametrize("name", TARGETS)
def test_a_run_of_a_target_writes_nothing_others_may_read(sandbox, project, monkeypatch, name, dry_run):
    """Ledger, journals, locks, audit key, summary, sessions, permits, and the copy a dry run works on."""
    temporary = project.parent / "temporary"
    temporary.mkdir(mode=0o700)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    settings = settings_for(sandbox(), name)
    seen = {}
    with umask(0o000):
        target = TARGETS[name](
            config={
                **settings,
                "transform": "tap-bill",
                "dry_run": dry_run,
                "summary_file": str(project / "told" / "summary.json"),
            }
        )
        finished = target._exit_code

        def look(summary):
            seen.update(open_to_others(temporary, *(each for each in project.iterdir())))
            return finished(summary)

        target._exit_code = look
        run(target, [schema("bills"), record("bills", id="00n01", organizationId="00801")])
    assert (project / "told" / "summary.json").is_file()
    assert (project / ".ml-connector" / "ledger.db").is_file()
    assert seen == {}
    assert open_to_others(*project.iterdir(), project.parent / "state") == {}


@pytest.mark.parametrize("mask", UMASKS, ids="{:04o}".format)
def test_nothing_else_that_is_written_can_be_read_by_others(project, mask):
    """Keys, vault and its copy, sessions, permits, descriptions, references, defects, tables."""
    with umask(mask):
        vault = Vault.create()
        vault.put("bill-prod", {"password": "planted"})
        vault.rotate()
        SharedSession("bill", {"user": "x"}).store(Token("token"))
        with Permits("acme", 2).hold():
            HourlyBudget("acme", 5).spend()
            Pace("acme", 100.0).wait()
        WsdlStore(state_directory("descriptions"), lambda _: b"<a/>").load("https://host.invalid/a?wsdl")
        SqliteReferences(str(project / ".ml-connector" / "references.db")).put("i", "vendors", {"1": {"id": "1"}})
        defects.note(ValueError("x"))
        replace_file(project / "made" / "table.csv", b"x")
        add_rows(project / "crosswalk", "bill", "workday", "suppliers", [NewRow("V1", "S1", "Acme", "row 1")])
    assert open_to_others(*project.iterdir(), project.parent / "state", project.parent / "config") == {}


def test_a_table_that_people_share_keeps_its_mode_and_any_other_file_does_not(tmp_path):
    """Whoever has opened a mapping table to a group wants it so; a summary is what this program writes."""
    for keep, mode in ((True, 0o640), (False, 0o600)):
        path = tmp_path / f"{keep}.csv"
        path.write_text("old")
        path.chmod(0o640)
        replace_file(path, b"new", keep_mode=keep)
        assert stat.S_IMODE(path.stat().st_mode) == mode
    private = tmp_path / "private"
    private.write_text("old")
    private.chmod(0o644)
    replace_private_file(private, b"new")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


def test_what_an_earlier_version_left_open_is_closed_and_told_once(project, caplog):
    """The project's own folder, the ledger and its journals; it says what was open, and is silent from then on."""
    with umask(0o022):
        folder = project / ".ml-connector"
        folder.mkdir()
        sqlite3.connect(folder / "ledger.db").close()
        (folder / "ledger.db").touch()
        (folder / "ledger.db.lock").touch()
    url = f"sqlite:///{folder}/ledger.db"
    with caplog.at_level(logging.WARNING), Ledger(url):
        assert open_to_others(folder) == {}
    assert f"{folder} was open to others of this machine (mode 0755)" in caplog.text
    assert f"{folder / 'ledger.db'} was open to others of this machine (mode 0644)" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING), Ledger(url):
        assert "open to others" not in caplog.text


def test_a_ledger_elsewhere_is_closed_and_the_folder_it_lies_in_is_left_alone(project):
    """It may hold other people's files: only what is ours is changed."""
    with Ledger(f"sqlite:///{project}/ledger.db"):
        found = open_to_others(project)
    assert found == {"project": "0755"}


def test_journals_of_a_killed_process_are_closed(project):
    """SQLite keeps the mode they have, so they are closed when the ledger is opened."""
    url = f"sqlite:///{project}/.ml-connector/ledger.db"
    with Ledger(url) as first:
        journals = list((project / ".ml-connector").glob("ledger.db-*"))
        assert journals
        for each in journals:
            each.chmod(0o644)
        with Ledger(url):
            assert open_to_others(project / ".ml-connector") == {}
        first.write(lambda _: None)


def test_a_lock_on_a_ledger_outlives_that_the_ledger_is_opened_again(project):
    """A process that opens and closes a database file loses its locks on it: so the file is not opened to be closed."""
    url = f"sqlite:///{project}/.ml-connector/ledger.db"
    with Ledger(url) as ledger:
        other = [
            sys.executable,
            "-c",
            f"import sqlite3; sqlite3.connect({str(project / '.ml-connector' / 'ledger.db')!r}, timeout=0).execute('BEGIN IMMEDIATE')",
        ]

        def second_opening(connection):
            (project / ".ml-connector" / "ledger.db").chmod(0o644)
            make_place(ledger.engine.url)
            return subprocess.run(other, capture_output=True, text=True, check=False).stderr

        assert "database is locked" in ledger.write(second_opening)


def test_nothing_is_written_past_the_place_that_makes_it_private():
    """No module makes folders, files or locks by itself; what opens files for writing names the mode."""
    root = pathlib.Path(__file__).resolve().parents[2]
    by_itself = re.compile(
        r"\.mkdir\(|\.write_text\(|\.write_bytes\(|\bFileLock\(|open\([^)]*[\"'][wax]b?[\"']|makedirs\("
    )
    found = [
        f"{path.relative_to(root)}:{number}"
        for part in ("ml_connector", "taps", "targets", "transforms")
        for path in sorted((root / part).rglob("*.py"))
        if path.name not in ("private.py", "files.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if by_itself.search(line) and "os.fdopen(" not in line
    ]
    assert found == []


# Folders and links others could have put there


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o707, 0o711, 0o777, 0o1777])
def test_a_state_directory_that_is_open_is_refused_as_an_open_key_file_is(project, mode):
    """Sessions and limits lie there: one line what, one line cure, nothing is written."""
    state = project.parent / "state"
    state.mkdir()
    state.chmod(mode)
    with pytest.raises(SettingInvalid, match=rf"open to others \(mode {mode:04o}\)\.\n  chmod 700 "):
        state_directory("permits")
    assert list(state.iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a folder to another user")
@pytest.mark.parametrize("part", ["", "permits"])
def test_a_state_directory_of_somebody_else_is_refused(project, part):
    """Also where only what lies below it is another's."""
    state = project.parent / "state"
    (state / "permits").mkdir(parents=True)
    state.chmod(0o700)
    os.chown(state / part, 12345, 12345)
    with pytest.raises(SettingInvalid, match="belongs to another user"):
        state_directory("permits")


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o707])
def test_a_key_in_a_folder_others_may_change_is_refused(tmp_path, mode):
    """They could put a key of their own in its place."""
    key = KeyFile(tmp_path / "keys" / "vault.key")
    key.make()
    key.path.parent.chmod(mode)
    with pytest.raises(VaultKeyExposed, match=rf"can be changed by others \(mode {mode:04o}\).*\n  chmod go-w "):
        key.ring()
    key.path.parent.chmod(0o755)
    assert key.ring()


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a folder to another user")
def test_a_key_in_a_folder_of_somebody_else_is_refused(tmp_path):
    """Its owner can replace what lies in it."""
    key = KeyFile(tmp_path / "keys" / "vault.key")
    key.make()
    os.chown(key.path.parent, 12345, 12345)
    with pytest.raises(VaultKeyExposed, match="belongs to another user"):
        key.ring()


@pytest.mark.parametrize("what", ["link", "dangling", "pipe", "folder"])
@pytest.mark.parametrize("user", ["permit", "budget", "pace"])
def test_a_permit_file_follows_no_link_and_waits_for_no_pipe(project, what, user):
    """What it leads to stays as it is; one line names what was put there."""
    place = state_directory("permits")
    make = {
        "permit": lambda: Permits("acme", 1)._take(),
        "budget": lambda: HourlyBudget("acme", 5).spend(),
        "pace": lambda: Pace("acme", 100.0).wait(),
    }[user]
    make()
    (file,) = [each for each in place.iterdir() if each.suffix != ".lock"]
    file.unlink()
    victim = project / "victim"
    victim.write_text("precious")
    victim.chmod(0o644)
    {
        "link": lambda: file.symlink_to(victim),
        "dangling": lambda: file.symlink_to(project / "nothing"),
        "pipe": lambda: os.mkfifo(file),
        "folder": file.mkdir,
    }[what]()
    with pytest.raises(SettingInvalid, match=f"{file} is no file: something else was put in its place"):
        make()
    assert victim.read_text() == "precious"
    assert stat.S_IMODE(victim.stat().st_mode) == 0o644
    assert not (project / "nothing").exists()


def test_a_file_of_ours_is_never_one_a_link_leads_to(tmp_path):
    """Reading and writing alike."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "link").symlink_to(victim)
    for flags in (os.O_RDONLY, os.O_WRONLY | os.O_TRUNC, os.O_RDWR | os.O_CREAT):
        with pytest.raises(SettingInvalid, match="something else was put in its place"):
            open_file(tmp_path / "link", flags)
    assert victim.read_text() == "precious"


def test_a_folder_is_made_for_its_owner_with_all_above_it(tmp_path):
    """A umask that takes from the owner as well does not keep it from being used."""
    with umask(0o777):
        make_folder(tmp_path / "a" / "b" / "c")
    assert open_to_others(tmp_path / "a") == {}
    (tmp_path / "a" / "b" / "c" / "file").touch()


# What Meltano writes


def test_children_of_the_receiver_write_for_this_user_alone(project, tmp_path):
    """What Meltano renders and logs of a run that a notification began."""
    program = tmp_path / "meltano"
    program.write_text(f"#!/bin/sh\numask > {tmp_path}/umask\n")
    program.chmod(0o700)
    with umask(0o022):
        MeltanoRuns(str(program)).run(["tap-bill", "target-workday"])
    assert int((tmp_path / "umask").read_text(), 8) == 0o077


def test_tasks_of_the_makefile_that_run_anything_do_so_for_this_user_alone():
    """Ledger, state and logs of the demo and of the tests."""
    makefile = (pathlib.Path(__file__).resolve().parents[2] / "Makefile").read_text("utf-8")
    assert "\nRUN := umask 077 && PATH=" in makefile


def rendered(project, name="tap.7.config.json", *, age=3600.0):
    """A configuration as Meltano renders it under umask 022, written some time ago."""
    path = project / ".meltano" / "run" / "tap-bill" / name
    with umask(0o022):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"password": "planted"}))
    then = time.time() - age
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize("plugin", ["tap-bill", "target-workday", "tap-business-central", "map-finance"])
def test_a_plugin_closes_the_configuration_meltano_rendered_for_it(project, plugin):
    """And the folder of all of them, so that the next is never open at all."""
    path = rendered(project)
    own = project / "own.json"
    own.write_text("{}")
    own.chmod(0o644)
    (script,) = entry_points(group="console_scripts", name=plugin)
    for config in (path, own):
        CliRunner().invoke(script.load(), ["--config", str(config), "--about"])
    assert open_to_others(project / ".meltano" / "run" / "tap-bill") == {"tap-bill": "0755"}
    assert stat.S_IMODE((project / ".meltano" / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE(own.stat().st_mode) == 0o644


# What is told


def doctor(*words, stdin="", code=0, **env):
    """Ask doctor; return what a person sees."""
    result = CliRunner().invoke(main, ["doctor", *words], input=stdin, env=env, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_doctor_names_what_is_open_with_its_mode_and_the_cure(project):
    """What lies in a folder nobody else may enter is out of reach and not named."""
    env = project / ".env"
    env.write_text("ANYTHING=planted")
    env.chmod(0o644)
    for folder, mode in ((".meltano", 0o755), (".ml-connector", 0o700)):
        (project / folder).mkdir()
        (project / folder).chmod(mode)
    (project / ".ml-connector" / "ledger.db").touch(0o644)
    told = doctor()
    assert f"others of this machine may use {env} (mode 0644)" in told
    assert f"chmod go= {project / '.meltano'}" in told
    assert ".ml-connector" not in told
    assert "planted" not in told
    env.chmod(0o600)
    (project / ".meltano").chmod(0o700)
    assert "files " not in doctor()


def test_doctor_names_an_open_state_directory(project):
    """Although nothing is configured that would need it."""
    (project.parent / "state").mkdir()
    (project.parent / "state").chmod(0o755)  # whatever the umask of these tests says
    assert "is open to others (mode 0755)" in doctor()


def test_doctor_names_left_over_configurations_and_removes_them_when_told_to(project):
    """Never without a yes: with a flag and a second one, or a question that is answered."""
    path = rendered(project)
    assert str(path) in doctor()
    assert json.loads(doctor("--json"))["files"]["left"] == [str(path)]
    assert path.exists()
    doctor("--remove-leftovers", code=1)
    assert path.exists()
    doctor("--remove-leftovers", stdin="n\n", code=1)
    assert path.exists()
    assert "1 removed" in doctor("--remove-leftovers", stdin="y\n")
    assert not path.exists()
    again = rendered(project)
    doctor("--remove-leftovers", "--yes")
    assert not again.exists()
    assert doctor("--remove-leftovers", "--yes").count("removed") == 0


def test_a_configuration_that_is_in_use_or_just_rendered_is_no_left_over(project):
    """A run under way is not robbed of its settings."""
    used, fresh = rendered(project), rendered(project, "tap.8.config.json", age=0.0)
    running = subprocess.Popen(
        [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "--config", str(used)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    running.stdout.readline()  # a process that is just being started has no arguments yet
    try:
        assert leftovers.left_over() == []
    finally:
        running.communicate()
    assert leftovers.left_over() == [used]
    assert fresh.exists()


def test_the_copy_a_killed_dry_run_worked_on_is_a_left_over(project, monkeypatch):
    """One that is worked on is none."""
    temporary = project.parent / "temporary"
    temporary.mkdir(mode=0o700)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with leftovers.scratch_folder() as folder:
        (folder / "ledger.db").touch()
        assert leftovers.left_over() == []
        killed = temporary / "ml-connector-dry-run-killed"
        killed.mkdir()
        (killed / "ledger.db").touch()
        assert leftovers.left_over() == [killed]
        leftovers.remove(leftovers.left_over())
    assert list(temporary.iterdir()) == []


def test_what_is_left_over_is_told_where_nobody_lists_processes(project, monkeypatch):
    """Without a list of processes nothing can be told to be unused, so nothing is removed."""
    rendered(project)
    monkeypatch.setattr("ml_connector.leftovers._PROCESSES", project / "none")
    assert len(leftovers.left_over()) == 1  # by ps
    monkeypatch.setenv("PATH", "")
    assert leftovers.left_over() == []
