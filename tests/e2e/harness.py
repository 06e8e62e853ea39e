"""A user's Meltano project beside a running sandbox: real processes over real sockets, nothing of this machine's settings.

What came of a run is read from the sandbox's own stores and, where it is about what people are told, from the
commands they would ask; never from the pipeline's own word alone.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import dataclasses
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from waiting import PATIENCE

from erp_sandbox import catalogue, credentials
from erp_sandbox.environment import environment
from erp_sandbox.ids import bill_id
from erp_sandbox.server import Sandbox
from erp_sandbox.workday.oauth import ApiClient
from erp_sandbox.world import World, supplier_id
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SUMMARY_FILES = [f"TARGET_{name}_SUMMARY_FILE" for name in ("WORKDAY", "BILL", "BUSINESS_CENTRAL")]

SUBMIT = "Submit_Supplier_Invoice"

_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Done:
    """A process that has ended.

    Attributes:
        account: What its target has written of what it did, if it has come so far.
    """

    code: int
    out: str
    err: str
    account: str | None = None

    @property
    def summary(self) -> dict[str, Any]:
        """What the target says it did, counts by outcome under ``counts``."""
        assert self.account is not None, self.err
        return json.loads(self.account)

    @property
    def invoices(self) -> dict[str, int]:
        """How many supplier invoices came to which outcome."""
        return self.summary["counts"].get("supplier_invoices", {})


@dataclasses.dataclass(frozen=True)
class Piped:
    """A tap piped into a target, both ended."""

    tap: Done
    target: Done


class Project:
    """A folder with meltano.yml and mapping tables, and the environment to run in.

    Args:
        folder: Where to make it.
        box: The systems it connects.
        programs: Where its programs are found: those that start warm, or ``BIN`` where it matters how they start.
        settings: Environment variables of this project beyond those that lead to the sandbox.
    """

    def __init__(self, folder: Path, box: Sandbox, programs: Path, **settings: str) -> None:
        self.folder = folder / "project"
        self.programs = programs
        self.outside = folder
        self.box = box
        self.world: World = box._worlds[0]
        self.settings = settings
        self.folder.mkdir()
        shutil.copy(ROOT / "meltano.yml", self.folder)
        shutil.copytree(ROOT / "plugins", self.folder / "plugins")
        self.world.write_crosswalk(self.crosswalk.parent)

    @property
    def crosswalk(self) -> Path:
        """The folder of the mapping tables."""
        return self.folder / "transforms" / "crosswalk" / "bill-workday"

    @property
    def ledger_path(self) -> Path:
        """The file of the ledger, unless the settings name another one."""
        return self.folder / ".ml-connector" / "ledger.db"

    @property
    def ledger_url(self) -> str:
        """The ledger in use."""
        return self.settings.get("TARGET_WORKDAY_LEDGER_URL") or f"sqlite:///{self.ledger_path}"

    @property
    def account_path(self) -> Path:
        """Where targets write what they did."""
        return self.outside / "account.json"

    def account(self) -> str | None:
        """Return what the last target has written of what it did, once."""
        if not self.account_path.exists():
            return None
        text = self.account_path.read_text("utf-8")
        self.account_path.unlink()
        return text

    @property
    def state_path(self) -> Path:
        """Where the state of :meth:`pipe` is kept between runs."""
        return self.folder / "state.json"

    def environment(self, **settings: str | None) -> dict[str, str]:
        """Return all a process gets to know; None takes a setting away."""
        own = {
            "PATH": os.pathsep.join([str(self.programs), str(BIN), os.defpath]),
            "HOME": str(self.outside / "home"),
            "XDG_STATE_HOME": str(self.folder / "logs"),
            "ML_CONNECTOR_STATE_DIR": str(self.folder / "shared"),
            "ML_CONNECTOR_LEDGER_URL": self.ledger_url,
            "NO_PROXY": "127.0.0.1",
            "NO_COLOR": "1",
            **dict.fromkeys(SUMMARY_FILES, str(self.account_path)),
        }
        values = {**own, **environment(self.box), **self.settings, **settings}
        return {name: value for name, value in values.items() if value is not None}

    def meltano(self, *words: str, **settings: str | None) -> Done:
        """Run a Meltano command."""
        return self.run("meltano", *words, **settings)

    def deliver(self, *options: str, **settings: str | None) -> Done:
        """Run ``meltano run tap-bill target-workday``."""
        return self.meltano("run", *options, "tap-bill", "target-workday", **settings)

    def connector(self, *words: str) -> Done:
        """Run an ``ml-connector`` command."""
        return self.run("ml-connector", *words)

    def ask(self, *words: str) -> Any:
        """Return the JSON answer of an ``ml-connector`` command."""
        done = self.connector(*words, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    def run(self, program: str, *words: str, stdin: str = "", **settings: str | None) -> Done:
        """Run a program of this environment in the project's folder."""
        env = self.environment(**settings)
        done = subprocess.run(
            [shutil.which(program, path=env["PATH"]) or program, *words],
            cwd=self.folder,
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return Done(done.returncode, done.stdout, done.stderr, self.account())

    def target(self, *messages: dict[str, Any] | str, **settings: str | None) -> Done:
        """Give target-workday these Singer messages (or lines that are none)."""
        lines = [message if isinstance(message, str) else json.dumps(message) for message in messages]
        settings = {"TARGET_WORKDAY_TRANSFORM": "tap-bill", **settings}
        return self.run("target-workday", "--config=ENV", stdin="".join(f"{line}\n" for line in lines), **settings)

    def pipe(self, **settings: str | None) -> Piped:
        """Run ``tap-bill | target-workday`` once, state kept as Meltano would."""
        with self.piped(**settings) as running:
            return running.finish()

    @contextlib.contextmanager
    def piped(self, *, reading: bool = True, **settings: str | None) -> Iterator[RunningPipe]:
        """Start ``tap-bill | target-workday``; whatever still runs at the end is killed.

        Without ``reading`` a ``true`` stands for a tap that finds nothing new.
        """
        running = RunningPipe(self, {"TARGET_WORKDAY_TRANSFORM": "tap-bill", **settings}, reading=reading)
        try:
            yield running
        finally:
            running.kill(running.tap, running.target)
            running.finish()

    def forget_ledger(self) -> None:
        """Lose the ledger, as with a disk."""
        for path in self.ledger_path.parent.glob("ledger.db*"):
            path.unlink()

    def reset_state(self) -> None:
        """Reset Meltano's bookmarks of all pipelines."""
        assert self.meltano("state", "clear", "--force", "dev:tap-bill-to-target-workday").code == 0

    def states(self) -> dict[str, int]:
        """How many supplier invoices are in which state of the ledger."""
        with Ledger(self.ledger_url) as ledger, ledger.read() as connection:
            query = (
                sa.select(entries.c.state, sa.func.count().label("documents"))
                .where(entries.c.kind == "supplier_invoices")
                .group_by(entries.c.state)
            )
            return {row.state: row.documents for row in connection.execute(query)}

    def add_row(self, table: str, source: str, target: str) -> None:
        """Add a row to a mapping table, as a clerk would."""
        path = self.crosswalk / f"{table}.csv"
        columns = path.read_text("utf-8").splitlines()[0].count(",")
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{source},{target}{',' * (columns - 1)}\n")

    def secrets(self) -> dict[str, str]:
        """Everything that may stand in no output and no file: credentials, and sessions the sandbox gave out."""
        planted = {
            "BILL developer key": credentials.BILL_DEV_KEY,
            "BILL password": credentials.BILL_SYNC_TOKEN_VALUE,
            "Workday password": credentials.WORKDAY_ISU_PASSWORD,
            "Workday client secret": credentials.WORKDAY_CLIENT_SECRET,
            "Workday client as it is sent": _basic(credentials.WORKDAY_CLIENT_ID, credentials.WORKDAY_CLIENT_SECRET),
            "Workday refresh token": credentials.WORKDAY_REFRESH_TOKEN,
        }
        sessions = {f"session {number}": each for number, each in enumerate(self.box.bill.sessions._sessions)}
        return planted | sessions

    def leaks(self, *texts: str, **further: str) -> list[str]:
        """Return which secrets stand in the texts or in any file below the project and the home folder.

        Args:
            texts: What was printed.
            further: Secrets beside the usual ones, by what they are called.
        """
        contents = [("output", text.encode()) for text in texts]
        for path in self.outside.rglob("*"):
            with contextlib.suppress(OSError):  # files of a run come and go
                if path.is_file():
                    contents.append((str(path), path.read_bytes()))
        secrets = self.secrets() | further
        return [
            f"{name} in {where}"
            for name, secret in secrets.items()
            for where, content in contents
            if secret.encode() in content
        ]

    def observed(self, program: str, *words: str, look: Callable[[int], None], **settings: str | None) -> Done:
        """Run a program as it is installed, and look at it again and again while it runs, by its process id."""
        number = next(_numbers)
        out, err = (self.outside / f"{name}-{number}.txt" for name in ("out", "err"))
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [BIN / program, *words],
                cwd=self.folder,
                env=self.environment(**{**settings, "PATH": f"{BIN}{os.pathsep}{os.defpath}"}),
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
            )
            try:
                until = time.monotonic() + PATIENCE
                while process.poll() is None:
                    assert time.monotonic() < until, "it hangs"
                    look(process.pid)
                    time.sleep(0.1)
            finally:
                process.kill()
                process.wait()
        return Done(process.returncode, out.read_text("utf-8"), err.read_text("utf-8"), self.account())


class RunningPipe:
    """``tap-bill | target-workday`` while it runs, each a process group of its own."""

    def __init__(self, project: Project, settings: dict[str, str | None], *, reading: bool) -> None:
        self._project = project
        number = next(_numbers)
        self._files = {
            name: project.outside / f"{name}-{number}.txt" for name in ("tap-err", "target-out", "target-err")
        }
        # An account of its own: two that run at once would take each other's.
        self._account = project.outside / f"account-{number}.json"
        environment_ = project.environment(**{**dict.fromkeys(SUMMARY_FILES, str(self._account)), **settings})
        words: list[str | Path] = [project.programs / "tap-bill", "--config=ENV"] if reading else ["true"]
        if reading and project.state_path.exists():
            words += ["--state", project.state_path]
        with contextlib.ExitStack() as stack:
            opened = {name: stack.enter_context(path.open("wb")) for name, path in self._files.items()}
            common: dict[str, Any] = {"cwd": project.folder, "env": environment_, "start_new_session": True}
            self.tap = subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=opened["tap-err"], stdin=subprocess.DEVNULL, **common
            )
            self.target = subprocess.Popen(
                [project.programs / "target-workday", "--config=ENV"],
                stdin=self.tap.stdout,
                stdout=opened["target-out"],
                stderr=opened["target-err"],
                **common,
            )
            assert self.tap.stdout is not None
            self.tap.stdout.close()

    def kill(self, *processes: subprocess.Popen[bytes], how: signal.Signals = signal.SIGKILL) -> None:
        """Send processes a signal, unless they have ended."""
        for process in processes:
            if process.poll() is None:
                process.send_signal(how)

    def acknowledged(self) -> bool:
        """Whether the target has printed a state by now."""
        return b"\n" in self._files["target-out"].read_bytes()

    def finish(self) -> Piped:
        """Wait for both, keep the last state printed, and return how they ended."""
        codes = self.target.wait(PATIENCE), self.tap.wait(PATIENCE)
        texts = {name: path.read_text("utf-8") for name, path in self._files.items()}
        whole_lines = texts["target-out"].rpartition("\n")[0].splitlines()
        if whole_lines:
            self._project.state_path.write_text(whole_lines[-1], "utf-8")
        account = self._account.read_text("utf-8") if self._account.exists() else None
        target = Done(codes[0], texts["target-out"], texts["target-err"], account)
        return Piped(Done(codes[1], "", texts["tap-err"]), target)


def issued_secrets(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return a set that collects every session and token the systems give out from now on."""
    issued: set[str] = set()
    log_in, token = box.bill.sessions.log_in, ApiClient.token

    def note_session(body: Any) -> Any:
        session = log_in(body)
        issued.add(session.session_id)
        return session

    def note_tokens(client: ApiClient, *request: Any) -> tuple[int, dict[str, object]]:
        status, answer = token(client, *request)
        issued.update(str(answer[name]) for name in ("access_token", "refresh_token") if name in answer)
        return status, answer

    monkeypatch.setattr(box.bill.sessions, "log_in", note_session)
    monkeypatch.setattr(ApiClient, "token", note_tokens)
    return issued


def children(pid: int) -> set[int]:
    """Return the ids of all living descendants of a process."""
    parents = {each: int(words[1]) for each, words in _living()}
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def members(session: int) -> set[int]:
    """Return the ids of all living processes of a session, whoever their parent is by now."""
    return {each for each, words in _living() if int(words[3]) == session}


def _living() -> Iterator[tuple[int, list[str]]]:
    """Yield processes that have not ended with what /proc/<id>/stat tells: state, parent, group, session ..."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                words = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()
                if words[0] != "Z":
                    yield int(folder.name), words


def alive(pids: set[int]) -> set[int]:
    """Return those processes that have not ended."""
    return {pid for pid in pids if (state := _state_of(pid)) and state != "Z"}


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _state_of(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return None


def writes(box: Sandbox) -> int:
    """How often Workday was asked to write an invoice, by its own count."""
    return box.workday.requests.get(SUBMIT, 0)


def totals_per_currency(box: Sandbox) -> dict[str, tuple[int, Decimal]]:
    """Documents and total per currency of what Workday holds."""
    totals: dict[str, tuple[int, Decimal]] = collections.defaultdict(lambda: (0, Decimal(0)))
    for invoice in box.workday.invoices:
        documents, amount = totals[invoice.currency]
        totals[invoice.currency] = (documents + 1, amount + invoice.control_amount_total)
    return dict(totals)


def billed_per_currency(box: Sandbox) -> dict[str, tuple[int, Decimal]]:
    """The same of the approved, unpaid bills BILL holds."""
    return {
        currency: (total["count"], total["amount"]) for currency, total in box.bill.approved_unpaid_totals().items()
    }


def doubly_posted(box: Sandbox) -> list[str]:
    """Return the ids that more than one invoice in Workday goes by, whatever the sandbox itself refuses."""
    counts = collections.Counter(
        (invoice.supplier, invoice.suppliers_invoice_number) for invoice in box.workday.invoices
    )
    ids = collections.Counter(invoice.supplier_invoice_id for invoice in box.workday.invoices)
    return [str(key) for key, count in [*counts.items(), *ids.items()] if count > 1]


def expected_invoice(world: World, box: Sandbox, bill: dict[str, Any]) -> dict[str, Any]:
    """What Workday should hold for a bill, line by line; written from the world, not from the product's map."""
    suppliers = {world.vendor_id(number): supplier_id(number) for number in range(1, world.vendor_count + 1)}
    spend = {bill_id("account", world.seed, n): a.spend_category for n, a in enumerate(catalogue.ACCOUNTS)}
    centers = {
        bill_id("department", world.seed, n): f"CC-{each.cost_center_code}"
        for n, each in enumerate(catalogue.DEPARTMENTS)
    }
    return {
        "id": f"BILL-{bill['id']}",
        "company": catalogue.WORKDAY_COMPANY_ID,
        "supplier": suppliers[bill["vendorId"]],
        "number": bill["invoice"]["invoiceNumber"],
        "currency": box.bill.vendor(bill["vendorId"])["billCurrency"],
        "invoice_date": bill["invoice"]["invoiceDate"],
        "due_date": bill["dueDate"],
        "total": Decimal(bill["amount"]),
        "memo": bill.get("description", ""),
        "order": bill.get("purchaseOrderNumber", ""),
        "lines": [
            (
                Decimal(line["amount"]),
                spend[line["classifications"]["chartOfAccountId"]],
                centers[line["classifications"]["departmentId"]],
                line.get("description", ""),
            )
            for line in bill["billLineItems"]
        ],
    }


def held_invoice(invoice: Any) -> dict[str, Any]:
    """What Workday holds, in the same form."""
    return {
        "id": invoice.supplier_invoice_id,
        "company": invoice.company,
        "supplier": invoice.supplier,
        "number": invoice.suppliers_invoice_number,
        "currency": invoice.currency,
        "invoice_date": invoice.invoice_date.isoformat(),
        "due_date": invoice.due_date.isoformat(),
        "total": invoice.control_amount_total,
        "memo": invoice.memo,
        "order": invoice.external_po_number,
        "lines": [
            (line.extended_amount, line.spend_category, line.cost_center, line.description)
            for line in sorted(invoice.lines, key=lambda line: int(line.line_order))
        ],
    }


def assert_posted_once(project: Project) -> None:
    """Every approved, unpaid bill is one invoice in Workday, equal line by line, and nothing else is there."""
    box = project.box
    payable = [
        bill
        for bill in box.bill.bills()
        if not bill["archived"] and bill["approvalStatus"] == "APPROVED" and bill["paymentStatus"] != "PAID"
    ]
    assert doubly_posted(box) == []
    held = {invoice.supplier_invoice_id: held_invoice(invoice) for invoice in box.workday.invoices}
    expected = {f"BILL-{bill['id']}": expected_invoice(project.world, box, bill) for bill in payable}
    assert set(held) == set(expected)
    differing = {key: (expected[key], held[key]) for key in expected if expected[key] != held[key]}
    assert differing == {}
    assert totals_per_currency(box) == billed_per_currency(box)
    assert len(box.workday.invoices) == len(payable)


def one_line_errors(done: Done) -> str:
    """Return the error output of a process that should have told a person what to mend, without a traceback."""
    assert "Traceback" not in done.err, done.err
    return re.sub(r"\s+", " ", done.err)
