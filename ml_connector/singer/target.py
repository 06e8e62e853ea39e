"""The base of all targets: records become durable, then documents are delivered.

    stdin -> intake (ledger) -> STATE on stdout -> delivery -> summary

A STATE message is answered as soon as everything before it is durable; the delivery that follows can be killed at any
moment without losing or repeating anything.
"""

from __future__ import annotations

import abc
import contextlib
import copy
import json
import pathlib
import signal
import sys
import typing as t
import weakref
from functools import cached_property

from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError, InvalidJSONSchema
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.plugin_base import PluginBase
from singer_sdk.sinks import RecordSink

from ml_connector import defects, exact_json
from ml_connector.actor import actor
from ml_connector.delivery.attempt import Policy
from ml_connector.delivery.delivery import Delivery, account_for_rest
from ml_connector.delivery.sink import DocumentSink
from ml_connector.errors import ConnectorError, LedgerFault, MalformedRecord, SettingInvalid
from ml_connector.files import replace_file
from ml_connector.ledger.anchors import check_place
from ml_connector.ledger.aside import UNREADABLE, Line, held_lines, stream_of
from ml_connector.ledger.binder import LedgerLinks, LedgerReferences
from ml_connector.ledger.checkpoints import Checkpoints, Mark, mark_of, marked
from ml_connector.ledger.faults import ends_the_run
from ml_connector.ledger.intake import Intake
from ml_connector.ledger.runs import Run, Summary
from ml_connector.ledger.store import DEFAULT_URL, Ledger
from ml_connector.leftovers import scratch_folder
from ml_connector.mapping.engine import MapEngine
from ml_connector.names import display_name
from ml_connector.sensitive import masked
from ml_connector.singer.batch import batch_lines
from ml_connector.singer.bounds import BOUNDS
from ml_connector.singer.command import EXIT_DEFECT, EXIT_DOWN, EXIT_HELD, PluginCommand
from ml_connector.singer.credentials import CREDENTIALS_SETTING, with_credentials
from ml_connector.singer.governing import keep_anchor, keep_verdicts, note_changes
from ml_connector.singer.reader import MessageReader, Unreadable
from ml_connector.singer.settings import CheckedSettings
from ml_connector.singer.stream_maps import transformed
from ml_connector.singer.summary import log_summary
from ml_connector.singer.validation import SchemaCheck, malformed

if t.TYPE_CHECKING:
    from types import FrameType

    import click

__all__ = ["COMMON_SETTINGS", "DeliveryTarget"]

COMMON_SETTINGS: t.Final = (
    CREDENTIALS_SETTING,
    th.Property(
        "transform",
        th.StringType,
        title="Map to apply",
        description="Name of the tap whose map turns its records into documents (tap-bill). In meltano.yml it is "
        "$MELTANO_EXTRACTOR_NAME. Leave it out when the records are documents already",
    ),
    th.Property(
        "maps_dir",
        th.StringType,
        title="Folder of own maps",
        description="Where own maps are looked for before the packaged ones; transforms/maps in the project when "
        "not set",
    ),
    th.Property(
        "crosswalk_dir",
        th.StringType,
        title="Folder of mapping tables",
        description="Where the mapping tables are; transforms/crosswalk in the project when not set",
    ),
    th.Property(
        "map_settings",
        th.ObjectType(additional_properties=True),
        title="Settings of the map",
        description="Values for the settings the map offers, see docs/mapping.md",
    ),
    th.Property(
        "ledger_url",
        th.StringType,
        default=DEFAULT_URL,
        secret=True,
        title="Delivery ledger",
        description="SQLAlchemy URL of the ledger: a SQLite file, or PostgreSQL when several machines deliver; "
        "vault:NAME is the one entry NAME of the vault has. A relative file is taken from the project's folder",
    ),
    th.Property(
        "audit_anchor",
        th.StringType,
        title="Where the end of the audit is kept",
        description="Where the newest hash of the audit goes after each run, so that a chain that is cut off or "
        "written anew is found (audit verify --expect): file:PATH adds a line to a file, command:PROGRAM hands it the "
        "line, log writes it to the log",
    ),
    th.Property(
        "dry_run",
        th.BooleanType,
        default=False,
        title="Dry run",
        description="Read, map and check everything, say what would be done with each document, and write nothing",
    ),
    th.Property(
        "summary_file",
        th.StringType,
        title="File for the run's account",
        description="Where to write what the run did, as JSON: counts, totals, reasons; also in a dry run. The ledger "
        "keeps it too, see ml-connector status --json",
    ),
    th.Property(
        "fail_on",
        th.StringType,
        default="never",
        allowed_values=["never", "held", "any"],
        title="When to exit with 3",
        description="never: held documents are no failure; held: they are; any: so are documents that wait for "
        "another attempt or for the cap",
    ),
    th.Property(
        "missing_suppliers",
        th.StringType,
        default="hold",
        allowed_values=["hold", "create"],
        title="Suppliers the target lacks",
        description="hold: list them, and let their documents wait; create: make them in the target",
    ),
    th.Property(
        "max_documents",
        th.IntegerType(minimum=1),
        title="Cap on documents created",
        description="How many documents one run may create at most, for careful first runs; no cap when not set",
    ),
    th.Property(
        "max_concurrency",
        th.IntegerType(minimum=1, maximum=16),
        default=2,
        title="Requests side by side",
        description="How many requests may be under way at once",
    ),
    th.Property(
        "request_timeout",
        th.IntegerType(minimum=1),
        default=300,
        title="Timeout in seconds",
        description="How long an answer is waited for before the outcome counts as unknown",
    ),
    *BOUNDS,
    th.Property(
        "user_agent",
        th.StringType,
        title="User agent",
        description="What to call ourselves in requests; name and version of the package when not set",
    ),
)
"""Settings every target has (design section 11)."""


_MELTANO_TEST: t.Final = "meltano_test_stream"
"""What `meltano config test` sends a loader (meltano/core/plugin_test_service.py)."""


class _SchemaSink(RecordSink):
    """Where the SDK keeps a stream's schema; records go to the intake, see ``DeliveryTarget``."""

    include_sdc_metadata_properties = False

    def process_record(self, record: dict[str, t.Any], context: dict[str, t.Any]) -> None:
        """Never called: the intake takes records."""
        raise AssertionError(f"a record of {self.stream_name} went past the intake ({len(record)}, {len(context)})")


class DeliveryTarget(CheckedSettings, Target):
    """A target that delivers documents exactly once and keeps a ledger of it."""

    package_name = "ml-connector"
    system: t.ClassVar[str]
    """The target system's name (``workday``)."""

    default_sink_class = _SchemaSink
    message_reader_class = MessageReader
    capabilities: t.ClassVar[list[t.Any]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **options: t.Any) -> None:
        super().__init__(**options)
        self._reader.set_aside = self._set_aside
        self._reader.keep = self._keep
        self._schemas = SchemaCheck(self._reads)
        self._deviating: set[tuple[str, str]] = set()
        self._tested = False
        self._left_out: dict[str, str] = {}
        self._takes_some = False
        self._defects: set[str] = set()
        self._delivery: Delivery | None = None
        self._acknowledged: dict[str, t.Any] | None = None
        self._mark: Mark | None = None

    @property
    @abc.abstractmethod
    def instance(self) -> str:
        """Which tenant or company of the system; part of every document's identity in the ledger."""

    @abc.abstractmethod
    def make_sinks(self) -> t.Sequence[DocumentSink[t.Any]]:
        """Return one sink per document kind; checks the settings, opens no connection yet."""

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, t.Any]) -> None:
        """Add the SDK's settings that mean something here: not the warehouse ones (``load_method`` ...)."""
        PluginBase.append_builtin_config.__func__(cls, config_jsonschema)  # type: ignore[attr-defined]

    def _completed(self, config: dict[str, t.Any]) -> dict[str, t.Any]:
        return with_credentials(config, self.config_jsonschema, system=self.system, logger=self.logger)

    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: t.Any = None,
        file_input: t.IO[str] | None = None,
    ) -> None:
        """Run the target as its command does; an error while it reads is on the run's record too."""
        PluginBase.invoke.__func__(cls, about=about, about_format=about_format)  # type: ignore[attr-defined]
        cls.print_version(print_fn=cls.logger.info)
        target = cls(
            config=config.config if config else None,
            parse_env_config=config.parse_env if config else False,
            validate_config=True,
        )
        with target.recorded():
            target.listen(file_input)

    @contextlib.contextmanager
    def recorded(self) -> t.Iterator[Run]:
        """Have this run on record, with whatever ends it."""
        run = self.run
        try:
            yield run
        except SystemExit as exit_:
            self._end(failed=f"ended by a signal (exit code {exit_.code})")
            raise
        except BaseException as error:
            self._end(failed=_why(error))
            raise
        self._end()

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command line, with this project's way of telling errors."""
        return PluginCommand(
            super().get_singer_command(), env_prefix=cls._env_var_prefix, settings=cls.config_jsonschema
        )

    @cached_property
    def ledger(self) -> Ledger:
        """The delivery ledger; a throw-away copy of it in a dry run."""
        ledger = Ledger(self.config.get("ledger_url") or DEFAULT_URL)
        if not self.config.get("dry_run"):
            ledger.require_key()
            return ledger
        kept = contextlib.ExitStack()
        weakref.finalize(self, kept.close)
        copy_ = ledger.scratch_copy(kept.enter_context(scratch_folder()) / "ledger.db")
        ledger.close()
        return copy_

    @cached_property
    def engine(self) -> MapEngine:
        """The map in use."""
        return MapEngine.load(
            self.config.get("transform") or "",
            target=self.system,
            maps_dir=self.config.get("maps_dir"),
            crosswalk_dir=self.config.get("crosswalk_dir"),
            settings=self.config.get("map_settings") or {},
            references=self.references,
            links=LedgerLinks(self.ledger, self.target_instance, system=lambda: self.engine.source),
        )

    @cached_property
    def references(self) -> LedgerReferences:
        """Native reference records seen so far."""
        return LedgerReferences(self.ledger, system=lambda: self.engine.source)

    @cached_property
    def intake(self) -> Intake:
        """Where records become durable."""
        _ = self.sinks  # a wrong setting is told before the first record is taken
        if place := self.config.get("audit_anchor"):
            check_place(place)
        return Intake(
            self.ledger,
            self.target_instance,
            self.engine,
            self.references,
            self._kinds,
            run=self.run,
        )

    @cached_property
    def run(self) -> Run:
        """This run, on record from the beginning: what ends it with an error is told with it."""
        return Run(self.ledger, self.target_instance, self.config.get("transform"), self._actor)

    @cached_property
    def checkpoints(self) -> Checkpoints:
        """What ties the bookmarks to the ledger."""
        return Checkpoints(self.ledger, self._actor)

    @property
    def _actor(self) -> str:
        return actor(f"{self.name} {self.plugin_version}")

    @cached_property
    def sinks(self) -> t.Sequence[DocumentSink[t.Any]]:
        """The target's sinks."""
        return self.make_sinks()

    @cached_property
    def _kinds(self) -> frozenset[str]:
        return frozenset(sink.kind for sink in self.sinks)

    @property
    def target_instance(self) -> str:
        """System and instance, as the ledger names them."""
        return f"{self.system}:{self.instance}"

    @property
    def policy(self) -> Policy:
        """Choices of whoever runs this."""
        return Policy(
            # One document more than requests, which the system's client counts: it is mapped and written down while
            # the others wait for their answers, so that no request's place stays empty.
            max_concurrency=self.config["max_concurrency"] + 1,
            missing_suppliers=self.config["missing_suppliers"],
            max_documents=self.config.get("max_documents"),
            dry_run=bool(self.config.get("dry_run")),
        )

    # Messages in

    def _process_record_message(self, message_dict: dict[str, t.Any]) -> None:
        if not self.config.get("transform"):
            self._refuse_if_nothing_is_taken()
        self._process_record(message_dict["stream"], message_dict["record"], f"input line {self._reader.line}")

    def _process_batch_message(self, message_dict: dict[str, t.Any]) -> None:
        """Take the records of files as if they had come one a line."""
        stream, line = message_dict["stream"], self._reader.line
        for place, raw in batch_lines(message_dict["encoding"], message_dict["manifest"], f"input line {line}"):
            found = self._reader.read(raw)
            if isinstance(found, Unreadable):
                self._set_aside(found, place, stream)
                continue
            record, self._reader.wrong = found
            if isinstance(record, dict):
                self._process_record(stream, record, place)
            else:
                self._set_aside(Unreadable("is not a record", exact_json.dumps(record)), place, stream)

    def _process_record(self, stream: str, record: dict[str, t.Any], place: str) -> None:
        safe = masked(record, inside=stream)  # whoever sent it; nothing here needs the number of a bank account
        for stream_map in self.mapper.stream_maps[stream]:
            kept = transformed(stream_map, copy.copy(safe))
            if kept is not None:
                self._take(stream_map.stream_alias, kept, place)
            else:
                self.run.summary.other[(stream_map.stream_alias, "left out by stream_maps")] += 1

    def _take(self, stream: str, record: dict[str, t.Any], place: str) -> None:
        if self._leaves_out(stream):
            self.run.summary.other[(stream, self._left_out.get(stream, "is Meltano's test"))] += 1
            return
        if self.engine.kind_of(stream) not in self._kinds:
            self.run.summary.other[(stream, "is remembered for look-ups")] += 1
        try:
            deviations = self._schemas.check(stream, record)
            self._warn_of(stream, place, deviations.aside)
            wrong = [malformed(f"{stream}: {what}") for what in self._reader.wrong]
            for reason in wrong:
                self.logger.warning("%s: %s", place, reason.what)
            self.intake.add(stream, record, malformed=(*wrong, *deviations.reasons))
        except MalformedRecord as error:
            self._keep_aside(Line.of(f"{place}: {error.what.rstrip('.')}", _text(record), stream=stream))
        except Exception as error:
            if ends_the_run(error):
                raise
            number = defects.note(error)
            what = f"{place}: a defect of ml-connector, number {number}, kept a record of {stream} from being taken"
            self._keep_aside(Line.of(what, _text(record), stream=stream, cure="quote the number when you report it"))
            self._defects.add(number)

    def _reads(self, stream: str, path: t.Sequence[str | int]) -> bool:
        return self.engine.reads(stream, path)  # the map is loaded when the first record needs it

    def _warn_of(self, stream: str, place: str, deviations: t.Iterable[str]) -> None:
        """Tell once what deviates where no document depends on it."""
        for words in deviations:
            if (stream, words) not in self._deviating:
                self._deviating.add((stream, words))
                self.logger.warning("%s: %s: %s; no document depends on it, the record is taken", place, stream, words)

    def _set_aside(self, found: Unreadable, place: str | None = None, stream: str | None = None) -> None:
        """Keep a line of which no record can be made, unless it is of a stream nothing is kept of."""
        stream = stream or stream_of(found.text)
        if stream and self._leaves_out(stream):
            return
        what = f"{place or f'input line {self._reader.line}'} {found.what}"
        self._keep_aside(Line.of(what, found.text, stream=stream, cure=found.cure.rstrip(".")))

    def _keep_aside(self, line: Line) -> None:
        self.logger.warning("%s; it is held, the others go on", line.what)
        self.intake.set_aside(line)

    def _keep(self) -> None:
        """Make durable what came before a message that ends the run."""
        if "intake" in self.__dict__:
            self.intake.flush()

    def _leaves_out(self, stream: str) -> bool:
        """Whether nothing may be kept of a stream; told once."""
        kind = self.engine.kind_of(stream)
        if kind in self._kinds:
            return False
        if self.engine.is_reference(stream):
            return False
        if stream == _MELTANO_TEST:
            if not self._tested:
                self._tested = True
                self.logger.info("%s: the settings are accepted; of %s nothing is written", self.name, stream)
        elif stream not in self._left_out:
            if kind is None:
                transform = self.config.get("transform")
                self._left_out[stream] = f"is not in the map {transform!r}" if transform else "is no kind of document"
                self.logger.warning("stream %r %s; its records are left out", stream, self._left_out[stream])
            else:
                what = kind.replace("_", " ")
                self._left_out[stream] = f"carries {what}, which {self.name} does not take as it is set"
                self.logger.info("%s takes no %s; the records of stream %r are left out", self.name, what, stream)
        return True

    def _refuse_if_nothing_is_taken(self) -> None:
        """Refuse an input none of whose streams is taken: its bookmark would move past what nobody has.

        Raises:
            SettingInvalid: There are streams, and all of them are left out.
        """
        if self._takes_some or not self._left_out:
            return
        told = "; ".join(f"stream {stream} {why}" for stream, why in sorted(self._left_out.items()))
        if self.config.get("transform"):
            cure = "Select streams the target takes, or correct transform; the bookmark has not moved."
        else:
            cure = "Set transform to the tap's name, for instance tap-bill; only streams of documents need no map."
        raise SettingInvalid(f"nothing of the input is taken: {told}.", cure)

    def _process_schema_message(self, message_dict: dict[str, t.Any]) -> None:
        stream, schema = message_dict["stream"], message_dict["schema"]
        if not isinstance(schema.get("properties"), dict):
            raise self._reader.refused(f"the schema of stream {stream!r} has no properties")
        try:
            super()._process_schema_message(message_dict)
        except InvalidJSONSchema as error:
            why = str(error).splitlines()[0].removeprefix("Schema Validation Error: ")
            raise self._reader.refused(f"the schema of stream {stream!r} is no JSON schema: {why}") from None
        for stream_map in self.mapper.stream_maps[stream]:
            self._schemas.announce(stream_map.stream_alias, stream_map.transformed_schema)
        if unknown := self.engine.unknown_fields(stream, schema.get("properties", {})):
            self.logger.warning("the map reads fields stream %s does not have: %s", stream, ", ".join(unknown))
        for stream_map in self.mapper.stream_maps[stream]:
            self._takes_some |= not self._leaves_out(stream_map.stream_alias)

    @property
    def _reader(self) -> MessageReader:
        return t.cast("MessageReader", self.message_reader)

    def _process_state_message(self, message_dict: dict[str, t.Any]) -> None:
        mark = mark_of(message_dict["value"])
        if mark is not None:
            self.checkpoints.expect(mark)
        super()._process_state_message(message_dict)
        if self._takes_some or not self._left_out:
            self._checkpoint()

    def _process_activate_version_message(self, message_dict: dict[str, t.Any]) -> None:
        """Nothing to do: documents are never deleted because a tap begins a new table version."""

    def _checkpoint(self) -> None:
        """Acknowledge the state once everything before it is durable."""
        self.intake.flush()
        if self._latest_state and not self.config.get("dry_run"):
            if self._mark is None or self._latest_state != self._acknowledged:
                self._mark, self._acknowledged = self.checkpoints.advance(self.intake.sources), self._latest_state
            self._write_state_message(marked(self._latest_state, self._mark))

    # Delivery

    def process_endofpipe(self) -> None:
        """Deliver what is due, tell what happened, and exit accordingly."""
        with self.recorded() as run:
            self._refuse_if_nothing_is_taken()
            self._checkpoint()
            self.intake.go_on(self.checkpoints.sources)
            run.summary.defects |= self._defects | self.intake.defects
            self._delivery = Delivery(
                self.ledger,
                target=self.target_instance,
                target_name=display_name(self.system),
                mapper=self.engine,
                sinks=self.sinks,
                run=run,
                policy=self.policy,
            )
            if not self.policy.dry_run:
                note_changes(
                    self.ledger,
                    run,
                    pipeline=f"{self.name} {self.config.get('transform') or 'without a map'}, {self.target_instance}",
                    config=self.config,
                    schema=self.config_jsonschema,
                    systems=(self.engine.source, self.system),
                    logger=self.logger,
                )
            if self.config.get("transform") or self.intake.sources:
                self._delivery.run()
            else:
                self.logger.info("neither a map nor a document: there is nothing this run could deliver")
        if code := self._exit_code(run.summary):
            sys.exit(code)

    def _end(self, *, failed: str | None = None) -> None:
        """Record and tell what the run did, once."""
        run = self.run
        if run.ended:
            return
        run.summary.failed = failed
        with contextlib.suppress(LedgerFault):  # told already, and the run shows as one that was killed
            if "intake" in self.__dict__:
                self.intake.tell(run.summary)
                run.summary.hold_lines(
                    UNREADABLE, self.ledger.ask(lambda connection: held_lines(connection, self.target_instance))
                )
                account_for_rest(self.ledger, run)
            run.finish()
        source = self.engine.source if "engine" in self.__dict__ else None
        log_summary(self.logger, run, source, self.system, dry_run=bool(self.config.get("dry_run")))
        if path := self.config.get("summary_file"):
            account = {"run": run.id, "dry_run": bool(self.config.get("dry_run")), **run.summary.to_dict()}
            content = json.dumps(account, ensure_ascii=False, indent=2) + "\n"
            replace_file(pathlib.Path(path), content.encode(), keep_mode=False)
        if self.config.get("dry_run"):
            keep_verdicts(self.ledger, run, self.target_instance, self.config.get("transform"), self.logger)
        else:
            keep_anchor(self.ledger, self.config.get("audit_anchor"), self.logger)
        self.ledger.close()

    def _exit_code(self, summary: Summary) -> int:
        if summary.defects:
            return EXIT_DEFECT
        if summary.stopped:
            return EXIT_DOWN
        fail_on = self.config["fail_on"]
        held = summary.of("held")
        waiting = summary.of("retry") + summary.of("waiting")
        return EXIT_HELD if (fail_on != "never" and held) or (fail_on == "any" and waiting) else 0

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Finish what is in flight on the first signal, stop at once on the second."""
        del frame
        signal.signal(signum, signal.SIG_DFL)
        if self._delivery is not None:
            self.logger.info("stopping after the documents in flight; again to stop at once")
            self._delivery.stop()
            return
        # Nothing has been posted yet; what was read is durable up to the last state printed.
        sys.exit(128 + signum)


def _text(record: t.Mapping[str, t.Any]) -> str:
    return json.dumps(record, ensure_ascii=False, default=str)


def _why(error: BaseException) -> str:
    """Return in one line what ended a run."""
    if isinstance(error, ConnectorError | ConfigValidationError):
        return " ".join(str(error).split())
    return f"unexpected error ({type(error).__name__}); the run's log has it"
