"""A sandbox whose Business Central holds many vendors: prints settings, serves until it is told to end.

Prints ``NAME=value`` lines and then ``sandbox: ...``, as ``erp-sandbox up --print-env`` does. Every line it reads is
answered with the number of calls Business Central has had since the line before.
"""

from __future__ import annotations

import sys

import click

from erp_sandbox.environment import environment
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World


@click.command(help=__doc__)
@click.option("--vendors", required=True, type=int, help="How many are added to those of the world.")
def main(vendors: int) -> None:
    """Serve."""
    with Sandbox(World.build(vendors=1, bills=1, payments=1)) as box:
        box.business_central.add_vendors(vendors)
        for name, value in environment(box).items():
            click.echo(f"{name}={value}")
        click.echo(f"sandbox: {len(box.business_central.records('vendors'))} vendors")
        for _ in sys.stdin:
            click.echo(box.stats.calls("business_central"))
            box.stats.clear()


if __name__ == "__main__":
    main()
