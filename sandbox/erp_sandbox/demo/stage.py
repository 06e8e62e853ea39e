"""Where a demo is shown: a Meltano project of its own, the programs run in it, and everything ended with it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

from erp_sandbox.environment import environment
from erp_sandbox.server import Sandbox
from erp_sandbox.workday.currencies import minor_units

__all__ = ["DemoFailedError", "Stage", "check_checkout", "money", "say", "stoppable"]

# The programs of this very environment, also when it is not activated.
_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

_OWN_SETTINGS = ("TAP_", "TARGET_", "MELTANO_", "ML_CONNECTOR_")
_DELIVERING = re.compile(r"delivering (?P<what>[a-z ]+): (?P<done>\d+) of (?P<due>\d+)")
_PATIENCE = 10.0
"""Seconds a stopped pipeline has to end by itself: what it reads and writes is safe at any moment."""


class DemoFailedError(Exception):
    """The demo could not be shown; the message says why."""


class Stage:
    """A demo's folder with the systems it connects.

    Args:
        box: The systems.
        folder: The Meltano project.
        settings: Environment variables beyond those that lead to the sandbox.
    """

    def __init__(self, box: Sandbox, folder: Path, settings: Mapping[str, str]) -> None:
        self.box = box
        self.folder = folder
        self._settings = settings

    def run(self, *words: str) -> int:
        """Run ``meltano run``, telling how far it is; return its exit code."""
        command = [_program("meltano"), "--cwd", str(self.folder), "--log-format", "json", "run", *words]
        say(f"running: meltano run {' '.join(words)}")
        log = self.folder / "meltano.log"
        began = time.monotonic()
        with (
            log.open("w") as kept,
            subprocess.Popen(  # noqa: S603 - our own words
                command,
                env=self._environment(),
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
                say(f"  {_entry(line).get('event', '')}")
            say(f"the pipeline ended with exit code {process.returncode}; its log is {log}")
        else:
            say(f"  done in {time.monotonic() - began:.1f} s")
        return process.returncode

    def ask(self, *words: str) -> Any:
        """Return the JSON answer of an ``ml-connector`` command.

        Raises:
            DemoFailedError: It failed.
        """
        ledger = f"sqlite:///{self.folder / '.ml-connector' / 'ledger.db'}"
        command = [_program("ml-connector"), *words, "--json", "--ledger-url", ledger]
        answer = subprocess.run(  # noqa: S603 - our own words
            command, env=self._environment(), capture_output=True, text=True, check=False
        )
        if answer.returncode:
            raise DemoFailedError(f"ml-connector {words[0]} failed: {answer.stderr.strip()}")
        return json.loads(answer.stdout)

    def tell_runs(self, count: int) -> None:
        """Tell what the last runs did, as ``ml-connector status`` has it, oldest first."""
        runs = self.ask("status", "--runs", str(count))["runs"]
        for run in reversed(runs):
            if not run["summary"]:
                continue
            source = (run["transform"] or "").removeprefix("tap-").partition("--")[0].replace("-", " ")
            target = run["target"].partition(":")[0].replace("_", " ")
            say("")
            say(f"{f'{source} -> {target}':<47} run {run['run']}")
            for kind, counts in run["summary"]["counts"].items():
                words = "   ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in counts.items())
                say(f"  {kind.replace('_', ' '):<18} {words}")

    def tell_held(self) -> None:
        """Tell what is held and why, with the cure."""
        reasons = self.ask("held", "--by-reason")
        if not reasons:
            return
        say("")
        say("held; nothing is lost, these go out by themselves once this is mended:")
        for reason in reasons:
            say(f"  {reason['documents']:>3}  {reason['why']}")
            say(f"       {reason['cure']}")

    def tell_next(self, again: str) -> None:
        """Tell what to try next."""
        say("")
        program = os.path.relpath(Path(sys.executable).parent / "ml-connector", self.folder)
        ask = f"cd {os.path.relpath(self.folder)} && {program} held"
        say(f"next: {again} (posts nothing new) · {ask} · docs/connect-your-systems.md")

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_SETTINGS)}
        return {
            **inherited,
            **environment(self.box),
            "PATH": _PATH,
            "ML_CONNECTOR_STATE_DIR": str(self.folder / "state"),
            "XDG_STATE_HOME": str(self.folder / "xdg"),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            **self._settings,
        }


def money(currency: str, amount: Decimal) -> str:
    """An amount as people read it."""
    return f"{currency} {amount:,.{minor_units(currency)}f}"


def say(text: str) -> None:
    """Print a line for the person who watches."""
    print(text, flush=True)  # noqa: T201 - what a person watches


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn a request to stop into an exception, so that everything is wound up on the way out."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    kept = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)
    finally:
        signal.signal(signal.SIGTERM, kept)


def check_checkout(checkout: Path) -> None:
    """See that there is a project, and Meltano to run it.

    Raises:
        DemoFailedError: One of them is missing.
    """
    if not (checkout / "meltano.yml").is_file():
        raise DemoFailedError(f"there is no meltano.yml in {checkout}: run the demo in the checkout")
    if shutil.which("meltano", path=_PATH) is None:
        raise DemoFailedError("meltano is not installed: pip install 'ml-connector[meltano]'")


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
    if metric.get("metric") == "record_count" and str(entry.get("string_id")).startswith("tap-"):
        say(f"  reading    {metric['tags']['stream'].replace('_', ' '):<20} {metric['value']:>5}")
    elif found := _DELIVERING.search(str(entry.get("event", ""))):
        say(f"  delivering {found['what']:<20} {found['done']:>5} of {found['due']}")


def _entry(line: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"event": line.rstrip()}
    return entry


def _program(name: str) -> str:
    return shutil.which(name, path=_PATH) or name
