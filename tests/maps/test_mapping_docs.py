"""The mapping guide says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ml_connector.documents import DOCUMENT_CLASSES
from ml_connector.mapping.functions import FUNCTIONS
from ml_connector.mapping.mapfile import PACKAGED_MAPS, StreamSpec

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "mapping.md").read_text("utf-8")


def row(name, setting):
    """Return the guide's row of a setting."""
    default = setting["default"]
    truth = isinstance(default, bool)
    shown = (
        str(default).lower()
        if truth
        else (", ".join(default) or "none")
        if isinstance(default, list)
        else default or "not set"
    )
    choices = ", ".join(setting.get("choices", ())) or ("true, false" if truth else "any")
    return f"| `{name}` | {shown} | {choices} | {' '.join(setting['description'].split())} |"


@pytest.mark.parametrize("name", sorted(path.name for path in PACKAGED_MAPS.glob("*.yml")))
def test_every_setting_of_a_packaged_map_is_told(name):
    """The table of settings is that of the map file: names, defaults, choices and descriptions."""
    declared = yaml.safe_load((PACKAGED_MAPS / name).read_text("utf-8"))["settings"]
    mark = f"<!-- settings of {name}, compared by tests/maps/test_mapping_docs.py -->"
    table = GUIDE.partition(mark)[2].lstrip().partition("\n\n")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert rows == [row(setting, spec) for setting, spec in declared.items()]


def test_every_function_is_told():
    """Each function stands in the guide's table, and the table has no other."""
    table = GUIDE.partition("| function | result |")[2].partition("\n\n")[0]
    told = {
        name
        for line in table.splitlines()
        for name in re.findall(r"`(\w+)\(", line.split("|")[1] if "|" in line else "")
    }
    assert told == FUNCTIONS


def test_every_key_is_told():
    """Each key of a stream stands in the guide, and each kind of document."""
    keys = {field.alias for field in StreamSpec.model_fields.values()} | {"__each__"}
    table = GUIDE.partition("| key of a stream | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(__\w+__)`", table)) == keys
    assert all(f"`{kind}`" in table for kind in DOCUMENT_CLASSES)


@pytest.fixture
def example(own_map):
    """The guide's example of an own map, loaded."""
    (text,) = [block for block in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL) if "streams:" in block]
    return own_map(text)


def test_the_example_map_maps(example, references):
    """The example is a whole map: it loads, filters and maps."""
    references.put("1000", "creditors", {"7": {"id": 7, "name": "Acme", "number": "K-7"}})
    invoice = {
        "id": 1,
        "company_code": "1000",
        "creditor_id": 7,
        "state": "open",
        "items": [{"net": 0}, {"net": 5}],
    }
    assert example.unwanted("invoices", invoice) == "not approved (open)"
    mapped = example.map("invoices", invoice)
    assert mapped.party == "Acme"
    assert 'acme_books creditor "Acme" (7) has no supplier in Workday' in [reason.what for reason in mapped.reasons]
