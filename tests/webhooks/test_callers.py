"""Who a request is counted by: addresses are parsed, and only trusted proxies are believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.errors import SettingInvalid
from ml_connector.webhooks.callers import Callers, networks

CALLERS = Callers(networks(["10.0.0.1", "192.168.7.0/24", "::1"]))


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("203.0.113.9", ["192.0.2.1"], "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.7", "192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.1, 192.168.7.20"], "192.0.2.1"),
        ("10.0.0.1", ["192.168.7.20"], "192.168.7.20"),
        ("10.0.0.1", ["192.0.2.1, my computer"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1,"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.01"], "10.0.0.1"),
        ("10.0.0.1", [" 192.0.2.1:4711 "], "192.0.2.1"),
        ("10.0.0.1", ['"[2001:db8:1:2:3::4]:4711"'], "2001:db8:1:2::/64"),
        ("::1", ["2001:db8:1:2:ffff::9"], "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("", ["192.0.2.1"], ""),
    ],
)
def test_a_caller_is_whom_the_last_trusted_proxy_had_it_from(peer, forwarded, caller):
    """What strangers wrote further left is not looked at, and what is no address is not guessed about."""
    assert CALLERS.caller(peer, forwarded) == caller


@given(said=st.lists(st.text(max_size=60), max_size=3))
def test_whatever_a_header_says_a_caller_is_an_address(said):
    """Any text leads to an address or a network, never to an error or to the text itself."""
    assert networks([CALLERS.caller("10.0.0.1", said)])


@pytest.mark.parametrize("said", ["", "proxy", "*", "10.0.0.1:80", "10.0.0.0/33", "10.0.0.1,10.0.0.2"])
def test_a_trusted_proxy_is_an_address_or_a_network(said):
    """Anything else is refused when the receiver is started, also the star other programs take for everybody."""
    with pytest.raises(SettingInvalid, match="is no address"):
        networks([said])


@pytest.mark.parametrize(
    ("peer", "shared"), [("127.0.0.1", True), ("::1", True), ("192.168.7.3", True), ("192.0.2.1", False)]
)
def test_a_proxy_is_not_limited_as_one_caller(peer, shared):
    """Many come through it; so do many through one on this machine, whether or not it is believed."""
    assert CALLERS.shares_connections(peer) == shared
