"""What becomes of a ledger whose database goes away, is full, is damaged, or can only be read."""

from __future__ import annotations

import concurrent.futures
import ctypes
import datetime as dt
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from cable import Cable
from ledger_bench import Bench
from ledger_doubles import bill

from ml_connector.delivery import delivery
from ml_connector.errors import LedgerDamaged, LedgerDiskFailed, LedgerReadOnly, LedgerUnavailable, SettingInvalid
from ml_connector.ledger import audit, proof, store
from ml_connector.ledger.faults import as_fault
from ml_connector.ledger.runs import Run
from ml_connector.ledger.schema import meta
from ml_connector.ledger.store import Ledger

BIN = Path(sys.executable).parent


@pytest.fixture
def cable(postgres_url):
    """A cable to an empty database."""
    with Cable(postgres_url) as cable:
        yield cable


@pytest.fixture
def far(cable):
    """A bench on PostgreSQL at the other end of the cable."""
    bench = Bench(cable.url)
    yield bench
    cable.plug()
    bench.ledger.close()


def note(key):
    """A work that can be done once."""
    return lambda connection: connection.execute(sa.insert(meta).values(key=key, value="v"))


def noted(ledger):
    """What such works have left."""
    return ledger.ask(lambda connection: set(connection.execute(sa.select(meta.c.key)).scalars()))


@pytest.mark.slow
def test_a_database_that_comes_back_is_waited_for(far, cable):
    """Reading and writing both go on when the server is there again."""
    cable.pull()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        written, read = pool.submit(far.ledger.write, note("later")), pool.submit(noted, far.ledger)
        concurrent.futures.wait([written, read], timeout=1)
        assert not written.done()
        assert not read.done()
        cable.plug()
        written.result()
        assert "began_at" in read.result()
    assert "later" in noted(far.ledger)


@pytest.mark.slow
@pytest.mark.parametrize("answered", [False, True], ids=["before it arrived", "before its answer did"])
def test_a_transaction_whose_end_was_cut_off_is_done_once(far, cable, answered):
    """The server is asked whether it committed; nothing is done twice, and nothing is left out."""
    cable.break_at(b"COMMIT", answered=answered)
    far.ledger.write(note("once"))
    assert "once" in noted(far.ledger)
    step = audit.Step("posted", "once")
    cable.break_at(b"COMMIT", answered=answered)
    far.ledger.write(lambda connection: audit.append(connection, [step], run=None, actor="tester"))
    with far.ledger.read() as connection:
        assert proof.verify(connection).entries == 1


@pytest.mark.slow
def test_a_delivery_goes_on_after_the_database_was_away(far, cable):
    """Documents in flight and those behind them are all posted, each once."""
    far.take(*(bill(str(number)) for number in range(20)))
    check = far.invoices.check

    def cut_once(document):
        if document.external_id == "BILL-7":
            far.invoices.check = check
            cable.pull()
            threading.Timer(0.5, cable.plug).start()
        return check(document)

    far.invoices.check = cut_once
    assert far.deliver() == {"created": 20}
    assert len(far.target.writes) == 20


@pytest.mark.slow
def test_a_database_that_stays_away_is_one_line(far, cable, monkeypatch):
    """After all patience the message says what, and that nothing is lost; then nobody waits again for each step."""
    monkeypatch.setattr(store, "PATIENCE", 0.5)
    cable.pull()
    with pytest.raises(LedgerUnavailable, match=r"does not answer: .*\n.*Nothing is lost"):
        noted(far.ledger)
    monkeypatch.setattr(store, "PATIENCE", 1000.0)
    with pytest.raises(LedgerUnavailable):
        far.ledger.write(note("never"))


@pytest.mark.slow
def test_a_heartbeat_survives_a_beat_that_fails(far, cable, monkeypatch):
    """The claims of a run are renewed by the next beat that gets through."""
    monkeypatch.setattr(store, "PATIENCE", 0.0)
    monkeypatch.setattr(delivery, "_HEARTBEAT", 0.02)
    far.take(bill("1"))
    old = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    far.tamper("1", lease_owner="me", lease_until=old)
    failed = threading.Event()
    monkeypatch.setattr(delivery._logger, "warning", lambda *_: failed.set())
    with delivery._Heartbeat(far.ledger, "test:one", "me"):
        cable.pull()
        assert failed.wait(60)
        cable.plug()
        while far.entry("1").lease_until == old:
            pass


@pytest.mark.slow
def test_claims_of_a_run_that_was_killed_are_named(postgres_url):
    """Documents that another run has claimed are counted as waiting, with the run and until when."""
    bench = Bench(postgres_url)
    bench.take(bill("1"), bill("2"))
    until = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    bench.tamper("1", lease_owner="01M0000000000000000000000A", lease_until=until)
    assert bench.deliver() == {"created": 1, "waiting": 1}
    (claims,) = bench.last.summary.to_dict()["claimed"]
    assert claims == {
        "kind": "supplier_invoices",
        "run": "01M0000000000000000000000A",
        "documents": 1,
        "until": until.isoformat(),
    }
    bench.ledger.close()


@pytest.mark.slow
def test_claims_of_a_run_that_ended_are_taken_over_at_once(postgres_url):
    """A run that is on record as finished is at nothing any more."""
    bench = Bench(postgres_url)
    bench.take(bill("1"))
    ended = Run(bench.ledger, "test:one", "tap-test", "tester")
    ended.finish()
    bench.tamper("1", lease_owner=ended.id, lease_until=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1))
    assert bench.deliver() == {"created": 1}
    bench.ledger.close()


class _Refused(Exception):
    """What psycopg raises, as far as it is looked at."""

    __module__ = "psycopg"

    def __init__(self, words, sqlstate=None):
        super().__init__(words)
        self.sqlstate = sqlstate


class OperationalError(_Refused):
    """The same, without a SQLSTATE: no connection."""

    __module__ = "psycopg"


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (_Refused("could not extend file: No space left on device", "53100"), LedgerDiskFailed),
        (_Refused("sorry, too many clients already", "53300"), LedgerUnavailable),
        (OperationalError("FATAL:  sorry, too many clients already"), LedgerUnavailable),
        (OperationalError("the connection is closed"), LedgerUnavailable),
        (_Refused("terminating connection due to administrator command", "57P01"), LedgerUnavailable),
        (_Refused("cannot execute INSERT in a read-only transaction", "25006"), LedgerReadOnly),
        (_Refused("permission denied for table entries", "42501"), LedgerReadOnly),
        (_Refused("invalid page in block 0 of relation", "XX001"), LedgerDamaged),
        (_Refused("duplicate key value violates unique constraint", "23505"), type(None)),
        (_Refused('syntax error at or near "SELEC"', "42601"), type(None)),
        (ValueError("no error of a database"), type(None)),
    ],
)
def test_errors_of_postgresql_are_situations(error, fault):
    """Each of PostgreSQL's own codes that a person can do something about becomes one line; others stay defects."""
    assert type(as_fault(error, "the ledger")) is fault


@pytest.mark.slow
def test_a_read_only_database_is_one_line(postgres_url):
    """A standby, or a user without the right to write, may look and not touch."""
    Ledger(postgres_url).close()
    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        database = connection.execute(sa.text("SELECT current_database()")).scalar()
        connection.execute(sa.text(f"ALTER DATABASE {database} SET default_transaction_read_only = on"))
    engine.dispose()
    with Ledger(postgres_url) as ledger:
        assert "began_at" in noted(ledger)
        with pytest.raises(LedgerReadOnly, match="cannot be written"):
            ledger.write(note("never"))


def test_a_full_disk_is_one_line(bench):
    """SQLite's own word for it, with what to do; the ledger goes on when there is room again."""

    def limit(connection, _):
        connection.execute("PRAGMA max_page_count = 1")  # SQLite makes it the number of pages there are

    sa.event.listen(bench.ledger.engine, "connect", limit)
    bench.ledger.engine.dispose()
    with pytest.raises(LedgerDiskFailed, match=r"disk of the ledger .* is full\.\n.*Make room"):
        bench.take(*(bill(str(number)) for number in range(1000)))
    sa.event.remove(bench.ledger.engine, "connect", limit)
    bench.ledger.engine.dispose()
    assert bench.take(bill("1")) == {"read": 1, "new": 1}


def test_a_damaged_page_is_one_line(bench, tmp_path):
    """What cannot be read any more is named, with the way to a backup."""
    bench.take(*(bill(str(number)) for number in range(200)))
    bench.ledger.close()
    path = tmp_path / "ledger.db"
    content = bytearray(path.read_bytes())
    content[4096 : len(content)] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(LedgerDamaged, match=r"is damaged(.|\n)*audit verify"):
        Ledger(f"sqlite:///{path}")


@pytest.fixture
def unprivileged(tmp_path, monkeypatch):
    """Gives commands as a user who may not write the ledger; returns exit code and what was said."""
    monkeypatch.delenv("ML_CONNECTOR_AUDIT_KEY_FILE")  # beside the ledger, where the command looks for it
    folder = tmp_path / "project" / ".ml-connector"
    folder.mkdir(parents=True)
    bench = Bench(f"sqlite:///{folder / 'ledger.db'}")
    bench.take(bill("1"))
    bench.deliver()
    bench.ledger.close()
    for place, mode in ((folder / "ledger.db", 0o400), (folder, 0o500)):
        place.chmod(mode)

    def run(*words):
        done = subprocess.run(
            [BIN / "ml-connector", *words],
            cwd=folder.parent,
            env={"PATH": os.defpath, "NO_COLOR": "1", "HOME": str(folder.parent)},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=_obey_modes,
        )
        return done.returncode, done.stdout, done.stderr

    yield run
    folder.chmod(0o755)


def _obey_modes():
    """Give up, before a program starts, what lets root write files nobody may write (CAP_DAC_OVERRIDE)."""
    ctypes.CDLL(None).prctl(24, 1)  # PR_CAPBSET_DROP; without effect for whoever has not got it


@pytest.mark.slow
@pytest.mark.parametrize("words", [["status"], ["held"], ["show", "1"], ["audit", "verify"]])
def test_reading_commands_work_on_a_ledger_that_cannot_be_written(unprivileged, words):
    """An auditor who may only read gets answers."""
    code, out, err = unprivileged(*words)
    assert code == 0, err
    assert out


@pytest.mark.slow
def test_a_command_that_writes_says_that_it_may_not(unprivileged):
    """One line what, one line cure; not a defect."""
    code, _, err = unprivileged("ignore", "1", "--reason", "by hand")
    assert code == 1
    what, cure = err.strip().splitlines()
    assert "cannot be written" in what
    assert "right to write" in cure


@pytest.mark.slow
def test_a_server_that_will_be_there_later_is_no_wrong_setting(cable, monkeypatch):
    """A refused connection may be a wrong URL; too few connections, told by the server, are not."""
    monkeypatch.setattr(store, "OPENING_PATIENCE", 0.0)
    cable.pull()
    with pytest.raises(SettingInvalid, match="cannot be opened"):
        Ledger(cable.url)


def test_a_ledger_held_by_another_process_is_not_waited_for_twice(bench, tmp_path):
    """SQLite has waited itself; the message says who is in the way."""
    fault = as_fault(_busy(tmp_path / "ledger.db"), "l.db")
    assert isinstance(fault, LedgerUnavailable)
    assert fault.again is False


def _busy(path):
    holder, other = sqlite3.connect(path), sqlite3.connect(path, timeout=0)
    try:
        holder.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return error
    finally:
        holder.close()
        other.close()
    raise AssertionError("both hold it")
