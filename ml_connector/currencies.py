"""Minor units of the active currencies of ISO 4217: facts, generated.

Source: list one of ISO 4217, published by SIX on 2026-01-01, as the package iso4217 1.16.20260101 carries it. To renew
it, install that package and group ``iso4217.Currency`` by ``exponent``. It is no dependency: it takes a fifth of a
second at each start.
"""

from __future__ import annotations

import typing as t

__all__ = ["MINOR_UNITS"]


def _codes(*lines: str) -> list[str]:
    return " ".join(lines).split()


MINOR_UNITS: t.Final[t.Mapping[str, int | None]] = {
    **dict.fromkeys(
        _codes(
            "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        ),
        0,
    ),
    **dict.fromkeys(
        _codes(
            "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE",
            "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD",
            "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK",
            "MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD",
            "RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH",
            "USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
        ),
        2,
    ),
    **dict.fromkeys(
        _codes(
            "BHD IQD JOD KWD LYD OMR TND",
        ),
        3,
    ),
    **dict.fromkeys(
        _codes(
            "CLF UYW",
        ),
        4,
    ),
    **dict.fromkeys(
        _codes(
            "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX",
        ),
        None,
    ),
}
"""Code to number of decimals; None for gold and the like, which have none."""
