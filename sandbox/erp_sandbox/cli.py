"""The command ``erp-sandbox``."""

from __future__ import annotations

import contextlib
import errno
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from erp_sandbox.bill.rules import CURSOR_MODES, BillRules
from erp_sandbox.demo import FOLDER, PAIRS, DemoFailedError, run_demo
from erp_sandbox.environment import environment
from erp_sandbox.faults import KINDS, Faults, parse_rates
from erp_sandbox.server import Sandbox
from erp_sandbox.snapshot import SnapshotUnreadableError, load_snapshot, save_snapshot
from erp_sandbox.world import World


class _LineRange(click.ParamType[tuple[int, int]]):
    """``3`` or ``1-40``: how many lines a bill has."""

    name = "N or MIN-MAX"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        low, _, high = value.partition("-")
        try:
            lines = (int(low), int(high or low))
        except ValueError:
            lines = (0, 0)
        if not 1 <= lines[0] <= lines[1] <= 99:
            self.fail(f"{value!r} is no number of lines from 1 to 99, such as 3 or 1-40", param, ctx)
        return lines


_WORLD_OPTIONS = (
    click.option(
        "--profile",
        type=click.Choice(["demo", "plain"]),
        default="demo",
        show_default=True,
        help="demo: 212 mixed bills, seven of which cannot be posted; plain: every bill can.",
    ),
    click.option("--bills", type=click.IntRange(1), help="How many bills (plain only).  [default: 1000]"),
    click.option("--lines", type=_LineRange(), help="Lines per bill.  [default: 1-5 for demo, 1-40 for plain]"),
    click.option("--seed", type=int, help="Another seed gives other ids and amounts (plain only).  [default: 1]"),
)


class _Commands(click.Group):
    """A group whose commands end with one line what and one line cure where the machine refuses something."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _explained():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _explained():
            return super().invoke(ctx)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # whoever read this has seen enough
        raise
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise click.ClickException(f"the disk is full{place}.\n  Make room and run it again.") from None
        raise click.ClickException(f"{error.strerror or error}{place}.\n  Choose another place.") from None


@click.group(cls=_Commands)
def main() -> None:
    """Stand-ins of BILL, Workday and Business Central on this machine, for trying, testing and measuring."""


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@click.option("--latency", type=click.FloatRange(0), default=0.0, help="Seconds each API call takes.")
@click.option("--jitter", type=click.FloatRange(0), default=0.0, help="Up to so many seconds more.")
@click.option(
    "--faults",
    multiple=True,
    metavar="KIND=RATE",
    help="How often something goes wrong, from 0 to 1; may be repeated. KIND is one of "
    + ", ".join(KINDS)
    + ", and may name a system and a side: workday.drop_after.writes=0.05.",
)
@click.option("--fault-seed", type=int, default=1, show_default=True, help="Makes the faults repeatable.")
@click.option("--slow-seconds", type=click.FloatRange(0), default=1.0, show_default=True, help="For slow.")
@click.option(
    "--cursor",
    type=click.Choice(CURSOR_MODES),
    default="works",
    show_default=True,
    help="How BILL's paging behaves: works; offset: counts rows; stuck: repeats the first page; "
    "no_filters: forgets the filters after page one; refuses_filters: answers 400 to page with filters.",
)
@click.option(
    "--classifications-by-time",
    is_flag=True,
    help="Let BILL's classifications be filtered by updatedTime, which is refused otherwise.",
)
@click.option(
    "--rate-limit-status",
    type=click.Choice(["422", "429"]),
    default="429",
    show_default=True,
    help="HTTP status of BILL's rate limits.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the data there when stopping and go on with it when starting again.",
)
@click.option("--quiet", is_flag=True, help="Say nothing.")
@click.option("--print-env", is_flag=True, help="Print the settings tap and target need, as NAME=value lines.")
def up(
    *,
    port: int,
    latency: float,
    jitter: float,
    faults: tuple[str, ...],
    fault_seed: int,
    slow_seconds: float,
    cursor: str,
    classifications_by_time: bool,
    rate_limit_status: str,
    data_dir: Path | None,
    quiet: bool,
    print_env: bool,
    **world: object,
) -> None:
    """Serve BILL, Workday and Business Central on 127.0.0.1 until Ctrl-C."""
    box = Sandbox(
        _world(**world),
        port=port,
        latency=latency,
        jitter=jitter,
        faults=_faults(faults, fault_seed, slow_seconds),
        rules=BillRules(
            cursor=cursor,  # type: ignore[arg-type]
            classifications_by_time=classifications_by_time,
            rate_limit_status=int(rate_limit_status),  # type: ignore[arg-type]
        ),
    )
    if data_dir is not None:
        _try_out(data_dir)
        try:
            load_snapshot(box, data_dir)
        except SnapshotUnreadableError as error:
            raise click.ClickException(str(error)) from None
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        box.start()
    except OSError as error:
        raise click.ClickException(
            f"port {port} cannot be used ({error.strerror}). Choose another with --port."
        ) from None
    try:
        if print_env:
            for name, value in environment(box).items():
                click.echo(f"{name}={value}")
        if not quiet:
            click.echo(
                f"sandbox: BILL, Workday and Business Central on {box.url} (nothing leaves this machine), Ctrl-C stops",
                err=True,
            )
        done.wait()
    finally:
        box.stop()
        if data_dir is not None:
            save_snapshot(box, data_dir)


@main.command()
@click.option("--again", is_flag=True, help="Go on with what the last demo left behind: nothing is posted twice.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    show_default=f"{FOLDER}/<pair>",
    help="Where the demo lives; made anew unless --again, if a demo has made it.",
)
@click.option(
    "--pair",
    type=click.Choice(list(PAIRS)),
    default="bill-workday",
    show_default=True,
    help="Which systems: bills to Workday, or invoices of Business Central to BILL and their payments back.",
)
def demo(again: bool, folder: Path | None, pair: str) -> None:  # noqa: FBT001
    """Move documents between stand-ins with the real pipelines, and tell what came of it."""
    try:
        code = run_demo(Path.cwd(), folder and folder.absolute(), again=again, pair=pair)
    except (DemoFailedError, SnapshotUnreadableError) as error:
        raise click.ClickException(str(error)) from None
    raise SystemExit(code)


@main.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def crosswalk(directory: Path, **world: object) -> None:
    """Write the mapping tables of a world to DIRECTORY/bill-workday/*.csv."""
    for path in _world(**world).write_crosswalk(directory):
        click.echo(path)


for _option in reversed(_WORLD_OPTIONS):
    up = _option(up)
    crosswalk = _option(crosswalk)


def _try_out(folder: Path) -> None:
    """Write into a folder now: at the end it would be too late to say that it cannot be."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _faults(words: tuple[str, ...], seed: int, slow_seconds: float) -> Faults:
    faults = Faults(seed=seed, slow_seconds=slow_seconds)
    try:
        for rate in parse_rates(words):
            faults.set(rate.kind, rate.rate, system=rate.system, side=rate.side)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--faults") from None
    return faults


def _world(**options: object) -> World:
    given = {name: value for name, value in options.items() if value is not None and name != "profile"}
    if options["profile"] == "plain":
        return World.plain(**given)  # type: ignore[arg-type]
    for name in ("bills", "seed"):
        if name in given:
            raise click.UsageError(f"--{name} needs --profile plain; the demo is always the same.")
    return World.demo(**given)  # type: ignore[arg-type]
