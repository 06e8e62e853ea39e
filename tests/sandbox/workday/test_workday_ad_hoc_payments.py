"""Submit_Ad_Hoc_Payment and Get_Ad_Hoc_Payments: what is recorded and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from erp_sandbox.workday.store import WorkdayStore

DATA = "/wd:Submit_Ad_hoc_Payment_Request[1]/wd:Ad_hoc_Payment_Data[1]"


@pytest.fixture
def record(tenant, xml):
    """Records a payment; elements given replace (or with None remove) those of a good one."""

    def send(version="v42.2", **changes):
        elements = {
            "Ad_hoc_Payment_ID": "<wd:Ad_hoc_Payment_ID>BILLPAY-1</wd:Ad_hoc_Payment_ID>",
            "Submit": "<wd:Submit>true</wd:Submit>",
            "Company_Reference": xml.ref("Company_Reference", "Company_Reference_ID", "CO-100"),
            "Bank_Account_Reference": xml.ref("Bank_Account_Reference", "Bank_Account_ID", "BA-BILL-CLEARING"),
            "Payee_Reference": xml.ref("Payee_Reference", "Supplier_ID", "S-1"),
            "Currency_Reference": xml.ref("Currency_Reference", "Currency_ID", "USD"),
            "Payment_Date": "<wd:Payment_Date>2026-02-20</wd:Payment_Date>",
            "Control_Total_Amount": "<wd:Control_Total_Amount>100.00</wd:Control_Total_Amount>",
            "Lines": xml.line(),
        }
        inner = "".join(text for text in {**elements, **changes}.values() if text)
        body = (
            '<wd:Submit_Ad_hoc_Payment_Request wd:Add_Only="true">'
            f"<wd:Ad_hoc_Payment_Data>{inner}</wd:Ad_hoc_Payment_Data></wd:Submit_Ad_hoc_Payment_Request>"
        )
        return tenant.send(body, service="Cash_Management", version=version)

    return send


@pytest.mark.parametrize("version", ["v30.0", "v42.2"])
def test_a_payment_is_kept_and_read_back(tenant, xml, record, version):
    """Under its id, and in the window of its day."""
    answer = record(version)
    assert answer.ids("Ad_hoc_Payment_Reference", "Ad_hoc_Payment_Reference_ID") == ["BILLPAY-1"]
    for criteria, found in (("2026-02-20", ["BILLPAY-1"]), ("2026-02-21", [])):
        window = f"<wd:Payment_Date_on_Date_or_After>{criteria}</wd:Payment_Date_on_Date_or_After>"
        read = tenant.send(xml.get("Get_Ad_hoc_Payments", criteria=window), service="Cash_Management", version=version)
        assert read.texts("Ad_hoc_Payment_ID") == found
    assert tenant.store.ad_hoc_payments["BILLPAY-1"].lines[0].extended_amount == Decimal("100.00")


def test_a_payment_is_recorded_once(tenant, record):
    """A second one under the same id is refused."""
    record()
    assert record().messages == ["The Web Service is set to Add Only; documents cannot be resubmitted."]
    assert len(tenant.store.ad_hoc_payments) == 1


@pytest.mark.parametrize(
    "element",
    [
        "Ad_hoc_Payment_ID",
        "Company_Reference",
        "Bank_Account_Reference",
        "Payee_Reference",
        "Currency_Reference",
        "Payment_Date",
        "Lines",
    ],
)
def test_what_every_payment_needs_is_required(tenant, record, element):
    """Company, bank account, payee, currency, date, an id of ours and what was paid."""
    assert record(**{element: None}).code == "SOAP-ENV:Client.validationError"
    assert tenant.store.ad_hoc_payments == {}


def test_the_control_total_is_that_of_the_lines(record):
    """As on an invoice."""
    answer = record(Control_Total_Amount="<wd:Control_Total_Amount>99</wd:Control_Total_Amount>")
    assert answer.texts("Xpath") == [f"{DATA}/wd:Control_Total_Amount[1]"]


def test_payments_outlive_the_tenant(tenant, record, seed):
    """They are part of what is kept between two runs."""
    record()
    again = WorkdayStore(seed)
    again.from_json(tenant.store.to_json())
    assert again.ad_hoc_payments == tenant.store.ad_hoc_payments
    assert again.instances.has("Ad_Hoc_Payment", "BILLPAY-1")
