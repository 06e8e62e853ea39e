"""What a clerk, an analyst and an auditor see."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from ledger_bench import Bench
from ledger_doubles import bill

from ml_connector.cli import main
from ml_connector.ledger import leftout
from ml_connector.ledger.schema import audit as audit_table
from ml_connector.ledger.schema import entries, owners


@pytest.fixture
def bench(tmp_path):
    """A ledger with two posted bills, two held ones, and one supplier's worth of trouble."""
    bench = Bench(f"sqlite:///{tmp_path}/ledger.db")
    bench.take(bill("1", "100.10"), bill("2", "0.25"), bill("3", vendor="V2"), bill("4", "5", line="4"))
    bench.take(bill("5", "6.50", vendor="V5", paid=True))
    bench.deliver()
    yield bench
    bench.ledger.close()


@pytest.fixture
def ask(bench):
    """Call ml-connector on that ledger; returns exit code and output."""

    def call(*words, code=0):
        result = CliRunner().invoke(main, [*words, "--ledger-url", bench.url], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.output

    return call


def as_json(ask, *words):
    return json.loads(ask(*words, "--json"))


@pytest.fixture
def cancelled(bench, monkeypatch):
    """The ledger, after one of the two posted bills was cancelled over there and that was noticed."""
    monkeypatch.setattr(type(bench.invoices), "watched", dt.timedelta(days=90))
    bench.target.cancelled.add("BILL-1")
    bench.tamper("1", verified_at=dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
    bench.deliver()
    return bench


def test_status_counts_what_stands(ask, cancelled):
    """What was cancelled is told beside it."""
    known = as_json(ask, "status")
    assert [(each["documents"], each["amount"]) for each in known["posted"]] == [(1, "0.25")]
    assert [(each["documents"], each["amount"]) for each in known["gone"]] == [(1, "100.10")]
    words = "not counted: 1 supplier invoices of USD 100.10 were cancelled or deleted in test:one since"
    assert words in ask("status")


def test_show_tells_what_stands_beside_what_the_source_says(ask, cancelled):
    """The amount over there need not be the newest one."""
    cancelled.take(bill("2", "9.00", version="2"))
    cancelled.deliver()
    told = ask("show", "INV-2")
    assert "USD 9.00" in told.splitlines()[0]
    assert "(wid-BILL-2), USD 0.25" in told
    assert "(wid-BILL-1), cancelled or deleted there" in ask("show", "INV-1")
    known = as_json(ask, "show", "INV-1")
    assert (known["target_amount"], known["target_currency"], known["target_gone"]) == ("100.10", "USD", True)


def test_status_tells_what_is_posted_exactly(ask):
    """Totals posted are exact per currency."""
    assert as_json(ask, "status")["posted"] == [
        {
            "target": "test:one",
            "kind": "supplier_invoices",
            "draft": False,
            "currency": "USD",
            "documents": 2,
            "amount": "100.35",
        }
    ]
    assert "USD 100.35" in ask("status")


def test_status_tells_what_the_last_run_did(ask):
    """The newest run comes first, with its counts."""
    run = as_json(ask, "status")["runs"][0]
    assert run["summary"]["counts"]["supplier_invoices"] == {"created": 2, "held": 2}
    assert "2 created, 2 held" in ask("status")


@pytest.mark.parametrize("term", ["INV-5", "5", "v5", "6.50"])
def test_what_the_filter_left_out_is_found_with_the_condition(ask, term):
    """By number, id, vendor or amount, like a document; it says why it is none."""
    found = as_json(ask, "show", term)
    assert (found["source_id"], found["state"], found["why"]) == ("5", "left_out", "paid")
    assert found["amount"] == "6.50"
    text = ask("show", term)
    assert "because    paid" in text
    assert "USD 6.50" in text


def test_a_number_of_a_document_and_of_one_left_out_is_ambiguous(ask, bench):
    """Both are named, so that nobody takes one for the other."""
    row = {"target": "test:one", "source": "bill:org", "stream": "bills", "source_id": "9", "number": "INV-1"}
    bench.ledger.write(lambda connection: leftout.keep(connection, [row]))
    assert '"INV-1" means 2 documents' in ask("show", "INV-1", code=1)


@pytest.mark.parametrize("words", [("replay",), ("ignore", "--reason", "x")])
def test_what_was_left_out_can_be_neither_replayed_nor_ignored(ask, words):
    """The message says that it was left out and why, not that it is unknown."""
    assert "left out by the map's filter: paid" in ask(words[0], "INV-5", *words[1:], code=1)


def test_status_counts_what_was_left_out_by_condition(ask):
    """The filter's work is visible: how many records, and why."""
    assert as_json(ask, "status")["left_out"] == [
        {"target": "test:one", "kind": "supplier_invoices", "why": "paid", "records": 1}
    ]
    assert "left out of" in ask("status")


def test_status_can_fail_a_scheduler(ask):
    """With --fail-on-held a scheduler is told by the exit code."""
    ask("status", "--fail-on-held", code=3)


def test_held_tells_document_reason_and_cure(ask):
    """Each held document comes with the reason and the cure."""
    rows = sorted(as_json(ask, "held"), key=lambda row: row["number"])
    assert [row["number"] for row in rows] == ["INV-3", "INV-4"]
    assert rows[0]["reasons"][0]["what"] == "vendor V2 is not mapped"
    assert rows[0]["reasons"][0]["held_by"] == "supplier:V2"
    text = ask("held")
    assert "vendor V2 is not mapped" in text
    assert "lines add up to 4.00, the total says 5.00" in text


def test_held_can_be_narrowed_and_grouped(ask):
    """Held documents can be picked by what holds them, and counted by reason."""
    assert [row["number"] for row in as_json(ask, "held", "--held-by", "supplier:V2")] == ["INV-3"]
    assert [row["number"] for row in as_json(ask, "held", "--held-by", "unbalanced")] == ["INV-4"]
    assert {row["held_by"]: row["documents"] for row in as_json(ask, "held", "--by-reason")} == {
        "supplier:V2": 1,
        "unbalanced": 1,
    }
    ask("held", "--fail", code=3)


@pytest.mark.parametrize("term", ["INV-1", "1", "BILL-1", "wid-BILL-1", "100.10", "100.1"])
def test_a_document_is_found_by_whatever_people_know(ask, term):
    """Number, id on either side and amount lead to the same document."""
    assert as_json(ask, "show", term)["source_id"] == "1"


def test_show_tells_the_whole_life(ask):
    """The answer has the record as read, what was sent, and each step."""
    life = as_json(ask, "show", "INV-1", "--audit")
    assert life["record"]["amount"] == "100.10"
    assert life["sent"]["external_id"] == "BILL-1"
    assert [step["action"] for step in life["history"]] == ["intent", "posted"]
    assert life["history"][0]["actor"] == "tester"
    assert "posted" in ask("show", "INV-1")


def test_show_of_nothing_says_how_to_look(ask):
    """An unknown term is one line what and one line cure."""
    output = ask("show", "INV-99", code=1)
    assert 'no document is called "INV-99"' in output
    assert "vendor name or amount" in output


@pytest.mark.parametrize("term", ["1e999999999", "1e-999999999", "NaN", "sNaN", "Infinity"])
def test_a_number_beyond_all_amounts_is_the_name_of_nothing(ask, term):
    """What a person types is looked for, however large it is as a number."""
    assert f'no document is called "{term}"' in ask("show", term, code=1)


def test_ambiguous_name_lists_what_it_could_be(ask):
    """A vendor with several documents is no single document."""
    output = ask("show", "V1", code=1)
    assert '"V1" means 3 documents' in output


@pytest.fixture
def twice(bench):
    """The ledger, in which a second target gets the same bills."""
    bench.ledger.write(
        lambda connection: connection.execute(
            sa.insert(entries).from_select(
                [each.name for each in entries.c if each.name != "id"],
                sa.select(
                    *(
                        sa.literal("test:two") if each.name == "target" else each
                        for each in entries.c
                        if each.name != "id"
                    )
                ),
            )
        )
    )
    return bench


@pytest.mark.parametrize("words", [("show",), ("ignore", "--reason", "x"), ("replay",)])
def test_a_document_that_goes_to_two_targets_is_named_with_its_target(ask, twice, words):
    """The message says how, and each command takes it."""
    command, *options = words
    told = ask(command, "INV-3", *options, code=1)
    assert '"INV-3" means 2 documents' in told
    assert "for test:one" in told
    assert "for test:two" in told
    assert "\n  Add --target, such as --target test:" in told
    (one,) = as_json_list(ask(command, "INV-3", *options, "--target", "test:two", "--json"))
    assert (one["target"], one["number"]) == ("test:two", "INV-3")


@pytest.mark.parametrize("words", [("ignore", "--reason", "x"), ("replay",)])
def test_what_is_held_for_two_targets_can_be_told_apart(ask, twice, words):
    """By what holds it, for one of them."""
    done = as_json_list(ask(*words, "--held-by", "supplier:V2", "--target", "test:two", "--json"))
    assert [each["target"] for each in done] == ["test:two"]


def test_a_target_that_does_not_get_it_names_the_others(ask, twice):
    """A typing mistake in the target's name is seen."""
    told = ask("show", "INV-3", "--target", "test:three", code=1)
    assert 'no document is called "INV-3" for test:three' in told
    assert "other targets are test:one, test:two" in told


def as_json_list(output):
    """Return an answer as a list, whether it was about one document or several."""
    answer = json.loads(output)
    return answer if isinstance(answer, list) else [answer]


def test_ignore_settles_a_document_for_good(ask, bench):
    """An ignored document is not tried again, and the audit says who said so and why."""
    ask("ignore", "INV-3", "--reason", "entered by hand, WD-88213")
    bench.map.suppliers["V2"] = "S-2"
    assert bench.deliver() == {"held": 1}
    life = as_json(ask, "show", "INV-3", "--audit")
    assert life["state"] == "ignored"
    assert life["history"][-1]["outcome"] == "entered by hand, WD-88213"
    assert life["history"][-1]["actor"].startswith("ml-connector as ")


def test_ignore_wants_a_reason(ask):
    """Without a reason nothing is ignored."""
    assert "--reason" in ask("ignore", "INV-3", code=2)


def test_replay_takes_up_what_was_ignored(ask, bench):
    """A replayed document is delivered by the next run."""
    ask("ignore", "INV-3", "--reason", "mistake")
    bench.map.suppliers["V2"] = "S-2"
    ask("replay", "INV-3")
    assert bench.deliver() == {"created": 1, "held": 1}


def test_replay_by_cause(ask):
    """All documents held by one thing are replayed together."""
    assert [row["number"] for row in as_json(ask, "replay", "--held-by", "supplier:V2")] == ["INV-3"]


def test_replay_of_a_posted_document_is_refused(ask):
    """What is posted is not tried again."""
    assert "posted already" in ask("replay", "INV-1", code=1)


def test_audit_verifies_and_finds_tampering(ask, bench):
    """An intact chain is proved; a changed one is an exit code of its own."""
    proof = as_json(ask, "audit", "verify")
    assert proof["intact"] is True
    assert f"last hash {proof['last_hash']}" in ask("audit", "verify")
    bench.ledger.write(lambda c: c.execute(audit_table.update().where(audit_table.c.seq == 2).values(outcome="x")))
    assert "broken: audit entry 2" in ask("audit", "verify", code=3)


def test_asking_about_a_ledger_that_is_not_there_makes_none(tmp_path):
    """A question about a missing ledger is an error and creates no file."""
    result = CliRunner().invoke(main, ["status", "--ledger-url", f"sqlite:///{tmp_path}/none.db"])
    assert result.exit_code == 1
    assert "there is no ledger" in result.output
    assert list(tmp_path.iterdir()) == []


class TestPipelines:
    """Whose the documents are."""

    def test_status_tells_to_which_pipeline_documents_belong(self, ask):
        """By source instance and target, with what is open and when it ran last."""
        (row,) = as_json(ask, "status")["pipelines"]
        assert row.pop("ran_at") is not None
        assert row == {
            "target": "test:one",
            "source": "bill:org",
            "owned": True,
            "plugin": "tap-test",
            "map": "tap_test.yml",
            "tables": "tables",
            "settings": {},
            "documents": 2,
        }
        assert "map tap_test.yml with the tables in tables" in ask("status")
        assert "map tap_test.yml with the tables in tables" in ask("show", "INV-3")

    def test_status_replay_and_show_tell_what_no_pipeline_owns(self, ask, bench):
        """With the command that hands it over."""
        bench.ledger.write(lambda connection: connection.execute(owners.delete()))
        told = "2 open documents of bill:org belong to no pipeline"
        assert told in ask("status")
        assert "ml-connector hand-over bill:org" in ask("status")
        assert as_json(ask, "status")["pipelines"][0]["owned"] is False
        assert "belongs to no pipeline" in ask("show", "INV-3")
        assert "bill:org belongs to no pipeline: `ml-connector hand-over bill:org`" in ask("replay", "INV-3")

    def test_hand_over_gives_a_source_to_another_pipeline(self, ask, bench, tmp_path, monkeypatch):
        """Map and tables are named as in the target's settings; the answer says from whom to whom."""
        monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
        words = ("hand-over", "bill:org", "--to", "tap-bill--acme", "--crosswalk-dir", "tables-b")
        assert ask(*words) == (
            "bill:org for test:one: from map tap_test.yml with the tables in tables to map tap_bill.yml with the tables "
            "in tables-b; 2 open documents go out with its next run\n"
        )
        given = as_json(ask, *words, "--target", "test:one", "--map-settings", '{"cost_center_from": "class"}')
        assert (given["plugin"], given["tables"]) == ("tap-bill--acme", "tables-b")
        assert given["settings"] == {"cost_center_from": "class"}
        assert "documents without a map" in ask("hand-over", "bill:org", "--to", "documents")

    @pytest.mark.parametrize(
        ("words", "what"),
        [
            (["bill:other", "--to", "tap-bill"], "knows nothing open or owned of bill:other"),
            (["bill:org", "--to", "tap-bill", "--target", "test:two"], "of bill:org for test:two"),
            (["bill:org", "--to", "tap-bil"], "there is no map"),
            (["bill:org", "--to", "tap-workday"], "for records of workday"),
            (["bill:org", "--to", "tap-bill", "--map-settings", "{"], "not a JSON object"),
            (["bill:org", "--to", "tap-bill", "--map-settings", "[]"], "not a JSON object"),
            (["bill:org", "--to", "tap-bill", "--map-settings", '{"cost_centre_from": "a"}'], "cost_center_from"),
            (["bill:org", "--to", "documents", "--crosswalk-dir", "x"], "without a map has no tables"),
        ],
    )
    def test_hand_over_refuses_what_cannot_be(self, ask, words, what):
        """One line what, one line cure, and nothing has changed."""
        before = as_json(ask, "status")["pipelines"]
        assert what in ask("hand-over", *words, code=1)
        assert as_json(ask, "status")["pipelines"] == before

    def test_hand_over_asks_for_the_target_where_there_are_several(self, ask, bench):
        """A source that is delivered to two targets has two pipelines."""
        bench.ledger.write(
            lambda connection: connection.execute(
                owners.insert().values(
                    target="test:two", source="bill:org", plugin="tap-test", since=dt.datetime.now(dt.UTC)
                )
            )
        )
        assert "test:one, test:two" in ask("hand-over", "bill:org", "--to", "tap-bill", code=1)
        assert "bill:org for test:two" in ask("hand-over", "bill:org", "--to", "tap-bill", "--target", "test:two")
