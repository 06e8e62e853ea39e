"""Who calls: the address limits are counted by, also behind proxies."""

from __future__ import annotations

import ipaddress
import typing as t

from ml_connector.errors import SettingInvalid

__all__ = ["Address", "Callers", "Network", "networks"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_ONE_LINE_OF_IPV6: t.Final = 64
"""Bits: whoever has an IPv6 address has all that begin like it, so they count as one caller."""


def networks(said: t.Iterable[str]) -> tuple[Network, ...]:
    """Return the networks proxies are in; an address is a network of one.

    Raises:
        SettingInvalid: One of them is neither an address nor a network.
    """
    found = []
    for each in said:
        try:
            found.append(ipaddress.ip_network(each.strip(), strict=False))
        except ValueError:
            raise SettingInvalid(
                f"--trusted-proxy {each!r} is no address.", "Give one as 127.0.0.1, or a network as 10.0.0.0/24."
            ) from None
    return tuple(found)


class Callers:
    """Tells callers apart.

    Args:
        proxies: Where the proxies are whose word about the caller is believed.
    """

    def __init__(self, proxies: t.Sequence[Network] = ()) -> None:
        self._proxies = proxies

    def caller(self, peer: str, forwarded: t.Iterable[str] = ()) -> str:
        """Return who sent a request: whoever the last trusted proxy had it from.

        What stands further left in the header was said by strangers. A word that is no address is not guessed about:
        then the proxy that passed it on counts as the caller.

        Args:
            peer: Who is connected to us.
            forwarded: The ``X-Forwarded-For`` headers, in their order.
        """
        found = _parsed(peer)
        if found is None:
            return ""
        words = [word for header in forwarded for word in header.split(",")]
        while words and self._is_proxy(found):
            before = _parsed(words.pop())
            if before is None:
                break
            found = before
        return _counted(found)

    def shares_connections(self, peer: str) -> bool:
        """Whether many callers come from this address: a trusted proxy, or one on this machine."""
        found = _parsed(peer)
        return found is None or found.is_loopback or self._is_proxy(found)

    def _is_proxy(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)


def _parsed(word: str) -> Address | None:
    """Return the address in a word, which may have brackets and a port as some proxies write them."""
    word = word.strip().strip('"')
    if word.startswith("["):
        word = word[1:].partition("]")[0]
    elif word.count(":") == 1:
        word = word.partition(":")[0]
    try:
        found = ipaddress.ip_address(word.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


def _counted(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address) or address.is_loopback:
        return str(address)
    return str(ipaddress.ip_network((address, _ONE_LINE_OF_IPV6), strict=False))
