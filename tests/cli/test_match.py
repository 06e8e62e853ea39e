"""Matching vendors by a file that a person reviews."""

from __future__ import annotations

import csv

import pytest

from erp_sandbox.world import supplier_id
from ml_connector.crosswalk.rows import NewRow, add_rows
from ml_connector.errors import UserError
from ml_connector.files import plain_cell, spreadsheet_cell

MATCH = ("match", "suppliers", "--source", "bill", "--target", "workday")


@pytest.fixture
def world(box):
    """The world the sandbox started with."""
    return box._worlds[0]


@pytest.fixture
def box(sandbox, commands):
    """A sandbox with five vendors; V1 has its supplier's tax number, V2 its number."""
    box = sandbox()
    commands.lead_to(box)
    ids = [box._worlds[0].vendor_id(number) for number in range(1, 6)]
    for number, vendor in enumerate(ids, start=1):
        box.bill.edit_vendor(vendor, shortName=None, additionalInfo=None)
        box.workday.suppliers[supplier_id(number)].external_entity_id = None
    box.bill.edit_vendor(ids[0], additionalInfo={"taxId": box.workday.suppliers[supplier_id(1)].tax_id})
    box.bill.edit_vendor(ids[1], shortName=supplier_id(2))
    box.workday.touch()
    return box


@pytest.fixture
def table(commands):
    """The mapping table in the project."""
    path = commands.folder / "transforms" / "crosswalk" / "bill-workday" / "suppliers.csv"
    path.parent.mkdir(parents=True)
    return path


def review_in(commands):
    """Return the file a match is reviewed in."""
    return commands.folder / "review.csv"


def rows_of(path):
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path, *lines):
    """Write lines to a file."""
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def test_the_file_proposes_what_is_proved_and_suggests_the_rest(box, world, commands):
    """A shared number is a yes; a name alone leaves the decision open; who has nobody is listed too."""
    box.bill.edit_vendor(world.vendor_id(5), name="Nobody Knows Them")
    answer = commands.ask(*MATCH, "--file", str(review_in(commands)))
    rows = {row["source"]: row for row in rows_of(review_in(commands))}
    assert set(rows) == {world.vendor_id(number) for number in range(1, 6)}
    first, second, third, last = (rows[world.vendor_id(number)] for number in (1, 2, 3, 5))
    assert (first["target"], first["decision"], first["how"]) == (supplier_id(1), "yes", "tax id")
    assert (second["target"], second["decision"], second["how"]) == (supplier_id(2), "yes", "number")
    assert (third["target"], third["decision"], third["how"]) == (supplier_id(3), "", "name")
    assert (last["target"], last["decision"], last["source_name"]) == ("", "", "Nobody Knows Them")
    assert (answer["matched"], answer["suggested"], answer["without_candidate"]) == (2, 2, 1)


def test_no_tax_number_is_written(box, commands):
    """The file says that tax numbers agree, not what they are."""
    commands.run(*MATCH, "--file", str(review_in(commands)))
    assert box.workday.suppliers[supplier_id(1)].tax_id not in review_in(commands).read_text("utf-8")


def test_worktags_are_no_candidates(box, world, commands):
    """A supplier that can only be a worktag is never suggested, however well its name fits."""
    box.bill.edit_vendor(world.vendor_id(4), name="Quarterly Tax Authority")
    commands.run(*MATCH, "--file", str(review_in(commands)))
    assert "S-90001" not in review_in(commands).read_text("utf-8")


def test_what_is_mapped_is_left_out_or_marked(box, world, commands, table):
    """Vendors in the mapping table, by id or by name, are not asked about again."""
    write(table, "source,target", f"{world.vendor_id(1)},S-9", f'"{box.bill.vendor(world.vendor_id(2))["name"]}",S-8')
    answer = commands.ask(*MATCH, "--file", str(review_in(commands)))
    assert answer["mapped_already"] == 2
    assert not {world.vendor_id(1), world.vendor_id(2)} & {row["source"] for row in rows_of(review_in(commands))}
    commands.run(*MATCH, "--file", str(review_in(commands)), "--overwrite", "--mapped")
    marked = {row["source"]: row for row in rows_of(review_in(commands)) if row["decision"] == "mapped"}
    assert {source: row["target"] for source, row in marked.items()} == {
        world.vendor_id(1): "S-9",
        world.vendor_id(2): "S-8",
    }


def test_archived_vendors_are_left_out_unless_asked_for(box, world, commands):
    """What is archived needs a supplier only when its bills are still to be delivered."""
    box.bill.edit_vendor(world.vendor_id(3), archived=True)
    assert commands.ask(*MATCH, "--file", str(review_in(commands)))["archived"] == 1
    answer = commands.ask(*MATCH, "--file", str(review_in(commands)), "--overwrite", "--archived")
    assert answer["archived"] == 0


def test_a_review_is_not_overwritten_by_accident(box, commands):
    """A file that is there may have been reviewed: it is replaced only when told so."""
    write(review_in(commands), "mine")
    assert "is there already" in commands.run(*MATCH, "--file", str(review_in(commands)), code=1)
    assert review_in(commands).read_text("utf-8") == "mine\n"


def test_only_yes_goes_into_the_table_and_twice_changes_nothing(box, world, commands, table):
    """From match to mapping table: proved rows and those a person confirmed, once."""
    commands.run(*MATCH, "--file", str(review_in(commands)))
    text = review_in(commands).read_text("utf-8-sig")
    review_in(commands).write_text(text.replace(f"{supplier_id(3)},,name", f"{supplier_id(3)},YES,name"), "utf-8")
    answer = commands.ask(*MATCH, "--apply", str(review_in(commands)))
    assert (answer["added"], answer["present"], answer["undecided"]) == (3, 0, 2)
    assert {row["source"]: row["target"] for row in rows_of(table)} == {
        world.vendor_id(number): supplier_id(number) for number in (1, 2, 3)
    }
    before = table.read_bytes()
    answer = commands.ask(*MATCH, "--apply", str(review_in(commands)))
    assert (answer["added"], answer["present"]) == (0, 3)
    assert table.read_bytes() == before


def test_applying_asks_no_system(commands, table):
    """A reviewed file is applied without any credentials."""
    write(review_in(commands), "source,target,decision", "V1,S-1,yes")
    assert "1 added" in commands.run(*MATCH, "--apply", str(review_in(commands)))


def test_spreadsheets_of_other_countries_are_read(commands, table):
    """Semicolons, a byte order mark and Windows line ends are what a spreadsheet may save."""
    review_in(commands).write_bytes("\ufeffSource;Target;Decision;source_name\r\nV1;S-1;Yes;Müller\r\n".encode())
    commands.run(*MATCH, "--apply", str(review_in(commands)))
    assert rows_of(table) == [{"source": "V1", "target": "S-1", "name": "Müller"}]


@pytest.mark.parametrize(
    "content",
    [
        b"sep=;\r\nsource;target;decision;source_name\r\nV1;S-1;yes;Ann\r\n",
        "\ufeffsource\ttarget\tdecision\tsource_name\r\nV1\tS-1\tyes\tAnn\r\n".encode("utf-16-le"),
        "\u200esource,target\u200b,decision,source_name\nV1,S-1,yes\u00ad,Ann\n".encode(),
    ],
)
def test_a_review_is_read_as_a_spreadsheet_saves_it(commands, table, content):
    """``sep=``, UTF-16 and what nobody sees do not matter."""
    review_in(commands).write_bytes(content)
    commands.run(*MATCH, "--apply", str(review_in(commands)))
    assert rows_of(table) == [{"source": "V1", "target": "S-1", "name": "Ann"}]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "line 1: there are no columns"),
        (b"source,target,decision\nV1,\xff,yes\n", "line 2: not UTF-8 (byte 4)"),
        (b"source,target,decision\nV1,\0,yes\n", "line 2: there is a NUL character"),
        (b'source,target,decision\n"V1,S-1,yes\n', "line 2: unexpected end of data"),
    ],
)
def test_a_review_that_is_no_table_is_named_by_its_line(commands, table, content, what):
    """Whatever a program has made of the file, there is one line and a cure."""
    review_in(commands).write_bytes(content)
    said = commands.run(*MATCH, "--apply", str(review_in(commands)), code=1)
    assert what in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (["source,target"], "line 1: there are no columns"),
        (["source,target,decision", "V1,S-1,maybe"], 'line 2: the decision is "maybe"'),
        (["source,target,decision", "V1,,yes"], "line 2: the decision is yes, but there is no target"),
        (["source,target,decision", "*,S-1,yes"], 'line 2: source "*"'),
        (
            ["source,target,decision", "V1,S-1,yes", "V1,S-2,yes"],
            'line 3: source "V1" is S-2 here and S-1 in review.csv line 2',
        ),
        (
            ["source,target,decision", "V9,S-1,yes"],
            'line 2: source "V9" is S-1 here and S-7 in bill-workday/suppliers.csv line 3',
        ),
    ],
)
def test_what_cannot_be_applied_is_named_by_its_line_and_nothing_is_written(commands, table, lines, what):
    """A contradiction or a word nobody understands stops all of it."""
    write(table, "# ours", "source,target", "V9,S-7")
    before = table.read_bytes()
    write(review_in(commands), *lines)
    assert what in commands.run(*MATCH, "--apply", str(review_in(commands)), code=1)
    assert table.read_bytes() == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"source,target,name\nA,1,x\n", b"source,target,name\nA,1,x\nV1,S-1,Ann\n"),
        (b"source,target\nA,1", b"source,target\nA,1\nV1,S-1\n"),
        (b"# ours\r\nTarget,Name,SOURCE\r\n1,x,A\r\n", b"# ours\r\nTarget,Name,SOURCE\r\n1,x,A\r\nS-1,Ann,V1\r\n"),
        (b"\xef\xbb\xbfsource,target,owner\n\n# end\n", b"\xef\xbb\xbfsource,target,owner\n\n# end\nV1,S-1,\n"),
        (b"source;target;name\r\nA;1;x, y\r\n", b"source;target;name\r\nA;1;x, y\r\nV1;S-1;Ann\r\n"),
        (b"sep=\t\nsource\ttarget\nA\t1", b"sep=\t\nsource\ttarget\nA\t1\nV1\tS-1\n"),
        (
            "\ufeffsource\ttarget\tname\r\nA\t1\tx".encode("utf-16-le"),
            "\ufeffsource\ttarget\tname\r\nA\t1\tx\r\nV1\tS-1\tAnn\r\n".encode("utf-16-le"),
        ),
    ],
)
def test_what_stands_in_the_table_stays_as_it_is(tmp_path, before, after):
    """Comments, columns, their order, line ends and a byte order mark are kept byte for byte."""
    path = tmp_path / "bill-workday" / "suppliers.csv"
    path.parent.mkdir()
    path.write_bytes(before)
    added = add_rows(tmp_path, "bill", "workday", "suppliers", [NewRow("V1", "S-1", "Ann", "here")])
    assert (added.added, path.read_bytes()) == (1, after)
    assert [each.name for each in path.parent.iterdir()] == ["suppliers.csv"]


def test_a_table_that_cannot_be_written_is_told(tmp_path):
    """A folder that is a file is named."""
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UserError, match="is a file"):
        add_rows(tmp_path / "file", "bill", "workday", "suppliers", [NewRow("V1", "S-1", "Ann", "here")])


@pytest.mark.parametrize("name", ["=1+1", "+49", "-x", "@import", "'=quoted", "O'Neill", "plain"])
def test_a_name_is_never_a_formula_and_comes_back_as_it_was(name):
    """What a spreadsheet would run is quoted, and unquoted again."""
    assert not spreadsheet_cell(name).startswith(("=", "+", "-", "@"))
    assert plain_cell(spreadsheet_cell(name)) == name


def test_one_system_cannot_be_matched_with_itself(commands):
    """Source and target are two systems."""
    commands.run("match", "suppliers", "--source", "bill", "--target", "bill", code=2)


def test_an_unconfigured_system_is_told(commands):
    """The variable to set is named."""
    assert "TAP_BILL_DEV_KEY" in commands.run(*MATCH, code=1)
