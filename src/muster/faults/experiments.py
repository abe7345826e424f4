"""Finding an experiment file, and telling whether it is fit to be run: guarded, recorded, undone, its effect known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from muster.base.errors import UsageError
from muster.faults.effects import Effect

CONTROLS = "muster.faults.controls"
ACTIVITIES = "muster.faults.activities"
EXTENSION = "muster"

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
        UsageError: it is not YAML, or lacks what keeps a fault harmless.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UsageError(f"experiment {path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise UsageError(f"experiment {path}{where}: not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(content, dict) or not content.get("title") or not content.get("description"):
        raise UsageError(f"experiment {path}: an experiment begins with a title and a description")
    trouble = _unguarded(content)
    if trouble:
        raise UsageError(f"experiment {path}: {trouble}")
    return Experiment(path.stem, path, str(content["title"]), _effect(path, content))


def _unguarded(content: dict[str, Any]) -> str | None:
    """Which part of what keeps a fault harmless is missing."""
    if CONTROLS not in [_provider(control).get("module") for control in content.get("controls") or []]:
        return f"it is not guarded; right would be controls: [{{name: muster, provider: {{module: {CONTROLS}}}}}]"
    runtime = content.get("runtime") or {}
    if (runtime.get("rollbacks") or {}).get("strategy") != "always":
        return "its rollbacks would be left out after a failure; right would be runtime: rollbacks: strategy: always"
    undoing = {"module": ACTIVITIES, "func": "undo"}
    if not any(undoing.items() <= _provider(activity).items() for activity in content.get("rollbacks") or []):
        return f"it does not undo its fault; right would be a rollback {ACTIVITIES}, func: undo"
    if "namespace" not in (content.get("configuration") or {}):
        return "it does not say whom it strikes; right would be configuration: namespace: ..."
    method = content.get("method") or []
    holding = {"module": ACTIVITIES, "func": "hold"}
    if not method or not holding.items() <= _provider(method[-1]).items():
        return f"its method must end with holding the fault: {ACTIVITIES}, func: hold"
    return None


def _effect(path: Path, content: dict[str, Any]) -> Effect:
    extension = next((e for e in content.get("extensions") or [] if e.get("name") == EXTENSION), None)
    if extension is None:
        raise UsageError(
            f"experiment {path}: it declares no effect; right would be extensions: [{{name: muster, ...}}]"
        )
    if extension.get("experiment") != path.stem:
        raise UsageError(
            f"experiment {path}: extension 'muster' names it {extension.get('experiment')!r}, its file '{path.stem}'"
        )
    try:
        return _EFFECT.validate_python(extension.get("effect"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in ("effect", *first["loc"]))
        raise UsageError(f"experiment {path}: '{where}' is wrong: {first['msg']}, not {first['input']!r}") from None


def _provider(item: Any) -> dict[str, Any]:
    provider = item.get("provider") if isinstance(item, dict) else None
    return provider if isinstance(provider, dict) else {}
