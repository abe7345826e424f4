"""`safety.yaml`: what a project, or a cluster, allows of drills. docs/safety.md explains it."""

from __future__ import annotations

import math
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from muster.base.documents import Document, parse_document, read_document
from muster.base.errors import UsageError
from muster.safety.limits.conditions import AnyCondition
from muster.safety.limits.hours import Hours
from muster.system.explaining import explain
from muster.system.schema import Strict

SCHEMA = "muster/safety/v1"
WHAT = "safety settings"
_PERCENT = re.compile(r"(100|[1-9]?[0-9])(\.[0-9]+)? ?%")


def _share(said: Any) -> Any:
    if isinstance(said, int) and not isinstance(said, bool) and said >= 0:
        return said
    if isinstance(said, str) and _PERCENT.fullmatch(said) and float(said.rstrip(" %")) <= 100:
        return said
    raise ValueError('right would be a number, such as 3, or a share, such as "50%"')


Most = Annotated[int | str, BeforeValidator(_share)]


class Protected(Strict):
    """Whom no drill ever strikes, by patterns such as `prod*`; a context also by the host name of its API server."""

    contexts: list[str] = []
    namespaces: list[str] = []


class AtMost(Strict):
    """How much of a namespace one fault may hit: a number, or a share of all (rounded down)."""

    pods: Most | None = None
    workloads: Most | None = None


class SafetySettings(Strict):
    """Everything `safety.yaml` says. `rehearsals`: whether `at_most` and `stop_when` hold on the embedded cluster as
    well."""

    schema_: Literal["muster/safety/v1"] = Field(alias="schema")
    protected: Protected = Protected()
    at_most: AtMost = AtMost()
    hours: list[Hours] = []
    stop_when: list[AnyCondition] = []
    rehearsals: bool = True


def read_settings(path: Path) -> SafetySettings:
    """Read a safety.yaml.

    Raises:
        UsageError: it cannot be read, or a key is unknown or wrong; the message names key and line.
    """
    return _validated(read_document(path, WHAT))


def parse_settings(text: str, name: str) -> SafetySettings:
    """The same of a text that stands elsewhere; `name` is how it is called.

    Raises:
        UsageError: as for `read_settings`.
    """
    return _validated(parse_document(text, WHAT, Path(name)))


def number_of(most: int | str, total: int) -> int:
    """How many a limit allows of so many."""
    return most if isinstance(most, int) else math.floor(total * float(most.rstrip(" %")) / 100 + 1e-9)


def matching(patterns: list[str], *names: str) -> str | None:
    """The first pattern that one of the names matches."""
    return next((pattern for pattern in patterns for name in names if name and fnmatchcase(name, pattern)), None)


def _validated(document: Document) -> SafetySettings:
    if not isinstance(document.content, dict):
        raise UsageError(f"{document.where()}: safety settings are a mapping that begins with 'schema: {SCHEMA}'")
    try:
        return SafetySettings.model_validate(document.content)
    except ValidationError as error:
        raise UsageError(explain(document, error, SafetySettings)) from None
