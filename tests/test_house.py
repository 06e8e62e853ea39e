"""The habits of the house, as far as a program can check them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE_SUFFIXES = {".py"}
TEXT_SUFFIXES = {
    ".py",
    ".md",
    ".yml",
    ".yaml",
    ".toml",
    ".txt",
    ".csv",
    ".json",
    ".cfg",
    ".ini",
    ".sh",
    ".example",
    "",
}
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|NotImplementedError)\b")
MACHINE_PATH = re.compile(r"(?<![\w.:/}~-])/(?:work|root|home|Users|tmp|private)/\w")
INDEX_HOST = re.compile(r"\b(?:py[p]i|pythonh[o]sted)\.org\b|(?:extra-)?index-url|find-links")


def project_files(suffixes=frozenset(TEXT_SUFFIXES)):
    """Return the project's own text files: everything but what .gitignore names."""
    ignored = {
        line.strip().rstrip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines() if line.strip()
    } | {".git"}
    return [path for path in _walk(ROOT, ignored) if path.suffix in suffixes]


def _walk(folder, ignored):
    for path in sorted(folder.iterdir()):
        if any(path.match(pattern) for pattern in ignored):
            continue
        if path.is_dir():
            yield from _walk(path, ignored)
        else:
            yield path


def matches(pattern, paths):
    """Return ``file:line`` for each line in which a pattern is found; this file, which names them all, aside."""
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in paths
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def names_without_sentence(source):
    """Return the names of the test functions whose docstring is missing or is not a sentence."""
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").endswith(".")
    ]


def make_targets(makefile):
    """Return the targets of a Makefile a person may call, each with its help text or None."""
    rules = re.findall(r"^([a-z][a-z-]*):(?!=)[^#\n]*(?:## (.+))?$", makefile, re.MULTILINE)
    return {name: text or None for name, text in rules}


def test_every_test_says_what_it_specifies():
    """Each test has a docstring that ends with a period."""
    silent = [
        f"{path.relative_to(ROOT)}::{name}"
        for path in (ROOT / "tests").rglob("*.py")
        for name in names_without_sentence(path.read_text("utf-8"))
    ]
    assert silent == []


def test_a_test_without_a_sentence_is_seen():
    """A missing docstring and one that is no sentence are both reported."""
    source = 'def test_a(): pass\ndef test_b():\n    """B"""\ndef test_c():\n    """C is so."""\n'
    assert names_without_sentence(source) == ["test_a", "test_b"]


def test_nothing_is_left_unfinished():
    """No module carries a note that something is still to be done."""
    assert matches(UNFINISHED, project_files(CODE_SUFFIXES)) == []


def test_no_file_names_a_machine_or_a_package_index():
    """No file carries an absolute path of somebody's machine, or where packages were downloaded from."""
    assert matches(MACHINE_PATH, project_files()) == []
    assert matches(INDEX_HOST, project_files()) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (UNFINISHED, "# TODO: later"),
        (UNFINISHED, "raise NotImplementedError"),
        (MACHINE_PATH, "path = '/home/ann/ledger.db'"),
        (MACHINE_PATH, "see /Users/ann/ledger.db"),
        (INDEX_HOST, "--index-url something"),
        (INDEX_HOST, "--find-links wheels"),
    ],
)
def test_a_planted_offence_is_seen(pattern, line):
    """The patterns find what they are for."""
    assert pattern.search(line)


@pytest.mark.parametrize("line", ["/v3/bills", "https://host.invalid/work/x", "${HOME}/home/x", "method", "TODOS"])
def test_an_innocent_line_is_not_reported(line):
    """Addresses and ordinary words pass."""
    assert not any(pattern.search(line) for pattern in (UNFINISHED, MACHINE_PATH, INDEX_HOST))


def test_the_changelog_has_a_place_for_what_comes():
    """The changelog opens with what is not released yet."""
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"


def test_every_make_target_is_explained():
    """`make help` has a line for each task."""
    targets = make_targets((ROOT / "Makefile").read_text("utf-8"))
    assert {"help", "setup", "demo", "test", "lint", "docs", "clean"} <= set(targets)
    assert [name for name, text in targets.items() if text is None] == []


def test_a_make_target_without_help_is_seen():
    """A rule without a comment is reported as such."""
    assert make_targets("a: b ## does a\nnaked:\n\t@true\nX := 1\n") == {"a": "does a", "naked": None}


def test_documents_name_only_make_targets_that_exist():
    """Each `make something` in a page or workflow is a task of the Makefile."""
    targets = make_targets((ROOT / "Makefile").read_text("utf-8"))
    pages = project_files({".md"})
    named = {name for path in pages for name in re.findall(r"`make ([a-z-]+)", path.read_text("utf-8"))}
    assert named <= set(targets)


def test_what_a_target_found_itself_is_not_put_into_the_systems_mouth():
    """Nobody reads "Workday answered" of what we saw for ourselves and so did not send."""
    answers = {"Conflict", "NotFound", "Rejected"}
    assert [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in project_files(CODE_SUFFIXES)
        if path.is_relative_to(ROOT / "targets")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in answers
    ] == []
