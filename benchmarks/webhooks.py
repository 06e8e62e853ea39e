"""From a change in BILL to the posted document in Workday, woken by a notification; beside polling every 15 minutes."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

import click
from measure import BenchmarkFailed, Result, SandboxProcess, environment, program, reported, run, sandbox, workplace

LINES = "1-3"
PROJECT = Path(__file__).resolve().parent.parent
POLLING: t.Final = 15 * 60.0
"""Seconds between the runs of a schedule that webhooks are compared with."""

_PATIENCE = 120.0


@click.command(help=__doc__)
@click.option("--changes", default=20, show_default=True, help="How many bills are approved, one after the other.")
@reported
def main(changes: int) -> list[Result]:
    """Change in BILL to posted in Workday, woken by a webhook."""
    load = os.getloadavg()[0]
    with workplace(bills=changes, lines=LINES) as folder, sandbox(bills=changes, lines=LINES) as box:
        shutil.copy(PROJECT / "meltano.yml", folder)
        shutil.copytree(PROJECT / "plugins", folder / "plugins")
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        settings = {**box.settings, "ML_CONNECTOR_KEY": key}
        bills = _unapproved(folder, box, changes)
        run([program("ml-connector"), "vault", "init"], folder, settings)
        run([program("meltano"), "run", "tap-bill", "target-workday"], folder, settings)
        with _receiver(folder, settings):
            seconds = [_posted_after(box, bill) for bill in bills]
    median, late = statistics.median(seconds), _percentile(seconds, 95)
    note = f"{changes} changes, one after the other; of the time of a poll only the waiting is counted"
    return [
        Result(
            "change to posted, p50",
            median,
            "s",
            "polling every 15 minutes, p50",
            POLLING * 0.5,
            goal=0.05,
            load=load,
        ),
        Result(
            "change to posted, p95",
            late,
            "s",
            "polling every 15 minutes, p95",
            POLLING * 0.95,
            goal=0.05,
            load=load,
            note=note,
        ),
    ]


def _unapproved(folder: Path, box: SandboxProcess, changes: int) -> list[str]:
    """Take back the approval of bills, so that none is wanted yet; returns their ids."""
    out = folder / "bills.jsonl"
    run([program("tap-bill"), "--config", "ENV"], folder, box.settings, stdout=out)
    records = (json.loads(line) for line in out.read_text("utf-8").splitlines())
    bills = [each["record"]["id"] for each in records if each["type"] == "RECORD" and each["stream"] == "bills"]
    for bill in bills:
        box.edit_bill(bill, approvalStatus="ASSIGNED")
    return bills[:changes]


def _posted_after(box: SandboxProcess, bill: str) -> float:
    """Approve a bill; returns the seconds until Workday has it."""
    before = box.submitted()
    began = time.perf_counter()
    box.edit_bill(bill, approvalStatus="APPROVED")
    while box.submitted() == before:
        if time.perf_counter() - began > _PATIENCE:
            raise BenchmarkFailed("a change was not posted")
        time.sleep(0.02)
    return time.perf_counter() - began


@contextlib.contextmanager
def _receiver(folder: Path, settings: t.Mapping[str, str]) -> t.Iterator[None]:
    """Run the receiver until the block ends; it has subscribed when the block begins."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [program("ml-connector"), "webhooks", "serve", "--port", str(port), "--public-url", url]
    log = folder / "receiver.txt"
    known = environment(folder, folder / "state", settings)
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, cwd=folder, env=known, stdout=errors, stderr=errors) as process,
    ):
        try:
            until = time.monotonic() + _PATIENCE
            while "go to" not in log.read_text("utf-8") or not _answers(f"{url}/health"):
                if process.poll() is not None or time.monotonic() > until:
                    raise BenchmarkFailed(f"the receiver did not start:\n{log.read_text('utf-8')}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url) as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _percentile(values: t.Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]


if __name__ == "__main__":
    main()
