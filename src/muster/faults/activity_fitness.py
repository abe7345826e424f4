"""What an activity of an experiment may be: held to the guarded namespace and the drill's time, and heeded as a whole.

Chaos Toolkit passes over much that a file may say: the tolerance of a probe in the method for one. Here it is heeded,
or the experiment is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

ACTIVITIES = "muster.faults.activities"

# The activities that announce themselves when they strike, and that know no namespace but the guarded one.
OWN_ACTIVITIES = frozenset(
    {"bring_out", "crashed", "delete_volumes", "hold", "kill_pods", "patch_field", "raise_load", "remember_command"}
    | {"remember_field", "renew_pods", "replace_line", "reported", "rolled_out", "stop_workloads", "undo"}
)
# The configuration is read before the guard is passed, by this one, which changes nothing.
READING = "current_primary"
# The modules of `chaosk8s` whose functions take a namespace `ns`; not those for nodes, namespaces and custom objects.
KINDS = ("daemonset", "deployment", "networking", "pod", "replicaset", "secret", "service", "statefulset")
FOREIGN_MODULES = frozenset(f"chaosk8s.{kind}.{part}" for kind in KINDS for part in ("actions", "probes")) - {
    "chaosk8s.replicaset.probes"  # there is none
}
GUARDED = "${namespace}"

SUCH_TOLERANCES = ("regex", "range", "jsonpath")
# What own activities that wait do, where they say no within_s.
WAITS_S = {"bring_out": 60.0, "crashed": 30.0, "renew_pods": 30.0, "reported": 30.0, "rolled_out": 30.0}


class Part(BaseModel):
    """A part of an experiment. What it holds besides is kept, to be named where nothing heeds it."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class Provider(Part):
    """What an activity calls."""

    type: str = ""
    module: str = ""
    func: str = ""
    arguments: Any = None
    secrets: Any = None

    def is_own(self, func: str) -> bool:
        """Whether it is this function of `muster.faults.activities`."""
        return (self.type, self.module, self.func) == ("python", ACTIVITIES, func)


class Activity(Part):
    """One step of a method or of the rollbacks."""

    type: str = ""
    name: str = "without a name"
    provider: Provider = Provider()
    controls: Any = None
    background: Any = False
    tolerance: Any = None
    pauses: Any = None


def unfit(activity: Activity, *, of_method: bool) -> str | None:
    """Why an activity of the method, or of the rollbacks, cannot be held or would not be heeded; None if it is fit."""
    return next((trouble for trouble in _troubles(activity, of_method) if trouble), None)


def longest_s(activity: Activity) -> float:
    """How many seconds a fit activity may take by what it says itself: its time limit and its pauses."""
    arguments = activity.provider.arguments if isinstance(activity.provider.arguments, dict) else {}
    waits = next((seconds for func, seconds in WAITS_S.items() if activity.provider.is_own(func)), 0.0)
    said: Any = arguments.get("within_s", arguments.get("timeout", waits))
    pauses: dict[str, float] = activity.pauses or {}
    return (float(said) if _is_time(said) else 0.0) + sum(pauses.values())


def _troubles(activity: Activity, of_method: bool) -> Iterator[str | None]:
    yield _unheeded(activity)
    yield _unheld(activity)
    yield _wrong_pauses(activity, of_method)
    if activity.tolerance is not None:
        yield _wrong_tolerance(activity, of_method)


def _unheeded(activity: Activity) -> str | None:
    what, more = f"activity '{activity.name}'", activity.model_extra or {}
    if "ref" in more:
        return f"an activity refers to '{more['ref']}', and is not run as it stands; right would be the activity itself"
    strange = next(iter(sorted(more)), None)
    if strange is not None:
        return f"{what} has '{strange}', which nothing heeds; right would be none"
    strange = next(iter(sorted(activity.provider.model_extra or {})), None)
    if strange is not None and activity.provider.type == "python":
        return f"the provider of {what} has '{strange}', which nothing heeds; right would be an argument"
    return None


def _misused(what: str, activity: Activity) -> str | None:
    """Why one of muster's own activities cannot be called so."""
    from muster.faults import activities  # noqa: PLC0415 - which needs this module

    provider = activity.provider
    arguments = {} if provider.arguments is None else provider.arguments
    if not isinstance(arguments, dict):
        return f"{what} has arguments that are no names with values: {arguments!r}"
    try:
        inspect.signature(getattr(activities, provider.func)).bind(**arguments)
    except TypeError as error:
        return f"{what} cannot call {provider.func}: {error}"
    if "within_s" in arguments and not _is_time(arguments["within_s"]):
        return f"{what} waits within_s: {arguments['within_s']!r}; right would be a number of seconds above 0"
    if activity.tolerance is not None:
        return f"{what} has a tolerance, but ends the experiment by itself where it sees nothing; right would be none"
    return None


def _wrong_pauses(activity: Activity, of_method: bool) -> str | None:
    what, pauses = f"activity '{activity.name}'", activity.pauses
    if pauses is None:
        return None
    if not of_method or activity.provider.is_own("hold"):
        return f"{what} has pauses, which would keep the fault in force for longer than it is held; right would be none"
    good = isinstance(pauses, dict) and pauses.keys() <= {"before", "after"}
    if not good or not all(value == 0 or _is_time(value) for value in pauses.values()):
        return f"{what} has pauses {pauses!r}; right would be numbers of seconds, before or after or both"
    return None


def _wrong_tolerance(activity: Activity, of_method: bool) -> str | None:
    what, tolerance = f"activity '{activity.name}'", activity.tolerance
    if not of_method or activity.type != "probe":
        return f"{what} has a tolerance, which is heeded for probes of the method only; right would be none"
    if isinstance(tolerance, dict) and tolerance.get("type") not in SUCH_TOLERANCES:
        said = f"of type {tolerance.get('type')!r}"
        return (
            f"{what} has a tolerance {said}, which would run unguarded or is not known; right would be a value, a list"
        )
    if not isinstance(tolerance, bool | int | str | list | dict):
        return f"{what} has the tolerance {tolerance!r}, which cannot be compared; right would be type: range"
    from chaoslib.exceptions import InvalidActivity  # noqa: PLC0415 - slow, and few have a tolerance
    from chaoslib.hypothesis import ensure_hypothesis_tolerance_is_valid  # noqa: PLC0415

    try:
        ensure_hypothesis_tolerance_is_valid(tolerance)
    except InvalidActivity as error:
        return f"{what} has a tolerance that cannot be heeded: {' '.join(str(error).split())}"
    return None


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 86_400


def _unheld(activity: Activity) -> str | None:
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
        return _misused(what, activity)
    if provider.module not in FOREIGN_MODULES:
        return (
            f"{what} is {provider.module}.{provider.func}, which cannot be held to a namespace; right would be "
            f"{ACTIVITIES} ({', '.join(sorted(OWN_ACTIVITIES))}) or chaosk8s.{{{','.join(KINDS)}}}.{{actions,probes}}"
        )
    return _unheld_arguments(what, provider)


def _unheld_arguments(what: str, provider: Provider) -> str | None:
    arguments = provider.arguments if isinstance(provider.arguments, dict) else {}
    if provider.secrets or "secrets" in arguments:
        return f"{what} has secrets, which could lead to another cluster than the guarded one; right would be none"
    # Without it `chaosk8s` strikes the namespace "default".
    said = arguments.get("ns")
    if said == GUARDED:
        return None
    where = f"namespace {said!r}" if said else "no namespace"
    return f"{what} says {where}; right would be the guarded one, by the argument ns: {GUARDED}"
