"""`muster check`: what a drill will need is looked at before anything is deployed, loaded or struck."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import click

from muster.base.asked import UP_VARIABLE
from muster.base.errors import UsageError
from muster.cli.codes import FINDING, FINE, UNKNOWN, USED_WRONGLY
from muster.cli.run import pytest_run
from muster.cli.shared import HOME

WITH_A_PATH = ("--system", "--reports", "--history", "--rootdir", "--confcutdir", "-c")
ANSWERS = (FINE, FINDING, UNKNOWN)


@click.command(
    short_help="Look at everything that drills will need.",
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["-h", "--help"],
    },
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGUMENTS]...")
def check(arguments: tuple[str, ...]) -> None:
    """Look at everything that the drills which ARGUMENTS select will need, and say how to mend what is wrong; exit 0 if
    all is fine, 1 if something is wrong, 2 if something cannot be told.

    ARGUMENTS are pytest's (paths, -k, --kube-context, --system), and --json; where no path is among them it is
    `drills`. Without --kube-context the cluster of `muster up` is asked; where none is up, only what needs no cluster
    is looked at.

    Nothing is changed but that one write is made and removed again, where system.yaml says how (ledger.delete).
    """
    if not _names_a_place(arguments):
        arguments = (*arguments, "drills")
    up = _up()
    code = pytest_run(("--check", *arguments), {UP_VARIABLE: up} if up else {})
    sys.exit(code if code in ANSWERS else USED_WRONGLY)


def _names_a_place(arguments: Sequence[str]) -> bool:
    """Whether one of pytest's arguments says where drills are; the value of an option does not."""
    values = {after for option, after in pairwise(arguments) if option in WITH_A_PATH}
    places = (argument.partition("::")[0] for argument in arguments if argument not in values)
    return any(not place.startswith("-") and Path(place).exists() for place in places)


def _up() -> str:
    """The kubeconfig of the cluster that is up here, empty where none is."""
    from muster.cli import background

    try:
        return str(background.kubeconfig(HOME).absolute())
    except UsageError:
        return ""
