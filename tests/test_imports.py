"""Who may import whom: the rules that keep the parts replaceable, and the declared dependencies honest."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE_ROOTS = ("", "taps", "targets", "transforms", "sandbox")
BASICS = tuple(
    f"ml_connector.{name}"
    for name in (
        "currencies",
        "decimals",
        "defects",
        "descriptor",
        "errors",
        "exact_json",
        "files",
        "kept_files",
        "leftovers",
        "mending",
        "moments",
        "money",
        "names",
        "numbers_in_use",
        "pipelines",
        "private",
        "project",
        "sameness",
        "sensitive",
        "state_directory",
        "text",
    )
)
TRANSPORT = tuple(
    f"ml_connector.{name}" for name in ("deadlines", "http", "odata", "permits", "retries", "sessions", "soap", "vault")
)


def modules() -> dict[str, Path]:
    """Return every module of every package by its dotted name."""
    found = {}
    for source_root in SOURCE_ROOTS:
        for package in sorted((ROOT / source_root).iterdir()):
            if (package / "__init__.py").exists() and package.name not in {"tests", "benchmarks", "docs"}:
                for path in sorted(package.rglob("*.py")):
                    found[dotted_name(path.relative_to(ROOT / source_root))] = path
    return found


def dotted_name(path: Path) -> str:
    """Return the name a file below a source root is imported by."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(module: str, source: str, *, is_package: bool = False) -> set[str]:
    """Return what a module imports, relative and late imports included, each down to the imported name."""
    package = module if is_package else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found.update(alias.name for alias in names)
            case ast.ImportFrom(module=base, names=names, level=level):
                anchor = ".".join(package.split(".")[: len(package.split(".")) - level + 1]) if level else ""
                origin = ".".join(part for part in (anchor, base) if part)
                found.update(f"{origin}.{alias.name}" for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                found.add(name)
    return found


def within(name: str, *prefixes: str) -> bool:
    """Tell whether a dotted name is one of the modules or lies below it."""
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def first_party(name: str) -> bool:
    """Tell whether an import stays inside this project."""
    return bool(re.match(r"(ml_connector|map_finance|erp_sandbox|tap_\w+|target_\w+)(\.|$)", name))


def system_of(module: str) -> str:
    """Return the module or package of one system's client (``ml_connector.systems.bill``)."""
    return ".".join(module.split(".")[:3])


def may_know(importer: str) -> tuple[str, ...]:
    """Return the modules of the project, with all below them, that a module may import."""
    own = importer.split(".", maxsplit=1)[0]
    documents = (*BASICS, "ml_connector.documents")
    rules = {
        "ml_connector.systems.access": BASICS,
        "ml_connector.systems": (system_of(importer), "ml_connector.systems.access", *TRANSPORT, *BASICS),
        **dict.fromkeys(TRANSPORT, (*TRANSPORT, *BASICS)),
        **dict.fromkeys(BASICS, BASICS),
        "ml_connector.documents": documents,
        "ml_connector": ("ml_connector", "map_finance"),
        # The mapper is a plugin as well; what the engine may know is less.
        "map_finance.mapper": (
            own,
            "ml_connector.singer.command",
            "ml_connector.singer.reader",
            "ml_connector.singer.settings",
            "ml_connector.crosswalk",
            *documents,
        ),
        "map_finance": (own, "ml_connector.crosswalk", *documents),
        "erp_sandbox": (own,),
    }
    plugin = (own, "ml_connector.singer", "ml_connector.systems", *documents)
    return next((known for prefix, known in rules.items() if within(importer, prefix)), plugin)


def forbidden_imports(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """Return the imports of a module that break a rule, as ``importer -> imported``."""
    return [
        f"{module} -> {name}"
        for name in sorted(imports_of(module, source, is_package=is_package))
        if first_party(name) and not within(name, *may_know(module))
    ]


@functools.cache
def installed() -> dict[str, list[str]]:
    """Return the distributions that provide each importable name here."""
    return dict(importlib.metadata.packages_distributions())


def undeclared(module: str, source: str, declared: set[str]) -> list[str]:
    """Return third-party imports of a module whose distribution is not among the declared ones."""
    distributions = installed()
    missing = []
    for name in sorted({name.split(".")[0] for name in imports_of(module, source)}):
        if name in sys.stdlib_module_names or first_party(name) or not name:
            continue
        if not declared & {normalized(dist) for dist in distributions.get(name, [name])}:
            missing.append(f"{module} -> {name}")
    return missing


def normalized(requirement: str) -> str:
    """Return the bare name of a requirement in the spelling packaging compares."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]).lower()


def declared_for(module: str) -> set[str]:
    """Return what the distribution promises to install for a module."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    requirements = list(project["dependencies"])
    if within(module, "erp_sandbox"):
        requirements += project["optional-dependencies"]["sandbox"]
    serving = ("prompt_http", "receiver", "serving")
    if within(module, *(f"ml_connector.events.{each}" for each in serving)):  # told when it is not there
        requirements += project["optional-dependencies"]["webhooks"]
    if module == "ml_connector.vault.keys":  # looked for when it is used, and told when it is not there
        requirements += project["optional-dependencies"]["keyring"]
    return {normalized(requirement) for requirement in requirements}


def test_every_import_keeps_the_rules():
    """No module of the project imports one it may not know."""
    broken = []
    for module, path in modules().items():
        broken += forbidden_imports(module, path.read_text("utf-8"), is_package=path.name == "__init__.py")
    assert broken == []


def test_every_third_party_import_is_declared():
    """A plain install, without extras, brings everything the packages import; the sandbox extra what it needs."""
    missing = []
    for module, path in modules().items():
        if not within(module, "ml_connector.ledger.migrations"):
            missing += undeclared(module, path.read_text("utf-8"), declared_for(module))
    assert missing == []


def test_all_packages_are_looked_at():
    """The rules are checked for each kind of package there is."""
    assert {"ml_connector", "tap_bill", "target_workday", "map_finance", "erp_sandbox"} <= set(modules())


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("ml_connector.systems.bill", "import ml_connector.ledger"),
        ("ml_connector.systems.bill", "from ml_connector.systems import workday"),
        ("ml_connector.systems.bill.client", "from ..workday import client"),
        ("ml_connector.systems.bill", "from ml_connector.documents import Supplier"),
        ("ml_connector.systems.access", "from ml_connector.systems.bill import client"),
        ("ml_connector.http", "from ml_connector import ledger"),
        ("ml_connector.documents", "import ml_connector.singer"),
        ("ml_connector.singer.target", "from erp_sandbox import clock"),
        ("ml_connector.cli.status", "from tap_bill.tap import TapBill"),
        ("tap_bill.tap", "from target_workday.target import TargetWorkday"),
        ("tap_bill.streams", "def late():\n    from ml_connector.ledger import store"),
        ("tap_bill.streams", "import importlib\nimportlib.import_module('ml_connector.ledger')"),
        ("tap_bill.tap", "import tap_workday"),
        ("target_workday.target", "import ml_connector.ledger.store"),
        ("target_workday.target", "import ml_connector"),
        ("map_finance.engine", "from ml_connector.ledger import store"),
        ("map_finance.engine", "from ml_connector import singer"),
        ("erp_sandbox.bill.app", "from ml_connector.documents import Supplier"),
        ("erp_sandbox.bill.app", "import tap_bill"),
    ],
)
def test_a_planted_violation_is_seen(importer, source):
    """An import that breaks a rule is reported, however it is written."""
    assert len(forbidden_imports(importer, source)) == 1


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        (
            "ml_connector.systems.bill",
            "from ml_connector.http import Session\nfrom ml_connector import errors",
        ),
        ("ml_connector.systems.bill.client", "from . import session"),
        ("tap_bill.tap", "from tap_bill.streams import Bills\nfrom ml_connector.systems.bill import Bill"),
        ("target_workday.target", "from ml_connector.singer.target import DeliveryTarget"),
        (
            "map_finance.engine",
            "from ml_connector.crosswalk import Crosswalk\nfrom ml_connector.errors import Hold",
        ),
        ("ml_connector.ledger.delivery", "from map_finance.engine import Engine"),
        ("erp_sandbox.bill.app", "import starlette\nfrom erp_sandbox.clock import Clock"),
    ],
)
def test_a_rightful_import_is_not_reported(importer, source):
    """What the rules allow passes."""
    assert forbidden_imports(importer, source) == []


def test_a_planted_undeclared_dependency_is_seen():
    """An import of a distribution that happens to be installed but is not declared is reported."""
    assert undeclared("tap_bill.tap", "import os\nimport pytest\nimport httpx", {"httpx"}) == ["tap_bill.tap -> pytest"]
