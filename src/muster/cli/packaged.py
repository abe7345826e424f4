"""`muster experiments` and `muster loads`: what drills can name, a project's own files and what the package brings.

Copied into a project a file is the project's own, and is found before the package's.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.base.errors import UsageError
from muster.base.files import write_atomically
from muster.base.packaged import EXPERIMENTS, LOADS, own_first
from muster.cli.shared import SYSTEM, definition_if_any

if TYPE_CHECKING:
    from muster.faults.aim import Aim
    from muster.system import SystemDefinition

JSON = click.option("--json", "as_json", is_flag=True, help="for machines")
OVER = click.option("--over", is_flag=True, help="replace the file that is there")
ASKED = re.compile(r"\{type: env, key: (MUSTER_[A-Z_]+)")


def _aimed(command: Any) -> Any:
    """The options that say whom a fault strikes, as a drill's marker does."""
    for name, kind, what in (
        ("time-scale", float, "by how much a release's bakes are shorter"),
        ("release", str, "what is brought out: a directory or an image"),
        ("surge", float, "a load in requests/s"),
        ("config-map", str, "a ConfigMap, or NAME/KEY"),
        ("container", str, "a container of the target"),
        ("target", str, "a Deployment or StatefulSet"),
    ):
        command = click.option(f"--{name}", type=kind, help=what)(command)
    return SYSTEM(command)


@click.group(invoke_without_command=True, short_help="List the experiments, or copy one into the project.")
@JSON
@SYSTEM
@click.pass_context
def experiments(context: click.Context, as_json: bool, system: Path | None) -> None:
    """List the experiments that drills can name: where each comes from, what it does, what it needs of system.yaml."""
    if context.invoked_subcommand is not None:
        return
    definition = definition_if_any(system)
    found = [
        _described(name, path, definition)
        for name, path in own_first(Path("experiments"), EXPERIMENTS, "*.yaml").items()
    ]
    if as_json:
        click.echo(json.dumps({"schema": "muster/experiments/v1", "experiments": found}, indent=2))
        return
    for one in found:
        click.echo(f"{one['name']:<20} {one['from']:<8} {one['title']}")
        for need in one["needs"]:
            click.echo(f"{'':<30}needs {need}")
        if one["lacks"]:
            click.echo(f"{'':<30}not here: {one['lacks']}")


@experiments.command("copy", short_help="Put one into experiments/, to be changed.")
@click.argument("name")
@OVER
@_aimed
def copy_experiment(name: str, over: bool, **options: Any) -> None:
    """Put an experiment of the package into experiments/, with the names of your system as defaults, so that it can be
    changed, and run by hand: chaos run experiments/NAME.yaml."""
    text = _packaged(EXPERIMENTS, name, "yaml").read_text()
    definition = definition_if_any(options.pop("system"))
    if definition is None:
        lacking = ["there is no system.yaml yet, so it takes its names from the environment when it is run by hand"]
    else:
        text, lacking = with_defaults(text, definition, _aim(options))
    _write(Path("experiments", f"{name}.yaml"), text, over=over)
    for one in lacking:
        click.echo(f"muster: {one}", err=True)


@experiments.command("env", short_help="Print the names that one takes from its environment.")
@click.argument("name")
@_aimed
def environment(name: str, **options: Any) -> None:
    """Print, for a shell, the names of your system that an experiment takes from its environment, and where it lies:

    \b
    eval "$(muster experiments env pods-lost)"; chaos run "$MUSTER_EXPERIMENT"
    """  # fmt: skip
    from muster.faults.experiments import find_experiment

    definition = definition_if_any(options.pop("system"))
    if definition is None:
        raise UsageError("there is no systems/*/system.yaml to take names from; name one with --system")
    found = find_experiment(Path("experiments"), name, definition, _aim(options))
    values = {"MUSTER_NAMESPACE": definition.namespace, "MUSTER_EXPERIMENT": str(found.path), **found.environment}
    for key, value in values.items():
        click.echo(f"export {key}={shlex.quote(value)}")


@experiments.command("path", short_help="Print where one lies.")
@click.argument("name")
def experiment_path(name: str) -> None:
    """Print where an experiment lies: the project's own, or else the package's."""
    click.echo(_found("experiments", EXPERIMENTS, "*.yaml", name))


@click.group(invoke_without_command=True, short_help="List the loads, or copy one into the project.")
@JSON
@click.pass_context
def loads(context: click.Context, as_json: bool) -> None:
    """List the loads that drills can name: where each comes from, and who asks."""
    if context.invoked_subcommand is not None:
        return
    from muster.load.profiles import profiles

    found = [
        {"name": name, "from": _origin(path, LOADS), "path": str(path), "title": _first_line(path)}
        for name, path in profiles(Path("loadtests")).items()
    ]
    if as_json:
        click.echo(json.dumps({"schema": "muster/loads/v1", "loads": found}, indent=2))
        return
    for one in found:
        click.echo(f"{one['name']:<20} {one['from']:<8} {one['title']}")


@loads.command("copy", short_help="Put one into loadtests/, to be changed.")
@click.argument("name")
@OVER
def copy_load(name: str, over: bool) -> None:
    """Put a load of the package into loadtests/, to be changed."""
    _write(Path("loadtests", f"{name}.py"), _packaged(LOADS, name, "py").read_text(), over=over)


@loads.command("path", short_help="Print where one lies.")
@click.argument("name")
def load_path(name: str) -> None:
    """Print where a load lies: the project's own, or else the package's."""
    click.echo(_found("loadtests", LOADS, "*.py", name))


def with_defaults(text: str, system: SystemDefinition, aim: Aim) -> tuple[str, list[str]]:
    """An experiment whose names have those of a system as defaults, and a sentence for each that the system lacks."""
    from muster.faults.aim import VARIABLES, Aimed

    aimed, lacking = Aimed(system, aim), dict[str, None]()

    def default(found: re.Match[str]) -> str:
        variable = found[1]
        try:
            value = system.namespace if variable == "MUSTER_NAMESPACE" else VARIABLES[variable](aimed)
        except UsageError as error:
            lacking[str(error)] = None
            return found[0]
        except KeyError:  # such as MUSTER_HOLD_S, which has a default
            return found[0]
        return f"{found[0]}, default: {json.dumps(value)}"

    return ASKED.sub(default, text), list(lacking)


def _described(name: str, path: Path, definition: SystemDefinition | None) -> Mapping[str, Any]:
    """One experiment for the list; also one that is not fit to be run, with the reason."""
    from muster.faults.aim import SOURCES
    from muster.faults.experiments import find_experiment, load_experiment

    lacks = title = ""
    try:
        content = load_experiment(path)
        title = str(content.get("title", "")) if isinstance(content, dict) else ""
        if definition is not None:
            find_experiment(Path("experiments"), name, definition)
    except UsageError as error:
        lacks = str(error).removeprefix(f"experiment {path}: ")
    asked = ASKED.findall(path.read_text(errors="replace"))
    needs = [source for start, source in SOURCES.items() if any(_source(key) == start for key in asked)]
    return {
        "name": name, "from": _origin(path, EXPERIMENTS), "path": str(path), "title": title,
        "variables": [key for key in asked if _source(key)], "needs": needs, "lacks": lacks,
    }  # fmt: skip


def _source(variable: str) -> str | None:
    from muster.faults.aim import SOURCES

    return next((start for start in SOURCES if variable.startswith(start)), None)


def _aim(options: Mapping[str, Any]) -> Aim:
    from muster.faults.aim import Aim

    return Aim.of_marker(options)


def _origin(path: Path, packaged: Path) -> str:
    return "package" if path.is_relative_to(packaged) else "project"


def _first_line(path: Path) -> str:
    lines = path.read_text(errors="replace").splitlines()
    return lines[0].strip('"# ') if lines else ""


def _found(directory: str, packaged: Path, pattern: str, name: str) -> Path:
    there = own_first(Path(directory), packaged, pattern)
    if name not in there:
        raise UsageError(f"'{name}' is neither in {directory}/ nor in the package (there are: {', '.join(there)})")
    return there[name].absolute()


def _packaged(directory: Path, name: str, ending: str) -> Path:
    path = directory / f"{name}.{ending}"
    if not path.is_file():
        there = ", ".join(sorted(found.stem for found in directory.glob(f"*.{ending}")))
        raise UsageError(f"'{name}' does not come with the package (there are: {there})")
    return path


def _write(path: Path, text: str, *, over: bool) -> None:
    """Write a file of the project.

    Raises:
        UsageError: it is there and is not to be replaced, or cannot be written.
    """
    if path.exists() and not over:
        raise UsageError(f"{path} is there already, and was left as it is; --over replaces it")
    try:
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"written: {path}")
