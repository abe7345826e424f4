"""The form of what muster reads in manifests: a value of another type is refused where it stands, before it is used.

Only what is relied on is described here; all else of an object is for the API server to judge.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


Texts = dict[str, str]


class _Metadata(_Shape):
    labels: Texts | None = None
    annotations: Texts | None = None


class _Object(_Shape):
    metadata: _Metadata


class _Reference(_Shape):
    name: str | None = None


class _ValueFrom(_Shape):
    config_map: _Reference | None = Field(None, alias="configMapKeyRef")
    secret: _Reference | None = Field(None, alias="secretKeyRef")


class _Variable(_Shape):
    name: str
    value: str | None = None
    value_from: _ValueFrom | None = Field(None, alias="valueFrom")


class _EnvFrom(_Shape):
    config_map: _Reference | None = Field(None, alias="configMapRef")
    secret: _Reference | None = Field(None, alias="secretRef")


class _Port(_Shape):
    name: str | None = None
    container_port: int | None = Field(None, alias="containerPort")


class _HttpGet(_Shape):
    path: str | None = None
    port: int | str | None = None


class _Probe(_Shape):
    http_get: _HttpGet | None = Field(None, alias="httpGet")


class _Container(_Shape):
    name: str
    image: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    env: list[_Variable] | None = None
    env_from: list[_EnvFrom] | None = Field(None, alias="envFrom")
    ports: list[_Port] | None = None
    readiness: _Probe | None = Field(None, alias="readinessProbe")
    liveness: _Probe | None = Field(None, alias="livenessProbe")
    startup: _Probe | None = Field(None, alias="startupProbe")


class _Source(_Shape):
    config_map: _Reference | None = Field(None, alias="configMap")
    secret: _Reference | None = None


class _Projected(_Shape):
    sources: list[_Source] | None = None


class _Volume(_Shape):
    name: str
    config_map: _Reference | None = Field(None, alias="configMap")
    projected: _Projected | None = None


class _PodSpec(_Shape):
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = Field(None, alias="initContainers")
    volumes: list[_Volume] | None = None


class _Template(_Shape):
    metadata: _Metadata | None = None
    spec: _PodSpec | None = None


class _Expression(_Shape):
    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] | None = None


class _Selector(_Shape):
    labels: Texts | None = Field(None, alias="matchLabels")
    expressions: list[_Expression] | None = Field(None, alias="matchExpressions")


class _WorkloadSpec(_Shape):
    replicas: int | None = None
    selector: _Selector | None = None
    template: _Template | None = None


class _Workload(_Object):
    spec: _WorkloadSpec | None = None


class _ServicePort(_Shape):
    name: str | None = None
    port: int
    target: int | str | None = Field(None, alias="targetPort")


class _ServiceSpec(_Shape):
    type: str | None = None
    selector: Texts | None = None
    ports: list[_ServicePort] | None = None


class _Service(_Object):
    spec: _ServiceSpec | None = None


class _Content(_Object):
    data: Texts | None = None
    binary: Texts | None = Field(None, alias="binaryData")
    text: Texts | None = Field(None, alias="stringData")


_SHAPES: dict[str, type[_Object]] = {
    "ConfigMap": _Content,
    "DaemonSet": _Workload,
    "Deployment": _Workload,
    "Secret": _Content,
    "Service": _Service,
    "StatefulSet": _Workload,
}
_UNIONS = frozenset(("int", "str"))  # what pydantic puts into a place, and the manifest has not


def misshapen(item: object, kind: str) -> tuple[tuple[int | str, ...], str] | None:
    """Where an object of a manifest is first of another form than it must be, and what is wrong there; None where it is
    well. The value itself is not quoted: it may be a secret."""
    try:
        _SHAPES.get(kind, _Object).model_validate(item)
    except ValidationError as error:
        first = error.errors()[0]
        said = "is missing" if first["type"] == "missing" else f"is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}"
        number = first["type"] == "string_type" and isinstance(first["input"], bool | int | float)
        place = first["loc"][:-1] if first["loc"][-1] in _UNIONS else first["loc"]
        return place, f"{said} (it stands in quotes)" if number else said
    return None
