"""What several commands have in common: options, the system's definition, a connection to the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.base.errors import UsageError
from muster.cli.completing import CONTEXTS

if TYPE_CHECKING:
    from muster.history.plan import Planned
    from muster.kube import Cluster
    from muster.system import SystemDefinition

HOME = Path(".muster")
CONTEXT = click.option(
    "--kube-context",
    metavar="NAME",
    envvar="MUSTER_KUBE_CONTEXT",
    help="a context of your kubeconfig",
    shell_complete=CONTEXTS,
)
SYSTEM = click.option(
    "--system", type=click.Path(path_type=Path), metavar="PATH", help="a system.yaml (default: systems/*/system.yaml)"
)
HISTORY = click.option(
    "--history",
    "address",
    metavar="URL",
    envvar="MUSTER_HISTORY",
    help="a file, sqlite:///PATH or postgresql://USER@HOST/DATABASE (default: history.sqlite in reports/)",
)

PLAN = click.option(
    "--plan",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="which drills there are: a directory, or a plan (muster plan --json) (default: drills/, where it is there)",
)


def definition_of(system: Path | None) -> SystemDefinition:
    """The named system.yaml, or the project's only one.

    Raises:
        UsageError: there is none, or it is wrong.
    """
    from muster.system import find_system, read_system

    return read_system(system or find_system(Path.cwd()))


def definition_if_any(system: Path | None) -> SystemDefinition | None:
    """As `definition_of`; None where no system.yaml is named and the project has none."""
    return definition_of(system) if system or any(Path.cwd().glob("systems/*/system.yaml")) else None


def write_out(path: Path, text: str) -> None:
    """Replace a file that a person named.

    Raises:
        UsageError: it cannot be written.
    """
    from muster.base.files import write_atomically

    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; name another file with --out") from error


def connected(context: str | None) -> Cluster:
    """The named context, or else the cluster that `muster up` started; to be closed by the caller.

    Raises:
        UsageError: there is no such context, or no cluster is up.
    """
    from muster.cli import background
    from muster.kube import connect, connect_context

    if context is None:
        return connect(background.kubeconfig(HOME), embedded=True)
    return connect_context(context)


def planned_drills(path: Path | None) -> dict[str, Planned]:
    """The drills by name that a directory holds, or a plan in a file (`muster plan --json`); without either those of
    the project's own drills/, none where it has none.

    Raises:
        UsageError: pytest cannot collect them, or the file is no plan.
    """
    from muster.cli.project import find_project
    from muster.history.plan import DRILLS, load_plan, read_plan

    if path is not None:
        return read_plan(Path.cwd(), (str(path),)) if path.is_dir() else load_plan(path).drills
    root = find_project(Path.cwd()).root
    return read_plan(root) if (root / DRILLS).is_dir() else {}
