"""Supplier invoice adjustments: credits with positive amounts."""

from __future__ import annotations

from decimal import Decimal

import pytest

DATA = "/wd:Submit_Supplier_Invoice_Adjustment_Request[1]/wd:Supplier_Invoice_Adjustment_Data[1]"


def test_a_credit_is_kept_beside_the_invoices(tenant, xml):
    """An adjustment has its own names, its own ids, and does not count as an invoice."""
    tenant.submit()
    original = xml.ref("Original_Invoice_Reference", "Supplier_Invoice_Reference_ID", "BILL-1")
    answer = tenant.send(xml.adjustment(Original_Invoice_Reference=original, Document_Memo="returned"))
    assert answer.status == 200, answer.text
    reference = answer.ids("Supplier_Invoice_Adjustment_Reference", "Supplier_Invoice_Adjustment_Reference_ID")
    assert reference == ["BILL-C1"]
    (credit,) = tenant.store.adjustments
    assert (credit.total, credit.increase_liability, credit.memo) == (Decimal(100), False, "returned")
    assert (credit.adjustment_reason, credit.original_invoice) == ("OTHER_TERMS", "BILL-1")
    assert tenant.store.count() == 1


def test_a_credit_reads_back(tenant, xml):
    """The Get shows what was sent, under the adjustment's own names."""
    tenant.send(xml.adjustment(Document_Memo="returned"))
    answer = tenant.send(xml.get("Get_Supplier_Invoice_Adjustments"))
    assert answer.texts("Supplier_Invoice_Adjustment_ID") == ["BILL-C1"]
    assert answer.texts("Control_Total_Amount") == ["100"]
    assert answer.texts("Document_Memo") == ["returned"]
    assert answer.texts("Increase_Liability") == ["false"]
    assert answer.ids("Adjustment_Reason_Reference", "Adjustment_Reason_ID") == ["OTHER_TERMS"]
    none = xml.ref("Adjustment_Reasons_Reference", "Adjustment_Reason_ID", "RETURNED_GOODS")
    assert tenant.send(xml.get("Get_Supplier_Invoice_Adjustments", criteria=none)).texts("Total_Results") == ["0"]


@pytest.mark.parametrize(
    "changes, element",
    [
        ({"Adjustment_Reason_Reference": None}, "Adjustment_Reason_Reference"),
        ({"Increase_Liability": None}, "Increase_Liability"),
        ({"Adjustment_Date": None}, "Adjustment_Date"),
        ({"Control_Total_Amount": "99"}, "Control_Total_Amount"),
    ],
)
def test_a_credit_has_reason_direction_date_and_total(tenant, xml, changes, element):
    """What is missing or wrong is refused at its place."""
    answer = tenant.send(xml.adjustment(**changes))
    assert answer.texts("Xpath") == [f"{DATA}/wd:{element}[1]"], answer.text
    assert tenant.store.adjustments == []


def test_amounts_of_a_credit_are_positive(tenant, xml):
    """The direction is said by Increase_Liability, not by a sign."""
    answer = tenant.send(xml.adjustment(Control_Total_Amount="-5", lines=[xml.line(Extended_Amount="-5")]))
    assert answer.code == "SOAP-ENV:Client.validationError"


def test_a_credit_is_not_posted_twice(tenant, xml):
    """The id and the supplier's number are used once."""
    assert tenant.send(xml.adjustment()).status == 200
    again = tenant.send(xml.adjustment())
    assert again.messages == ["The Web Service is set to Add Only; documents cannot be resubmitted."]
    other = xml.adjustment(
        Supplier_Invoice_Adjustment_ID="<wd:Supplier_Invoice_Adjustment_ID>BILL-C2</wd:Supplier_Invoice_Adjustment_ID>"
    )
    assert tenant.send(other).texts("Xpath") == [f"{DATA}/wd:Suppliers_Invoice_Number[1]"]
