"""What can be set: a YAML file of settings, single ones overridden by `ENHANCER_<NAME>` in the environment.

Every setting is a number with a unit and a range. Whatever is wrong is refused whole, in one sentence.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, cast

import yaml

PREFIX = "ENHANCER_"
_SILENT_BEATS = 3


class SettingsError(ValueError):
    """The settings cannot be used; the message says what is wrong, where, and what would be right."""


def _number(default: float, unit: str, low: float, high: float) -> Any:
    return field(default=default, metadata={"unit": unit, "low": low, "high": high})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One valid set of settings. Those marked (start) need a restart, the others follow the file."""

    admission_rate: float = _number(150, "requests/s of one API pod (0 = no limit)", 0, 1_000_000)
    admission_burst_s: float = _number(1, "seconds of admission_rate that may come at once", 0.01, 60)
    request_limit_s: float = _number(1, "seconds until a request is answered, come what may", 0.05, 30)
    drain_s: float = _number(1.5, "seconds that a leaving API pod serves on, until no Service leads to it", 0, 60)
    unready_after_s: float = _number(10, "seconds without a primary until a pod is not ready", 0, 600)
    read_connections: int = _number(4, "connections of one API pod for reading (start)", 1, 50)
    write_connections: int = _number(4, "connections of one API pod for writing (start)", 1, 50)
    phase_duration_s: float = _number(0.005, "seconds that a phase takes beside its real work", 0, 3600)
    phase_lease_s: float = _number(60, "seconds until a phase that a live worker has lost is done again", 1, 86_400)
    batch_s: float = _number(0.04, "seconds over which a worker's agents share a query", 0, 1)
    idle_poll_s: float = _number(0.2, "seconds between looks for work when there was none", 0.01, 60)
    heartbeat_s: float = _number(0.5, "seconds between heart-beats of a worker's agents", 0.1, 60)
    agent_expiry_s: float = _number(2.5, "seconds without heart-beat until an agent may be taken over", 0.5, 600)
    stuck_after_s: float = _number(2, "seconds without a recorded phase until a workflow is stuck", 0.1, 86_400)
    hide_after_s: float = _number(0, "seconds after which a workflow is not shown any more (0 = never)", 0, 1e9)

    @property
    def agent_silent_s(self) -> float:
        """Seconds without heart-beat until an agent does not count as available, and an operator may release it.

        Well below agent_expiry_s, so that a worker's death is seen before it is healed.
        """
        return _SILENT_BEATS * self.heartbeat_s


def parse(text: bytes, environment: Mapping[str, str], source: str) -> Settings:
    """Settings from the file's content and the environment.

    Raises SettingsError.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}, line {mark.line + 1}" if mark else source
        raise SettingsError(f"{where}: not valid YAML: {getattr(error, 'problem', error)}") from error
    if found is None:
        found = {}
    if not isinstance(found, dict):
        raise SettingsError(f"{source}: must be a mapping of settings, is a {type(found).__name__}")
    known = {each.name: each for each in fields(Settings)}
    values: dict[str, float] = {}
    for name, value in found.items():
        if name not in known:
            raise SettingsError(f"{source}: unknown setting {name!r} (there are: {', '.join(sorted(known))})")
        values[name] = _checked(known[name], value, f"{source}: {name}")
    for name, each in known.items():
        variable = PREFIX + name.upper()
        if variable in environment:
            values[name] = _checked(each, environment[variable], variable)
    settings = Settings(**cast("dict[str, Any]", values))
    if settings.agent_expiry_s <= settings.agent_silent_s:
        raise SettingsError(
            f"{source}: agent_expiry_s is {settings.agent_expiry_s:g},"
            f" must be more than three times heartbeat_s ({settings.heartbeat_s:g})"
        )
    return settings


def _checked(setting: "Field[Any]", value: object, where: str) -> float:
    low, high = setting.metadata["low"], setting.metadata["high"]
    whole = setting.type is int
    wanted = f"a {'whole ' if whole else ''}number from {low:g} to {high:g}: {setting.metadata['unit']}"
    number = _as_number(value)
    if number is None or not low <= number <= high or (whole and number != int(number)):
        raise SettingsError(f"{where} is {value!r}, must be {wanted}")
    return int(number) if whole else number


def _as_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def version_of(text: bytes) -> str:
    """The version of a configuration: the first 12 hex digits of the SHA-256 of the file."""
    return hashlib.sha256(text).hexdigest()[:12]
