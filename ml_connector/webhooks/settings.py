"""``webhooks.yml``: which doors there are, and which event wakes which pipeline."""

from __future__ import annotations

import fnmatch
import functools
import pathlib
import re
import typing as t

import pydantic

from ml_connector.errors import SettingInvalid
from ml_connector.kept_files import read_yaml
from ml_connector.project import project_root
from ml_connector.webhooks.provider import CATCH_UP, Event

__all__ = ["FILE", "DoorSettings", "PipelineSettings", "WebhookSettings", "load"]

FILE: t.Final = "webhooks.yml"
PACKAGED: t.Final = pathlib.Path(__file__).with_name(FILE)

_NAME: t.Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
Name = t.Annotated[str, pydantic.StringConstraints(pattern=_NAME, max_length=100)]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class DoorSettings(_Strict):
    """One door.

    Attributes:
        system: The system that rings.
        plugin: The plugin whose settings lead to the system.
        organizations: Further instances whose events it brings, as a partner's subscription does.
    """

    system: str
    plugin: str
    organizations: tuple[str, ...] = ()


class PipelineSettings(_Strict):
    """One pipeline.

    Attributes:
        events: Patterns of kinds (``bill.*``), by door.
        run: Words after ``meltano run``; the pipeline's name when left out.
        targets: Systems (``workday``), or single targets as the ledger names them (``workday:acme``), in whose intake
            an object must have arrived for its event to count as seen; any when left out.
    """

    events: dict[Name, tuple[str, ...]]
    run: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


class WebhookSettings(_Strict):
    """The whole file.

    Attributes:
        doors: Where systems ring.
        pipelines: What is woken.
        debounce_seconds: A pipeline is woken when so long nothing new has come for it ...
        longest_wait_seconds: ... or when the first has waited so long.
        most_wakes: Runs in vain after which an event is unseen, and an alarm.
        pause_seconds: Before a run is tried again, after a failure or in vain; doubles from there ...
        longest_pause_seconds: ... up to this.
        check_seconds: How often subscriptions are looked at.
        key_overlap_hours: How long the key before the last one stays valid.
    """

    doors: dict[Name, DoorSettings]
    pipelines: dict[Name, PipelineSettings]
    debounce_seconds: float = pydantic.Field(default=2.0, ge=0)
    longest_wait_seconds: float = pydantic.Field(default=15.0, ge=0)
    most_wakes: int = pydantic.Field(default=5, ge=1)
    pause_seconds: float = pydantic.Field(default=15.0, gt=0)
    longest_pause_seconds: float = pydantic.Field(default=900.0, gt=0)
    check_seconds: float = pydantic.Field(default=300.0, gt=0)
    key_overlap_hours: float = pydantic.Field(default=24.0, gt=0)

    @pydantic.model_validator(mode="after")
    def _check(self) -> t.Self:
        for name, pipeline in self.pipelines.items():
            if unknown := sorted(set(pipeline.events) - set(self.doors)):
                raise ValueError(f"pipeline {name} is woken by {', '.join(unknown)}, which is no door of this file")
        return self

    def only(self, names: t.Collection[str]) -> WebhookSettings:
        """Return these settings with some of the pipelines.

        Raises:
            SettingInvalid: There is no pipeline of that name.
        """
        if unknown := sorted(set(names) - set(self.pipelines)):
            raise SettingInvalid(
                f"{FILE} has no pipeline {', '.join(unknown)}.", f"It has {', '.join(self.pipelines) or 'none'}."
            )
        kept = {name: each for name, each in self.pipelines.items() if not names or name in names}
        return self.model_copy(update={"pipelines": kept})

    def wanted_of(self, door: str, kinds: t.Iterable[str]) -> frozenset[str]:
        """Return those kinds of events that some pipeline wants from a door."""
        return frozenset(kind for kind in kinds if self._woken(door, kind))

    def woken_by(self, event: Event, door: str) -> tuple[str, ...]:
        """Return the pipelines an event at a door wakes."""
        return self._woken(door, event.kind)

    def _woken(self, door: str, kind: str) -> tuple[str, ...]:
        return tuple(
            name
            for name, each in self.pipelines.items()
            if door in each.events and (kind == CATCH_UP or any(_pattern(one).match(kind) for one in each.events[door]))
        )


def load() -> WebhookSettings:
    """Return the project's settings, the packaged ones where it has none.

    Raises:
        SettingInvalid: The file cannot be used.
    """
    path = project_root() / FILE
    try:
        content = read_yaml(path, str(path))
    except FileNotFoundError:
        path = PACKAGED
        content = read_yaml(path, str(path))
    try:
        return WebhookSettings.model_validate(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingInvalid(f"{path}, {where}: {first['msg']}.", "docs/webhooks.md explains the file.") from None


@functools.lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))
