"""Mapping tables: what may stand in them, and that looking up never guesses."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_texts import ALIKE

from ml_connector.crosswalk.tables import (
    Ambiguous,
    Crosswalk,
    Match,
    MemoryReferences,
    SqliteReferences,
    table_name,
)
from ml_connector.errors import UserError
from ml_connector.sameness import same_name

NAMES = st.sampled_from(["Ops", "OPS", "ops", "Field  Ops", "field ops", "6100", "0deA", "0dea", "x"])
TARGETS = st.sampled_from(["CC-1", "CC-2", "CC-3"])


@pytest.fixture
def table(tmp_path):
    """Writes one table, of cost centers, and loads the pair."""

    def load(content):
        folder = tmp_path / "bill-workday"
        folder.mkdir(exist_ok=True)
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / "cost_centers.csv").write_bytes(raw)
        return Crosswalk.load(tmp_path, "bill", "workday")

    return load


def target(answer):
    """Return the target of a match, None without one."""
    return answer.target if isinstance(answer, Match) else None


@pytest.mark.parametrize(
    "content",
    [
        "source,target\nOps,CC-1\n",
        b"\xef\xbb\xbfsource,target\r\nOps,CC-1\r\n",
        "# made by finance\n\nsource,target\n  \n# row\n Ops , CC-1  \n",
        "Target,SOURCE,name\nCC-1,Ops,Operations\n",
        'source,target\n"Ops","CC-1"',
        "source,target\nOps,CC-1\nOps,CC-1\n",
        "source;target\nOps;CC-1\n",
        "Source\tTarget\tName\nOps\tCC-1\tOperations, all\n",
        "sep=;\r\nsource;target;name\r\nOps;CC-1;Operations, all\r\n",
        'sep=\t\nsource\ttarget\nOps\t"CC-1"\n',
        "sep=|\nsource|target\nOps|CC-1\n",
        '\ufeff"source";"target";"a, b, c, d"\r\n"Ops";"CC-1";""\r\n',
        "\ufeffsource\ttarget\r\nOps\tCC-1\r\n".encode("utf-16-le"),
        "\ufeffsource,target\nOps,CC-1\n".encode("utf-16-be"),
        "\ufeffsep=;\r\n# ours\r\nsource;target\r\nOps;CC-1\r\n".encode("utf-16-le"),
        "source,target\rOps,CC-1\r",
        "source,target,,\nOps,CC-1,,\n",
        "s\u00adource,target\nO\u200bps,\u200eCC-1\n",
        "source,target,name\nOps,CC-1,line\x0btab\n",
    ],
)
def test_a_table_is_read_as_people_write_it(table, content):
    """Byte order mark, blanks, comments, quotes, column order and a repeated row do not matter."""
    assert target(table(content).lookup("cost_centers", ["Ops"])) == "CC-1"


def test_further_columns_are_kept(table):
    """What stands beside source and target is kept by the column's name, empty cells aside."""
    match = table("source,target,expected_ledger_account,name\n1,SC-1,61000,\n").lookup("cost_centers", ["1"])
    assert (match.extras, match.line) == ({"expected_ledger_account": "61000"}, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            'source,target\n0090,S-00012\n"0090",S-00044\n',
            'line 3: source "0090" appears twice with different targets (S-00012, S-00044).',
        ),
        ("source,target,x\na,b,1\na,b,2\n", 'line 3: source "a" appears twice and the rows differ.'),
        ("", "line 1: the header is missing."),
        ("Ops,CC-1\n", "line 1: the header is missing."),
        ("source,target,x,X\n", 'line 1: column "x" appears twice.'),
        ("source,target\n\nOps,\n", 'line 3: source "Ops" has no target.'),
        ("source,target\nOps\n", 'line 2: source "Ops" has no target.'),
        ("source,target\n,CC-1\n", 'line 2: source is empty (target "CC-1").'),
        ("source,target\nOps, Field,CC-1\n", "line 2: 3 values, but the header names 2 columns."),
        (b"source,target\nCaf\xe9,CC-1\n", "line 2: not UTF-8 (byte 4)."),
        (b"source,target\n\nA,1\nCaf\xc3\xa9 \xff,CC-1\n", "line 4: not UTF-8 (byte 7)."),
        (b"\xff\xfes\x00o\x00u", "line 1: not UTF-16 (byte 5)."),
        ("source,target\nO\0ps,CC-1\n", "line 2: there is a NUL character"),
        ("source,target\nOps,CC-1\n".encode("utf-16-le"), "line 1: there is a NUL character"),
        ("sep=;\n", "line 1: the header is missing."),
        ("\ufeff\n\n", "line 1: the header is missing."),
        ("source,target\nO\u200bps,CC-1\nOps,CC-2\n", 'line 3: source "Ops" appears twice with different targets'),
        ('source,target\n"Ops"x,CC-1\n', "line 2: "),
    ],
)
def test_a_mistake_names_file_and_line(table, content, message):
    """Each mistake in a table is one line with the file, the line and a cure below it."""
    with pytest.raises(UserError) as error:
        table(content)
    assert message in error.value.what
    assert error.value.what.startswith("crosswalk bill-workday/cost_centers.csv line ")
    assert error.value.cure


def test_a_table_that_is_a_folder_is_told(tmp_path):
    """A folder with the name of a table is one line and a cure."""
    (tmp_path / "bill-workday" / "suppliers.csv").mkdir(parents=True)
    with pytest.raises(UserError, match=r"crosswalk bill-workday/suppliers.csv: is a folder") as error:
        Crosswalk.load(tmp_path, "bill", "workday")
    assert error.value.cure


@pytest.mark.parametrize("place", ["crosswalk", "crosswalk/bill-workday"])
def test_a_folder_of_tables_that_is_a_file_is_told(tmp_path, place):
    """Tables that can never be found there are not taken for tables without rows."""
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("source,target\n", "utf-8")
    with pytest.raises(UserError, match="is a file, but mapping tables stand in a folder") as error:
        Crosswalk.load(tmp_path / "crosswalk", "bill", "workday")
    assert "crosswalk_dir" in error.value.cure


def test_the_case_of_a_files_name_does_not_matter(tmp_path):
    """``Suppliers.CSV`` is the table of suppliers, as some programs save it."""
    (tmp_path / "bill-workday").mkdir()
    (tmp_path / "bill-workday" / "Suppliers.CSV").write_text("source,target\nA,1\n", "utf-8")
    assert target(Crosswalk.load(tmp_path, "bill", "workday").lookup("suppliers", ["A"])) == "1"


@pytest.mark.parametrize(("written", "asked"), [pair for names in ALIKE.values() for pair in (names, names[::-1])])
def test_a_name_is_found_however_it_is_written(table, written, asked):
    """A row for a vendor is found whatever Unicode form, case or invisible character either side has."""
    cell = '"' + written.replace('"', '""') + '"'
    assert target(table(f"source,target\n{cell},CC-1\n").lookup("cost_centers", ["0de", asked])) == "CC-1"


def test_a_missing_table_is_empty(tmp_path):
    """Without a file nothing is found, and it is known which file would be made."""
    crosswalk = Crosswalk.load(tmp_path, "bill", "workday")
    assert crosswalk.lookup("cost_centers", ["Ops"]) is None
    assert crosswalk.default("cost_centers") is None
    assert crosswalk.path("cost_centers") == tmp_path / "bill-workday" / "cost_centers.csv"


def test_the_users_table_replaces_the_one_it_falls_back_to(tmp_path):
    """A table in the first folder hides its namesake as a whole; other tables are still found."""
    for folder, kind, text in (
        ("mine", "suppliers", "a,1"),
        ("theirs", "suppliers", "b,2"),
        ("theirs", "jobs", "c,3"),
    ):
        path = tmp_path / folder / "bill-workday" / f"{kind}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"source,target\n{text}\n", "utf-8")
    crosswalk = Crosswalk.load(tmp_path / "mine", "bill", "workday", fallback_dirs=[tmp_path / "theirs"])
    found = [crosswalk.lookup(*key) for key in (("suppliers", ["a"]), ("suppliers", ["b"]), ("jobs", ["c"]))]
    assert [target(answer) for answer in found] == ["1", None, "3"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["0deA", "Ops"], "CC-ID"),
        (["0dea", "nothing"], None),
        (["other", "ops"], "CC-OPS"),
        (["other", "  FIELD   ops "], "CC-FIELD"),
        (["ops"], None),
        (["*"], None),
        ([], None),
    ],
)
def test_ids_are_compared_exactly_and_names_loosely(table, keys, expected):
    """The first key is an id and must be equal; the others are names, without case and with blanks collapsed."""
    crosswalk = table("source,target\n0deA,CC-ID\nOps,CC-OPS\nField Ops,CC-FIELD\n*,CC-ALL\n")
    assert target(crosswalk.lookup("cost_centers", keys)) == expected


def test_names_that_lead_to_different_targets_are_ambiguous(table):
    """Number and name of one thing in rows with different targets: a person has to decide."""
    answer = table("source,target\n6100,CC-1\nOffice,CC-2\n").lookup("cost_centers", ["0ca", "6100", "office"])
    assert isinstance(answer, Ambiguous)
    assert [(row.line, row.target) for row in answer.matches] == [(2, "CC-1"), (3, "CC-2")]


def test_the_default_row_is_asked_for_separately(table):
    """``*`` never answers a look-up: what was learned goes before it."""
    crosswalk = table("source,target\n*,CC-ALL\n")
    assert crosswalk.lookup("cost_centers", ["anything"]) is None
    assert crosswalk.default("cost_centers").target == "CC-ALL"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.dictionaries(NAMES, TARGETS, max_size=6),
    keys=st.lists(NAMES, min_size=1, max_size=4),
)
def test_a_lookup_never_guesses(rows, keys, tmp_path_factory):
    """An answer is the row of the id, or the one target all rows for the names agree on."""
    folder = tmp_path_factory.mktemp("crosswalk")
    (folder / "bill-workday").mkdir()
    text = "".join(f"{source},{found}\n" for source, found in rows.items())
    (folder / "bill-workday" / "jobs.csv").write_text(f"source,target\n{text}", "utf-8")
    answer = Crosswalk.load(folder, "bill", "workday").lookup("jobs", keys)
    named = {found for source, found in rows.items() if same_name(source) in {same_name(key) for key in keys[1:]}}
    expected = {rows[keys[0]]} if keys[0] in rows else named
    assert (target(answer), isinstance(answer, Ambiguous)) == (
        next(iter(expected)) if len(expected) == 1 else None,
        len(expected) > 1,
    )


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("supplier", "suppliers"),
        ("company", "companies"),
        ("spend_category", "spend_categories"),
        ("currency", "currencies"),
        ("cost_center", "cost_centers"),
        ("payment_terms", "payment_terms"),
    ],
)
def test_each_kind_has_its_table(kind, table):
    """The file of a kind of reference is its plural."""
    assert table_name(kind) == table


def test_references_survive_the_process(tmp_path):
    """Records remembered by one run are there in the next, exact, the newest of each id."""
    path = str(tmp_path / "deep" / "references.db")
    first = SqliteReferences(path)
    first.put("008", "vendors", {"1": {"id": "1", "limit": Decimal("0.10")}, "2": {"id": "2"}})
    first.put("008", "vendors", {"2": {"id": "2", "name": "newer"}})
    assert first.get("008", "vendors", "2") == {"id": "2", "name": "newer"}
    first.close()
    second = SqliteReferences(path)
    assert second.get("008", "vendors", "1") == {"id": "1", "limit": Decimal("0.10")}
    assert second.get("008", "vendors", "2") == {"id": "2", "name": "newer"}
    assert second.get("009", "vendors", "1") is None
    second.put("008", "vendors", {"1": {"id": "1", "name": "third"}})
    second.flush()
    assert second.get("008", "vendors", "1") == {"id": "1", "name": "third"}
    second.close()


def test_many_references_are_written_before_anybody_asks(tmp_path):
    """A long stream does not pile up in memory: a second reader sees what was put long ago."""
    path = str(tmp_path / "references.db")
    writer, reader = SqliteReferences(path), SqliteReferences(path)
    for number in range(1200):
        writer.put("008", "vendors", {str(number): {"id": str(number)}})
    assert reader.get("008", "vendors", "0") == {"id": "0"}
    writer.close()
    assert reader.get("008", "vendors", "1199") == {"id": "1199"}
    reader.close()


def test_a_file_that_is_no_database_is_a_users_mistake(tmp_path):
    """A references file that holds something else is named, with a cure."""
    path = tmp_path / "references.db"
    path.write_text("this is a letter, and long enough to be taken for a header of a database " * 20, "utf-8")
    with pytest.raises(UserError, match="to remember reference records") as error:
        SqliteReferences(str(path))
    assert "references_path" in error.value.cure


def test_memory_references_remember():
    """The plain kind remembers too."""
    memory = MemoryReferences()
    memory.put("008", "jobs", {"1": {"id": "1"}})
    assert (memory.get("008", "jobs", "1"), memory.get("008", "jobs", "2")) == ({"id": "1"}, None)


@pytest.fixture
def both_ways(tmp_path):
    """Writes suppliers of both directions, and loads that from Workday to BILL."""

    def load(there, back=None):
        for pair, content in (("bill-workday", there), ("workday-bill", back)):
            folder = tmp_path / pair
            folder.mkdir(exist_ok=True)
            if content is not None:
                (folder / "suppliers.csv").write_text(f"source,target\n{content}", "utf-8")
        return Crosswalk.load(tmp_path, "workday", "bill")

    return load


@pytest.mark.parametrize(
    ("there", "back", "found"),
    [
        ("0090A,S-1\n", None, "0090A"),
        ("Northwind,s-1\n", None, "Northwind"),
        ("0090A,S-1\n", "S-1,0090B\n", "0090B"),
        ("0090A,S-1\n", "S-2,0090B\n", "0090A"),
        ("0090A,S-1\n", "*,0090B\n", "0090A"),
        ("*,S-1\n", None, None),
        ("0090A,S-2\n", None, None),
    ],
)
def test_a_row_holds_in_both_directions(both_ways, there, back, found):
    """What the direction's own table does not say is read backwards from the other's, the default row aside."""
    assert target(both_ways(there, back).lookup("suppliers", ["w" * 32, "S-1"])) == found


def test_two_rows_to_one_target_are_ambiguous_backwards(both_ways):
    """Nobody picks one of two vendors of a supplier, unless a row says which."""
    answer = both_ways("0090A,S-1\n0090B,S-1\n").lookup("suppliers", ["w" * 32, "S-1"])
    assert isinstance(answer, Ambiguous)
    assert [row.target for row in answer.matches] == ["0090A", "0090B"]
    settled = both_ways("0090A,S-1\n0090B,S-1\n", "S-1,0090B\n")
    assert target(settled.lookup("suppliers", ["w" * 32, "S-1"])) == "0090B"


def test_a_new_row_belongs_into_the_direction_it_is_for(both_ways, tmp_path):
    """However much is read backwards."""
    assert both_ways("0090A,S-1\n").path("suppliers") == tmp_path / "workday-bill" / "suppliers.csv"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["x", "y", "z"])))
def test_reading_backwards_undoes_what_is_one_to_one(both_ways, rows):
    """A target leads back to its source exactly where it has one."""
    crosswalk = both_ways("".join(f"{source},{to}\n" for source, to in rows.items()))
    for to in ("x", "y", "z"):
        sources = [source for source, its in rows.items() if its == to]
        answer = crosswalk.lookup("suppliers", [to])
        assert target(answer) == (sources[0] if len(sources) == 1 else None)
        assert isinstance(answer, Ambiguous) == (len(sources) > 1)
