"""The ``ml-connector`` command line: what was delivered, what is held and why, and what to do about it.

One module per command; each is registered below by name.
"""

from __future__ import annotations

import click

from ml_connector.cli.audit import audit
from ml_connector.cli.common import Commands
from ml_connector.cli.doctor import doctor
from ml_connector.cli.hand_over import hand_over
from ml_connector.cli.held import held
from ml_connector.cli.ignore import ignore
from ml_connector.cli.match import match
from ml_connector.cli.plugins import plugins
from ml_connector.cli.reconcile import reconcile_command
from ml_connector.cli.replay import replay
from ml_connector.cli.restored import restored
from ml_connector.cli.show import show
from ml_connector.cli.status import status
from ml_connector.cli.vault import vault
from ml_connector.cli.webhooks import webhooks

__all__ = ["main"]


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  ml-connector vault set bill-prod           keep credentials encrypted; asks for each
  ml-connector doctor                        whether the systems can be reached, and what we may do
  ml-connector status                        the last runs, and what waits
  ml-connector held                          what is held, and why
  ml-connector show INV-20931                the whole life of a document
  ml-connector reconcile bill workday        whether both sides say the same
  ml-connector held --json | jq length       every answer is there for programs too

\b
Exit codes:
  0   done, nothing wrong
  1   a person has to change something: a setting, a file, a credential
  2   the command line itself is wrong
  3   done, but what was found needs attention
  4   a finance system refused or could not be reached
  70  a defect; the message names the file that tells more
""",
)
@click.version_option(package_name="ml-connector", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="ML_CONNECTOR_DEBUG", help="Show the traceback of an unexpected error.")
def main(debug: bool) -> None:  # noqa: FBT001
    """Look after the documents moved between finance systems.

    Runs are started by Meltano (meltano run tap-bill target-workday); this program answers for what they did.
    """
    del debug


for _command in (
    doctor,
    match,
    status,
    held,
    show,
    replay,
    ignore,
    hand_over,
    reconcile_command,
    audit,
    restored,
    vault,
    plugins,
    webhooks,
):
    main.add_command(_command)
