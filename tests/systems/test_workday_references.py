"""Reference data of a tenant: found by any id, never by name, and compared by one."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from lxml import etree

from ml_connector.errors import PermissionDenied
from ml_connector.systems.workday.references import Ambiguous, References
from ml_connector.systems.workday.xml import Node, Ref, compact, is_wid, reference

WD = 'xmlns:wd="urn:com.workday/bsvc"'
W1, W2, W3 = "1" * 32, "2" * 32, "3" * 32


def ids(**by_type):
    """The ids of a reference."""
    return "".join(f'<wd:ID wd:type="{kind}">{value}</wd:ID>' for kind, value in by_type.items())


def cost_center(wid, key, code, *, name="Delivery", active="true", data="Cost_Center_Data"):
    """A row of Get_Cost_Centers."""
    refs = ids(WID=wid, Organization_Reference_ID=key, Cost_Center_Reference_ID=key)
    organization = f"<wd:Organization_Name>{name}</wd:Organization_Name><wd:Organization_Code>{code}</wd:Organization_Code><wd:Organization_Active>{active}</wd:Organization_Active>"
    return f"<wd:Cost_Center><wd:Cost_Center_Reference>{refs}</wd:Cost_Center_Reference><wd:{data}><wd:Organization_Data>{organization}</wd:Organization_Data></wd:{data}></wd:Cost_Center>"


def supplier(wid, key, *extra, name="Northwind LLC", reference_id=None):
    """A row of Get_Suppliers."""
    refs = ids(
        WID=wid,
        **({"Supplier_ID": key} if key else {}),
        **({"Supplier_Reference_ID": reference_id} if reference_id else {}),
    )
    return (
        f"<wd:Supplier><wd:Supplier_Reference>{refs}</wd:Supplier_Reference><wd:Supplier_Data>"
        f"<wd:Supplier_Name>{name}</wd:Supplier_Name>{''.join(extra)}</wd:Supplier_Data></wd:Supplier>"
    )


def status(*values):
    """The status rows of a supplier."""
    rows = (
        f'<wd:Status_Reference wd:Descriptor="{value.title()}">{ids(Business_Entity_Status_Value_ID=value)}</wd:Status_Reference>'
        for value in values
    )
    return "".join(f"<wd:Supplier_Status_Data>{row}</wd:Supplier_Status_Data>" for row in rows)


def accounts(set_id, *rows):
    """A row of Get_Account_Sets."""
    data = "".join(
        f"<wd:Ledger_Account_Data><wd:Ledger_Account_Identifier>{number}</wd:Ledger_Account_Identifier>"
        f"<wd:Ledger_Account_Name>Fees</wd:Ledger_Account_Name><wd:Retired>{retired}</wd:Retired></wd:Ledger_Account_Data>"
        for number, retired in rows
    )
    return f"<wd:Account_Set><wd:Account_Set_Data><wd:Account_Set_ID>{set_id}</wd:Account_Set_ID>{data}</wd:Account_Set_Data></wd:Account_Set>"


class FakeClient:
    """Answers every Get with the rows given, and counts how often it was asked."""

    def __init__(self, *rows):
        self.page = Node(etree.fromstring(f"<wd:Response_Data {WD}>{''.join(rows)}</wd:Response_Data>"))
        self.asked = []

    def offerings(self, *candidates):
        """All of them."""
        return list(candidates)

    def service(self, _name):
        """A service without a response group."""
        return SimpleNamespace(shape=lambda _operation: SimpleNamespace(has=lambda _field: False))

    def pages(self, _service, operation, _body, **_):
        """One page."""
        self.asked.append(operation)
        yield self.page


def references(*rows):
    """Reference data of a tenant with these rows."""
    return References(FakeClient(*rows))


@pytest.mark.parametrize("value", ["CC-410", W1, "410"])
def test_a_thing_is_found_by_any_id_and_by_its_code(value):
    """A mapping table may hold whichever people use."""
    thing = references(cost_center(W1, "CC-410", "410")).find("cost_center", value)
    assert thing.reference() == {"ID": [{"_value_1": "CC-410", "type": "Cost_Center_Reference_ID"}]}


@pytest.mark.parametrize("value", ["Delivery", "cc-410", "CC-41"])
def test_nothing_is_found_by_its_name_or_nearly(value):
    """Two things may share a name; a guess posts to the wrong account."""
    assert references(cost_center(W1, "CC-410", "410")).find("cost_center", value) is None


def test_a_shared_code_is_ambiguous_and_an_id_is_not():
    """The choices are named."""
    made = references(cost_center(W1, "CC-1", "410"), cost_center(W2, "CC-2", "410"))
    with pytest.raises(Ambiguous, match=r"CC-1, CC-2"):
        made.find("cost_center", "410")
    assert made.find("cost_center", "CC-2").ids["WID"] == W2


def test_an_inactive_namesake_does_not_make_a_code_ambiguous():
    """A code is often given on after its first bearer was closed."""
    made = references(cost_center(W1, "CC-1", "410", active="false"), cost_center(W2, "CC-2", "410"))
    assert made.find("cost_center", "410").id == "CC-2"


@pytest.mark.parametrize("data", ["Cost_Center_Data", "Simple_Cost_Center_Data"])
def test_cost_centers_come_in_two_shapes(data):
    """Both have an Organization_Data, or can do without."""
    assert references(cost_center(W1, "CC-1", "410", data=data)).find("cost_center", "CC-1").name == "Delivery"


@pytest.mark.parametrize(
    "block",
    [
        "<wd:Tax_ID_Data><wd:Tax_ID_Text>94-781</wd:Tax_ID_Text></wd:Tax_ID_Data>",
        "<wd:Tax_ID_Widget_Data><wd:Tax_ID_Data><wd:Tax_ID_Text>94 781</wd:Tax_ID_Text></wd:Tax_ID_Data></wd:Tax_ID_Widget_Data>",
        "<wd:Business_Entity_Data><wd:Business_Entity_Tax_ID>94781</wd:Business_Entity_Tax_ID></wd:Business_Entity_Data>",
    ],
)
def test_tax_numbers_are_read_in_every_dialect(block):
    """From v40 on they stand one level deeper."""
    made = references(supplier(W1, "S-1", block))
    assert [thing.id for thing in made.suppliers_with(tax_id="9.4.7.8.1")] == ["S-1"]


@pytest.mark.parametrize(
    "rows, active",
    [((), True), (("ACTIVE",), True), (("INACTIVE",), False), (("HOLD",), False), (("INACTIVE", "ACTIVE"), True)],
)
def test_a_supplier_is_active_when_a_status_says_so_or_none_says_anything(rows, active):
    """Workday itself refuses what we let through by mistake."""
    assert references(supplier(W1, "S-1", status(*rows))).supplier("S-1").active is active


def test_a_supplier_without_an_id_is_known_by_its_wid():
    """Some suppliers have no Supplier_ID."""
    thing = references(supplier(W1, None)).supplier(W1)
    assert thing.reference() == {"ID": [{"_value_1": W1, "type": "WID"}]}


def test_an_empty_tax_number_matches_nobody():
    """Else all suppliers without one would be the same."""
    made = references(supplier(W1, "S-1", "<wd:Tax_ID_Data><wd:Tax_ID_Text>-</wd:Tax_ID_Text></wd:Tax_ID_Data>"))
    assert made.suppliers_with(tax_id="--") == made.suppliers_with(tax_id="") == []


@pytest.mark.parametrize("ref", ["S-1", "R-1", W1, Ref({"WID": W1}), Ref({"Supplier_Reference_ID": "R-1"})])
def test_whichever_id_is_given_the_same_one_is_compared(ref):
    """Facts of a document and of what was read must be equal when they mean the same."""
    assert references(supplier(W1, "S-1", reference_id="R-1")).canonical("supplier", ref) == "S-1"


def test_what_is_unknown_is_compared_by_what_it_says():
    """A supplier that is not visible any more still has an id."""
    made = references(supplier(W1, "S-1"))
    assert made.canonical("supplier", Ref({"WID": W3, "Supplier_ID": "S-9"})) == "S-9"
    assert made.canonical("supplier", "S-9") == "S-9"
    assert made.canonical("supplier", None) is None


@pytest.mark.parametrize(
    "rows, value, active",
    [
        ((accounts("Std", ("6000", "false")),), "6000", True),
        ((accounts("Std", ("6000", "true")),), "6000", False),
        ((accounts("Std", ("6000", "true")), accounts("Alt", ("6000", "false"))), "6000", True),
        ((accounts("Std", ("6000", "true")), accounts("Alt", ("6000", "false"))), "Std/6000", False),
    ],
)
def test_an_account_is_retired_when_it_is_so_everywhere(rows, value, active):
    """Or in the account set that is named."""
    assert references(*rows).find("gl_account", value).active is active


def test_each_kind_is_read_once_however_many_ask():
    """By many threads at the same time."""
    made = references(cost_center(W1, "CC-410", "410"))
    threads = [threading.Thread(target=made.find, args=("cost_center", "CC-410")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made._client.asked == ["Get_Cost_Centers"]


def test_an_essential_kind_nobody_may_read_names_its_domain():
    """The message is for whoever maintains the tenant's security."""
    made = references()

    def refuse(*_, **__):
        raise PermissionDenied("workday", "Get_Suppliers", "The task submitted is not authorized.")

    made._client.pages = refuse
    with pytest.raises(PermissionDenied, match=r"not authorized.*View: Supplier"):
        made.load("supplier")
    assert made.readable("gl_account") is False


def test_what_one_service_denies_may_be_had_from_another():
    """An operation that two services have is tried in both: permissions differ by service."""
    made = references(cost_center(W1, "CC-410", "410"))
    pages = made._client.pages

    def refuse_the_first(service, operation, body, **more):
        if not made._client.asked:
            made._client.asked.append(operation)
            raise PermissionDenied("workday", operation, "The task submitted is not authorized.")
        return pages(service, operation, body, **more)

    made._client.pages = refuse_the_first
    made._client.offerings = lambda *candidates: [*candidates, *candidates]
    assert made.find("cost_center", "CC-410") is not None


class TestXml:
    """The small things all reading rests on."""

    def node(self, inner):
        """An element with these children."""
        return Node(etree.fromstring(f"<wd:X {WD}>{inner}</wd:X>"))

    @pytest.mark.parametrize("text", ["2026-09-01", "2026-09-01-07:00", "2026-09-01Z", " 2026-09-01-07:00 "])
    def test_a_date_is_its_first_ten_characters(self, text):
        """Answers carry a zone."""
        assert self.node(f"<wd:D>{text}</wd:D>").date("D").isoformat() == "2026-09-01"

    @pytest.mark.parametrize("text, value", [("true", True), ("1", True), ("false", False), ("0", False), ("", None)])
    def test_a_flag_is_an_xsd_boolean(self, text, value):
        """Absent is neither."""
        assert self.node(f"<wd:F>{text}</wd:F>").flag("F") is value

    def test_ids_are_chosen_by_type(self):
        """Never by position."""
        ref = self.node(f"<wd:R>{ids(B='b', WID=W1, A='a')}</wd:R>").ref("R")
        assert (ref.wid, ref.pick("A", "B"), ref.pick("C")) == (W1, "a", None)

    @pytest.mark.parametrize("value", ["", "  "])
    def test_an_empty_reference_cannot_be_made(self, value):
        """Workday refuses it, so it is never sent."""
        with pytest.raises(ValueError, match="empty"):
            reference("Supplier_ID", value)

    @pytest.mark.parametrize("value, wid", [(W1, True), ("A" * 32, False), (W1[:-1], False), ("S-1", False)])
    def test_a_wid_is_recognised(self, value, wid):
        """32 hexadecimal digits; it is then sent as one."""
        assert is_wid(value) is wid
        assert reference("Supplier_ID", f" {value} ")["ID"] == [
            {"_value_1": value, "type": "WID" if wid else "Supplier_ID"}
        ]

    def test_audit_texts_have_no_bank_details(self):
        """Whatever the answer carries."""
        text = compact(
            self.node(
                "<wd:Keep>yes</wd:Keep>\n <wd:Settlement_Account_Data><wd:IBAN>CH93</wd:IBAN></wd:Settlement_Account_Data><wd:Bank_Account_Number>777</wd:Bank_Account_Number>"
            ).element
        )
        assert "yes" in text
        assert "CH93" not in text
        assert "777" not in text

    def test_audit_texts_are_capped(self):
        """A ledger row is no place for megabytes."""
        assert len(compact(self.node(f"<wd:A>{'x' * 100_000}</wd:A>").element)) < 33_000
