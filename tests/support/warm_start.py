"""Programs that start without importing anything: forked from a process that has imported it all.

Of what an end-to-end test costs, most is Python importing Meltano, the SDK and the connectors again, ten times in a
test. Here a process imports them once, and each program is a fork of it: a process of its own, with its own pipes,
environment, folder and signals, that runs what the program's entry point names. In place of each program stands a
small script, so that Meltano finds ``tap-bill`` on the PATH as ever.

With anything in its environment that Python reads at its start (``PYTHON...``, the locale) a program is started as it is
installed. So is one that a test kills or looks into from outside, by the path it is installed at; and with ``COLD=1 make
test`` all of them are.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import importlib.metadata
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import typing as t
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

BIN = Path(sys.executable).parent
KINDS = ("ml-connector", "tap-", "target-", "map-")
"""How the names of our programs begin."""
LATER = {
    "meltano": (
        "alembic.config",
        "anyio._backends._asyncio",
        "meltano.core.block.block_parser",
        "meltano.core.meltano_file",
        "meltano.core.plugin.utility",
        "meltano.migrations.utils.dialect_typing",
        "sqlalchemy.dialects.mssql",
        "sqlalchemy.dialects.sqlite",
    ),
    "ours": (
        "alembic.config",
        "sqlalchemy.dialects.sqlite",
        "zeep.wsdl.bindings",
        *(f"ml_connector.mapping.{name}" for name in ("known", "passthrough", "plan", "records", "work")),
    ),
}
"""What the programs import when they come to need it, by who starts them: importing Meltano sets a log up for it."""

_CLIENT = Path(__file__).with_name("warm_client.py")


@contextlib.contextmanager
def warm_programs(folder: Path) -> Iterator[Path]:
    """Yield a folder to stand first on a PATH, in which the programs are; the processes behind it end afterwards.

    Args:
        folder: Where to make them; the path of a socket in it must stay below what the system allows.
    """
    (folder / "installed").symlink_to(BIN)
    with contextlib.ExitStack() as stack:
        for group in LATER:
            stack.enter_context(_serving(folder / f"{group}-served", group))
            for name in programs(group):
                (folder / f"{name}.socket").symlink_to(f"{group}-served")
                script = folder / name
                script.write_text(f"#!{sys.executable} -IS\n{_CLIENT.read_text('utf-8')}", "utf-8")
                script.chmod(0o700)
        yield folder


def programs(group: str) -> list[str]:
    """Return the programs that a process starts."""
    installed = importlib.metadata.entry_points(group="console_scripts").names
    return ["meltano"] if group == "meltano" else sorted(name for name in installed if name.startswith(KINDS))


@contextlib.contextmanager
def _serving(path: Path, group: str) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        process = subprocess.Popen(
            [sys.executable, __file__, group, str(listener.fileno())],
            stdin=subprocess.PIPE,  # ends with this process, whatever ends it
            stdout=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            env={"PATH": f"{BIN}{os.pathsep}{os.defpath}"},
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.communicate()


class Started(t.NamedTuple):
    """A program that runs: its process, and the connection over which its script waits."""

    process: int
    script: socket.socket


def serve(listener: socket.socket) -> Callable[[], t.Any] | None:
    """Start a program for each script that asks; returns in each of the programs, with what it is to do.

    Returns:
        What to do in the process of a program; None in the process that serves, when whoever started it has ended.
    """
    running: dict[int, Started] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == 0:
                    return None
                if key.fileobj is listener:
                    started = _start(listener)
                    if callable(started):
                        return started
                    if started is not None:
                        watched = os.pidfd_open(started.process)
                        running[watched] = started
                        selector.register(watched, selectors.EVENT_READ)
                        selector.register(started.script, selectors.EVENT_READ, watched)
                elif key.fd in running:
                    _tell_the_end(running.pop(key.fd), selector)
                    selector.unregister(key.fd)
                    os.close(key.fd)
                elif key.data in running:  # else its program has ended, as another of these events has told
                    _pass_signal(running[key.data])


def _start(listener: socket.socket) -> Started | Callable[[], t.Any] | None:
    """Start what a script wants; in the new process return what it is to do, None for a script that was killed."""
    script = listener.accept()[0]
    wanted, descriptors = _received(script)
    if wanted is None:
        script.close()
        return None
    process = os.fork()
    if process == 0:
        listener.close()
        script.close()
        return _become(wanted, descriptors)
    for each in descriptors:
        os.close(each)
    return Started(process, script)


def _received(script: socket.socket) -> tuple[dict[str, t.Any] | None, list[int]]:
    length, descriptors, _, _ = socket.recv_fds(script, 8, 3)
    left, parts = int.from_bytes(length, "big"), []
    while left and (part := script.recv(left)):
        parts.append(part)
        left -= len(part)
    if left or not length:
        for each in descriptors:
            os.close(each)
        return None, []
    return json.loads(b"".join(parts)), descriptors


def _become(wanted: dict[str, t.Any], descriptors: list[int]) -> Callable[[], t.Any]:
    os.setsid()
    for number, each in enumerate(descriptors):
        os.dup2(each, number)
        os.close(each)
    os.chdir(wanted["folder"])
    os.umask(wanted["umask"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    sys.argv = wanted["words"]
    if shown := os.environ.get("PYTHONWARNINGS"):
        warnings.simplefilter(shown)  # type: ignore[arg-type]
    return t.cast("Callable[[], t.Any]", entry(Path(sys.argv[0]).name).load())


def _pass_signal(started: Started) -> None:
    """Give the program a signal its script was given; a script that was killed takes it along."""
    try:
        told = started.script.recv(1)
    except OSError:
        told = b""
    os.kill(started.process, told[0] if told else signal.SIGKILL)


def _tell_the_end(started: Started, selector: selectors.BaseSelector) -> None:
    _, status = os.waitpid(started.process, 0)
    selector.unregister(started.script)
    with contextlib.suppress(OSError):  # it was killed
        started.script.sendall(status.to_bytes(4, "big"))
    started.script.close()


def _end(task: Callable[[], t.Any]) -> t.NoReturn:
    """Run a program and end as Python does, apart from taking thousands of modules down one by one."""
    code: t.Any = None
    try:
        code = task()
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001 - told as Python tells it
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    if not isinstance(code, int | None):
        sys.stderr.write(f"{code}\n")
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit((code or 0) & 0xFF)


def entry(name: str) -> importlib.metadata.EntryPoint:
    """Return what tells what a program runs."""
    (point,) = importlib.metadata.entry_points(group="console_scripts", name=name)
    return point


if __name__ == "__main__":
    served, inherited = sys.argv[1:]
    for program in programs(served):
        importlib.import_module(entry(program).module)  # no more: what the SDK makes of a plugin sets a log up
    for module in LATER[served]:
        importlib.import_module(module)
    gc.freeze()  # what is there by now is never looked through, and so stays shared between all processes
    with socket.socket(fileno=int(inherited)) as asked:
        task = serve(asked)
    if task is not None:
        _end(task)
