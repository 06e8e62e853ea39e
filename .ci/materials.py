"""What a release is made of, beside the wheel: hashed requirements, a bill of materials, licences, checksums.

Usage: .venv/bin/python .ci/materials.py <folder with the wheel>
Reads what is installed in .venv and pinned in constraints.txt, and asks no network. The same tree gives the same files.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import sys
import tomllib
import typing as t
import uuid
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["bill_of_materials", "closure", "licence", "pins", "requirements"]

ROOT = Path(__file__).resolve().parent.parent
NAME: t.Final = "ml-connector"
EXTRAS: t.Final = ("meltano", "postgres", "webhooks")
"""What a release is meant to be run with."""

_FORM: t.Final = "http://cyclonedx.org/schema/bom-1.6.schema.json"

LICENCES: t.Final = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""SPDX ids of what classifiers say."""


def pins(text: str) -> dict[str, str]:
    """Return the pinned requirement of each package with its hashes, as it stands in constraints.txt, by name."""
    found = re.findall(r"^[A-Za-z][^\n]*\\\n(?:    --hash=[^\n]+\n?)+", text, re.MULTILINE)
    return {canonicalize_name(re.split(r"[=\[ ]", each)[0]): each.rstrip("\n") for each in found}


def closure(name: str, extras: t.Collection[str]) -> dict[str, list[str]]:
    """Return what each package that is needed needs itself, on this machine, by name."""
    found: dict[str, set[str]] = {}
    waiting, seen = [(canonicalize_name(name), extra) for extra in ("", *extras)], set()
    while waiting:
        package, extra = waiting.pop()
        if (package, extra) in seen:
            continue
        seen.add((package, extra))
        for text in importlib.metadata.requires(package) or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                other = canonicalize_name(needed.name)
                found.setdefault(package, set()).add(other)
                waiting += [(other, each) for each in ("", *needed.extras)]
        found.setdefault(package, set())
    return {package: sorted(needs - {package}) for package, needs in sorted(found.items())}


def licence(package: str) -> str:
    """Return the licence a package states, as SPDX expression where that can be told; empty when it states none."""
    stated = importlib.metadata.metadata(package)
    if expression := stated.get("License-Expression"):
        return expression
    classifiers = [each.rpartition(" :: ")[2] for each in stated.get_all("Classifier", []) if "License ::" in each]
    named = sorted({LICENCES.get(each, each) for each in classifiers} - {"OSI Approved"})
    if named:
        return " OR ".join(named)
    (first, *_) = (stated.get("License") or "").strip().splitlines() or [""]
    return first if len(first) <= 60 else ""


def requirements(text: str, packages: t.Collection[str]) -> str:
    """Return the part of constraints.txt that a release needs.

    Raises:
        KeyError: Something that is needed is not pinned.
    """
    pinned = pins(text)
    return "".join(f"{pinned[each]}\n" for each in sorted(packages))


def bill_of_materials(version: str, needs: t.Mapping[str, t.Sequence[str]]) -> dict[str, t.Any]:
    """Return the bill of materials in CycloneDX 1.6."""
    versions = {each: importlib.metadata.version(each) for each in needs if each != NAME} | {NAME: version}
    links = {each: f"pkg:pypi/{each}@{version}" for each, version in versions.items()}
    components = {
        each: {
            "type": "application" if each == NAME else "library",
            "bom-ref": links[each],
            "name": each,
            "version": versions[each],
            "purl": links[each],
            "licenses": [_licence_choice(licence(each))],
        }
        for each in needs
    }
    said = {
        "$schema": _FORM,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": components.pop(NAME)},
        "components": list(components.values()),
        "dependencies": [
            {"ref": links[each], "dependsOn": [links[other] for other in others]} for each, others in needs.items()
        ],
    }
    return said | {"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(said, sort_keys=True))}"}


def _licence_choice(stated: str) -> dict[str, t.Any]:
    if re.fullmatch(r"[A-Za-z0-9.+-]+(?: (?:OR|AND|WITH) [A-Za-z0-9.+-]+)*", stated):
        return {"expression": stated}
    return {"license": {"name": stated}}


def main(folder: Path) -> int:
    """Write the files into a folder; returns the exit code."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    needs = closure(NAME, EXTRAS)
    others = [each for each in needs if each != NAME]
    if silent := [each for each in needs if not licence(each)]:
        sys.stderr.write(f"no licence is stated by {', '.join(silent)}: look it up before you release.\n")
        return 1
    hashed = requirements((ROOT / "constraints.txt").read_text("utf-8"), others)
    (folder / "requirements.txt").write_text(hashed, "utf-8")
    bill = json.dumps(bill_of_materials(version, needs), indent=2) + "\n"
    (folder / "bom.cdx.json").write_text(bill, "utf-8")
    lines = [f"{each} {importlib.metadata.version(each)}: {licence(each)}\n" for each in others]
    (folder / "LICENCES.txt").write_text("".join(lines), "utf-8")
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(sums), "utf-8")
    sys.stdout.write(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
