"""Opening a ledger and writing to it from many threads."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ml_connector.errors import SettingInvalid
from ml_connector.ledger import migrations, store
from ml_connector.ledger.schema import Instant, Money, meta, metadata
from ml_connector.ledger.store import Ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    """The URL of an empty database, of each kind."""
    return f"sqlite:///{tmp_path}/ledger.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def by_steps(empty, monkeypatch):
    """A ledger that was brought up to date by all migrations, one after the other."""
    monkeypatch.setattr(migrations, "_made_anew", lambda _engine: False)
    with Ledger(empty) as ledger:
        yield ledger


def test_migrations_lead_to_the_tables_in_the_code(by_steps):
    """What the migrations make is what the schema module says."""
    with by_steps.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def shape(ledger):
    """Return what a database says of its tables, and all their rows, but for the moment and the name of this ledger."""
    told = sa.inspect(ledger.engine)
    tables = {}
    with ledger.read() as connection:
        for name in told.get_table_names():
            rows = [dict(row) for row in connection.execute(sa.select("*").select_from(sa.table(name))).mappings()]
            indexes = [
                (each["name"], each["column_names"], each["unique"], str(each["dialect_options"].get("sqlite_where")))
                for each in told.get_indexes(name)
            ]
            tables[name] = {
                "rows": [row["key"] for row in rows] if name == "meta" else rows,
                "columns": sorted(
                    (each["name"], str(each["type"]), each["nullable"], each["default"])
                    for each in told.get_columns(name)
                ),
                "key": told.get_pk_constraint(name)["constrained_columns"],
                "indexes": sorted(indexes),
                "unique": sorted(map(str, told.get_unique_constraints(name))),
                "checks": told.get_check_constraints(name),
                "foreign": sorted(map(str, told.get_foreign_keys(name))),
            }
    return tables


def test_a_new_ledger_is_what_the_migrations_make(by_steps, tmp_path, request):
    """It is made in one go: the same columns, keys, indexes and rows as by all steps."""
    kind = by_steps.engine.dialect.name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "_made_anew", _made_anew)
        new = f"sqlite:///{tmp_path}/new.db" if kind == "sqlite" else request.getfixturevalue("another_postgres_url")
        with Ledger(new) as made:
            assert shape(made) == shape(by_steps)


def test_a_ledger_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    """A process that is killed while it makes one leaves no database behind that is taken for another program's."""

    def die(*_):
        raise KeyboardInterrupt

    url = f"sqlite:///{tmp_path}/ledger.db"
    with monkeypatch.context() as patch:
        patch.setattr(migrations._VERSION, "create", die)
        with pytest.raises(KeyboardInterrupt):
            Ledger(url)
    with Ledger(url) as ledger:
        assert migrations.is_current(ledger.engine)


_made_anew = migrations._made_anew


def test_head_is_the_newest_migration():
    """The revision that lets Alembic rest is the newest one there is."""
    import pathlib

    scripts = ScriptDirectory(str(pathlib.Path(migrations.__file__).parent))
    assert scripts.get_current_head() == migrations.HEAD


def test_works_of_many_threads_are_all_durable(bench):
    """Works queued at once by many threads are all carried out."""

    def note(number):
        bench.ledger.write(lambda c: c.execute(sa.insert(meta).values(key=f"k{number}", value="v")))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(note, range(200)))
    with bench.ledger.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(meta)).scalar() == 202


def test_a_failing_work_fails_alone(bench):
    """A work that raises takes none of its group with it."""

    def note(connection, key):
        connection.execute(sa.insert(meta).values(key=key, value="v"))
        if key == "bad":
            raise ValueError(key)

    futures = [bench.ledger.submit(lambda c, key=key: note(c, key)) for key in ("a", "bad", "b")]
    assert futures[0].exception() is None
    assert isinstance(futures[1].exception(), ValueError)
    assert futures[2].exception() is None
    with bench.ledger.read() as connection:
        assert set(connection.execute(sa.select(meta.c.key)).scalars()) == {"began_at", "ledger_id", "a", "b"}


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://host/db", "neither a SQLite file nor PostgreSQL"),
        ("sqlite://", "neither a SQLite file nor PostgreSQL"),
        ("postgresql://nobody:secret-word@127.0.0.1:1/none", "cannot be opened"),
    ],
)
def test_wrong_url_is_a_clear_error_without_its_password(url, what, monkeypatch):
    """A ledger_url that cannot be used is told in one line, and its password is not."""
    monkeypatch.setattr(store, "OPENING_PATIENCE", 0.0)
    with pytest.raises(SettingInvalid, match=what) as error:
        Ledger(url)
    assert "secret-word" not in str(error.value)


def test_file_that_is_no_ledger_is_a_clear_error(tmp_path):
    """A file that is something else is named, and left as it is."""
    path = tmp_path / "ledger.db"
    path.write_text("these are no pages of a database, but a letter to a friend" * 20)
    with pytest.raises(SettingInvalid, match="cannot be opened"):
        Ledger(f"sqlite:///{path}")
    assert path.read_text().startswith("these are")


def test_only_one_delivery_at_a_time_on_sqlite(bench):
    """A second delivery to the same target waits until the first has ended."""
    waited = []
    other = Ledger(bench.url)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with bench.ledger.delivering("test:one", on_wait=lambda: None):

            def second():
                with other.delivering("test:one", on_wait=lambda: waited.append("told")):
                    waited.append("in")

            future = pool.submit(second)
            while not waited:
                pass
            assert waited == ["told"]
        future.result()
    assert waited == ["told", "in"]
    other.close()


def test_dry_run_copy_is_complete_and_apart(bench, tmp_path):
    """A scratch copy holds what the ledger holds and shares nothing with it."""
    bench.ledger.write(lambda c: c.execute(sa.insert(meta).values(key="k", value="v")))
    copy = bench.ledger.scratch_copy(tmp_path / "copy.db")
    copy.write(lambda c: c.execute(sa.insert(meta).values(key="other", value="v")))
    with bench.ledger.read() as connection:
        assert set(connection.execute(sa.select(meta.c.key)).scalars()) == {"began_at", "ledger_id", "k"}
    with copy.read() as connection:
        assert set(connection.execute(sa.select(meta.c.key)).scalars()) == {"began_at", "ledger_id", "k", "other"}
    copy.close()


@pytest.mark.parametrize("amount", ["0", "0.01", "-12.3456", "922337203685477.5807"])
def test_money_is_kept_exactly(amount):
    """An amount comes back as it went in."""
    money = Money()
    dialect = sa.engine.default.DefaultDialect()
    assert money.process_result_value(money.process_bind_param(Decimal(amount), dialect), dialect) == Decimal(amount)


def test_money_refuses_to_round():
    """An amount that would be rounded is refused."""
    with pytest.raises(ValueError, match="more than four decimals"):
        Money().process_bind_param(Decimal("0.00001"), sa.engine.default.DefaultDialect())


def test_instants_are_utc_and_sortable():
    """Moments from any zone are kept as UTC text that sorts as they do."""
    instant, dialect = Instant(), sa.engine.default.DefaultDialect()
    early = dt.datetime(2026, 9, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    late = dt.datetime(2026, 9, 1, 0, tzinfo=dt.UTC)
    assert instant.process_bind_param(early, dialect) < instant.process_bind_param(late, dialect)
