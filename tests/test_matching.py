"""Which party is which: never wrong where it says so, helpful where it does not."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.matching import match_parties
from ml_connector.system.access import Party


def vendor(id_="V1", name="Cobalt Freight Inc.", **more):
    """Return a party of the source."""
    return Party(id=id_, name=name, **more)


def supplier(id_="S-1", name="Cobalt Freight, Inc", **more):
    """Return a party of the target."""
    return Party(id=id_, name=name, **more)


def tax(*numbers):
    return {"tax_ids": frozenset(numbers)}


@pytest.mark.parametrize(
    ("source", "target", "how"),
    [
        (vendor(), supplier(external_id="V1"), "external id"),
        (vendor(external_id="S-1"), supplier(), "external id"),
        (vendor(number="s-1 "), supplier(), "number"),
        (vendor(number="77"), supplier(number="77"), "number"),
        (vendor(number="77"), supplier(aliases=frozenset({"77"})), "number"),
        (vendor(**tax("12-3456780")), supplier(**tax("123456780")), "tax id"),
        (vendor(**tax("12-3456780")), supplier(external_id="V1", **tax("123456780")), "external id and tax id"),
    ],
)
def test_what_both_share_is_proof(source, target, how):
    """An id, a number or a tax number that is unique on both sides settles it."""
    (proposal,) = match_parties([source], [target, supplier("S-2", "Somebody Else")])
    assert (proposal.target, proposal.how, proposal.certain) == (target, how, True)


@pytest.mark.parametrize(
    ("sources", "targets", "note"),
    [
        (
            [vendor(**tax("123456780"))],
            [supplier(**tax("123456780")), supplier("S-2", **tax("123456780"))],
            "others have",
        ),
        ([vendor(**tax("123456780")), vendor("V2", **tax("123456780"))], [supplier(**tax("123456780"))], "others have"),
        ([vendor(number="10000")], [supplier("10000", "Ravensby Legal")], "the names differ"),
        ([vendor(number="10000")], [supplier("10000", "Ravensby Freight")], "the names differ"),
        ([vendor(**tax("123456780"))], [supplier(name="Ravensby Legal", **tax("123456780"))], "the names differ"),
        ([vendor(number="S-1", **tax("123456780"))], [supplier(**tax("987654320"))], "the tax numbers differ"),
        (
            [vendor(country="US", **tax("123456780"))],
            [supplier(country="CA", **tax("123456780"))],
            "the countries differ",
        ),
        ([vendor(number="S-1")], [supplier(active=False)], "inactive in the target"),
        ([vendor(number="S-1", **tax("123456780"))], [supplier(), supplier("S-2", **tax("123456780"))], "another one"),
        ([vendor(number="S-1"), vendor("V2", external_id="S-1")], [supplier()], "2 of the source point at it"),
    ],
)
def test_what_speaks_against_it_leaves_it_to_a_person(sources, targets, note):
    """Shared, contradicted or contested proof becomes a suggestion that says why."""
    proposals = match_parties(sources, targets)
    assert not any(each.certain for each in proposals)
    assert note in proposals[0].note


@pytest.mark.parametrize("known_as", ["S-1", "wid-1"])
def test_a_supplier_that_is_taken_is_not_given_again_unseen(known_as):
    """Two vendors may be one supplier, but a person says so; whichever id the mapping table uses."""
    target = supplier(aliases=frozenset({"wid-1"}))
    (proposal,) = match_parties([vendor(number="S-1")], [target], taken={known_as: "V9"})
    assert (proposal.certain, proposal.note) == (False, "V9 is mapped to it already")


@pytest.mark.parametrize("number", ["000000000", "12345", "***-**-6789", "XXXXX6789", "N/A", "99-9999999", "7"])
def test_tax_numbers_that_tell_nobody_are_no_proof(number):
    """Placeholders, masked and short numbers match nothing, even where they occur once on each side."""
    (proposal,) = match_parties([vendor(**tax(number))], [supplier(**tax(number))])
    assert (proposal.how, proposal.certain) == ("name", False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cobalt Freight Inc.", "Cobalt Freight"),
        ("Cobalt Freight Inc.", "COBALT FREIGHT, INC"),
        ("Cobalt Freight B.V.", "Cobalt Freight BV"),
        ("Müller & Söhne GmbH", "Muller and Sohne"),
        ("Freight, Cobalt", "Cobalt Freight"),
        ("Hartley & Sons", "Hartly and Sons"),
        ("株式会社 山田商店", "株式会社 山田商店"),
    ],
)
def test_similar_names_are_suggested(one, other):
    """Case, accents, punctuation, legal form, order and a slip of the pen do not matter; a decision is left open."""
    (proposal,) = match_parties([vendor(name=one)], [supplier(name=other)])
    assert (proposal.how, proposal.certain) == ("name", False)
    assert proposal.score >= 85


def test_who_resembles_nobody_is_listed_too():
    """A vendor without a candidate has a row of its own."""
    (proposal,) = match_parties([vendor()], [supplier(name="Ravensby Legal")])
    assert (proposal.target, proposal.how, proposal.score, proposal.certain) == (None, "", None, False)


def test_suggestions_come_best_first_and_few():
    """The nearest names come first, no more than asked for."""
    targets = [
        supplier(f"S-{n}", name)
        for n, name in enumerate(["Cobalt Freights", "Cobalt Freight", "Cobalt Freighter", "Cobalt Freigh"])
    ]
    proposals = match_parties([vendor()], targets, most=2)
    assert proposals[0].target.name == "Cobalt Freight"
    assert len(proposals) == 2


def test_a_word_everybody_has_still_finds_somebody():
    """Where a name has nothing but a very common word, it is compared all the same."""
    targets = [supplier(f"S-{n}", f"Services {n:05d}") for n in range(2000)]
    (proposal, *_) = match_parties([vendor(name="Services 01234")], targets)
    assert proposal.target.id == "S-1234"


names = st.text(st.sampled_from("abc &."), max_size=12)
ids = st.integers(1, 6).map(str)
taxes = st.frozensets(st.sampled_from(["123456780", "12-3456780", "987654320", "000000000"]), max_size=2)


def parties(prefix):
    return st.lists(
        st.builds(
            Party,
            id=ids.map(lambda n: prefix + n),
            name=names,
            number=st.none() | ids,
            tax_ids=taxes,
            country=st.sampled_from([None, "US", "CA"]),
            active=st.booleans(),
            external_id=st.none() | ids.map(lambda n: ("S" if prefix == "V" else "V") + n),
        ),
        unique_by=lambda party: party.id,
        max_size=6,
    )


@settings(max_examples=300)
@given(parties("V"), parties("S"))
def test_every_source_has_its_rows_and_no_name_is_ever_proof(sources, targets):
    """Each source occurs; what is certain has more than a name to it, once per source and once per target."""
    proposals = match_parties(sources, targets)
    assert {each.source.id for each in proposals} == {each.id for each in sources}
    certain = [each for each in proposals if each.certain]
    assert all(each.how not in ("", "name") and each.note == "" for each in certain)
    assert len({each.source.id for each in certain}) == len(certain) == len({each.target.id for each in certain})


def test_ten_thousand_grown_vendors_are_matched_without_one_mistake():
    """Two grown lists with near-duplicates, shared names, shared and mistyped numbers: no automatic match is wrong."""
    sources, targets, truth = grown_lists(random.Random(20261101), 10_000)
    proposals = match_parties(sources, targets)
    certain = [each for each in proposals if each.certain]
    wrong = [(each.source, each.target) for each in certain if truth.get(each.source.id) != each.target.id]
    assert wrong == []
    assert len(certain) > 2_500
    suggested = {each.source.id for each in proposals if truth.get(each.source.id) == getattr(each.target, "id", None)}
    assert len(suggested & set(truth)) > 0.9 * len(truth)


def grown_lists(chance, count):
    """Return vendors, suppliers and which is which; six of ten vendors are in both lists."""
    first = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(4, 9))).title() for _ in range(400)]
    trades = ["Freight", "Paper", "Legal", "Timber", "Catering", "Software", "Roofing", "Media", "Tooling", "Signage"]
    forms = ["Inc.", "LLC", "Ltd", "GmbH", "B.V.", "& Co.", ""]
    sources, targets, truth = [], [], {}
    for n in range(count):
        name = f"{chance.choice(first)} {chance.choice(trades)} {chance.choice(forms)}".strip()
        number = f"{chance.randrange(10**8, 10**9 - 1)}"
        kind = chance.random()
        source_tax = frozenset({number}) if kind < 0.6 else frozenset()
        sources.append(Party(f"V{n}", name, number=str(n) if kind < 0.3 else None, tax_ids=source_tax, country="US"))
        if chance.random() < 0.6:
            other = _misspelt(chance, name) if chance.random() < 0.3 else name
            target_tax = source_tax if chance.random() < 0.7 else frozenset()
            external = f"V{n}" if chance.random() < 0.2 else None
            targets.append(Party(f"S-{n}", other, tax_ids=target_tax, country="US", external_id=external))
            truth[f"V{n}"] = f"S-{n}"
    for n in range(count // 5):  # branches abroad, accidents of numbering, typing errors, placeholders
        twin = chance.choice(sources)
        match chance.randrange(5):
            case 0:
                targets.append(
                    Party(f"B-{n}", twin.name, tax_ids=frozenset({str(chance.randrange(10**8, 10**9))}), country="CA")
                )
            case 1:
                targets.append(Party(str(n), f"{chance.choice(first)} {chance.choice(trades)}", country="US"))
            case 2:
                targets.append(Party(f"T-{n}", f"{chance.choice(first)} Holding", tax_ids=twin.tax_ids, country="US"))
            case 3:
                targets.append(Party(f"P-{n}", twin.name, tax_ids=frozenset({"00-0000000"}), country="US"))
            case _:
                targets.append(Party(f"D-{n}", twin.name, tax_ids=twin.tax_ids, active=False, country="US"))
    chance.shuffle(targets)
    return sources, targets, truth


def _misspelt(chance, name):
    at = chance.randrange(1, len(name))
    return name[:at] + chance.choice("aeiou") + name[at + 1 :]
