"""Who may import whom: the rules that keep the parts replaceable, and the declared dependencies honest."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE_ROOTS = ("", "taps", "targets", "transforms", "sandbox")


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
    serving = ("header_timeout", "receiver", "serving")
    if within(module, *(f"ml_connector.webhooks.{each}" for each in serving)):  # told when it is not there
        requirements += project["optional-dependencies"]["webhooks"]
    if module == "ml_connector.vault.keys":  # looked for when it is used, and told when it is not there
        requirements += project["optional-dependencies"]["keyring"]
    return {normalized(requirement) for requirement in requirements}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of ``pyproject.toml`` over the packages of a folder."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(folder / root) for root in SOURCE_ROOTS)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_keeps_the_rules():
    """No module of the project imports one it may not know."""
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


PLANTED = {
    "ledger/store.py": ("floors", "from ml_connector.cli import status"),
    "transport/http.py": ("floors", "def late():\n    from ml_connector.ledger import store"),
    "names.py": ("floors", "import ml_connector.documents"),
    "systems/bill/client.py": ("systems", "from ml_connector.systems.workday import settings as other"),
    "systems/workday/client.py": ("clients", "from ml_connector.documents import Supplier"),
    "taps/tap_bill/streams.py": ("plugins", "import tap_workday.streams"),
    "taps/tap_workday/tap.py": ("taps", "from ml_connector.ledger import store"),
    "targets/target_workday/target.py": ("targets", "from ml_connector.ledger import store"),
    "cli/status.py": ("sandbox", "import erp_sandbox.clock"),
    "sandbox/erp_sandbox/clock.py": ("sandbox-plugins", "import tap_bill"),
}
"""For each file a line that breaks one rule, by the rule's id."""


def test_a_planted_violation_of_each_rule_is_seen(tmp_path):
    """Wherever an import stands, at the top or inside a function, the rule it breaks is named."""
    for root in SOURCE_ROOTS:
        for package in (ROOT / root).iterdir():
            if (package / "__init__.py").exists() and package.name not in {"tests", "benchmarks", "docs"}:
                shutil.copytree(package, tmp_path / root / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    for file, (_, line) in PLANTED.items():
        path = tmp_path / file
        path = path if path.exists() else tmp_path / "ml_connector" / file
        path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")
    told = lint(tmp_path).stdout
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    assert {rule for rule, _ in PLANTED.values()} == {contract["id"] for contract in contracts}
    for contract in contracts:
        assert f"{contract['name']} BROKEN" in told, told


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


def test_a_planted_undeclared_dependency_is_seen():
    """An import of a distribution that happens to be installed but is not declared is reported."""
    assert undeclared("tap_bill.tap", "import os\nimport pytest\nimport httpx", {"httpx"}) == ["tap_bill.tap -> pytest"]
