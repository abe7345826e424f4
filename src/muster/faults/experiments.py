"""Finding an experiment file, and telling whether it is fit to be run: guarded, recorded, undone, its effect known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from muster.base.errors import UsageError
from muster.faults.effects import Effect
from muster.faults.fitness import EXTENSION, Content, check_fit, first_error

_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)


@dataclass(frozen=True)
class Experiment:
    """A Chaos Toolkit experiment that is fit to be run."""

    name: str
    path: Path
    title: str
    effect: Effect


def find_experiment(directory: Path, name: str) -> Experiment:
    """The experiment of that name in a directory.

    Raises:
        UsageError: there is none, or it is not fit to be run; the message says why, or which ones there are.
    """
    path = directory / f"{name}.yaml"
    if not path.is_file():
        there = ", ".join(sorted(found.stem for found in directory.glob("*.yaml"))) or "none"
        raise UsageError(f"experiment '{name}' not found in {directory.name}/ (there are: {there})")
    return read_experiment(path)


def read_experiment(path: Path) -> Experiment:
    """Read an experiment file.

    Raises:
        UsageError: it is not YAML, lacks what keeps a fault harmless, or holds what cannot be guarded.
    """
    content = _load(path)
    try:
        fit = check_fit(content)
        return Experiment(path.stem, path, fit.title, _effect(path.stem, fit))
    except UsageError as error:
        raise UsageError(f"experiment {path}: {error}") from error


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
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


def _effect(name: str, content: Content) -> Effect:
    extension = content.extension
    assert extension is not None, "check_fit lets no other pass"
    if extension.experiment != name:
        raise UsageError(f"extension '{EXTENSION}' names it {extension.experiment!r}, its file '{name}'")
    try:
        return _EFFECT.validate_python(extension.effect)
    except ValidationError as error:
        raise UsageError(first_error(error, "effect")) from None
