"""What all benchmarks share: a sandbox in a process of its own, children that are measured, results and their table.

A result is a ratio of two things measured or known in one and the same run; seconds of one machine say nothing about
another. The measuring process stays small on purpose: the peak memory the kernel reports of a child is never below
what its parent held when it was started.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.request
from decimal import Decimal
from pathlib import Path

import click
import rich.box
import rich.console
import rich.table

__all__ = [
    "BenchmarkFailed",
    "Ran",
    "Result",
    "SandboxProcess",
    "best",
    "environment",
    "machine",
    "program",
    "reported",
    "run",
    "sandbox",
    "show",
    "workplace",
]

_OWN_SETTINGS: t.Final = ("TAP_", "TARGET_", "MELTANO_", "ML_CONNECTOR_")
_SHOWN_LOG_LINES: t.Final = 15
_MIB: t.Final = 1024 * 1024

P = t.ParamSpec("P")


class BenchmarkFailed(click.ClickException):
    """A measured program did not do its work, so there is nothing to measure."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """How a child fared.

    Attributes:
        seconds: Wall time, from before it was started until it was gone.
        cpu: Seconds of processor time, its own children included.
        peak: Most memory it held, in MiB.
        load: Load average of the last minute when it began.
        log: What it wrote to standard error.
    """

    seconds: float
    cpu: float
    peak: float
    load: float
    log: str


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """One row: a value and what it is measured against.

    Attributes:
        what: What was measured.
        value: The value, in ``unit``.
        unit: ``s``, ``ms``, ``MiB``.
        against: What it is divided by, in words.
        base: What it is divided by, in ``unit``; None: it stands alone.
        goal: The ratio that is to be kept; None: it is only shown.
        load: Load average of the last minute when the measurement began.
        note: What else should be known.
    """

    what: str
    value: float
    unit: str
    against: str = ""
    base: float | None = None
    goal: float | None = None
    load: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The value divided by its base."""
        return self.value / self.base if self.base else None

    @property
    def met(self) -> bool | None:
        """Whether the goal was kept; None without one."""
        return None if self.goal is None or self.ratio is None else self.ratio <= self.goal

    def to_dict(self) -> dict[str, t.Any]:
        """Return the plain form, ratio and verdict included."""
        return {**dataclasses.asdict(self), "ratio": self.ratio, "met": self.met}


@dataclasses.dataclass(frozen=True, slots=True)
class SandboxProcess:
    """A running sandbox.

    Attributes:
        settings: The settings by which tap and target find it, as environment variables.
    """

    settings: t.Mapping[str, str]

    @property
    def control(self) -> str:
        """Where its knobs are."""
        return self.settings["TAP_BILL_BASE_URL"].removesuffix("/bill/connect") + "/_sandbox"

    def everything_posted(self) -> bool:
        """Return whether its Workday owes exactly what its BILL owes, currency by currency."""
        billed: dict[str, dict[str, t.Any]] = _http(f"{self.control}/bill/totals")
        posted: dict[str, t.Any] = _http(f"{self.control}/workday/totals")
        return {currency: total["amount"] for currency, total in billed.items()} == posted

    def submitted(self) -> int:
        """Return how many invoices its Workday was sent."""
        return int(_http(f"{self.control}/stats")["workday_operations"].get("Submit_Supplier_Invoice", 0))

    def edit_bill(self, bill: str, **changes: t.Any) -> None:
        """Change fields of a bill in its BILL, as a person would."""
        _http(f"{self.control}/bill/bills/{bill}", json.dumps(changes).encode())

    def reset(self) -> None:
        """Let it start over with the data of its first moment."""
        _http(f"{self.control}/reset", b"")


@contextlib.contextmanager
def sandbox(*, bills: int, lines: str, latency: float = 0.0) -> t.Iterator[SandboxProcess]:
    """Run a sandbox in a process of its own: every bill of it can be posted.

    Args:
        bills: How many bills BILL holds.
        lines: Lines per bill, ``3`` or ``1-3``.
        latency: Seconds each call takes.
    """
    command = [program("erp-sandbox"), "up", "--port", "0", "--print-env", "--latency", str(latency)]
    command += _world(bills, lines)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield SandboxProcess(_settings(process))
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def workplace(*, bills: int, lines: str) -> t.Iterator[Path]:
    """Make a folder for one measurement, with the mapping tables that fit a sandbox of the same arguments."""
    with tempfile.TemporaryDirectory(prefix="ml-connector-bench-") as name:
        folder = Path(name)
        tables = folder / "transforms" / "crosswalk"
        command = [program("erp-sandbox"), "crosswalk", *_world(bills, lines), str(tables)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        yield folder


def program(name: str) -> str:
    """Return the path of a command that is installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def run(
    command: t.Sequence[str],
    folder: Path,
    settings: t.Mapping[str, str],
    *,
    stdin: Path | None = None,
    stdout: Path | None = None,
    stop_when: t.Callable[[], bool] | None = None,
) -> Ran:
    """Run a program from start to end and measure it.

    Args:
        command: The program and its arguments.
        folder: Where it works; each run logs in anew.
        settings: Settings of the plugins, as environment variables.
        stdin: What it reads; nothing by default.
        stdout: Where its output goes; nowhere by default.
        stop_when: Asked again and again; when it says so, the program is told to stop.

    Raises:
        BenchmarkFailed: It ended with an error.
    """
    log = folder / "log.txt"
    load = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(dir=folder) as state,
        (stdin or Path(os.devnull)).open("rb") as source,
        (stdout or Path(os.devnull)).open("wb") as sink,
        log.open("wb") as errors,
    ):
        known = environment(folder, Path(state), settings)
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=known, stdin=source, stdout=sink, stderr=errors)
        stopped = stop_when is not None and _stop_when(process.pid, stop_when)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    said = log.read_text("utf-8", "replace")
    if process.returncode and not (stopped and process.returncode == -signal.SIGTERM):
        last = "\n".join(said.splitlines()[-_SHOWN_LOG_LINES:])
        raise BenchmarkFailed(f"{Path(command[0]).name} ended with {process.returncode}:\n{last}")
    return Ran(seconds, used.ru_utime + used.ru_stime, _peak(used), load, said)


def best(measured: t.Callable[[], Ran], *, tries: int, enough: float = 0.0) -> Ran:
    """Return the fastest of some tries: others may be at work on this machine.

    Args:
        measured: One try.
        tries: How many at most.
        enough: Seconds at which no further try is made.
    """
    fastest = measured()
    for _ in range(tries - 1):
        if fastest.seconds <= enough:
            break
        fastest = min(fastest, measured(), key=lambda ran: ran.seconds)
    return fastest


def machine() -> dict[str, t.Any]:
    """Return what the numbers depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _MIB / 1024
    return {
        "cpus": os.cpu_count(),
        "memory_gib": round(memory),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }


def show(title: str, results: t.Sequence[Result]) -> None:
    """Print results as a table."""
    table = rich.table.Table(title=title, title_justify="left", box=rich.box.SIMPLE)
    table.add_column("measured")
    table.add_column("value", justify="right")
    table.add_column("against")
    table.add_column("ratio", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("load", justify="right")
    for result in results:
        table.add_row(*_cells(result))
        if result.note:
            table.add_row(f"  {result.note}", style="dim")
    width = None if sys.stdout.isatty() else 120
    rich.console.Console(width=width).print(table)


def reported(main: t.Callable[P, list[Result]]) -> t.Callable[P, None]:
    """Make a function that measures print its results, and keep them where ``--json`` says."""

    @functools.wraps(main)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        kept = t.cast("Path | None", kwargs.pop("kept", None))
        results = main(*args, **kwargs)
        show((main.__doc__ or "").partition("\n")[0].rstrip("."), results)
        if kept is not None:
            kept.write_text(json.dumps([result.to_dict() for result in results], indent=2))

    return click.option(
        "--json", "kept", type=click.Path(dir_okay=False, path_type=Path), help="Keep the results there."
    )(command)


def _world(bills: int, lines: str) -> list[str]:
    return ["--profile", "plain", "--bills", str(bills), "--lines", lines]


def _settings(process: subprocess.Popen[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for line in process.stdout or ():
        name, equals, value = line.rstrip("\n").partition("=")
        if not equals:
            if line.startswith("sandbox:"):
                return settings
            break
        settings[name] = value
    raise BenchmarkFailed("the sandbox did not start")


def environment(folder: Path, state: Path, settings: t.Mapping[str, str]) -> dict[str, str]:
    """Return what a measured program gets to know: its settings, and none of whoever measures."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_SETTINGS)}
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', '')}",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "XDG_STATE_HOME": str(state),
        "MELTANO_PROJECT_ROOT": str(folder),
        "ML_CONNECTOR_STATE_DIR": str(state),
        "TARGET_WORKDAY_TRANSFORM": "tap-bill",
        **settings,
    }


def _stop_when(pid: int, told: t.Callable[[], bool]) -> bool:
    """Wait for the end of a process, or tell it to end; does not collect it, returns whether it was told."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if told():
            os.kill(pid, signal.SIGTERM)
            return True
        time.sleep(0.2)
    return False


def _peak(used: resource.struct_rusage) -> float:
    """Kilobytes on Linux, bytes on macOS."""
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / _MIB


def _http(url: str, body: bytes | None = None) -> t.Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, body) as answer:
        return json.load(answer, parse_float=Decimal)


def _cells(result: Result) -> tuple[str, ...]:
    ratio, goal, verdict = "", "", {True: " [green]kept[/]", False: " [red]missed[/]", None: ""}[result.met]
    if result.ratio is not None:
        ratio = f"{result.ratio:.2f}"
    if result.goal is not None:
        goal = f"<= {result.goal:g}{verdict}"
    against = f"{result.against} ({_number(result.base)} {result.unit})" if result.base else result.against
    load = "" if result.load is None else f"{result.load:.1f}"
    return result.what, f"{_number(result.value)} {result.unit}", against, ratio, goal, load


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"
