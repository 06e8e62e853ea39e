"""The Workday stand-in against the genuine and reconstructed WSDLs of v30 and before."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lxml import etree

from erp_sandbox import credentials
from erp_sandbox.workday import soap, wsdl
from erp_sandbox.workday.contract import services
from erp_sandbox.workday.errors import SoapRefusalError
from erp_sandbox.workday.records import (
    Company,
    CostCenter,
    LedgerAccount,
    PaymentTerms,
    Seed,
    SpendCategory,
    Supplier,
)
from erp_sandbox.workday.store import WorkdayStore
from erp_sandbox.world import World

pytestmark = pytest.mark.contract

V30 = (30, 0)
XSD = "{http://www.w3.org/2001/XMLSchema}"
WD = "{urn:com.workday/bsvc}"
FILES = {
    "Resource_Management": "Resource_Management.reconstructed.wsdl",
    "Financial_Management": "Financial_Management.wsdl",
    "Integrations": "Integrations.reconstructed.wsdl",
    "Cash_Management": "Cash_Management.reconstructed.wsdl",
}
SEED = Seed(
    tenant="acme_dpt1",
    companies=(Company("CO-100", "Fabrikam Inc.", "USD"),),
    suppliers=(Supplier("S-00042", "Northwind", "ACTIVE", "BILL-1", "12-3456789", "USD"),),
    spend_categories=(
        SpendCategory("Professional_Services", "Professional Services", False, "6000"),
        SpendCategory("Office_Supplies", "Office Supplies", False, "6100"),
        SpendCategory("AP_External_Clearing", "Paid Elsewhere", False, "2000"),
    ),
    cost_centers=(
        CostCenter("CC-410", "410", "Delivery", True),
        CostCenter("CC-420", "420", "Operations", True),
    ),
    ledger_accounts=(LedgerAccount("Standard", "6000", "Professional Services", False),),
    payment_terms=(PaymentTerms("NET_30", "Net 30", 30),),
)
WORLD = World.build(vendors=9, bills=1, payments=0).workday_seed()
OPERATIONS = [(service.name, each) for service in services().values() for each in service.operations]


WITHOUT_GROUP = {"Get_Workday_Companies", "Get_Journals", "Get_References"}
CRITERIA = {
    "Get_Journals": "<wd:Request_Criteria><wd:Updated_From_Date>2020-01-01T00:00:00Z</wd:Updated_From_Date>"
    "<wd:Updated_To_Date>2026-02-01T00:00:00Z</wd:Updated_To_Date></wd:Request_Criteria>",
}


def named(value):
    """The name of an operation, for the names of tests."""
    return getattr(value, "name", None)


@dataclass(frozen=True)
class Described:
    """One element of a schema: where it stands, how often, what it holds."""

    name: str
    low: int
    high: float
    simple: str
    node: etree._Element | None


class Schema:
    """Just enough of a schema to walk it from an element down."""

    def __init__(self, root):
        self.node = next(root.iter(f"{XSD}schema"))
        self.types = {each.get("name"): each for each in self.node if each.get("name") and each.tag != f"{XSD}element"}
        self.elements = {each.get("name"): each for each in self.node.iterchildren(f"{XSD}element")}

    def compiled(self):
        """The schema for checking documents."""
        return etree.XMLSchema(etree.fromstring(etree.tostring(self.node)))

    def root(self, name):
        """The described type of a message element."""
        return self._describe(self.elements[name])

    def children(self, described):
        """The child elements in order; those of a choice may be left out, and their order means nothing."""
        return list(self._children(described.node, optional=False))

    def attributes(self, described):
        """The names of the attributes, qualified ones and references alike."""
        return {
            (each.get("name") or each.get("ref", "").split(":")[-1]): each.get("use") == "required"
            for each in described.node.iter(f"{XSD}attribute")
            if each.getparent() is described.node or each.getparent().tag == f"{XSD}extension"
        }

    def _children(self, node, *, optional):
        for each in node:
            if each.tag == f"{XSD}element":
                described = self._describe(each)
                yield replace(described, low=0) if optional else described
            elif each.tag == f"{XSD}sequence":
                yield from self._children(each, optional=optional)
            elif each.tag == f"{XSD}choice":
                yield from sorted(self._children(each, optional=True), key=lambda each: each.name)

    def _describe(self, element):
        low = int(element.get("minOccurs", "1"))
        high = float("inf") if element.get("maxOccurs") == "unbounded" else int(element.get("maxOccurs", "1"))
        simple, node = self._content(element)
        return Described(element.get("name"), low, high, simple, node)

    def _content(self, element):
        anonymous = element.find(f"{XSD}complexType")
        if anonymous is not None:
            return "", anonymous
        restriction = element.find(f"{XSD}simpleType/{XSD}restriction")
        if restriction is not None:
            return restriction.get("base").split(":")[-1], None
        prefix, _, name = element.get("type").partition(":")
        if prefix == "xsd":
            return name, None
        named = self.types[name]
        if named.tag == f"{XSD}simpleType":
            return named.find(f"{XSD}restriction").get("base").split(":")[-1], None
        return "", named


@pytest.fixture(scope="module")
def contracts(contracts_dir):
    """The real schema of each service."""
    folder = contracts_dir / "workday"
    return {name: Schema(etree.parse(folder / file).getroot()) for name, file in FILES.items()}


@pytest.fixture(scope="module")
def compiled(contracts):
    """The compiled real schema of each service."""
    return {name: schema.compiled() for name, schema in contracts.items()}


@pytest.fixture
def store():
    """A tenant with the instances the samples name."""
    store = WorkdayStore(SEED)
    store.add_worktag("Project_ID", "PRJ-12")
    return store


class Comparison:
    """Where our schema is not covered by the real one."""

    def __init__(self, ours, real):
        self.ours = ours
        self.real = real
        self.problems = []
        self._seen = set()

    def walk(self, mine, theirs, path):
        """Compare two elements of the same name and everything below."""
        self._compare_element(mine, theirs, path)
        if mine.node is None or theirs.node is None or (mine.node, theirs.node) in self._seen:
            return
        self._seen.add((mine.node, theirs.node))
        self._compare_attributes(mine, theirs, path)
        rest, passed = iter(self.real.children(theirs)), []
        for child in self.ours.children(mine):
            partner = next((each for each in rest if each.name == child.name or passed.append(each)), None)
            if partner is None:
                self.problems.append(f"{path}/{child.name}: not there, or in another place")
                return
            self.walk(child, partner, f"{path}/{child.name}")
        self.problems.extend(
            f"{path}/{each.name}: required there, missing here" for each in [*passed, *rest] if each.low
        )

    def _compare_element(self, mine, theirs, path):
        if mine.low < theirs.low:
            self.problems.append(f"{path}: may be absent here, not there")
        if mine.high > theirs.high:
            self.problems.append(f"{path}: repeats here, not there")
        if mine.simple != theirs.simple:
            self.problems.append(f"{path}: {mine.simple or 'complex'} here, {theirs.simple or 'complex'} there")

    def _compare_attributes(self, mine, theirs, path):
        here, there = self.ours.attributes(mine), self.real.attributes(theirs)
        self.problems.extend(f"{path}: attribute {name} is not there" for name in set(here) - set(there))
        self.problems.extend(
            f"{path}: attribute {name} is required there, missing here"
            for name, required in there.items()
            if required and not here.get(name)
        )


@pytest.mark.parametrize("service, operation", OPERATIONS, ids=named)
@pytest.mark.parametrize("direction", ["request", "response"])
def test_our_types_are_ordered_subsets_of_the_real_ones(contracts, service, operation, direction):
    """From every message down: the same names in the same order, no laxer occurrence, the same simple types."""
    ours = Schema(etree.fromstring(wsdl.wsdl(service, V30, "acme_dpt1").encode()))
    real = contracts[service]
    comparison = Comparison(ours, real)
    name = getattr(operation, direction)
    comparison.walk(ours.root(name), real.root(name), name)
    assert comparison.problems == []


@pytest.mark.parametrize("service", FILES)
def test_the_wsdl_is_wired_as_the_real_one(contracts_dir, service):
    """Target namespace, operations' messages, header, faults and SOAP style agree."""
    ours = etree.fromstring(wsdl.wsdl(service, V30, "acme_dpt1").encode())
    real = etree.parse(contracts_dir / "workday" / FILES[service]).getroot()
    assert ours.get("targetNamespace") == real.get("targetNamespace")
    mine, theirs = _wiring(ours), _wiring(real)
    assert mine.items() <= theirs.items()


def _wiring(root):
    """Per operation: the elements of input, output, header and faults, and the binding's styles."""
    wsdl_ns, soap_ns = "{http://schemas.xmlsoap.org/wsdl/}", "{http://schemas.xmlsoap.org/wsdl/soap/}"
    elements = {
        message.get("name"): message.find(f"{wsdl_ns}part").get("element").split(":")[-1]
        for message in root.iter(f"{wsdl_ns}message")
    }
    wired = {}
    for operation in root.find(f"{wsdl_ns}portType").iter(f"{wsdl_ns}operation"):
        parts = [
            (part.tag.removeprefix(wsdl_ns), elements[part.get("message").split(":")[-1]])
            for part in operation
            if part.get("message")
        ]
        wired[operation.get("name")] = sorted(parts)
    binding = root.find(f"{wsdl_ns}binding")
    wired["style"] = [("style", binding.find(f"{soap_ns}binding").get("style"))]
    wired["transport"] = [("transport", binding.find(f"{soap_ns}binding").get("transport"))]
    wired["use"] = sorted({("use", body.get("use")) for body in binding.iter(f"{soap_ns}body")})
    wired["header"] = sorted(
        {
            (header.get("part"), elements[header.get("message").split(":")[-1]])
            for header in binding.iter(f"{soap_ns}header")
        }
    )
    return wired


def _ask(store, service, text):
    """Run an envelope against the tenant; returns the body element of the answer."""
    content = text.replace("REDACTED", credentials.WORKDAY_ISU_PASSWORD).encode()
    message = soap.parse(content, service)
    answer = soap.answer(store, SEED.tenant, service, V30, message=message, authorization=None)
    return etree.fromstring(answer.encode())[0][0]


def _sample(contracts_dir, name):
    return (contracts_dir / "workday" / "samples" / name).read_text("utf-8")


REQUESTS = [
    "Resource_Management__submit_supplier.request.xml",
    "Resource_Management__submit_supplier_invoice.request.xml",
    "Resource_Management__get_supplier_invoices_window.request.xml",
    "Resource_Management__get_suppliers_incremental.request.xml",
    "Resource_Management__get_supplier_invoices_by_reference.request.xml",
    "Financial_Management__get_payments.request.xml",
    "Cash_Management__submit_ad_hoc_payment.request.xml",
]


def test_every_sample_of_a_served_operation_is_used(contracts_dir):
    """A sample request that appears in the contracts for an operation served here is in the list above."""
    names = {each for service in services().values() for each in (op.name.lower() for op in service.operations)}
    served = [
        path.name
        for path in (contracts_dir / "workday" / "samples").glob("*.request.xml")
        if re.sub(r"_(window|incremental|by_reference)$", "", path.name.split("__")[1].split(".")[0]) in names
    ]
    assert sorted(served) == sorted(REQUESTS)


def test_the_samples_are_accepted_and_answered_by_the_contract(contracts_dir, compiled, store):
    """In order, each sample request works and its answer is valid against the real schema."""
    for name in REQUESTS:
        service = name.partition("__")[0]
        answer = _ask(store, service, _sample(contracts_dir, name))
        compiled[service].assertValid(etree.fromstring(etree.tostring(answer)))
    assert store.count() == 1


@pytest.fixture
def grown(store, contracts_dir):
    """A tenant with an invoice, an adjustment, an ad hoc payment and a supplier with all that can be kept."""
    for name in (*REQUESTS[:2], REQUESTS[-1]):
        _ask(store, name.partition("__")[0], _sample(contracts_dir, name))
    store.edit_invoice("BILL-00n01ABCDEF", tax_option="ENTER_TAX_DUE", tax_code="TAX_ZERO", on_hold=True)
    _ask(store, "Resource_Management", _wrap(ADJUSTMENT))
    return store


ADJUSTMENT = """
<wd:Submit_Supplier_Invoice_Adjustment_Request wd:Add_Only="true"><wd:Supplier_Invoice_Adjustment_Data>
<wd:Supplier_Invoice_Adjustment_ID>BILL-C1</wd:Supplier_Invoice_Adjustment_ID><wd:Submit>true</wd:Submit>
<wd:Company_Reference><wd:ID wd:type="Company_Reference_ID">CO-100</wd:ID></wd:Company_Reference>
<wd:Currency_Reference><wd:ID wd:type="Currency_ID">USD</wd:ID></wd:Currency_Reference>
<wd:Supplier_Reference><wd:ID wd:type="Supplier_ID">S-00042</wd:ID></wd:Supplier_Reference>
<wd:Increase_Liability>false</wd:Increase_Liability>
<wd:Adjustment_Reason_Reference><wd:ID wd:type="Adjustment_Reason_ID">OTHER_TERMS</wd:ID></wd:Adjustment_Reason_Reference>
<wd:Adjustment_Date>2026-02-05</wd:Adjustment_Date>
<wd:Tax_Option_Reference><wd:ID wd:type="Tax_Option_ID">ENTER_TAX_DUE</wd:ID></wd:Tax_Option_Reference>
<wd:Control_Total_Amount>5</wd:Control_Total_Amount>
<wd:Original_Invoice_Reference><wd:ID wd:type="Supplier_Invoice_Reference_ID">BILL-00n01ABCDEF</wd:ID></wd:Original_Invoice_Reference>
<wd:Supplier_Reference_Number>CR-1</wd:Supplier_Reference_Number><wd:Document_Memo>credit</wd:Document_Memo>
<wd:Invoice_Line_Replacement_Data><wd:Line_Order>1</wd:Line_Order>
<wd:Spend_Category_Reference><wd:ID wd:type="Spend_Category_ID">Office_Supplies</wd:ID></wd:Spend_Category_Reference>
<wd:Extended_Amount>5</wd:Extended_Amount>
<wd:Supplier_Invoice_Split_Line_Data><wd:Extended_Amount>5</wd:Extended_Amount>
<wd:Worktag_Reference><wd:ID wd:type="Project_ID">PRJ-12</wd:ID></wd:Worktag_Reference></wd:Supplier_Invoice_Split_Line_Data>
</wd:Invoice_Line_Replacement_Data></wd:Supplier_Invoice_Adjustment_Data></wd:Submit_Supplier_Invoice_Adjustment_Request>
"""


def _wrap(body):
    """An envelope with the credentials of the samples and descriptors asked for."""
    wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wd="urn:com.workday/bsvc"><e:Header>'
        f'<w:Security xmlns:w="{wsse}"><w:UsernameToken><w:Username>ISU_AP@acme_dpt1</w:Username>'
        "<w:Password>REDACTED</w:Password></w:UsernameToken></w:Security><wd:Workday_Common_Header>"
        "<wd:Include_Reference_Descriptors_In_Response>true</wd:Include_Reference_Descriptors_In_Response>"
        f"</wd:Workday_Common_Header></e:Header><e:Body>{body}</e:Body></e:Envelope>"
    )


@pytest.mark.parametrize(
    "service, operation", [each for each in OPERATIONS if each[1].name.startswith("Get_")], ids=named
)
def test_every_answer_is_valid_against_the_contract(compiled, grown, service, operation):
    """The whole content of the tenant, attachments included, fits the real schema."""
    wants = "<wd:Include_Reference>true</wd:Include_Reference>"
    if operation.name in {"Get_Supplier_Invoices", "Get_Supplier_Invoice_Adjustments", "Get_Suppliers"}:
        wants += "<wd:Include_Attachment_Data>true</wd:Include_Attachment_Data>"
    if operation.name == "Get_Payments":
        wants += (
            "<wd:Include_Originating_Bank_Data>true</wd:Include_Originating_Bank_Data>"
            "<wd:Include_Payment_Group_Data>true</wd:Include_Payment_Group_Data>"
        )
    if operation.name == "Get_Organizations":
        wants = "<wd:Include_Hierarchy_Data>true</wd:Include_Hierarchy_Data>"
    criteria = CRITERIA.get(operation.name, "")
    group = "" if operation.name in WITHOUT_GROUP else f"<wd:Response_Group>{wants}</wd:Response_Group>"
    request = _wrap(f"<wd:{operation.request}>{criteria}{group}</wd:{operation.request}>")
    answers = [_ask(tenant, service, request) for tenant in (grown, WorkdayStore(WORLD))]
    assert any(answer.find(f".//{WD}Response_Data") is not None for answer in answers)
    for answer in answers:
        compiled[service].assertValid(etree.fromstring(etree.tostring(answer)))


def test_a_cancellation_is_valid_against_the_contract(compiled, grown):
    """The answer of Cancel_Supplier_Invoice fits the real schema."""
    reference = '<wd:ID wd:type="Supplier_Invoice_Reference_ID">BILL-00n01ABCDEF</wd:ID>'
    body = (
        f"<wd:Cancel_Supplier_Invoice_Request><wd:Supplier_Invoice_Reference>{reference}"
        "</wd:Supplier_Invoice_Reference></wd:Cancel_Supplier_Invoice_Request>"
    )
    answer = _ask(grown, "Resource_Management", _wrap(body))
    compiled["Resource_Management"].assertValid(etree.fromstring(etree.tostring(answer)))


def test_a_warning_is_valid_against_the_contract(compiled, grown, contracts_dir):
    """An answer with exceptions fits the real schema."""
    grown.behaviour.duplicate_number = "warn"
    text = _sample(contracts_dir, REQUESTS[1]).replace(
        "<wd:Supplier_Invoice_ID>BILL-", "<wd:Supplier_Invoice_ID>SECOND-"
    )
    answer = _ask(grown, "Resource_Management", text)
    assert answer.findtext(f".//{WD}Classification") == "Warning"
    compiled["Resource_Management"].assertValid(etree.fromstring(etree.tostring(answer)))


FAULTS = [
    ("fault__authentication.xml", lambda store: store.users.clear(), "get_suppliers_incremental"),
    ("fault__not_authorized.xml", lambda store: store.forbid("Get_Suppliers"), "get_suppliers_incremental"),
    ("fault__invalid_id.xml", lambda _: None, "get_supplier_invoices_by_reference"),
]


@pytest.mark.parametrize("case", FAULTS, ids=[case[0] for case in FAULTS])
def test_faults_read_as_the_samples(contracts_dir, compiled, store, case):
    """Fault code and text are the sample's; a detail is valid against the real schema."""
    fault, prepare, request_name = case
    prepare(store)
    with pytest.raises(SoapRefusalError) as caught:
        _ask(
            store,
            "Resource_Management",
            _sample(contracts_dir, f"Resource_Management__{request_name}.request.xml"),
        )
    mine = etree.fromstring(caught.value.envelope().encode())
    theirs = etree.fromstring(_sample(contracts_dir, fault).encode())
    for name in ("faultcode", "faultstring"):
        assert mine.findtext(f".//{name}") == theirs.findtext(f".//{name}")
    assert [each.text for each in mine.iter(f"{WD}Message")] == [each.text for each in theirs.iter(f"{WD}Message")]
    for detail in mine.findall(".//detail/*"):
        compiled["Resource_Management"].assertValid(etree.fromstring(etree.tostring(detail)))


def test_the_genuine_wsdls_can_be_served(contracts_dir, store):
    """With the contract's WSDLs served, the samples are checked against them and still work."""
    store.serve_wsdl(contracts_dir / "workday")
    assert {Path(path).name for path in store.wsdl_files.values()} == set(FILES.values())
    for name in REQUESTS:
        _ask(store, name.partition("__")[0], _sample(contracts_dir, name))
    assert store.count() == 1
    answer = _ask(store, "Financial_Management", _wrap("<wd:Get_Cost_Centers_Request/>"))
    assert answer.findtext(f".//{WD}Total_Results") == "2"


@pytest.mark.parametrize("name, text", [("Prepaid", "<wd:Prepaid>true</wd:Prepaid>"), ("bank", None)])
def test_what_the_real_schema_allows_but_the_tenant_does_not_keep_is_refused(contracts_dir, store, name, text):
    """Nothing that was sent is dropped silently: prepaid invoices and bank accounts are refused in words."""
    store.serve_wsdl(contracts_dir / "workday")
    if text:
        changed = _sample(contracts_dir, REQUESTS[1]).replace("<wd:Attachment_Data", f"{text}<wd:Attachment_Data")
    else:
        account = "<wd:Settlement_Account_Data><wd:Bank_Name>Any</wd:Bank_Name></wd:Settlement_Account_Data>"
        changed = _sample(contracts_dir, REQUESTS[0]).replace(
            "</wd:Business_Entity_Data>", f"</wd:Business_Entity_Data>{account}"
        )
    with pytest.raises(SoapRefusalError, match=r"not in use|Bank accounts") as caught:
        _ask(store, "Resource_Management", changed)
    assert caught.value.code == "Client.validationError"
    assert store.count() == 0
