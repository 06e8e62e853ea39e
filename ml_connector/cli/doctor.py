"""``ml-connector doctor``: can the systems be reached, and may we do what the pipelines need?"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import logging
import typing as t

import click

from ml_connector.cli.common import Cli, ExitCode, common_options
from ml_connector.cli.connections import SYSTEMS, Connection, connections
from ml_connector.cli.files_at_rest import examined
from ml_connector.cli.ledger_access import record
from ml_connector.errors import CredentialsRefused, SettingInvalid, SystemFault, UserError
from ml_connector.ledger.audit import Step
from ml_connector.ledger.permission_history import Event, remember
from ml_connector.ledger.store import DEFAULT_URL, Ledger
from ml_connector.project import meltano_yml
from ml_connector.system.access import Health, Probe
from ml_connector.vault.credentials import CREDENTIALS

__all__ = ["doctor"]

_LOG = logging.getLogger(__name__)

_WITH_GROUPS: t.Final = "workday"


@dataclasses.dataclass(slots=True)
class _Finding:
    """What was found out over one connection."""

    system: str
    plugin: str | None = None
    health: Health | None = None
    events: list[Event] = dataclasses.field(default_factory=list)
    error: str = ""
    code: ExitCode = ExitCode.DONE

    @property
    def state(self) -> str:
        if self.plugin is None:
            return "not configured"
        if self.health is None or not self.health.ok:
            return "fail"
        return "warn" if self.events else "ok"

    def to_dict(self) -> dict[str, t.Any]:
        health = self.health
        return {
            "system": self.system,
            "state": self.state,
            "plugin": self.plugin,
            "instance": health.instance if health else None,
            "facts": dict(health.facts) if health else {},
            "probes": list(health.probes) if health else [],
            "error": self.error or None,
        }


@click.command()
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...", type=click.Choice(list(SYSTEMS)))
@click.option("--accept", is_flag=True, help="Take what is allowed and shown now as it should be from now on.")
@click.option(
    "--group-report",
    metavar="REPORT",
    help="Also which domains the security groups of our Workday user have: owner/Report_Name of a custom report, or a "
    "WQL query, with a row per domain of these groups.",
)
@click.option("--remove-leftovers", is_flag=True, help="Remove what killed runs have left on this machine.")
@click.option("--yes", is_flag=True, help="Do not ask whether it may be removed.")
@common_options
def doctor(
    cli: Cli,
    *,
    systems: tuple[str, ...],
    accept: bool,
    group_report: str | None,
    remove_leftovers: bool,
    yes: bool,
) -> None:
    """Check credentials, permissions and reach of the configured systems. Nothing is written to any of them.

    What each system allows is remembered in the ledger: when an operation that worked is no longer allowed, or shows
    nothing any more, doctor says so and exits with 3. Settings are those of the taps and targets, from the environment,
    .env or meltano.yml.

    Of this machine it says which files of the project others may use, and which configurations with credentials killed
    runs have left; at a terminal it offers to remove those.
    """
    if group_report and systems and _WITH_GROUPS not in systems:
        raise click.UsageError(f"--group-report is about {_WITH_GROUPS}.")
    files = examined(cli.ledger_url or DEFAULT_URL)
    findings = [
        finding
        for system in systems or SYSTEMS
        for finding in _examined(system, asked=system in systems, group_report=group_report)
    ]
    if any(finding.health for finding in findings):
        with contextlib.closing(Ledger(cli.ledger_url or DEFAULT_URL)) as ledger:
            now = dt.datetime.now(dt.UTC)
            for finding in findings:
                if finding.plugin is not None and finding.health is not None:
                    finding.events = remember(ledger, finding.plugin, finding.health, now=now, accept=accept)
    if accept:
        record(_accepted(findings), cli.ledger_url)
    events = [event for finding in findings for event in finding.events]
    for event in events:
        _LOG.warning("%s: %s. %s", event.name, event.what, event.cure)
    data = {"systems": [finding.to_dict() for finding in findings], "events": events, "files": files.to_dict()}
    told = [*(line for finding in findings for line in _lines(finding)), *files.lines()]
    cli.output.show(data, "\n".join(told))
    if files.removed(wanted=remove_leftovers, yes=yes):
        record(Step("removed", f"{len(files.left)} left-overs of killed runs removed"), cli.ledger_url)
        click.echo(f"{len(files.left)} removed", err=True)
    code = _code(findings, events)
    if code is not ExitCode.DONE:
        raise click.exceptions.Exit(code)


def _accepted(findings: t.Sequence[_Finding]) -> Step:
    health = {finding.plugin or finding.system: finding.health for finding in findings if finding.health is not None}
    probes = {
        plugin: {probe.operation: probe.outcome for probe in each.probes} for plugin, each in sorted(health.items())
    }
    return Step("accepted", f"what {', '.join(sorted(health)) or 'nobody'} may do is as it should be", detail=probes)


def _examined(system: str, *, asked: bool, group_report: str | None) -> t.Iterator[_Finding]:
    found = connections(system)
    if not found:
        yield _Finding(system, error="no settings of it are set", code=ExitCode.USER if asked else ExitCode.DONE)
    for connection in _apart(found):
        yield _ask(dataclasses.replace(connection, config={**connection.config, "group_report": group_report}))


def _apart(found: t.Sequence[Connection]) -> list[Connection]:
    """Return connections with different credentials; tap and target with the same ones are one that does both."""
    apart: list[tuple[t.Mapping[str, t.Any], Connection]] = []
    for connection in found:
        names = ("base_url", CREDENTIALS, *SYSTEMS[connection.system].known_by)
        known = {name: connection.config.get(name) for name in names}
        config = {"_select": _selected(connection.plugin), **connection.config}
        same = next((place for place, (other, _) in enumerate(apart) if other == known), None)
        if same is None:
            apart.append((known, dataclasses.replace(connection, config=config)))
        else:
            first = apart[same][1]
            apart[same] = (known, dataclasses.replace(first, config={**connection.config, **first.config}))
    return [connection for _, connection in apart]


def _selected(plugin: str) -> list[str]:
    """Return what ``meltano.yml`` selects of a tap, and of those that inherit from it."""
    try:
        extractors = meltano_yml()["plugins"]["extractors"]
        own = [each for each in extractors if plugin in (each.get("name"), each.get("inherit_from"))]
        return [str(pattern) for each in own for pattern in each.get("select") or ()]
    except (KeyError, TypeError, AttributeError):
        return []


def _ask(connection: Connection) -> _Finding:
    finding = _Finding(connection.system, connection.plugin)
    try:
        with contextlib.closing(connection.connect()) as access:
            finding.health = access.ping()
    except SettingInvalid as error:
        finding.error, finding.code = str(error), ExitCode.USER
    except CredentialsRefused as fault:
        finding.error, finding.code = f"{fault}\n  {fault.cure}", ExitCode.USER
    except SystemFault as fault:
        finding.error, finding.code = str(fault), ExitCode.SYSTEM
    except UserError as error:
        finding.error, finding.code = str(error), ExitCode.USER
    else:
        finding.code = ExitCode.DONE if finding.health.ok else ExitCode.ATTENTION
    return finding


def _lines(finding: _Finding) -> t.Iterator[str]:
    start = f"{finding.system + ' ':<9}{finding.state:<6}"
    if finding.health is None:
        what, *more = finding.error.splitlines()
        yield f"{start}{what}" if finding.plugin else f"{finding.system + ' ':<9}not configured ({what})"
        yield from (f"{'':<15}{line.strip()}" for line in more)
        return
    probes = finding.health.probes
    allowed = sum(probe.outcome == "ok" for probe in probes)
    words = (*finding.health.words, f"{allowed} of {len(probes)} {finding.health.counted} allowed")
    yield start + " · ".join(words)
    told = {event.operation for event in finding.events}
    for event in finding.events:
        yield f"{'':<9}{'lost' if event.name.endswith('_lost') else 'warn':<6}{event.what}"
        yield f"{'':<15}{event.cure}"
    for probe in probes:
        if probe.outcome == "ok" and probe.detail:
            yield f"{'':<9}ok    {probe.operation}: {probe.detail}"
        if probe.outcome != "ok" and probe.operation not in told:
            yield f"{'':<9}{'fail' if probe.essential else 'warn':<6}{_trouble(finding, probe)}"


def _trouble(finding: _Finding, probe: Probe) -> str:
    permission = f" ({probe.permission})" if probe.permission and probe.outcome == "denied" else ""
    how = {"denied": "is not allowed", "absent": "is not offered", "failed": "failed"}.get(probe.outcome, probe.outcome)
    return f"{probe.operation} {how}: {probe.without}{permission}. {finding.system} says: {probe.detail}"


def _code(findings: t.Sequence[_Finding], events: t.Sequence[Event]) -> ExitCode:
    """Return the code that asks for most: a setting to change, a lost permission, a system that is down."""
    codes = {finding.code for finding in findings} | ({ExitCode.ATTENTION} if events else set())
    return next((code for code in (ExitCode.USER, ExitCode.ATTENTION, ExitCode.SYSTEM) if code in codes), ExitCode.DONE)
