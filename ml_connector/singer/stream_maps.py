"""The SDK's setting ``stream_maps``: what is wrong with an expression is told in one line."""

from __future__ import annotations

import typing as t

from singer_sdk.mapper import PluginMapper

from ml_connector.errors import SettingInvalid

if t.TYPE_CHECKING:
    from singer_sdk.mapper import StreamMap

__all__ = ["CheckedMapper", "transformed"]

_CURE: t.Final = "Correct the expression, or leave stream_maps out: what documents need is done by the map."


class CheckedMapper(PluginMapper):
    """The SDK's mapper, whose errors name the stream."""

    def register_raw_stream_schema(
        self, stream_name: str, schema: dict[str, t.Any], key_properties: t.Sequence[str] | None
    ) -> None:
        """Apply the maps of a stream to its schema.

        Raises:
            SettingInvalid: ``stream_maps`` cannot be applied.
        """
        try:
            super().register_raw_stream_schema(stream_name, schema, key_properties)
        except Exception as error:
            if not self.stream_maps_dict:
                raise
            raise _refused(stream_name, error) from None


def transformed(stream_map: StreamMap, record: dict[str, t.Any]) -> dict[str, t.Any] | None:
    """Return a record as ``stream_maps`` has it, None when it is filtered out.

    Raises:
        SettingInvalid: An expression cannot be evaluated.
    """
    try:
        return stream_map.transform(record)
    except Exception as error:  # noqa: BLE001 - whatever an expression does wrong, a person wrote it
        raise _refused(stream_map.stream_alias, error) from None


def _refused(stream: str, error: Exception) -> SettingInvalid:
    why = " ".join(str(error).split()) or type(error).__name__
    return SettingInvalid(f'setting "stream_maps" cannot be applied to stream {stream}: {why}.', _CURE)
