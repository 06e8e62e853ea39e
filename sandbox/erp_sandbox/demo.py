"""The demo: the real ``meltano run tap-bill target-workday`` between the sandbox's BILL and Workday.

It works in a Meltano project of its own, so that neither the settings nor the ledger of the checkout take part, and it
stops everything it has started, also on Ctrl-C. What it tells afterwards comes from both sandboxes and from
``ml-connector``, as a user would ask for it; nothing is taken from the pipeline's own word.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

from erp_sandbox.environment import environment
from erp_sandbox.server import Sandbox
from erp_sandbox.snapshot import load_snapshot, save_snapshot
from erp_sandbox.workday.currencies import minor_units
from erp_sandbox.world import World

__all__ = ["DemoFailedError", "run_demo"]

PIPELINE = ("tap-bill", "target-workday")

# The programs of this very environment, also when it is not activated.
_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

_OWN_SETTINGS = ("TAP_", "TARGET_", "MELTANO_", "ML_CONNECTOR_")
_DELIVERING = re.compile(r"delivering (?P<what>[a-z ]+): (?P<done>\d+) of (?P<due>\d+)")
_SHOWN = 5
_PATIENCE = 10.0
"""Seconds a stopped pipeline has to end by itself: what it reads and writes is safe at any moment."""


class DemoFailedError(Exception):
    """The demo could not be shown; the message says why."""


def run_demo(checkout: Path, folder: Path, *, again: bool) -> int:
    """Run the pipeline on fresh or kept data and tell what came of it.

    Args:
        checkout: Where meltano.yml is.
        folder: Where the demo lives; made anew unless ``again``.
        again: Go on with what the last demo left behind.

    Returns:
        Exit code of the pipeline.
    """
    data = folder / "sandbox"
    if not (checkout / "meltano.yml").is_file():
        raise DemoFailedError(f"there is no meltano.yml in {checkout}: run the demo in the checkout")
    if shutil.which("meltano", path=_PATH) is None:
        raise DemoFailedError("meltano is not installed: pip install 'ml-connector[meltano]'")
    if again and not data.is_dir():
        raise DemoFailedError("there is nothing to go on with yet: run `make demo` first")
    if not again:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    shutil.copy(checkout / "meltano.yml", folder / "meltano.yml")
    with _stoppable(), Sandbox(World.demo()) as box:
        if again:
            load_snapshot(box, data)
        else:
            World.demo().write_crosswalk(folder / "transforms" / "crosswalk")
        before = set(_invoices(box))
        _say(f"sandbox: BILL and Workday on {box.url} (nothing leaves this machine)")
        code = _pipeline(box, folder)
        save_snapshot(box, data)
        _tell(box, folder, before)
    return code


def _pipeline(box: Sandbox, folder: Path) -> int:
    command = [_program("meltano"), "--cwd", str(folder), "--log-format", "json", "run", *PIPELINE]
    _say(f"running: meltano run {' '.join(PIPELINE)}")
    log = folder / "meltano.log"
    began = time.monotonic()
    with (
        log.open("w") as kept,
        subprocess.Popen(  # noqa: S603 - our own words
            command,
            env=_environment(box, folder),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl-C reaches us alone, and we end all of them
        ) as process,
    ):
        try:
            for line in process.stderr or ():
                kept.write(line)
                _progress(line)
            process.wait()
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        for line in log.read_text().splitlines()[-20:]:
            _say(f"  {_entry(line).get('event', '')}")
        _say(f"the pipeline ended with exit code {process.returncode}; its log is {log}")
    else:
        _say(f"  done in {time.monotonic() - began:.1f} s")
    return process.returncode


def _end(process: subprocess.Popen[str]) -> None:
    """Interrupt Meltano and what it has started; kill what has not ended a while later."""
    for demand, patience in ((signal.SIGINT, _PATIENCE), (signal.SIGKILL, _PATIENCE)):
        until = time.monotonic() + patience
        with suppress(ProcessLookupError):
            os.killpg(process.pid, demand)
            while time.monotonic() < until:
                process.poll()  # what has ended and not been asked for still counts as a member of the group
                os.killpg(process.pid, 0)
                time.sleep(0.05)


def _progress(line: str) -> None:
    entry = _entry(line)
    metric = entry.get("metric_info") or {}
    if metric.get("metric") == "record_count" and entry.get("string_id") == PIPELINE[0]:
        _say(f"  reading    {metric['tags']['stream'].replace('_', ' '):<20} {metric['value']:>5}")
    elif found := _DELIVERING.search(str(entry.get("event", ""))):
        _say(f"  delivering {found['what']:<20} {found['done']:>5} of {found['due']}")


def _entry(line: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"event": line.rstrip()}
    return entry


def _environment(box: Sandbox, folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_SETTINGS)}
    return (
        inherited
        | environment(box)
        | {
            "PATH": _PATH,
            "TARGET_WORKDAY_MISSING_SUPPLIERS": "create",
            "ML_CONNECTOR_STATE_DIR": str(folder / "state"),
            "XDG_STATE_HOME": str(folder / "xdg"),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
    )


def _tell(box: Sandbox, folder: Path, before: set[str]) -> None:
    status = _ask(box, folder, "status", "--runs", "1")
    held = _ask(box, folder, "held", "--by-reason")
    runs = status["runs"]
    _say("")
    if runs and runs[0]["summary"]:
        _say(f"bill -> workday                                  run {runs[0]['run']}")
        for kind, counts in runs[0]["summary"]["counts"].items():
            words = "   ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
            _say(f"  {kind.replace('_', ' '):<18} {words}")
    _tell_posted(box, before)
    _tell_held(held)
    _say("")
    ask = (
        f"cd {os.path.relpath(folder)} && {os.path.relpath(Path(sys.executable).parent / 'ml-connector', folder)} held"
    )
    _say(f"next: make demo-again (posts nothing new) · {ask} · docs/connect-your-systems.md")


def _tell_posted(box: Sandbox, before: set[str]) -> None:
    invoices = _invoices(box)
    new = [invoice for key, invoice in invoices.items() if key not in before]
    _say("")
    _say(f"posted now: {len(new)} invoices; in Workday altogether: {len(invoices)}")
    for invoice in new[:_SHOWN]:
        amount = _money(invoice.currency, invoice.control_amount_total)
        _say(f"  {invoice.wid}  {invoice.supplier_invoice_id}  {invoice.suppliers_invoice_number:<12} {amount:>18}")
    if len(new) > _SHOWN:
        _say(f"  ... and {len(new) - _SHOWN} more: ml-connector status, ml-connector show INV-...")
    posted: dict[str, Decimal] = {}
    billed: dict[str, Decimal] = {}
    for invoice in invoices.values():
        posted[invoice.currency] = posted.get(invoice.currency, Decimal(0)) + invoice.control_amount_total
        bill = box.bill.table("bills").record(invoice.supplier_invoice_id.removeprefix("BILL-"))
        billed[invoice.currency] = billed.get(invoice.currency, Decimal(0)) + Decimal(str(bill["amount"]))
    for currency in sorted(posted):
        verdict = "= the bills' total" if posted[currency] == billed[currency] else f"BUT BILL SAYS {billed[currency]}"
        _say(f"  {_money(currency, posted[currency]):>24}  {verdict}")


def _tell_held(reasons: list[dict[str, Any]]) -> None:
    if not reasons:
        return
    _say("")
    _say("held; nothing is lost, these go out by themselves once this is mended:")
    for reason in reasons:
        _say(f"  {reason['documents']:>3}  {reason['why']}")
        _say(f"       {reason['cure']}")


def _invoices(box: Sandbox) -> dict[str, Any]:
    return {invoice.wid: invoice for invoice in box.workday.invoices}


def _money(currency: str, amount: Decimal) -> str:
    return f"{currency} {amount:,.{minor_units(currency)}f}"


def _ask(box: Sandbox, folder: Path, *words: str) -> Any:
    ledger = f"sqlite:///{folder / '.ml-connector' / 'ledger.db'}"
    command = [_program("ml-connector"), *words, "--json", "--ledger-url", ledger]
    answer = subprocess.run(  # noqa: S603 - our own words
        command, env=_environment(box, folder), capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise DemoFailedError(f"ml-connector {words[0]} failed: {answer.stderr.strip()}")
    return json.loads(answer.stdout)


def _program(name: str) -> str:
    return shutil.which(name, path=_PATH) or name


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what a person watches


@contextmanager
def _stoppable() -> Iterator[None]:
    """Turn a request to stop into an exception, so that everything is wound up on the way out."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    kept = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        _say("stopped")
        sys.exit(130)
    finally:
        signal.signal(signal.SIGTERM, kept)
