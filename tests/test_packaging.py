"""What a plain `pip install` gives, without extras and without this checkout."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "ml_connector": ROOT / "ml_connector",
    "tap_bill": ROOT / "taps" / "tap_bill",
    "tap_business_central": ROOT / "taps" / "tap_business_central",
    "tap_workday": ROOT / "taps" / "tap_workday",
    "target_bill": ROOT / "targets" / "target_bill",
    "target_business_central": ROOT / "targets" / "target_business_central",
    "target_workday": ROOT / "targets" / "target_workday",
    "map_finance": ROOT / "transforms" / "map_finance",
    "erp_sandbox": ROOT / "sandbox" / "erp_sandbox",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def plain_bin(wheel, tmp_path_factory):
    """The programs of a fresh environment that holds the wheel and what it asks for, nothing more."""
    folder = tmp_path_factory.mktemp("plain") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    (site,) = (folder / "lib").glob("python*/site-packages")
    for name in closure(required_by("ml-connector", extras=("",))):
        link_distribution(name, site)
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    return folder / "bin"


def pip(*args):
    """Run pip of this environment."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *args],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def required_by(name, extras):
    """Yield the distributions another one asks for on this machine, each with the extras it asks for."""
    for text in importlib.metadata.requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            yield canonicalize_name(requirement.name), ("", *sorted(requirement.extras))


def closure(asked):
    """Return the names of all distributions asked for, directly or not."""
    seen = set()
    waiting = set(asked)
    while waiting:
        name, extras = waiting.pop()
        seen.add((name, extras))
        waiting |= set(required_by(name, extras)) - seen
    return {name for name, _ in seen}


def link_distribution(name, site):
    """Make an installed distribution importable in another environment."""
    distribution = importlib.metadata.distribution(name)
    for top in {file.parts[0] for file in distribution.files if file.parts[0] != ".."}:
        target = site / top
        if not target.exists() and top != "__pycache__":
            target.symlink_to(distribution.locate_file(top))


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    """Modules, maps, mapping tables, migrations and typing marks are all in the wheel."""
    names = set(zipfile.ZipFile(wheel).namelist())
    missing = [
        name
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
        if (name := f"{package}/{path.relative_to(folder).as_posix()}") not in names
    ]
    assert missing == []
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert any(name.startswith("map_finance/maps/") and name.endswith(".yml") for name in names)
    assert any(name.startswith("ml_connector/ledger/migrations/versions/") for name in names)


def test_the_wheel_holds_nothing_else(wheel):
    """No test, page or setting of this checkout is installed."""
    tops = {name.split("/", maxsplit=1)[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.parametrize(
    "command",
    [
        ("tap-bill", "--version"),
        ("tap-bill", "--about", "--format=json"),
        ("tap-bill", "--discover"),
        ("target-workday", "--version"),
        ("target-workday", "--about", "--format=json"),
        ("map-finance", "--about", "--format=json"),
        ("ml-connector", "--help"),
        ("ml-connector", "--version"),
    ],
    ids=" ".join,
)
def test_a_plain_install_works(plain_bin, tmp_path, command):
    """Every program starts without extras, outside the checkout, with no settings at all."""
    program, *args = command
    done = subprocess.run(
        [str(plain_bin / program), *args],
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_a_plain_install_brings_no_extra(plain_bin):
    """Meltano, the PostgreSQL driver and the tools of development come only when asked for."""
    (site,) = plain_bin.parent.glob("lib/python*/site-packages")
    assert not {"meltano", "psycopg", "pytest", "uvicorn"} & {path.name for path in site.iterdir()}
