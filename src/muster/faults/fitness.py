"""What an experiment may hold: guarded, recorded, held and undone by muster, and striking one namespace only.

Asked twice: when a drill reads the file, and by the guard in the experiment's process, since anybody may run it by
hand. Whatever is not known to be harmless is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from muster.base.errors import UsageError
from muster.base.lines import key_of
from muster.faults.activity_fitness import ACTIVITIES, READING, Activity, Part, Provider, longest_s, unfit

CONTROLS = "muster.faults.controls"
EXTENSION = "muster"
# What an experiment may say; whatever else stands there nothing heeds. `dry` is put there by `chaos run` itself.
KNOWN = frozenset(
    {"version", "title", "description", "tags", "contributions", "configuration", "secrets", "runtime", "controls"}
    | {"extensions", "method", "rollbacks", "dry"}
)


class _Control(Part):
    # Nothing beside these: `scope` and `automatic` would leave parts of the experiment unguarded.
    model_config = ConfigDict(extra="forbid")
    name: str = "without a name"
    provider: Provider = Provider()


class _Extension(Part):
    name: str = ""
    experiment: str = ""
    effect: Any = None


class _Rollbacks(Part):
    strategy: str = ""


class _Runtime(Part):
    rollbacks: _Rollbacks = _Rollbacks()
    hypothesis: Any = None


class Content(Part):
    """The parts of an experiment that count here, each of its right type."""

    title: str = ""
    description: str = ""
    configuration: dict[str, Any] = Field(default_factory=dict)
    runtime: _Runtime = _Runtime()
    controls: list[_Control] = Field(default_factory=list)
    extensions: list[_Extension] = Field(default_factory=list)
    method: list[Activity] = Field(default_factory=list)
    rollbacks: list[Activity] = Field(default_factory=list)
    secrets: Any = None

    @property
    def extension(self) -> _Extension | None:
        """What the experiment says to muster."""
        return next((extension for extension in self.extensions if extension.name == EXTENSION), None)

    @property
    def longest_s(self) -> float:
        """How many seconds its method may take by its own time limits and pauses, before it holds."""
        return sum(longest_s(activity) for activity in self.method)


def check_fit(experiment: Any) -> Content:
    """Let pass an experiment that can be run without harm beyond what it declares.

    Raises:
        UsageError: it cannot; the message, which does not name the experiment, says why and what would be right.
    """
    if not isinstance(experiment, Mapping) or not experiment.get("title") or not experiment.get("description"):
        raise UsageError("an experiment begins with a title and a description")
    try:
        content = Content.model_validate(dict(experiment))
    except ValidationError as error:
        raise UsageError(first_error(error)) from None
    if "steady-state-hypothesis" in experiment:
        raise UsageError(
            "it has a steady-state-hypothesis, which would run before the drill says go; right would be none: "
            "the drill decides what is steady"
        )
    trouble = next((trouble for trouble in _troubles(content) if trouble), None)
    if trouble:
        raise UsageError(trouble)
    return content


def first_error(error: ValidationError, *above: str) -> str:
    """The first thing that is wrong, in one sentence; `above` are the keys that lead to what was validated."""
    first = error.errors()[0]
    where = key_of((*above, *first["loc"]))
    return f"'{where}' is wrong: {first['msg']}, not {first['input']!r}"


def _troubles(content: Content) -> Iterator[str | None]:
    """For each rule in turn what breaks it, or None."""
    yield _unguarded(content)
    if content.runtime.rollbacks.strategy != "always":
        yield "its rollbacks would be left out after a failure; right would be runtime: rollbacks: strategy: always"
    if not any(activity.provider.is_own("undo") for activity in content.rollbacks):
        yield f"it does not undo its fault; right would be a rollback {ACTIVITIES}, func: undo"
    if "namespace" not in content.configuration:
        yield "it does not say whom it strikes; right would be configuration: namespace: ..."
    if not content.method or not content.method[-1].provider.is_own("hold"):
        yield f"its method must end with holding the fault: {ACTIVITIES}, func: hold"
    if content.secrets:
        yield "it has secrets, which could lead to another cluster than the one that is guarded; right would be none"
    yield _unheeded(content)
    yield from (_unread(key, value) for key, value in content.configuration.items())
    yield from (unfit(activity, of_method=True) for activity in content.method)
    yield from (unfit(activity, of_method=False) for activity in content.rollbacks)
    if content.extension is None:
        yield "it declares no effect; right would be extensions: [{name: muster, experiment: NAME, effect: ...}]"
    elif not content.extension.experiment:
        yield "it must name itself; right would be extensions: [{name: muster, experiment: NAME, effect: ...}]"


def _unheeded(content: Content) -> str | None:
    """What the experiment says that nothing would heed."""
    more = content.model_extra or {}
    if content.runtime.hypothesis is not None:
        return "its runtime has a hypothesis strategy, but the drill decides what is steady; right would be none"
    if strange := sorted(more.keys() - KNOWN):
        return f"it has '{strange[0]}', which nothing heeds (known are {', '.join(sorted(KNOWN - {'dry'}))})"
    if isinstance(more.get("dry"), str):
        return "it has 'dry', which nothing heeds; right would be none, or chaos run --dry"
    return None


def _unguarded(content: Content) -> str | None:
    """Why the guard would not be asked, or not alone and first."""
    right = f"right would be controls: [{{name: muster, provider: {{type: python, module: {CONTROLS}}}}}]"
    own = [control for control in content.controls if _is_guard(control)]
    if not own:
        return f"it is not guarded; {right}"
    foreign = next((control for control in content.controls if not _is_guard(control)), None)
    if foreign is not None:
        return f"its control '{foreign.name}' is not muster's and would run unguarded; {right}"
    return f"it is guarded {len(own)} times; {right}" if len(own) > 1 else None


def _is_guard(control: _Control) -> bool:
    return (control.provider.type, control.provider.module) == ("python", CONTROLS)


def _unread(key: str, value: Any) -> str | None:
    """Why a value of the configuration must not be asked for, which happens before the guard is passed, or is none."""
    if not isinstance(value, dict) or value.get("type") in {None, "env"}:
        return None
    if value["type"] != "probe":
        return (
            f"configuration '{key}' is of type {value['type']!r}, which is not read there but passed on as it stands; "
            "right would be a value, or type env"
        )
    provider = value.get("provider")
    said = {} if not isinstance(provider, dict) else provider
    if (said.get("type"), said.get("module"), said.get("func")) == ("python", ACTIVITIES, READING):
        return None
    return f"configuration '{key}' is a probe, which would run unguarded; right would be {ACTIVITIES}, func: {READING}"
