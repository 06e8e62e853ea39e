"""Setting up, checking and trying the project from a bare checkout."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def checkout(tmp_path):
    """A checkout in a folder with a space, with the scripts but without an environment."""
    folder = tmp_path / "a checkout"
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def tools(tmp_path):
    """A folder of programs, the only ones found besides those of the system's shell."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("sh", "bash", "make", "cat", "date", "mktemp", "rm", "dirname", "awk", "sleep"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def program(folder, name, *lines):
    """Put a program into a folder."""
    path = folder / name
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), "utf-8")
    path.chmod(0o755)


def run(checkout, tools, *command):
    """Run a command in a checkout with nothing but those programs."""
    return subprocess.run(
        command,
        cwd=checkout,
        env={"PATH": str(tools)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


OLD_PYTHON = ('[ "$1" = --version ] && { echo "Python 3.9.18"; exit 0; }', "exit 1")
NEW_PYTHON = (f'exec "{sys.executable}" "$@"',)


def test_an_old_python_is_refused_with_a_cure(checkout, tools):
    """Where only an old Python is found, set-up says which, and how to name another."""
    program(tools, "python3", *OLD_PYTHON)
    done = run(checkout, tools, "make", "setup")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed; found Python 3.9.18." in done.stderr
    assert "make setup PYTHON=" in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_missing_python_is_told(checkout, tools):
    """Where there is no Python at all, set-up says so."""
    done = run(checkout, tools, "sh", ".ci/python")
    assert done.returncode == 1
    assert "found no python3" in done.stderr


@pytest.mark.parametrize("name", ["python3", "python3.11", "python3.13"])
def test_a_python_that_is_new_enough_is_found(checkout, tools, name):
    """A newer Python is found by its full name when python3 is an old one."""
    program(tools, "python3", *OLD_PYTHON)
    program(tools, name, *NEW_PYTHON)
    assert Path(run(checkout, tools, "sh", ".ci/python").stdout.strip()).exists()


def test_the_python_asked_for_comes_first(checkout, tools):
    """PYTHON names the interpreter to use."""
    program(tools, "python3", "echo wrong")
    program(tools, "mine", "echo mine")
    done = run(checkout, tools, "sh", "-c", "PYTHON=mine sh .ci/python")
    assert done.stdout.strip() == "mine"


class TestSetup:
    """Set-up with an interpreter that only pretends to make an environment."""

    @pytest.fixture(autouse=True)
    def _pretend(self, tools, tmp_path):
        pip = tmp_path / "pip"
        program(tmp_path, "pip", "exit 0")
        program(
            tools,
            "python3",
            'if [ "$1" = -c ]; then echo "$0"; exit 0; fi',
            f'echo venv >>"{tmp_path}/calls"',
            "mkdir -p .venv/bin",
            f'printf "#!/bin/sh\\n[ \\"\\$1\\" = -c ] || exec sh \\"{pip}\\"\\n" >.venv/bin/python',
            "chmod +x .venv/bin/python",
        )
        for name in ("mkdir", "chmod"):
            (tools / name).symlink_to(str(shutil.which(name)))

    def environments_made(self, tmp_path):
        """Return how often an environment was made from nothing."""
        return (tmp_path / "calls").read_text("utf-8").count("venv")

    def test_it_says_each_step_and_how_long_it_took(self, checkout, tools, tmp_path):
        """A set-up tells what it is doing, and how far it is, and at last that it is done."""
        program(
            tmp_path,
            "pip",
            'for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do echo "Collecting package-$n>=2"; done',
            'echo "Installing collected packages: package-1"',
        )
        done = run(checkout, tools, "make", "setup")
        assert done.returncode == 0, done.stderr
        *steps, last, _ = done.stdout.splitlines()
        assert steps == [
            "setting up .venv",
            "  making an environment of its own",
            "  looking which packages are needed",
            "  getting packages, 20 so far",
            "  installing 21 packages",
        ]
        assert re.fullmatch(r"setting up \.venv \.+ done \(\d+ s\)", last)

    def test_a_terminal_sees_each_package_in_one_line(self, checkout, tools, tmp_path):
        """On a terminal one line changes with what is done, and what stays is that it is done."""
        program(
            tmp_path, "pip", 'echo "Collecting one-package>=2"', 'echo "Installing collected packages: one-package"'
        )
        outer, inner = pty.openpty()
        done = subprocess.run(
            [str(tools / "make"), "setup"],
            cwd=checkout,
            env={"PATH": str(tools)},
            stdin=subprocess.DEVNULL,
            stdout=inner,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(inner)
        told = ""
        with contextlib.suppress(OSError):  # what a terminal without writers answers when all is read
            while more := os.read(outer, 65_536):
                told += more.decode()
        os.close(outer)
        assert done.returncode == 0, done.stderr
        assert "getting packages, 1 so far (one-package)" in told
        first, ready = told.replace("\r\n", "\n").splitlines()[-2:]
        assert "done" in first.split("\r")[-1]
        assert ready == ".venv is ready"

    def test_it_runs_once(self, checkout, tools, tmp_path):
        """A second set-up finds everything in place."""
        run(checkout, tools, "make", "setup")
        assert run(checkout, tools, "make", "setup").stdout == ".venv is ready\n"
        assert self.environments_made(tmp_path) == 1

    def test_new_pins_are_installed_into_what_is_there(self, checkout, tools, tmp_path):
        """A change of pins installs again, without making the environment anew."""
        run(checkout, tools, "make", "setup")
        later = time.time() + 10
        os.utime(checkout / "constraints.txt", (later, later))
        assert "done" in run(checkout, tools, "make", "setup").stdout
        assert self.environments_made(tmp_path) == 1

    def test_a_moved_checkout_is_set_up_anew(self, checkout, tools, tmp_path):
        """An environment that belongs to another folder is not used."""
        run(checkout, tools, "make", "setup")
        moved = checkout.rename(checkout.with_name("elsewhere"))
        assert "done" in run(moved, tools, "make", "setup").stdout
        assert self.environments_made(tmp_path) == 2

    def test_a_failed_install_tells_why_and_is_not_finished(self, checkout, tools, tmp_path):
        """When packages cannot be installed, the installer's words are shown and the next run tries again."""
        program(tmp_path, "pip", "echo no such package; exit 1")
        done = run(checkout, tools, "make", "setup")
        assert done.returncode != 0
        assert "failed" in done.stdout
        assert "no such package" in done.stderr
        assert not (checkout / ".venv" / ".ready").exists()
        program(tmp_path, "pip", "exit 0")
        assert "done" in run(checkout, tools, "make", "setup").stdout

    def test_an_interrupted_set_up_is_not_finished(self, checkout, tools, tmp_path):
        """Killed in the middle, even while renewing a good environment, set-up leaves nothing that looks ready."""
        run(checkout, tools, "make", "setup")
        program(tmp_path, "pip", f'echo >"{tmp_path}/installing"', "exec sleep 60")
        later = time.time() + 10
        os.utime(checkout / "constraints.txt", (later, later))
        with subprocess.Popen(
            [str(tools / "make"), "setup"],
            cwd=checkout,
            env={"PATH": str(tools)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            while not (tmp_path / "installing").exists() and process.poll() is None:
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)
        assert not (checkout / ".venv" / ".ready").exists()


@pytest.mark.parametrize(
    ("lint", "test", "code"),
    [("true", "true", 0), ("false", "true", 1), ("true", "false", 1), ("false", "false", 1)],
)
def test_ci_runs_lint_and_tests_to_the_end(checkout, tools, lint, test, code):
    """Continuous integration fails when lint or tests fail, and runs both in any case, without a terminal."""
    (tools / "make").unlink()
    program(tools, "make", f'echo "$1 CI=$CI"; case $1 in lint) {lint} ;; test) {test} ;; esac')
    done = run(checkout, tools, "bash", ".ci/run")
    assert done.stdout.splitlines() == ["lint CI=true", "test CI=true"]
    assert done.returncode == code


def test_help_is_what_make_says_first(checkout, tools):
    """`make` alone lists every task with its explanation."""
    targets = re.findall(r"^([a-z][a-z-]*):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    lines = run(checkout, tools, "make").stdout.splitlines()
    assert [line.split()[1] for line in lines] == targets
    assert all(len(line.split()) > 3 for line in lines)
