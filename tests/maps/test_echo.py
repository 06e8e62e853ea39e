"""What was made from a document of the target is not sent back to it; what was made from any other system's is sent."""

from __future__ import annotations

import itertools

import pytest

from ml_connector.crosswalk.tables import MemoryReferences, NoLinks
from ml_connector.descriptor import Descriptor, descriptors
from ml_connector.mapping.engine import MapEngine

SYSTEMS = sorted(descriptors())
PAIRS = list(itertools.permutations(SYSTEMS, 2))
PREFIXES = ["ELSEWHERE", *(descriptors()[name].prefix for name in SYSTEMS)]
ECHO = "made from a document of the target"

CARRIES = {
    "bill": ("bills", lambda id_: {"id": "1", "organizationId": "008", "description": f"Rent [ref {id_}]"}),
    "business_central": (
        "purchase_invoices",
        lambda id_: {
            "id": "1",
            "company_id": "1",
            "purchaseInvoiceLines": [{"lineType": "Comment", "description": f"Rent [ref {id_}]"}],
        },
    ),
    "workday": ("supplier_invoices", lambda id_: {"wid": "1", "tenant": "acme", "supplier_invoice_id": id_}),
}
"""For each system a stream, and a record of it that carries an id of ours where the system keeps it."""
SETTINGS = {"workday": {"send_invoices": True}}


def engine(source, target, tmp_path, **settings):
    """Return the packaged map of a system, towards another."""
    return MapEngine.load(
        f"tap-{source.replace('_', '-')}",
        target=target,
        crosswalk_dir=tmp_path,
        settings={**SETTINGS.get(source, {}), **settings},
        references=MemoryReferences(),
        links=NoLinks(),
    )


def left_out(map_, source, id_):
    """Return whether the map leaves a record out because of the id it carries."""
    stream, record = CARRIES[source]
    return ECHO in (map_.unwanted(stream, record(id_)) or "")


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_only_what_was_made_from_the_target_is_not_sent_back(source, target, prefix, tmp_path):
    """Over all ordered pairs: the target's own prefix is left out, every other one is sent."""
    known = left_out(engine(source, target, tmp_path), source, f"{prefix}-4711")
    assert known == (prefix == descriptors()[target].prefix)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_setting_widens_it_per_target(source, target, tmp_path):
    """Further beginnings are left out too, and those of the target still are."""
    map_ = engine(source, target, tmp_path, came_from_target=["ELSEWHERE-"])
    assert left_out(map_, source, "ELSEWHERE-4711")
    assert left_out(map_, source, f"{descriptors()[target].prefix}-4711")


def test_every_installed_system_is_looked_at():
    """A system whose map keeps ids of ours in another place needs a row of its own here."""
    assert sorted(CARRIES) == SYSTEMS


@pytest.mark.parametrize(
    ("id_", "own"),
    [
        ("BC-4711", "4711"),
        ("BCPAY-4711", "4711"),
        ("BCFILE-4711", "4711"),
        ("BC-4711-3", "4711-3"),
        ("BCX-4711", None),
        ("BC4711", None),
        ("bc-4711", None),
        ("XBC-4711", None),
        ("BILL-4711", None),
        ("", None),
        (None, None),
    ],
)
def test_an_id_is_read_by_its_prefix(id_, own):
    """Documents, payments and files of a system begin alike; nothing else does."""
    assert Descriptor(name="bc", label="BC", prefix="BC").id_within(id_) == own
