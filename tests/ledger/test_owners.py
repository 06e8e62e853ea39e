"""One ledger, many pipelines: each delivers its own documents, and nobody else's."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from ledger_bench import FAST, Bench
from ledger_doubles import TestMap, bill, timeout

from ml_connector.errors import UserError
from ml_connector.ledger import migrations, owners, proof
from ml_connector.ledger.owners import LeftAlone, OtherPipeline, Reach
from ml_connector.ledger.schema import audit as audit_table
from ml_connector.ledger.schema import entries
from ml_connector.pipelines import WITHOUT_MAP, Pipeline

FIRST = Pipeline("tap-test", "tap_test.yml", "tables", "/project/tables", "{}")
OTHERS = {
    "other tables": dataclasses.replace(FIRST, tables="tables-b", place="/project/tables-b"),
    "another map": dataclasses.replace(FIRST, plugin="tap-test--b", map="tap_test__b.yml"),
    "the same map from another folder": dataclasses.replace(FIRST, map="maps-b/tap_test.yml"),
    "no map": WITHOUT_MAP,
}
MOVED = dataclasses.replace(FIRST, place="/elsewhere/tables")
CHANGED = dataclasses.replace(FIRST, settings='{"cost_center_from":"class"}')


def company(instance="org", pipeline=FIRST, **options):
    """Return the map of a company's pipeline."""
    map_ = TestMap(**options)
    map_.instance, map_.pipeline = instance, pipeline
    return map_


def run(bench, map_, *records, policy=FAST):
    """Run a pipeline over records; return the counts of invoices by outcome."""
    bench.map = map_
    bench.take(*records)
    return bench.deliver(policy)


def left_alone(bench):
    """What the last run left alone: documents by source."""
    return {each.source: each.documents for each in bench.last.summary.left_alone}


def why(bench):
    """Why the last run left alone the only thing it did."""
    (each,) = bench.last.summary.left_alone
    return each.why


class TestAnotherCompany:
    """Two companies share a ledger and a target; their maps or tables differ."""

    @pytest.mark.parametrize("other", [*OTHERS.values(), CHANGED, MOVED])
    @pytest.mark.parametrize("records", [(), (bill("9"),)])
    def test_what_one_holds_is_never_delivered_by_the_other(self, bench, other, records):
        """Whether or not the other reads something: its tables would give a wrong supplier."""
        assert run(bench, company("one", suppliers={}), bill("1")) == {"held": 1}
        counts = run(bench, company("two", other, suppliers={"V1": "S-OF-TWO"}), *records)
        assert counts == ({"created": 1} if records else {})
        assert [document.external_id for document in bench.target.documents.values()] == [
            f"BILL-{each['id']}" for each in records
        ]
        assert left_alone(bench) == {"bill:one": 1}
        assert run(bench, company("one")) == {"created": 1}
        assert bench.target.documents["BILL-1"].supplier == "S-1"

    def test_a_request_with_unknown_outcome_is_looked_up_by_its_own_pipeline(self, bench):
        """The other company's run does not even ask for it."""
        bench.target.fail_after(timeout())
        policy = dataclasses.replace(FAST, tries=1)
        assert run(bench, company("one"), bill("1"), policy=policy) == {"retry": 1}
        bench.tamper("1", state="posting", next_attempt_at=None)
        run(bench, company("two", OTHERS["other tables"]), bill("2"))
        assert bench.target.finds == []
        run(bench, company("one"))
        assert bench.target.finds == ["BILL-1"]
        assert sorted(bench.target.writes) == [("create", "BILL-1"), ("create", "BILL-2")]

    def test_what_was_posted_is_read_back_by_its_own_pipeline(self, bench):
        """A document of one company is not held because of what the other company's run sees."""
        run(bench, company("one"), bill("1"))
        bench.tamper("1", verified_at=None)
        bench.target.forgets = True
        run(bench, company("two", OTHERS["other tables"]))
        assert bench.entry("1").state == "posted"
        run(bench, company("one"))
        assert bench.entry("1").state == "held"

    def test_a_waiting_document_of_the_other_does_not_wait_in_this_run(self, bench):
        """What a run says about what waits is about its own documents."""
        policy = dataclasses.replace(FAST, tries=1, down_after=1)
        bench.target.fail_before(timeout())
        run(bench, company("one"), bill("1"), policy=policy)
        bench.target.fail_before(timeout())
        run(bench, company("two", OTHERS["other tables"]), bill("2"), policy=policy)
        assert "1 documents wait" in bench.last.summary.stopped


class TestOnePipeline:
    """Taps of the same map and tables are one pipeline, whatever they are called."""

    def test_taps_that_inherit_share_their_documents(self, bench):
        """What the bills' tap left held, the vendors' tap delivers."""
        run(bench, company(suppliers={}), bill("1"))
        assert run(bench, company(pipeline=dataclasses.replace(FIRST, plugin="tap-test--vendors"))) == {"created": 1}

    def test_it_delivers_all_that_it_has_brought_in(self, bench):
        """A run that reads nothing, or only of one organization, repairs what is held of the others."""
        run(bench, company("one", suppliers={}), bill("1"))
        run(bench, company("two", suppliers={}), bill("2"))
        assert run(bench, company("two"), bill("3")) == {"created": 3}

    def test_reading_reference_records_is_enough(self, bench):
        """A run that reads nothing but vendors of an organization brings it in."""
        run(bench, company(suppliers={}), bill("1"))
        bench.map = company(pipeline=CHANGED)
        bench.take({"id": "V1", "name": "Acme"}, stream="vendors")
        assert bench.deliver() == {"created": 1}

    @pytest.mark.parametrize("now", [CHANGED, MOVED])
    def test_new_settings_and_a_new_place_hold_for_what_is_read_with_them(self, bench, now):
        """The run that reads something of the source takes all of it along, and the one after it as well."""
        run(bench, company(suppliers={}), bill("1"))
        assert run(bench, company(pipeline=now)) == {}
        assert "other settings of the map, or by a project at another place" in why(bench)
        assert run(bench, company(pipeline=now), bill("2")) == {"created": 2}
        run(bench, company(pipeline=now, suppliers={}), bill("3"))
        assert run(bench, company(pipeline=now)) == {"created": 1}

    @pytest.mark.parametrize("now", [CHANGED, MOVED])
    def test_new_settings_hold_for_a_run_that_goes_on_from_its_bookmarks(self, bench, now):
        """Nothing is new at the source; whose bookmarks a run has tells that it is the same pipeline."""
        run(bench, company(suppliers={}), bill("1"))
        bench.map = company(pipeline=now)
        bench.go_on("bill:org")
        assert bench.deliver() == {"created": 1}

    @pytest.mark.parametrize("other", OTHERS)
    def test_bookmarks_of_a_source_that_another_pipeline_owns_take_nothing(self, bench, other):
        """A source that was handed over meanwhile stays its new owner's, and the run goes on."""
        run(bench, company(suppliers={}), bill("1"))
        bench.map = company(pipeline=OTHERS[other])
        bench.go_on("bill:org")
        assert bench.deliver() == {}
        assert left_alone(bench) == {"bill:org": 1}

    def test_what_is_read_tells_more_than_the_bookmarks(self, bench):
        """A tap that was pointed at another organization does not take the former one's documents along."""
        run(bench, company("one", suppliers={}), bill("1"))
        bench.map = company("two", pipeline=CHANGED)
        bench.go_on("bill:one", bill("2"))
        assert bench.deliver() == {"created": 1}
        assert left_alone(bench) == {"bill:one": 1}

    def test_an_absolute_folder_is_the_same_wherever_a_run_starts(self, bench):
        """Started from another folder, tables at the same place are the same tables."""
        run(bench, company(suppliers={}), bill("1"))
        elsewhere = dataclasses.replace(FIRST, tables="/project/tables")
        assert run(bench, company(pipeline=elsewhere)) == {"created": 1}

    def test_a_stream_the_map_has_lost_is_left_alone_and_told(self, bench):
        """It is no failure of the run: everything else goes out."""
        run(bench, company(suppliers={}), bill("1"), bill("2"))
        bench.tamper("1", stream="old_bills")
        assert run(bench, company()) == {"created": 1}
        assert why(bench) == "the map tap_test.yml makes no supplier invoices of stream old_bills"
        assert bench.entry("1").state == "held"

    def test_a_kind_the_target_does_not_take_is_left_alone_and_told(self, bench):
        """Payments wait while payments are switched off."""
        run(bench, company(suppliers={}), bill("1"))
        bench.tamper("1", kind="payments")
        assert run(bench, company()) == {}
        assert why(bench) == "this target takes no payments as it is set"


class TestRefused:
    """Two pipelines for the documents of one organization and one target."""

    @pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
    @pytest.mark.parametrize("first_other", [True, False])
    def test_the_second_is_refused_and_both_are_named(self, bench, other, first_other):
        """Nothing of it is kept, nothing is delivered."""
        first, second = (other, FIRST) if first_other else (FIRST, other)
        run(bench, company(pipeline=first, suppliers={}), bill("1"))
        bench.map = company(pipeline=second)
        with pytest.raises(OtherPipeline) as refused:
            bench.take(bill("2"))
        assert first.words in refused.value.what
        assert second.words in refused.value.what
        assert "ml-connector hand-over bill:org --target test:one --to " in refused.value.cure
        with bench.ledger.read() as connection:
            assert connection.execute(sa.select(entries.c.source_id)).scalars().all() == ["1"]
        assert bench.target.writes == []

    def test_vendors_that_are_only_remembered_count_as_well(self, bench):
        """A run that reads references of an organization is a run for it."""
        run(bench, company(), bill("1"))
        bench.map = company(pipeline=OTHERS["other tables"])
        with pytest.raises(OtherPipeline):
            bench.take({"id": "V1", "name": "Acme"}, stream="vendors")

    def test_the_cure_names_the_folders_of_the_run(self, bench):
        """What is printed can be given as it is."""
        run(bench, company(), bill("1"))
        other = dataclasses.replace(OTHERS["other tables"], plugin="tap-test--b", map="maps-b/tap_test.yml")
        bench.map = company(pipeline=other)
        with pytest.raises(OtherPipeline) as refused:
            bench.take(bill("2"))
        assert refused.value.cure.endswith("--to tap-test--b --maps-dir maps-b --crosswalk-dir tables-b")


class TestHandingOver:
    """A person says whose the documents of an organization are."""

    def test_they_go_out_with_the_other_pipeline(self, bench):
        """And the earlier one is refused from then on."""
        run(bench, company(suppliers={}), bill("1"))
        other = OTHERS["other tables"]
        words = owners.hand_over(bench.ledger, target="test:one", source="bill:org", pipeline=other, actor="pat")
        assert words == f"bill:org for test:one: from {FIRST.words} to {other.words}"
        bench.map = company()
        with pytest.raises(OtherPipeline):
            bench.take(bill("2"))
        assert run(bench, company(pipeline=other)) == {"created": 1}

    def test_it_is_audited(self, bench):
        """Who did it, and from whom to whom."""
        run(bench, company(), bill("1"))
        other = OTHERS["other tables"]
        owners.hand_over(bench.ledger, target="test:one", source="bill:org", pipeline=other, actor="pat")
        with bench.ledger.read() as connection:
            proof.verify(connection)
            row = connection.execute(sa.select(audit_table).order_by(audit_table.c.seq.desc()).limit(1)).one()
        assert (row.action, row.actor) == ("handed_over", "pat")
        assert json.loads(row.detail)["pipeline"]["tables"] == "tables-b"

    def test_not_while_they_are_being_delivered(self, bench):
        """A living claim is somebody's who maps by the earlier tables."""
        run(bench, company(suppliers={}), bill("1"))
        bench.tamper("1", lease_owner="another", lease_until=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1))
        with pytest.raises(UserError, match="at this moment"):
            owners.hand_over(bench.ledger, target="test:one", source="bill:org", pipeline=OTHERS["no map"], actor="pat")

    def test_what_belongs_to_nobody_is_told_with_the_cure(self, bench):
        """No run delivers it before somebody says whose it is."""
        run(bench, company(suppliers={}), bill("1"))
        bench.ledger.write(lambda connection: connection.execute(sa.delete(owners.owners)))
        assert run(bench, company("two")) == {}
        (told,) = bench.last.summary.left_alone
        assert told == LeftAlone(
            "bill:org",
            1,
            "they belong to no pipeline",
            "a run that reads something of bill:org, or goes on from its bookmarks, takes them along; or `ml-connector hand-over bill:org`",
        )


def test_delivery_never_walks_through_what_was_posted(bench):
    """However many sources a pipeline owns, documents to claim are found by the index of the open ones."""
    reach = Reach("test:one", FIRST, {"supplier_invoices": {"bills"}})
    query = sa.select(entries.c.id).where(reach.of("supplier_invoices"), owners.is_open, entries.c.id > 1)
    text = query.order_by(entries.c.id).compile(bench.ledger.engine, compile_kwargs={"literal_binds": True})
    with bench.ledger.read() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    assert "ix_entries_open" in plan[0]


class TestLedgersFromBefore:
    """Recorded runs name taps; what follows from them without doubt is kept."""

    @pytest.fixture
    def migrated(self, tmp_path):
        """Make a ledger of the version before pipelines were remembered, and bring it up to date."""

        def make(transforms, sources=("bill:org",)):
            url = f"sqlite:///{tmp_path}/before.db"
            engine = sa.create_engine(url)
            config = Config()
            config.set_main_option("script_location", str(migrations.__path__[0]))
            with engine.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "0005")
                for number, transform in enumerate(transforms):
                    connection.execute(
                        sa.text(
                            "INSERT INTO runs (id, target, transform, started_at) VALUES (:id, 'test:one', :map, '')"
                        ),
                        {"id": str(number), "map": transform},
                    )
                for source in sources:
                    connection.execute(_ENTRY, {"source": source})
            engine.dispose()
            return Bench(url)

        return make

    @pytest.mark.parametrize(
        ("transforms", "sources", "plugins"),
        [
            (["tap-bill", "tap-bill--vendors"], ["bill:org"], {"bill:org": "tap-bill"}),
            (
                ["tap-bill", "tap-workday"],
                ["bill:org", "workday:a"],
                {"bill:org": "tap-bill", "workday:a": "tap-workday"},
            ),
            (["tap-business-central"], ["business_central:a/b/c"], {"business_central:a/b/c": "tap-business-central"}),
            (["tap-bill", None], ["bill:org"], {"bill:org": "tap-bill"}),
            ([None, ""], ["bill:org"], {"bill:org": ""}),
            (["tap-ours"], ["erp:1"], {"erp:1": "tap-ours"}),
            (["tap-ours", "tap-theirs"], ["erp:1"], {}),
            (["tap-ours", None], ["erp:1"], {}),
            ([], ["bill:org"], {}),
        ],
    )
    def test_what_is_certain_is_taken_over(self, migrated, transforms, sources, plugins):
        """By the only tap that can have brought it in; nothing is guessed where there are several."""
        bench = migrated(transforms, sources)
        with bench.ledger.read() as connection:
            known = {each.source: each.plugin for each in owners.holdings(connection) if each.owned}
        assert known == plugins
        bench.ledger.close()

    def test_the_first_run_that_reads_something_says_with_which_tables(self, migrated):
        """Until then nothing is delivered: a run may be another company's."""
        bench = migrated(["tap-test"], ["bill:org"])
        assert run(bench, company("two", OTHERS["other tables"])) == {}
        assert run(bench, company()) == {}
        assert left_alone(bench) == {"bill:org": 1}
        assert run(bench, company(), bill("7")) == {"created": 2}
        bench.map = company(pipeline=OTHERS["other tables"])
        with pytest.raises(OtherPipeline):
            bench.take(bill("8"))
        bench.ledger.close()

    def test_another_tap_is_refused(self, migrated):
        """What came in through one tap does not go out through another one, or without a map."""
        bench = migrated(["tap-test"], ["bill:org"])
        for other in (WITHOUT_MAP, dataclasses.replace(FIRST, plugin="tap-else", map="tap_else.yml")):
            bench.map = company(pipeline=other)
            with pytest.raises(OtherPipeline, match="tap-test"):
                bench.take(bill("7"))
        bench.ledger.close()

    def test_what_nobody_owns_is_taken_by_whoever_reads_of_it(self, migrated):
        """A run that reads something of the source claims the rest."""
        bench = migrated([], ["bill:org"])
        assert run(bench, company(), bill("7")) == {"created": 2}
        bench.ledger.close()


_ENTRY = sa.text(
    "INSERT INTO entries (target, kind, source, source_id, stream, record, record_hash, state, first_seen_at, changed_at) "
    "VALUES ('test:one', 'supplier_invoices', :source, '1', 'bills', '"
    + json.dumps({**bill("1"), "amount": 1, "line": 1})
    + "', 'x', 'held', '2026-09-01T00:00:00.000000+00:00', '2026-09-01T00:00:00.000000+00:00')"
)
