"""The parts of `system.yaml`, each a class; `muster.system.definition` is the whole (docs/system-yaml.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Seconds = Annotated[float, Field(gt=0)]
Ratio = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]


class Strict(BaseModel):
    """What is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceAddress(Strict):
    """Where clients reach the system: the Kubernetes Service, or `url` where clients come from outside the cluster."""

    name: Name
    port: Annotated[int, Field(gt=0, lt=65536)]
    url: str | None = None


class Image(Strict):
    """What an image stands for on the embedded cluster: this interpreter with more in its environment.

    `python_path` and `path` are directories relative to system.yaml.
    """

    python_path: list[str] = []
    path: list[str] = []
    env: dict[str, str] = {}


class Request(Strict):
    """One HTTP request; `{id}` and `{content}` in path and body are filled in where a write is made."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Annotated[str, Field(pattern=r"^/")]
    body: Any = None
    status: list[int] = [200]


class ReadProbe(Strict):
    """A request that must be answered rightly and in time: `contains` is a dotted path that must be in the answer."""

    request: Request
    contains: str | None = None
    every_s: Seconds = 0.05
    limit_s: Seconds = 1.0


class ExpectProbe(Strict):
    """A further read, for the drills that name it: each dotted path of `expect` must hold just that value."""

    name: Name
    request: Request
    expect: Annotated[dict[str, Any], Field(min_length=1)]
    every_s: Seconds = 0.1
    limit_s: Seconds = 1.0

    @model_validator(mode="after")
    def _is_further(self) -> Self:
        if self.name in {"read", "write"}:
            raise ValueError(f"a further probe cannot be called '{self.name}', which every drill has")
        return self


class LedgerSpec(Strict):
    """How a write is made, acknowledged and found again.

    `create.status` are the statuses that acknowledge; `content` and `id` dotted paths in the answer to `read`, where
    the written content and id must stand.
    """

    create: Request
    read: Request
    id: str = "id"
    content: str
    every_s: Seconds = 0.04
    limit_s: Seconds = 1.0


class Database(Strict):
    """A replicated PostgreSQL: `instances` are StatefulSets of one pod each, `service` the Service whose selector names
    the primary by the label `selector_key`, `topology` the ConfigMap whose key `primary` is the durable fence."""

    service: Name
    instances: Annotated[list[Name], Field(min_length=1)]
    selector_key: str = "instance"
    topology: Name
    topology_key: str = "primary"
    container: str = "postgres"
    max_replication_lag_s: Seconds = 1.0


class ObjectiveTargets(Strict):
    """Service levels that the system is held to: ratios from 0 to 1, seconds, requests/s."""

    error_rate: Ratio = 0.01
    latency_p95_s: Seconds = 1.0


class SeverityTargets(Strict):
    """Recovery objectives of a severity in seconds; they replace muster's own table (REQUIREMENTS.md)."""

    rto_s: Seconds
    rpo_s: Seconds
