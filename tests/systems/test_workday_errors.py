"""What each answer of Workday means (docs/systems/workday.md#w7)."""

from __future__ import annotations

import pytest

from ml_connector.errors import (
    Conflict,
    CredentialsRefused,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    SettingInvalid,
    Throttled,
    Unavailable,
)
from ml_connector.systems.workday.errors import (
    AlreadyExists,
    NumberInUse,
    ProcessingFailed,
    from_reply,
    from_transport,
    read_fault,
)
from ml_connector.transport.soap import AnswerLost, NotSent, Reply, parse_xml

SOUGHT = ("Supplier_Invoice_Reference_ID", "BILL-7")
OUR_ID = "Invalid ID value.  'BILL-7' is not a valid ID value for type = 'Supplier_Invoice_Reference_ID'"


def fault_xml(code, text, *messages, detail="Validation_Fault", xpath=None):
    """An envelope with a fault, as Workday writes it."""
    path = f"<wd:Xpath>{xpath}</wd:Xpath>" if xpath else ""
    errors = "".join(f"<wd:Validation_Error><wd:Message>{m}</wd:Message>{path}</wd:Validation_Error>" for m in messages)
    inner = f"<detail><wd:{detail}>{errors}</wd:{detail}></detail>" if messages else ""
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wd="urn:com.workday/bsvc"><e:Body>'
        f"<e:Fault><faultcode>SOAP-ENV:{code}</faultcode><faultstring>{text}</faultstring>{inner}</e:Fault>"
        "</e:Body></e:Envelope>"
    ).encode()


def error(content, *, status=500, write=False, sought=None, headers=None):
    """The error an answer is classified as."""
    reply = Reply(status, content, headers or {})
    try:
        fault = read_fault(parse_xml(content))
    except ValueError:
        fault = None
    return from_reply(reply, fault, "Some_Operation", write=write, sought=sought)


VALIDATION = "Client.validationError"
PROCESSING = "Server.processingError"


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("status", [500, 401, 200])
@pytest.mark.parametrize(
    "content, expected",
    [
        (fault_xml("Client.authenticationError", "invalid username or password"), CredentialsRefused),
        (fault_xml("Client", "Invalid username or password"), CredentialsRefused),
        (fault_xml(PROCESSING, "Processing error occurred. The task submitted is not authorized."), PermissionDenied),
        (fault_xml("Client", "The task submitted is not authorized."), PermissionDenied),
        (fault_xml(VALIDATION, "Validation error occurred.", "Company is required."), Rejected),
        (fault_xml(VALIDATION, "Validation error occurred. No detail at all."), Rejected),
        (fault_xml(VALIDATION, "x", "The cost center is not authorized for this company."), Rejected),
        (fault_xml(VALIDATION, "x", "invalid username or password, says a tenant's rule"), Rejected),
        (
            fault_xml(VALIDATION, "x", "The Web Service is set to Add Only; documents cannot be resubmitted."),
            AlreadyExists,
        ),
        (
            fault_xml(VALIDATION, "x", "The Web Service is set to Add Only; but the Supplier already exists."),
            AlreadyExists,
        ),
        (
            fault_xml(
                VALIDATION,
                "x",
                "Enter a Supplier's Invoice Number that isn't already in use on another supplier invoice",
            ),
            NumberInUse,
        ),
        (fault_xml(VALIDATION, "x", OUR_ID), Rejected),
        (fault_xml(VALIDATION, "The web service or version is invalid for the requested operation"), SettingInvalid),
        (fault_xml("MustUnderstand", "header not understood"), Rejected),
    ],
)
def test_a_fault_decides_whatever_the_status(content, expected, status, write):
    """The parsed fault first; it is final for reads and writes alike."""
    assert type(error(content, status=status, write=write)) is expected


@pytest.mark.parametrize(
    "content, status, read, written",
    [
        (fault_xml(PROCESSING, "Processing error occurred. Try again."), 500, ProcessingFailed, OutcomeUnknown),
        (fault_xml(PROCESSING, "Overload"), 429, Throttled, Throttled),
        (b"<html><h1>Internal Server Error</h1></html>", 500, Unavailable, OutcomeUnknown),
        (b"", 500, Unavailable, OutcomeUnknown),
        (b"", 502, Unavailable, OutcomeUnknown),
        (b"", 503, Unavailable, OutcomeUnknown),
        (b"", 504, Unavailable, OutcomeUnknown),
        (b"", 408, Unavailable, OutcomeUnknown),
        (b"", 429, Throttled, Throttled),
        (b"", 401, CredentialsRefused, CredentialsRefused),
        (b"", 403, PermissionDenied, PermissionDenied),
        (b"", 400, Rejected, Rejected),
        (b"", 404, SettingInvalid, SettingInvalid),
        (b"", 410, SettingInvalid, SettingInvalid),
        (b"", 302, SettingInvalid, SettingInvalid),
    ],
)
def test_without_a_telling_fault_a_write_may_have_happened(content, status, read, written):
    """Overload and crashes leave the outcome of a write open; refusals do not."""
    assert type(error(content, status=status)) is read
    assert type(error(content, status=status, write=True)) is written


@pytest.mark.parametrize(
    "messages, expected",
    [
        ([OUR_ID], NotFound),
        ([OUR_ID.replace("  ", " ")], NotFound),
        ([OUR_ID.upper()], NotFound),
        ([f"Validation error occurred. {OUR_ID}"], NotFound),
        ([OUR_ID.replace("BILL-7", "BILL-70")], Rejected),
        ([OUR_ID.replace("Supplier_Invoice_Reference_ID", "Supplier_ID")], Rejected),
        ([OUR_ID, "Company is required."], Rejected),
        (["Something else about BILL-7."], Rejected),
    ],
)
def test_only_exactly_our_id_and_type_is_not_found(messages, expected):
    """Any other invalid id is a refused request, never proof that ours does not exist."""
    assert type(error(fault_xml(VALIDATION, "x", *messages), sought=SOUGHT)) is expected


def test_all_errors_of_a_fault_are_told_with_their_xpath():
    """The clerk sees every complaint at once, in Workday's words."""
    caught = error(fault_xml(VALIDATION, "Validation error occurred.", "One.", "Two.", xpath="/wd:A[1]/wd:B[1]"))
    assert caught.message == "One. | Two."
    assert caught.field == "/wd:A[1]/wd:B[1]"
    assert caught.code == VALIDATION


def test_conflicts_are_conflicts():
    """The delivery needs to know the general class only."""
    assert issubclass(AlreadyExists, Conflict)
    assert issubclass(NumberInUse, Conflict)


def test_a_throttled_answer_says_when_to_come_back():
    """Retry-After is honoured where it is given, though none is documented."""
    assert error(b"", status=429, headers={"retry-after": "7"}).retry_after == 7.0
    assert error(b"", status=429).retry_after is None


@pytest.mark.parametrize(
    "lost, write, expected",
    [
        (NotSent("x"), True, Unavailable),
        (NotSent("x"), False, Unavailable),
        (AnswerLost("x"), False, Unavailable),
        (AnswerLost("x"), True, OutcomeUnknown),
    ],
)
def test_a_write_failed_only_if_it_certainly_did_not_leave(lost, write, expected):
    """The difference that keeps an invoice from being posted twice."""
    assert type(from_transport(lost, "Submit_Supplier_Invoice", write=write)) is expected


@pytest.mark.contract
@pytest.mark.parametrize(
    "sample, expected",
    [
        ("fault__authentication.xml", CredentialsRefused),
        ("fault__not_authorized.xml", PermissionDenied),
        ("fault__validation.xml", Rejected),
        ("fault__invalid_id.xml", NotFound),
    ],
)
def test_the_sample_faults_are_understood(contracts_dir, sample, expected):
    """The faults of the contract folder, in their real shape."""
    content = (contracts_dir / "workday" / "samples" / sample).read_bytes()
    assert type(error(content, sought=("Supplier_Invoice_Reference_ID", "BILL-00n01ABCDEF"))) is expected
