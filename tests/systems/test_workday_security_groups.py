"""What a report of the security groups says about the domains that are needed, however its columns are called."""

from __future__ import annotations

import pytest

from ml_connector.systems.workday import security_groups
from ml_connector.systems.workday.probing import Need

POSTING = Need(((("Resource_Management", "Get_X")),), "nothing works", "Process: X", writes=("Submit_X",))
READING = Need(((("Resource_Management", "Get_Y")),), "nothing works", "View: Y")


@pytest.mark.parametrize(
    ("row", "outcome", "detail"),
    [
        ({"Policy": "process: x", "Security_Group": "ISSG", "Access": "Get and Put"}, "ok", "granted to ISSG"),
        ({"Name": "Process: X", "Get": "1", "Put": "1"}, "ok", "granted to us"),
        ({"Name": "Process: X; Process: Z", "Groups": "B; A"}, "ok", "granted to A, B"),
        (
            {"policy": {"id": "1", "descriptor": "Process: X"}, "group": {"id": "2", "descriptor": "ISSG"}},
            "ok",
            "granted to ISSG",
        ),
        ({"Name": "Process: X", "Access": ["View", "Modify"]}, "ok", "granted to us"),
        ({"Name": "Process: X", "Get": "1", "Put": "0"}, "denied", "Get only, Put is needed"),
        ({"Name": "Process: X", "Access": "View Only"}, "denied", "Get only, Put is needed"),
        (
            {"Name": "Process: X Y", "Access": "Get and Put"},
            "denied",
            "none of the 1 rows of the group report names it",
        ),
    ],
)
def test_a_row_is_read_by_what_it_says(monkeypatch, row, outcome, detail):
    """What can only be read cannot be posted to; a report that tells no access is believed."""
    monkeypatch.setattr(security_groups, "report_rows", lambda *_: [row])
    probe, *_ = security_groups.probe_domains(None, "owner/Report?Group=ISSG", [POSTING], uses_wql=False)
    assert (probe.operation, probe.outcome, probe.detail) == ('domain "Process: X"', outcome, detail)


def test_a_domain_that_is_only_read_needs_no_more(monkeypatch):
    """And WQL needs one of its own, where it is used."""
    rows = [{"Domain": "View: Y", "Access": "Get"}, {"Domain": "Supplier Invoice Event"}]
    monkeypatch.setattr(security_groups, "report_rows", lambda *_: rows)
    probes = security_groups.probe_domains(None, "owner/Report", [READING], uses_wql=True)
    assert [(probe.operation, probe.outcome) for probe in probes] == [
        ('domain "View: Y"', "ok"),
        ('business process "Supplier Invoice Event"', "ok"),
        ('domain "Workday Query Language"', "denied"),
    ]
