"""What we are made of: no version with a known hole, nothing that is not pinned by its content, no secret in the tree."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
HOLES = tomllib.loads((ROOT / ".ci" / "known-holes.toml").read_text("utf-8"))
PINS = (ROOT / "constraints.txt").read_text("utf-8")


def script(name):
    """Load a script of .ci as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MATERIALS = script("materials")


def asked():
    """Return what pyproject.toml asks for, with and without extras."""
    texts = [*PROJECT["dependencies"], *(each for extra in PROJECT["optional-dependencies"].values() for each in extra)]
    return [Requirement(text) for text in texts]


def allowed_holes(requirements, holes):
    """Return which requirements let in a version with a known hole: ``name: lowest version let in < first good one``."""
    found = []
    for requirement in requirements:
        hole = holes.get(canonicalize_name(requirement.name))
        if hole is None:
            continue
        lowest = max(
            (Version(one.version) for one in requirement.specifier if one.operator in {">=", "=="}), default=None
        )
        if lowest is None or lowest < Version(hole["fixed"]):
            found.append(f"{requirement.name}: {lowest} < {hole['fixed']} ({hole['why']})")
    return found


def test_no_lower_bound_lets_in_a_known_hole():
    """Who installs us into an old environment gets no version with a hole that was known when we looked."""
    assert allowed_holes(asked(), HOLES) == []
    assert {"h11", "requests", "urllib3", "starlette", "filelock"} <= set(HOLES)


def test_no_pin_has_a_known_hole():
    """Neither do the demo and a release, indirect dependencies included."""
    pinned = [Requirement(pin.split("\\")[0]) for pin in MATERIALS.pins(PINS).values()]
    assert allowed_holes(pinned, HOLES) == []
    assert len(pinned) > 100


@pytest.mark.parametrize("text", ["h11", "h11>=0.14", "h11==0.15.0", "H11<2", "h11!=0.15"])
def test_a_hole_that_is_let_in_is_seen(text):
    """Also without a lower bound."""
    assert allowed_holes([Requirement(text)], HOLES)


def test_every_pin_has_its_version_and_its_hashes():
    """constraints.txt says what is installed down to the content, and no place of anybody's machine."""
    pinned = MATERIALS.pins(PINS)
    lines = [line for line in PINS.splitlines() if line and not line.startswith("#")]
    assert sum(each.count("\n") + 1 for each in pinned.values()) == len(lines)
    shape = r"[A-Za-z0-9._-]+(?:\[[a-z,]+\])?==[A-Za-z0-9.+!]+(?: ; [^@\\]+)? \\(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+"
    assert [each for each in pinned.values() if not re.fullmatch(shape, each)] == []


def test_everything_that_is_asked_for_is_pinned():
    """A dependency that was added without `make constraints` would not be installed by anybody."""
    pinned = MATERIALS.pins(PINS)
    extras = ("", "meltano", "postgres", "sandbox", "webhooks", "dev")
    assert sorted(set(MATERIALS.closure("ml-connector", extras)) - set(pinned) - {"ml-connector"}) == []


def test_a_bill_of_materials_names_all_there_is():
    """Each package once, with version, licence and what it needs; nothing of a contributor's tools."""
    needs = MATERIALS.closure("ml-connector", MATERIALS.EXTRAS)
    bill = MATERIALS.bill_of_materials("1.2.3", needs)
    named = {each["name"]: each for each in bill["components"]}
    assert len(named) == len(bill["components"]) == len(needs) - 1
    assert {"meltano", "psycopg", "h11", "starlette", "lxml"} <= set(named)
    assert not {"pytest", "ruff", "mypy", "hypothesis"} & set(named)
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/ml-connector@1.2.3"
    assert {each["ref"] for each in bill["dependencies"]} == {
        bill["metadata"]["component"]["bom-ref"],
        *(each["bom-ref"] for each in named.values()),
    }
    assert bill == json.loads(json.dumps(MATERIALS.bill_of_materials("1.2.3", needs)))


def test_every_package_states_its_licence():
    """A release does not ship beside what nobody may use; copyleft is told apart and is a library's, not a program's."""
    stated = {each: MATERIALS.licence(each) for each in MATERIALS.closure("ml-connector", MATERIALS.EXTRAS)}
    assert [each for each, licence in stated.items() if not licence] == []
    assert [each for each, licence in stated.items() if re.search(r"(?<!L)GPL", licence)] == []
    assert {each for each, licence in stated.items() if "LGPL" in licence} == {"psycopg", "psycopg-binary"}


def test_what_a_release_needs_is_pinned_by_content():
    """The requirements of a release are the pins of its packages, word for word."""
    text = MATERIALS.requirements(PINS, ["h11", "starlette"])
    assert set(MATERIALS.pins(text)) == {"h11", "starlette"}
    assert all(line in PINS for line in text.splitlines())
    with pytest.raises(KeyError):
        MATERIALS.requirements(PINS, ["something-new"])


def test_set_up_takes_nothing_but_what_is_pinned():
    """Hashes are required, no other kind than wheels is built, and our own package asks no index."""
    said = (ROOT / ".ci" / "setup").read_text("utf-8")
    calls = re.findall(r"^ *\{? ?pip (.*)$", said, re.MULTILINE)
    assert len(calls) == 2
    assert "--require-hashes --only-binary :all: --requirement constraints.txt" in calls[0]
    assert "--no-index --no-deps" in calls[1]


def test_what_the_threat_model_says_is_shown_is_there():
    """SECURITY.md names tests and files that exist, by path or by name."""
    said = (ROOT / "SECURITY.md").read_text("utf-8")
    paths = re.findall(r"`((?:tests/)?[\w/]+(?:\.py|/))`", said)
    assert len(paths) > 10
    assert [each for each in paths if not ((ROOT / each).exists() or list((ROOT / "tests").rglob(each)))] == []


# Secrets in the tree.

SECRETS = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "access key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{35}\b"),
    "token of a code host": re.compile(r"\bgh[opsur]_[A-Za-z0-9]{36}\b|\bgithub_pat_\w{50,}|\bglpat-[\w-]{20}\b"),
    "token of a package index": re.compile(r"\bpypi-[\w-]{50,}"),
    "token of a chat": re.compile(r"\bxox[abprs]-[\w-]{10,}"),
    "signed token": re.compile(r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}"),
    "password in an address": re.compile(
        r"\b[a-z][a-z0-9+]*://[^\s/:@{}<>$*'\"]+:(?!planted|password@)[^\s/:@{}<>$*'\"]{8,}@(?!127\.0\.0\.1|localhost)"
    ),
}
ASSIGNED = re.compile(
    r"(?i)(?:password|secret|token|dev_?key|api_?key)\w*[\"']?\s*[:=]\s*[\"']?([^\s\"',;()\[\]{}]{16,})"
)


VAULT_KEY = re.compile(r"(?<![\w/+-])[\w-]{43}=(?![\w=])")


PLANTED = re.compile(r'" \+ "')
"""In the cases below the secrets are written in two pieces, so that no scanner takes them for real ones."""


def entropy(text):
    """Return the bits per character of a text."""
    return -sum(text.count(each) / len(text) * math.log2(text.count(each) / len(text)) for each in set(text))


def random(text):
    """Whether a text looks drawn rather than written: letters of both cases and digits, in no order."""
    kinds = (r"\d", r"[A-Z]", r"[a-z]")
    return "://" not in text and entropy(text) > 4.2 and all(re.search(kind, text) for kind in kinds)


def secrets_in(text):
    """Return which kinds of secrets a text has: by their shape, or as something random that is called one."""
    kinds = {kind for kind, shape in SECRETS.items() if shape.search(text)}
    if any(map(random, VAULT_KEY.findall(text))):
        kinds.add("key of a vault")
    if any(map(random, ASSIGNED.findall(text))):
        kinds.add("something random that is called a secret")
    return kinds


def tracked():
    """Return the files of the tree that git knows or would take in."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no checkout of git")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.slow
def test_the_tree_has_no_secrets():
    """No file that would be published holds a key, a token or a password."""
    found = {}
    for path in tracked():
        if path == Path(__file__):
            continue
        kinds = secrets_in(path.read_bytes().decode("utf-8", "replace"))
        if kinds:
            found[str(path.relative_to(ROOT))] = kinds
    assert found == {}


@pytest.mark.long
def test_the_history_has_no_secrets():
    """What was taken out again would be published as well."""
    words = ["git", "log", "-p", "--no-color", "HEAD"]
    found = []
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace") as log:
        commit = ""
        for line in log.stdout:
            if line.startswith("commit "):
                commit = line.split()[1][:12]
            elif line.startswith("+") and "test_supply_chain" not in line and secrets_in(line[1:]):
                found.append((commit, line))
    if log.returncode:
        pytest.skip("this is no checkout of git")
    assert [each for each in found if not PLANTED.search(each[1])] == []


def test_files_that_hold_secrets_are_never_taken_in():
    """What credentials, keys and ledgers are kept in is named in .gitignore, and none of it is in the tree."""
    private = [".env", ".ml-connector/vault.json", ".ml-connector/ledger.db", ".meltano/run/tap-bill/x.config.json"]
    words = ["git", "check-ignore", *private]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 128:
        pytest.skip("this is no checkout of git")
    assert done.stdout.split() == private


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "key = 'AKIA" + "IOSFODNN7EXAMPLQ'",
        "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
        "ML_CONNECTOR_KEY=" + "q3T5v7X9z1B3d5F7h9J1l3N5p7R9t1V3x5Z7b9D1f3H" + "=",
        "postgresql://ledger:" + "Tr0ub4dor&3x@db.example.invalid/ledger",
        "dev_key: " + "x7Kq9ZpL2mVt4RwY8sBn6JdG",
    ],
)
def test_a_planted_secret_is_seen(text):
    """Each kind is found where it stands in a line of something."""
    assert secrets_in(f"a\n{text}\nb")


@pytest.mark.parametrize(
    "text",
    [
        "password: ${TAP_BILL_PASSWORD}",
        "token=token_of_the_next_page_of_results",
        "https://host.invalid/a:b@c",
        "SECRET = secret_of(config)",
    ],
)
def test_a_placeholder_is_no_secret(text):
    """Names, variables and invented words pass."""
    assert not secrets_in(text)
