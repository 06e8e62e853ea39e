"""Facts that comments cite stand in the pages of the systems, where a reader of the repository finds them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "systems"
FOLDERS = ("benchmarks", "docs", "ml_connector", "sandbox", "taps", "targets", "tests", "transforms")
KINDS = {".md", ".py", ".yml"}

TARGET = re.compile(r'<a id="([^"]+)"></a>')
CITATION = re.compile(r"docs/systems/([\w-]+)\.md((?:(?:, | and | to )?#[\w-]+)*)")


def _texts():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in KINDS and path != Path(__file__):
                yield path.relative_to(ROOT), path.read_text("utf-8")


def _targets(page):
    path = PAGES / f"{page}.md"
    return Counter(TARGET.findall(path.read_text("utf-8"))) if path.exists() else None


def _unfound(text):
    """Return the citations of a text that lead nowhere."""
    lost = []
    for page, anchors in CITATION.findall(text):
        targets = _targets(page)
        cited = re.findall(r"#([\w-]+)", anchors)
        lost += [f"{page}.md"] if targets is None else [f"{page}.md#{each}" for each in cited if each not in targets]
    return lost


def test_every_citation_leads_to_a_fact():
    """Pages and entries that are cited exist."""
    assert {str(path): lost for path, text in _texts() if (lost := _unfound(text))} == {}


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("(docs/systems/workday.md#w4-1)", []),
        ("docs/systems/workday.md#w0-4, #w2-4 and #w7", []),
        ("docs/systems/workday.md", []),
        ("docs/systems/workday.md#w4-99", ["workday.md#w4-99"]),
        ("docs/systems/workday.md#w1 and #w99", ["workday.md#w99"]),
        ("docs/systems/nowhere.md#w1", ["nowhere.md"]),
    ],
)
def test_a_citation_that_leads_nowhere_is_found(text, lost):
    """Also the second of two, and one of a page that does not exist."""
    assert _unfound(text) == lost


def test_no_entry_of_a_page_stands_twice():
    """A citation means one place."""
    counts = {path.name: _targets(path.stem) for path in PAGES.glob("*.md")}
    assert {
        name: twice for name, count in counts.items() if (twice := [each for each in count if count[each] > 1])
    } == {}


@pytest.mark.parametrize("system", ["workday"])
def test_facts_of_a_system_that_has_a_page_are_cited_from_it(system):
    """Not from a sheet the reader does not have."""
    assert [str(path) for path, text in _texts() if re.search(rf"\bsheet {system}\b", text)] == []


def _quoted(cell):
    return [each.replace("\\|", "|") for each in re.findall(r"`([^`]+)`", cell)]


def _errors(page):
    """Return the rows of a page's table of errors: what the stand-in says, and what the code looks for."""
    table = (PAGES / f"{page}.md").read_text("utf-8").partition("| text of the stand-in |")[2].partition("\n\n")[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:3] for line in table.splitlines()[2:]]
    return [(_quoted(said), _quoted(sought)) for said, sought in rows]


def _source(folder):
    return "\n".join(path.read_text("utf-8") for path in sorted((ROOT / folder).rglob("*.py")))


@pytest.mark.parametrize("system", ["workday"])
def test_error_texts_of_a_page_are_those_of_stand_in_and_code(system):
    """Word for word, so that a text that changes in one place is changed in all."""
    stand_in = _source(f"sandbox/erp_sandbox/{system}")
    code = (ROOT / "ml_connector" / "systems" / system / "errors.py").read_text("utf-8")
    rows = _errors(system)
    assert rows
    assert [text for said, _ in rows for text in said if text not in stand_in] == []
    assert [text for _, sought in rows for text in sought if text not in code] == []
