"""What all taps share: common settings, the order of streams, exact output, errors without a traceback."""

from __future__ import annotations

import datetime as dt
import sys
import typing as t

import msgspec
from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.contrib.msgspec import enc_hook
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities
from singer_sdk.singerlib.encoding.base import GenericSingerWriter, SingerMessageType
from singer_sdk.singerlib.encoding.simple import Message

from ml_connector.errors import SettingInvalid
from ml_connector.moments import EARLIEST, parse_moment
from ml_connector.singer import failures
from ml_connector.singer.bounds import BOUNDS
from ml_connector.singer.command import PluginCommand
from ml_connector.singer.credentials import CREDENTIALS_SETTING, with_credentials
from ml_connector.singer.settings import CheckedSettings

if t.TYPE_CHECKING:
    import click
    from singer_sdk.streams import Stream

__all__ = ["ApiTap", "common_settings"]


def common_settings(*, page_size: int, max_concurrency: int, request_timeout: int = 60) -> list[th.Property[t.Any]]:
    """Return the settings every tap has beside those of its connection, with the defaults of one system."""
    return [
        CREDENTIALS_SETTING,
        th.Property(
            "start_date",
            th.DateTimeType,
            title="Start date",
            description="Documents last changed before this instant are not read; without it, all are. What they "
            "refer to (vendors, accounts, departments ...) is always read",
            examples=["2026-01-01T00:00:00Z"],
        ),
        th.Property(
            "page_size",
            th.IntegerType(minimum=1),
            default=page_size,
            title="Page size",
            description="Records per call",
            examples=[page_size],
        ),
        th.Property(
            "max_concurrency",
            th.IntegerType(minimum=1),
            default=max_concurrency,
            title="Calls at once",
            description="How many calls are made at the same time, over all processes of this machine",
            examples=[max_concurrency],
        ),
        th.Property(
            "request_timeout",
            th.NumberType(minimum=1),
            default=request_timeout,
            title="Request timeout",
            description="Seconds to wait for an answer before a read is tried again",
            examples=[request_timeout],
        ),
        *BOUNDS,
        th.Property(
            "user_agent",
            th.StringType,
            title="User agent",
            description="What calls introduce themselves as",
            examples=["ml-connector/0.1.0 (+tap-bill)"],
        ),
    ]


class MessageWriter(GenericSingerWriter[bytearray, Message]):
    """Writes messages to stdout: Decimals as exact numbers, records buffered until the next other message.

    A record that is still buffered when the process dies is not lost: no state that covers it has been
    written.
    """

    def __init__(self) -> None:
        super().__init__()
        self._encoder = msgspec.json.Encoder(enc_hook=enc_hook, decimal_format="number")
        self._line = bytearray(1024)

    def serialize_message(self, message: Message) -> bytearray:
        """Return a message as one line of JSON."""
        self._encoder.encode_into(message.to_dict(), self._line)
        self._line.extend(b"\n")
        return self._line

    def write_message(self, message: Message) -> None:
        """Write a message; all but records go out at once."""
        out = sys.stdout.buffer
        out.write(self.serialize_message(message))
        if message.type is not SingerMessageType.RECORD:
            out.flush()


class ApiTap(CheckedSettings, Tap):
    """Base of the taps.

    Attributes:
        stream_classes: The streams, in the order they are read: what others refer to comes first.
    """

    stream_classes: t.ClassVar[tuple[type[Stream], ...]] = ()
    # No BATCH: the SDK would write batches after states that already cover their records.
    capabilities: t.ClassVar[list[CapabilitiesEnum]] = [
        capability for capability in Tap.capabilities if capability != PluginCapabilities.BATCH
    ]
    message_writer_class = MessageWriter
    package_name = "ml-connector"

    @property
    def system(self) -> str:
        """The system that is read, as the name says (``bill``)."""
        return self.name.removeprefix("tap-").replace("-", "_")

    @property
    def start_date(self) -> dt.datetime | None:
        """Documents last changed before are not read; None: all are."""
        start = self.config.get("start_date")
        return parse_moment(start) if start else None

    def discover_streams(self) -> list[Stream]:
        """Return one stream per class; needs no network."""
        return [stream_class(self) for stream_class in self.stream_classes]

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams in the order of ``stream_classes``, not by name as the SDK has them."""
        if self._streams is None:
            found = super().streams
            place = {kind: number for number, kind in enumerate(self.stream_classes)}
            self._streams = dict(sorted(found.items(), key=lambda item: place[type(item[1])]))
        return self._streams

    def setup_mapper(self) -> None:
        """Prepare ``stream_maps``."""
        super().setup_mapper()
        self.mapper.register_raw_streams_from_catalog(self.catalog)

    def _completed(self, config: dict[str, t.Any]) -> dict[str, t.Any]:
        return with_credentials(config, self.config_jsonschema, system=self.system, logger=self.logger)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        errors = super()._validate_config(raise_errors=raise_errors)
        if raise_errors:
            _check_start_date(self._config.get("start_date"))
        return errors

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command, which prints no traceback for what a person can mend."""
        return TapCommand(super().get_singer_command(), env_prefix=cls._env_var_prefix, settings=cls.config_jsonschema)


class TapCommand(PluginCommand):
    """Runs a tap, and remembers that it has failed until it comes to its end again."""

    def invoke(self, ctx: click.Context) -> t.Any:
        """Run the tap; what is only asked of it (``--discover``, ``--about``) does not come here."""
        result = super().invoke(ctx)
        failures.forget(str(self.name))
        return result

    def _failed(self, *lines: str) -> None:
        what, _, cure = lines[0].removeprefix(f"{self.name}: ").partition("\n")
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        failures.note(str(self.name), f"{what}{more}", cure)


def _check_start_date(start: t.Any) -> None:
    if not start:
        return
    try:
        moment = parse_moment(start)
    except ValueError:
        raise SettingInvalid(
            f'setting "start_date" is {start!r}, which is no date.', "Write it like 2026-01-01T00:00:00Z."
        ) from None
    if moment < EARLIEST:
        raise SettingInvalid(
            f'setting "start_date" is {start!r}, the year {moment.year}.', "Write the year with all its digits, 2026."
        )
    if moment > dt.datetime.now(dt.UTC):
        raise SettingInvalid(
            f'setting "start_date" is {start!r}, which is still to come: nothing would be read, and nothing said.',
            "Set it to the day from which documents are wanted.",
        )
