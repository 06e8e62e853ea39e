"""Who is let in at BILL's door, and what is understood (sheet bill 5.3, 5.4)."""

from __future__ import annotations

import json

import pytest
from bill_events import ORGANIZATION, SUBSCRIPTION, compact, headers, payload, signed
from hypothesis import given, settings
from hypothesis import strategies as st
from rooms import NOON, bell, ring

from ml_connector.webhooks import bill
from ml_connector.webhooks.bill import BODY_LIMIT
from ml_connector.webhooks.provider import Event, Forged, Malformed, Misdirected, Refused

KEY = "a key of BILL, used as it is written: not base64"
GOOD = compact(payload(event_id="e-1"))


def door(**more):
    """Return the door of the organization."""
    return bell(KEY, organization=ORGANIZATION, subscription=SUBSCRIPTION, **more)


def heard(body, signature=None):
    """Return what the door makes of a body."""
    given_headers = headers(KEY, body) if signature is None else {"x-bill-sha-signature": signature}
    return door().hear(ring(body, given_headers))


def test_a_signed_notification_names_an_object_and_its_version():
    """Nothing else of the payload is taken over."""
    (event,) = heard(GOOD)
    version = event.version
    assert version is not None
    assert version.isoformat() == "2026-12-02T10:00:00.310000+00:00"
    expected = Event("bill", ORGANIZATION, "e-1", "bill.updated", "bills", "00n01BILLAAAAAAA0001", version, NOON)
    assert event == expected
    assert event.source == f"bill:{ORGANIZATION}"


@pytest.mark.parametrize(
    ("kind", "stream"),
    [("bill.created", "bills"), ("vendor.archived", "vendors"), ("payment.updated", "payments")],
)
def test_each_kind_leads_to_its_stream(kind, stream):
    """The first word of the kind tells where the object is read."""
    (event,) = heard(compact(payload(kind=kind)))
    assert (event.kind, event.stream) == (kind, stream)


def test_an_event_without_an_object_is_understood():
    """payment.failed has no payment id, and a kind nobody knows may have any shape."""
    failed = payload(kind="payment.failed")
    failed["payment"] = {"bills": [{"id": "00n"}], "errors": []}
    unknown = payload(kind="spend.transaction.updated")
    for each in (failed, unknown):
        (event,) = heard(compact(each))
        assert (event.stream, event.source_id) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(json.loads(GOOD), indent=3).encode(),
        json.dumps(GOOD.decode()).encode(),
        GOOD.replace(b"false", b"  false "),
    ],
    ids=["pretty", "a string", "spaces"],
)
def test_the_minified_payload_may_have_been_signed_instead_of_the_body(body):
    """The documented fallback: the signature is over the minified JSON, however it is spelled on the way."""
    (event,) = heard(body, signed(KEY, GOOD))
    assert event.event_id == "e-1"


def test_a_body_that_is_a_string_may_be_signed_as_it_is():
    """A JSON string that holds the object is read."""
    body = json.dumps(GOOD.decode()).encode()
    (event,) = heard(body)
    assert event.event_id == "e-1"


def test_amounts_keep_their_spelling_when_the_payload_is_minified():
    """1.50 stays 1.50 in what the signature is compared with."""
    body = GOOD.replace(b'"archived":false', b'"amount": 1.50')
    minified = GOOD.replace(b'"archived":false', b'"amount":1.50')
    assert heard(body, signed(KEY, minified))


def test_two_keys_are_valid_while_one_replaces_the_other():
    """What was signed with the key before is let in until its time is over."""
    old, new = "old key", "new key"
    now = bell(new, organization=ORGANIZATION, previous_security_key=old, previous_until="2999-01-01T00:00:00+00:00")
    over = bell(new, organization=ORGANIZATION, previous_security_key=old, previous_until="2026-01-01T00:00:00+00:00")
    for key in (old, new):
        assert now.hear(ring(GOOD, headers(key, GOOD)))
    assert over.hear(ring(GOOD, headers(new, GOOD)))
    with pytest.raises(Forged):
        over.hear(ring(GOOD, headers(old, GOOD)))


def test_a_key_that_was_rotated_by_another_process_is_found():
    """A signature that fits none of the known keys has the vault read again."""
    one = door()
    one.hear(ring(GOOD, headers(KEY, GOOD)))
    keys = one._keys
    keys._book.held["security_key"] = "rotated"
    keys._read_at -= 1.5
    assert one.hear(ring(GOOD, headers("rotated", GOOD)))


def test_without_a_key_nothing_is_let_in():
    """Before a subscription there is nothing to compare with, and that lets nobody in."""
    empty = bell(None, organization=ORGANIZATION)
    for key in ("", "None"):
        with pytest.raises(Forged):
            empty.hear(ring(GOOD, headers(key, GOOD)))
    with pytest.raises(Forged):
        empty.hear(ring(GOOD))


@pytest.mark.parametrize(
    "change",
    [{"organization": "00801SOMEBODYELSE001"}, {"subscription": "another-subscription"}],
    ids=["organization", "subscription"],
)
def test_a_genuine_notification_for_somebody_else_is_refused(change):
    """The organization and the subscription must be ours, whatever the signature."""
    with pytest.raises(Misdirected):
        heard(compact(payload(**change)))


def test_a_partner_may_name_further_organizations():
    """A partner's subscription brings the events of all its organizations (sheet bill 5.4)."""
    body = compact(payload(organization="00801SECOND0000000001"))
    (event,) = door(others=("00801SECOND0000000001",)).hear(ring(body, headers(KEY, body)))
    assert event.source == "bill:00801SECOND0000000001"


def test_only_who_knows_our_subscription_gets_a_second_look(monkeypatch):
    """The fallback costs something; what does not name the subscription could not be let in by it either."""
    looked = []
    other_spellings = bill._other_spellings
    monkeypatch.setattr(bill, "_other_spellings", lambda body: looked.append(body) or other_spellings(body))
    foreign = compact(payload(subscription="another"))
    for body in (foreign, b"x" * BODY_LIMIT):
        with pytest.raises(Forged):
            heard(body, signed("wrong", body))
    assert looked == []
    body = json.dumps(json.loads(GOOD), indent=1).encode()
    assert heard(body, signed(KEY, GOOD))
    assert looked == [body]


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": None},
        {"metadata": {}},
        {"metadata": {**payload()["metadata"], "eventId": ""}},
        {"metadata": {**payload()["metadata"], "eventId": "x" * 101}},
        {"metadata": {**payload()["metadata"], "eventId": "a\x00b"}},
        {"metadata": {**payload()["metadata"], "eventType": 7}},
        {"bill": {"id": ["00n"]}},
    ],
    ids=["no metadata", "empty", "no id", "long id", "zero byte", "number", "list"],
)
def test_a_signed_notification_of_another_shape_is_malformed(change):
    """Ids are text of a sensible length, and nothing else."""
    with pytest.raises(Malformed):
        heard(compact({**payload(), **change}))


@pytest.mark.parametrize(
    "updated", [None, "", "yesterday", 17, "0001-01-01T00:00:00+14:00", "2026-12-02T10:00:00.310+0000"]
)
def test_an_unreadable_time_is_no_reason_to_refuse(updated):
    """The object is named; how new it is stays open."""
    (event,) = heard(compact(payload(updated=updated)))
    assert event.source_id
    assert event.version is None or event.version.utcoffset().total_seconds() == 0


@pytest.mark.parametrize(("kind", "dated"), [("bill.created", True), ("bill.updated", False), ("bill.archived", False)])
def test_when_an_object_was_made_dates_only_that(kind, dated):
    """A change without a time of its own is not taken for what the ledger has known since the object was made."""
    change = payload(kind=kind)
    change["bill"] = {"id": "00n01BILLAAAAAAA0001", "createdTime": "2026-12-01T08:00:00.000+00:00"}
    (event,) = heard(compact(change))
    assert (event.version is not None) == dated


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    body=st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode()), signature=st.text(max_size=60)
)
def test_whatever_is_sent_without_the_key_is_refused_as_forged(body, signature):
    """Any bytes, any signature: 401, and no other error."""
    with pytest.raises(Forged):
        door().hear(ring(body, {"x-bill-sha-signature": signature}))


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_signed_is_understood_or_refused(body):
    """No signed bytes lead to another error, or to an event without an id."""
    try:
        events = heard(body)
    except Refused:
        return
    assert all(each.event_id and each.instance == ORGANIZATION for each in events)


@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255), data=st.data())
def test_one_changed_byte_is_noticed(place, byte, data):
    """A body that was tampered with does not fit its signature; neither does a changed signature."""
    tampered = GOOD[:place] + bytes([byte]) + GOOD[place + 1 :]
    signature = signed(KEY, GOOD)
    if tampered != GOOD:
        with pytest.raises(Forged):
            heard(tampered, signature)
    at = data.draw(st.integers(0, len(signature) - 1))
    other = data.draw(st.sampled_from("ABab01+/="))
    if signature[at] != other:
        with pytest.raises(Forged):
            heard(GOOD, signature[:at] + other + signature[at + 1 :])


def test_deep_nesting_is_refused_like_anything_else():
    """A body made to exhaust the stack is refused."""
    for body in (b"[" * (BODY_LIMIT // 2), b'{"a":' * 20_000):
        with pytest.raises(Forged):
            heard(body, "x")
        with pytest.raises(Malformed):
            heard(body)
