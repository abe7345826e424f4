"""What an experiment may hold: guarded, recorded, held and undone by muster, and striking one namespace only.

Asked twice: when a drill reads the file, and by the guard in the experiment's process, since anybody may run it by
hand. Whatever is not known to be harmless is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from muster.base.errors import UsageError

CONTROLS = "muster.faults.controls"
ACTIVITIES = "muster.faults.activities"
EXTENSION = "muster"

# The activities that announce themselves when they strike, and that know no namespace but the guarded one.
OWN_ACTIVITIES = frozenset(
    {"crashed", "hold", "patch_field", "raise_load", "remember_field", "replace_line", "reported", "undo"}
)
# The configuration is read before the guard is passed, by this one, which changes nothing.
READING = "current_primary"
# The modules of `chaosk8s` whose functions take a namespace `ns`; not those for nodes, namespaces and custom objects.
KINDS = ("daemonset", "deployment", "networking", "pod", "replicaset", "secret", "service", "statefulset")
FOREIGN_MODULES = frozenset(f"chaosk8s.{kind}.{part}" for kind in KINDS for part in ("actions", "probes")) - {
    "chaosk8s.replicaset.probes"  # there is none
}
GUARDED = "${namespace}"


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class _Provider(_Part):
    type: str = ""
    module: str = ""
    func: str = ""
    arguments: Any = None
    secrets: Any = None

    def is_own(self, func: str) -> bool:
        return (self.type, self.module, self.func) == ("python", ACTIVITIES, func)


class _Activity(_Part):
    name: str = "without a name"
    provider: _Provider = _Provider()
    controls: Any = None
    background: Any = False


class _Control(_Part):
    # Nothing beside these: `scope` and `automatic` would leave parts of the experiment unguarded.
    model_config = ConfigDict(extra="forbid")
    name: str = "without a name"
    provider: _Provider = _Provider()


class _Extension(_Part):
    name: str = ""
    experiment: str = ""
    effect: Any = None


class _Rollbacks(_Part):
    strategy: str = ""


class _Runtime(_Part):
    rollbacks: _Rollbacks = _Rollbacks()


class Content(_Part):
    """The parts of an experiment that count here, each of its right type."""

    title: str = ""
    description: str = ""
    configuration: dict[str, Any] = {}
    runtime: _Runtime = _Runtime()
    controls: list[_Control] = []
    extensions: list[_Extension] = []
    method: list[_Activity] = []
    rollbacks: list[_Activity] = []
    secrets: Any = None

    @property
    def extension(self) -> _Extension | None:
        """What the experiment says to muster."""
        return next((extension for extension in self.extensions if extension.name == EXTENSION), None)


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
    where = ".".join(str(part) for part in (*above, *first["loc"]))
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
    for key, value in content.configuration.items():
        yield _unread(key, value)
    for activity in [*content.method, *content.rollbacks]:
        yield _unheld(activity)
    if content.extension is None:
        yield "it declares no effect; right would be extensions: [{name: muster, experiment: NAME, effect: ...}]"
    elif not content.extension.experiment:
        yield "it must name itself; right would be extensions: [{name: muster, experiment: NAME, effect: ...}]"


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
    """Why a value of the configuration must not be asked for, which happens before the guard is passed."""
    if not isinstance(value, dict) or value.get("type") != "probe":
        return None
    provider = value.get("provider")
    said = {} if not isinstance(provider, dict) else provider
    if (said.get("type"), said.get("module"), said.get("func")) == ("python", ACTIVITIES, READING):
        return None
    return f"configuration '{key}' is a probe, which would run unguarded; right would be {ACTIVITIES}, func: {READING}"


def _unheld(activity: _Activity) -> str | None:
    """Why an activity cannot be held to the guarded namespace and the drill's time."""
    what, provider = f"activity '{activity.name}'", activity.provider
    if activity.controls:
        return f"{what} has controls of its own, which would run unguarded; right would be none"
    if activity.background:
        return f"{what} runs in the background, where it could strike after the undo; right would be background: false"
    if provider.type != "python":
        said = f"of type {provider.type}" if provider.type else "without a provider"
        return f"{what} is {said}, which cannot be held to a namespace; right would be type python"
    if provider.module == ACTIVITIES and provider.func in OWN_ACTIVITIES:
        return None
    if provider.module not in FOREIGN_MODULES:
        return (
            f"{what} is {provider.module}.{provider.func}, which cannot be held to a namespace; right would be "
            f"{ACTIVITIES} ({', '.join(sorted(OWN_ACTIVITIES))}) or chaosk8s.{{{','.join(KINDS)}}}.{{actions,probes}}"
        )
    return _unheld_arguments(what, provider)


def _unheld_arguments(what: str, provider: _Provider) -> str | None:
    arguments = provider.arguments if isinstance(provider.arguments, dict) else {}
    if provider.secrets or "secrets" in arguments:
        return f"{what} has secrets, which could lead to another cluster than the guarded one; right would be none"
    # Without it `chaosk8s` strikes the namespace "default".
    said = arguments.get("ns")
    if said == GUARDED:
        return None
    where = f"namespace {said!r}" if said else "no namespace"
    return f"{what} says {where}; right would be the guarded one, by the argument ns: {GUARDED}"
