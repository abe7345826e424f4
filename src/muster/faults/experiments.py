"""Finding an experiment file, and telling whether it is fit to be run: guarded, recorded, undone, its effect known.

A project's own experiment comes first; where it has none of that name, the one that came with the package is taken.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from muster.base.errors import UsageError
from muster.base.packaged import EXPERIMENTS, own_first
from muster.base.quick_yaml import loaded
from muster.faults.aim import NOBODY, VARIABLES, Aim, values_for
from muster.faults.channel import NAMESPACE_VARIABLE
from muster.faults.effects import Effect
from muster.faults.filling import filled
from muster.faults.fitness import EXTENSION, Content, check_fit, first_error
from muster.faults.needs import rights_of_experiment
from muster.safety.rights import Right
from muster.system import SystemDefinition

UNDO_S = 20.0
UNDO_OF_RELEASE_S = 60.0  # its rollback, verified, until the new version's pods are gone
_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)


@dataclass(frozen=True)
class Experiment:
    """A Chaos Toolkit experiment that is fit to be run.

    `needs` is what must be allowed to strike, to see the effect, and to undo it; `environment` holds the names of the
    system that it asks for, for its process to find.
    """

    name: str
    path: Path
    title: str
    effect: Effect
    longest_s: float = 0.0  # what its method may take by its own time limits and pauses
    needs: frozenset[Right] = frozenset()
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    releases: bool = False  # whether it brings out a release

    @property
    def undo_s(self) -> float:
        """By when it must have undone what it did, in seconds."""
        return UNDO_OF_RELEASE_S if self.releases else UNDO_S


def experiment_paths(directory: Path) -> Mapping[str, Path]:
    """The experiments that drills of a project can name, sorted: those in its directory, and the package's others."""
    return own_first(directory, EXPERIMENTS, "*.yaml")


def find_experiment(
    directory: Path, name: str, system: SystemDefinition | None = None, aim: Aim = NOBODY
) -> Experiment:
    """The experiment of that name in a project's directory, or else the package's own.

    Raises:
        UsageError: there is none, or it is not fit to be run; the message says why, or which ones there are.
    """
    known = experiment_paths(directory)
    if name not in known:
        raise UsageError(f"experiment '{name}' not found in {directory.name}/ (there are: {', '.join(known)})")
    return read_experiment(known[name], system, aim)


def read_experiment(path: Path, system: SystemDefinition | None = None, aim: Aim = NOBODY) -> Experiment:
    """Read an experiment file, with the names that it asks for filled in: those of a system, else the environment's.

    Raises:
        UsageError: it is not YAML, lacks what keeps a fault harmless, or holds what cannot be guarded; or the system
            does not have what it strikes.
    """
    content = load_experiment(path)
    try:
        environment: Mapping[str, str] = {}
        if system is not None:
            environment = values_for(_configuration(content), system, aim, name=path.stem)
        fit = check_fit(filled(content, {**os.environ, **environment}))
        _check_configuration(fit, environment)
        effect = _effect(path.stem, fit)
        needs = rights_of_experiment(fit, effect)
        releases = any(activity.provider.is_own("bring_out") for activity in fit.method)
        return Experiment(path.stem, path, fit.title, effect, fit.longest_s, needs, environment, releases)
    except UsageError as error:
        raise UsageError(f"experiment {path}: {error}") from error


def load_experiment(path: Path) -> Any:
    """What an experiment file holds, whatever that is.

    Raises:
        UsageError: it cannot be read, or is not YAML.
    """
    try:
        return loaded(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"experiment {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"experiment {path}: not UTF-8: {error.reason} at byte {error.start}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        why = " ".join(str(getattr(error, "problem", None) or error).split())
        raise UsageError(f"experiment {path}{where}: not YAML: {why}") from error
    except (ValueError, RecursionError) as error:
        # A date such as 2020-13-01 for one; or brackets without end.
        raise UsageError(f"experiment {path}: a value in it cannot be understood: {error}") from error


def _configuration(content: Any) -> Mapping[str, Any]:
    found = content.get("configuration") if isinstance(content, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _check_configuration(content: Content, environment: Mapping[str, str]) -> None:
    """Make sure that a drill's experiment strikes the drill's namespace, and finds in the environment what it asks for.

    Raises:
        UsageError: it does not.
    """
    namespace = content.configuration["namespace"]
    if not isinstance(namespace, dict) or (namespace.get("type"), namespace.get("key")) != ("env", NAMESPACE_VARIABLE):
        raise UsageError(
            f"its configuration 'namespace' is {namespace!r}, whatever system is under drill; right would be "
            f"namespace: {{type: env, key: {NAMESPACE_VARIABLE}, default: ...}}"
        )
    for key, value in content.configuration.items():
        if not isinstance(value, dict) or value.get("type") != "env" or key == "namespace":
            continue
        if not isinstance(value.get("key"), str):
            raise UsageError(f"its configuration '{key}' names no environment variable; right would be key: NAME")
        if "default" not in value and value["key"] not in {**os.environ, **environment}:
            if value["key"] in VARIABLES:
                raise UsageError(
                    f"its configuration '{key}' needs {value['key']} of a system; by hand: muster experiments env"
                )
            raise UsageError(
                f"its configuration '{key}' needs the environment variable {value['key']}, which is not set"
            )


def _effect(name: str, content: Content) -> Effect:
    extension = content.extension
    assert extension is not None, "check_fit lets no other pass"
    if extension.experiment != name:
        raise UsageError(f"extension '{EXTENSION}' names it {extension.experiment!r}, its file '{name}'")
    try:
        return _EFFECT.validate_python(extension.effect)
    except ValidationError as error:
        raise UsageError(first_error(error, "effect")) from None
