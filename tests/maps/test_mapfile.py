"""Map files: where they are found, and that a mistake in one is told when it is loaded."""

from __future__ import annotations

import pytest

from ml_connector.errors import SettingInvalid, UserError
from ml_connector.mapping.mapfile import PACKAGED_MAPS

HEAD = "source: try\ninstance: \"'one'\"\n"
VENDORS = "  vendors: {__reference__: true}\n"
SUPPLIERS = "  vendors:\n    __document__: suppliers\n"
INVOICES = "  bills:\n    __document__: supplier_invoices\n"


@pytest.mark.parametrize(
    ("transform", "files", "found"),
    [
        ("tap-bill", {}, "packaged"),
        ("tap_bill", {}, "packaged"),
        ("tap-bill--acme", {}, "packaged"),
        ("tap-bill", {"tap_bill": "mine"}, "mine"),
        ("tap-bill--acme", {"tap_bill": "mine"}, "mine"),
        ("tap-bill--acme", {"tap_bill": "mine", "tap_bill__acme": "acme"}, "acme"),
        ("tap-bill--other", {"tap_bill__acme": "acme"}, "packaged"),
    ],
)
def test_the_nearest_map_is_taken(engine, tmp_path, transform, files, found):
    """A plugin's own map goes before that of the plugin it inherits from, the user's before the packaged one."""
    folder = tmp_path / "transforms" / "maps"
    folder.mkdir(parents=True)
    for stem, source in files.items():
        (folder / f"{stem}.yml").write_text(f"source: {source}\ninstance: \"'1'\"\nstreams:\n{VENDORS}", "utf-8")
    assert {"bill": "packaged"}.get(engine(transform).source, engine(transform).source) == found


def test_an_unknown_map_lists_those_there_are(engine):
    """A name nobody has a map for is answered with the names there are."""
    with pytest.raises(SettingInvalid) as error:
        engine("tap-bil")
    assert 'setting "transform": there is no map for "tap-bil"' in error.value.what
    assert "Did you mean tap-bill?" in error.value.what
    assert error.value.cure == "Maps there are: tap-bill, tap-business-central, tap-workday."


def test_a_maps_dir_that_is_not_there_is_said(engine):
    """A folder somebody named and that does not exist is not passed over."""
    with pytest.raises(SettingInvalid, match="there is no folder nowhere"):
        engine(maps_dir="nowhere")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f"streams:\n{SUPPLIERS}    nam: name\n", 'stream vendors: unknown field "nam". Did you mean name?'),
        (
            f"streams:\n{SUPPLIERS}    name: costcenter(name)\n",
            'stream vendors, field name: unknown function "costcenter". Did you mean cost_center()?',
        ),
        (
            f"streams:\n{SUPPLIERS}    __filte__: archived\n",
            'unknown key "__filte__". Did you mean __filter__?',
        ),
        (
            f"streams:\n{SUPPLIERS}    __filter__: supplier(id)\n",
            "__filter__: supplier() cannot be used here.",
        ),
        (
            f"streams:\n{SUPPLIERS}    __filter__: document.name\n",
            "__filter__: document.name is not known yet.",
        ),
        (f"streams:\n{SUPPLIERS}    __filter__: [{{when: x, else: '{{bro'}}]\n", "__filter__: '{bro'"),
        (
            f"streams:\n{VENDORS}{INVOICES}    __id__: related('vendors', x)\n",
            "__id__: related() cannot be used here.",
        ),
        (f"streams:\n{SUPPLIERS}    __key_properties__: [nr]\n", '__key_properties__: unknown field "nr".'),
        (f"streams:\n{SUPPLIERS}    name: [a]\n", "field name: a list is not an expression."),
        ("streams:\n  v: {__document__: supplier}\n", 'unknown document "supplier". Did you mean suppliers?'),
        ("streams:\n  v: {__noun__: x}\n", "stream v: it is neither a document nor a reference."),
        (
            "streams:\n  v: {__reference__: true, name: name}\n",
            "field name: a reference stream has no fields.",
        ),
        (
            f"streams:\n{VENDORS}  v: {{__reference__: true, __source__: vendors}}\n",
            "vendors is mapped twice.",
        ),
        (
            f"streams:\n{VENDORS}{INVOICES}    supplier: related('vendor', x)\n",
            'field supplier: unknown reference stream "vendor". Did you mean vendors?',
        ),
        (
            f"streams:\n{INVOICES}    lines:\n      __each__: items\n      amoun: amount\n",
            'stream bills, lines: unknown field "amoun". Did you mean amount?',
        ),
        (
            f"streams:\n{INVOICES}    lines:\n      __each__: items\n      dimensions:\n        job: dimension('job', x, y)\n",
            "field dimensions.job: dimension() needs the stream by name.",
        ),
        (f"streams:\n{INVOICES}    lines: {{__each__: x, __eac__: y}}\n", 'unknown key "__eac__".'),
        (
            "lookups: {supplier: vendrs}\nstreams:\n" + VENDORS,
            'lookups, supplier: unknown reference stream "vendrs".',
        ),
        (
            "settings: {record: {default: a, description: x}}\nstreams: {}\n",
            '"record" has a meaning already.',
        ),
        ("settings: {a: {default: a}}\nstreams: {}\n", "settings.a.description: Field required."),
        ("stream: {}\n", "streams: Field required."),
        ("streams:\n  v: 3\n", "streams.v: "),
        ("streams: {}\nstreams: {}\n", 'line 4: "streams" stands here twice.'),
        ("streams: [\n", "map tap_try.yml line 4: "),
    ],
)
def test_a_mistake_is_told_at_load(own_map, body, message):
    """File, stream and field are named, a likely meaning is offered; nothing waits for the first record."""
    with pytest.raises(UserError) as error:
        own_map(HEAD + body)
    assert error.value.what.startswith("map tap_try.yml")
    assert message in error.value.what


@pytest.mark.parametrize(
    ("given", "message", "cure"),
    [
        (
            {"aproval_status": []},
            'no setting "aproval_status". Did you mean approval_status?',
            "Settings it has:",
        ),
        (
            {"approval_status": ["APROVED"]},
            'cannot be "APROVED". Did you mean APPROVED?',
            "Choices: APPROVED",
        ),
        ({"approval_status": 3}, '"map_settings.approval_status" is 3.', "Give a list of texts."),
        ({"header_coding": "maybe"}, "\"map_settings.header_coding\" is 'maybe'.", "Give true or false."),
        ({"cost_center_from": "dept"}, 'cannot be "dept".', "Choices: department"),
        ({"default_currency": 840}, "is 840.", "Give a text."),
    ],
)
def test_a_setting_the_map_cannot_take_is_refused(engine, given, message, cure):
    """Unknown names and impossible values of map_settings are told with what is possible."""
    with pytest.raises(SettingInvalid) as error:
        engine(settings=given)
    assert message in error.value.what
    assert cure in error.value.cure


@pytest.mark.parametrize(
    "given", [{"header_coding": "false"}, {"payment_status": "UNPAID, PAID"}, {"default_currency": None}]
)
def test_settings_may_come_as_text(engine, given):
    """Truth values and lists from environment variables are understood."""
    assert engine(settings=given).source == "bill"


def test_another_setting_is_another_revision(engine):
    """Whoever compares documents can tell an edited map from an edited bill."""
    plain, other, again = engine(), engine(settings={"zero_lines": "drop"}), engine()
    assert plain.revision == again.revision != other.revision


def test_every_packaged_map_loads(engine):
    """Maps that come with the package are free of mistakes."""
    stems = [path.stem for path in PACKAGED_MAPS.glob("*.yml")]
    assert "tap_bill" in stems
    for stem in stems:
        assert engine(stem).streams


def test_the_sdk_vocabulary_is_understood(own_map):
    """__source__, a filter as one expression, __else__: null and a field set to null mean what they mean in the SDK."""
    engine = own_map(
        HEAD
        + """
streams:
  active_ones:
    __source__: vendors
    __document__: suppliers
    __filter__: status == 'active'
    __else__: null
    __key_properties__: [number]
    external_id: "'T-' + text(id)"
    number: text(id)
    name: name
    email: null
"""
    )
    assert engine.streams == {"vendors"}
    assert engine.key_properties("vendors") == ("number",)
    mapped = engine.map("vendors", {"id": 7, "name": "Acme", "status": "gone", "email": "ap@acme.invalid"})
    assert (mapped.external_id, mapped.document.email) == ("T-7", None)
    assert mapped.unwanted == "does not meet: status == 'active'"
    assert engine.unwanted("vendors", {"id": 7, "status": "active"}) is None


def test_a_lines_field_named_like_a_function_can_be_read(own_map):
    """``line`` is the current line, as ``record`` is the whole record."""
    engine = own_map(
        HEAD
        + "streams:\n"
        + INVOICES
        + "    lines: {__each__: items, id: text(line.project), amount: line.amount + record.fee}\n"
    )
    mapped = engine.map("bills", {"id": "1", "fee": 1, "items": [{"project": 5, "amount": 2}]})
    assert [reason.what for reason in mapped.reasons if "line" in reason.what] == []
    assert mapped.fingerprint != engine.map("bills", {"id": "1", "fee": 2, "items": [{"amount": 2}]}).fingerprint


def test_fields_a_stream_does_not_have_are_found(engine):
    """What a map reads and a schema lacks is listed, for whoever sees the schema."""
    engine = engine()
    fields = {"id", "organizationId", "name", "shortName", "archived", "createdTime", "updatedTime"}
    assert engine.unknown_fields("vendors", fields) == [
        "additionalInfo",
        "address",
        "billCurrency",
        "email",
        "phone",
    ]


def test_streams_the_map_leaves_out_miss_no_fields(engine):
    """A tap sends streams no map reads, such as vendor credits; there is nothing to say about their fields."""
    assert engine().unknown_fields("vendor_credits", {"id"}) == []
