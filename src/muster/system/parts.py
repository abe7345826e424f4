"""The parts of `system.yaml`, each a class; `muster.system.definition` is the whole (docs/system-yaml.md)."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from muster.system.checks import Checks
from muster.system.requests import Request, check_places, check_reads
from muster.system.schema import Address, DottedPath, Name, Seconds, Strict, TextOrVariable


class ServiceAddress(Strict):
    """Where clients reach the system: the Kubernetes Service, or `url` where clients come from outside the cluster.

    `ca` is a file of certificates, relative to system.yaml, that are believed beside those that the machine believes.
    """

    name: Name
    port: Annotated[int, Field(gt=0, lt=65536)]
    url: Address | None = None
    ca: TextOrVariable | None = None


class Image(Strict):
    """What an image stands for on the embedded cluster: this interpreter with more in its environment.

    `python_path` and `path` are directories relative to system.yaml; `command` is what it runs where the manifest does
    not say it.
    """

    python_path: list[str] = []
    path: list[str] = []
    env: dict[str, str] = {}
    command: list[str] = []


class ReadProbe(Strict):
    """A request that must be answered rightly and in time: `contains` is a dotted path that must be in the answer,
    `check` says what must hold at some, and `once_written` what must hold, too, as soon as a write of the ledger was
    acknowledged: a list of what there is cannot be empty then."""

    request: Request
    contains: DottedPath | None = None
    check: Checks = {}
    once_written: Checks = {}
    every_s: Seconds = 0.05
    limit_s: Seconds = 1.0

    @model_validator(mode="after")
    def _only_reads(self) -> Self:
        check_places(self.request, "request")
        check_reads(self.request, "request")
        return self


class ExpectProbe(Strict):
    """A further read, for the drills that name it: each dotted path of `expect` must hold just that value, and each of
    `check` what that says."""

    name: Name
    request: Request
    expect: dict[DottedPath, Any] = {}
    check: Checks = {}
    every_s: Seconds = 0.1
    limit_s: Seconds = 1.0

    @model_validator(mode="after")
    def _is_further(self) -> Self:
        if self.name in {"read", "write"}:
            raise ValueError(f"a further probe cannot be called '{self.name}', which every drill has")
        if not self.expect and not self.check:
            raise ValueError("it expects nothing, so that any answer would do: say what must stand where, at 'expect'")
        check_places(self.request, "request")
        check_reads(self.request, "request")
        return self


class ProberLimits(Strict):
    """What the prober may ask. `edge_every_s` is the rhythm that a probe goes over to while it is not answered, a
    quarter of its own unless given; `max_requests_per_s` bounds all probes together, a write counting as two."""

    edge_every_s: Seconds | None = None
    max_requests_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 200.0


class DrillHooks(Strict):
    """Commands of one's own around each drill: a program and its arguments, as a text or as a list; paths are relative
    to system.yaml.

    Those of `before` announce it: the first that fails has the drill refused. Those of `after` take that back, and are
    run whatever became of the drill. Each has `within_s` seconds. A rehearsal, on the embedded cluster, does without
    them unless `rehearsals` says otherwise.
    """

    before: list[str | list[str]] = []
    after: list[str | list[str]] = []
    within_s: Seconds = 30.0
    rehearsals: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        for key in ("before", "after"):
            if not all(said.strip() if isinstance(said, str) else said for said in getattr(self, key)):
                raise ValueError(f"a command of '{key}' is empty: right would be a program, such as ./announce.sh")
        return self


class SeverityTargets(Strict):
    """Recovery objectives of a severity in seconds; they replace muster's own (docs/measurement.md, Severities)."""

    rto_s: Seconds
    rpo_s: Seconds
