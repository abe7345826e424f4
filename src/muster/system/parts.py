"""The parts of `system.yaml`, each a class; `muster.system.definition` is the whole (docs/system-yaml.md)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

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


class ProberLimits(Strict):
    """What the prober may ask. `edge_every_s` is the rhythm that a probe goes over to while it is not answered, a
    quarter of its own unless given; `max_requests_per_s` bounds all probes together, a write counting as two."""

    edge_every_s: Seconds | None = None
    max_requests_per_s: Annotated[float, Field(gt=0)] = 200.0


class ListRequest(Strict):
    """A request that answers with many writes, page by page.

    `items` is the dotted path of the list; `id` and `content` are paths within one item, the ledger's own unless given.
    `next` is the dotted path of what leads to the next page: its path or URL or, where there is a request `following`,
    what is filled into that at `{next}`. `{prefix}` is what the ids of one prober begin with.
    """

    request: Request
    items: str
    id: str | None = None
    content: str | None = None
    next: str | None = None
    following: Request | None = None

    @model_validator(mode="after")
    def _leads_on(self) -> Self:
        if self.following is not None and (self.next is None or not holds(self.following, "next")):
            raise ValueError(
                "'following' is for the pages after the first: it must hold {next}, and 'next' must be given"
            )
        return self


class DeleteRequest(Request):
    """A request that removes one write."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "DELETE"
    status: list[int] = [200, 202, 204]


class LedgerSpec(Strict):
    """How a write is made over HTTP, acknowledged, found again and removed.

    An answer acknowledges if its status is among `create.status` and each dotted path of `acknowledged` holds just that
    value. `key` is the dotted path, in that answer, of the service's own id, where it does not take ours; it is filled
    in at `{key}`. `content` and `id` are dotted paths in the answer to `read`, where the written content and the id
    (the service's where there is a `key`) must stand.
    """

    create: Request
    acknowledged: dict[str, Any] = {}
    key: str | None = None
    read: Request
    id: str = "id"
    content: str
    list: ListRequest | None = None
    delete: DeleteRequest | None = None
    every_s: Seconds = 0.04
    limit_s: Seconds = 1.0

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if not holds(self.create, "id") or not holds(self.create, "content"):
            raise ValueError("'create' must hold {id}, by which a person finds what was written, and {content}")
        if self.key is None:
            users = [
                name for name, asked in (("read", self.read), ("delete", self.delete)) if asked and holds(asked, "key")
            ]
            if users:
                raise ValueError(f"'{users[0]}' holds {{key}}, but 'key' does not say where that stands in the answer")
        if self.delete is not None and not (holds(self.delete, "id") or holds(self.delete, "key")):
            raise ValueError("'delete' must hold {id} or {key}: it removes one write, never more")
        return self


class PythonLedgerSpec(Strict):
    """A class that writes and reads in place of HTTP requests, see `muster.probes.protocol`: `python` is its module and
    name, `options` what it is made with."""

    python: str
    options: dict[str, Any] = {}
    every_s: Seconds = 0.1
    limit_s: Seconds = 1.0

    @field_validator("python")
    @classmethod
    def _names_a_class(cls, python: str) -> str:
        if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", python):
            raise ValueError(f"it must look like package.module:Class, not '{python}'")
        return python


def _chosen(value: Any) -> Any:
    """The ledger that is meant, so that what is wrong in it is told without the other kind's mistakes."""
    if isinstance(value, LedgerSpec | PythonLedgerSpec):
        return value
    kind = PythonLedgerSpec if isinstance(value, dict) and "python" in value else LedgerSpec
    return kind.model_validate(value)


AnyLedger = Annotated[LedgerSpec | PythonLedgerSpec, BeforeValidator(_chosen)]


def holds(request: Request, name: str) -> bool:
    """Whether `{name}` is to be filled in somewhere in a request's path or body."""
    return f"{{{name}}}" in f"{request.path} {request.body}"


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


class SeverityTargets(Strict):
    """Recovery objectives of a severity in seconds; they replace muster's own table (REQUIREMENTS.md)."""

    rto_s: Seconds
    rpo_s: Seconds
