"""OpenAPI v3 documents, as far as clients look: which fields there are, and that field validation is to be had here."""

from __future__ import annotations

from functools import cache
from typing import Any

from muster.embedded.resources import RESOURCES, Resource, groups, version_of
from muster.embedded.schema import types
from muster.embedded.status import unknown_path

_SCALARS: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "double"},
    "bool": {"type": "boolean"},
    "raw": {},
    "time": {"type": "string", "format": "date-time"},
    "microtime": {"type": "string", "format": "date-time"},
    "duration": {"type": "string"},
    "bytes": {"type": "string", "format": "byte"},
    "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "intstr": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
}


def _paths() -> dict[str, str]:
    names = ["api/v1", *(f"apis/{group}/{version_of(group)}" for group in groups())]
    return {name: f"/openapi/v3/{name}" for name in names}


def find(path: str) -> Any:
    """The document at a path below /openapi/v3. Raises `StatusError` 404."""
    if path == "/openapi/v3":
        return {"paths": {name: {"serverRelativeURL": f"{url}?hash=1"} for name, url in _paths().items()}}
    for name, url in _paths().items():
        if path == url:
            return _document(name)
    raise unknown_path()


@cache
def _document(name: str) -> dict[str, Any]:
    group = "" if name == "api/v1" else name.split("/")[1]
    resources = [resource for resource in RESOURCES if resource.group == group]
    schemas: dict[str, Any] = {}
    for resource in resources:
        _add_schema(schemas, resource.kind)
        schemas[_reference(resource.kind)]["x-kubernetes-group-version-kind"] = [_kind(resource)]
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": {_object_path(name, resource): {"patch": _patch(resource)} for resource in resources},
        "components": {"schemas": schemas},
    }


def _kind(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _object_path(name: str, resource: Resource) -> str:
    scope = "namespaces/{namespace}/" if resource.namespaced else ""
    return f"/{name}/{scope}{resource.plural}/{{name}}"


def _patch(resource: Resource) -> dict[str, Any]:
    """The one operation that kubectl looks up: it says that `fieldValidation` is understood."""
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    return {
        "operationId": f"patch{resource.kind}",
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": _kind(resource),
    }


def _reference(name: str) -> str:
    return f"io.k8s.api.{name}"


def _add_schema(schemas: dict[str, Any], name: str) -> None:
    reference = _reference(name)
    if reference in schemas:
        return
    schemas[reference] = {"type": "object"}
    properties = {name: _shape(schemas, field.shape) for name, field in types()[name].items()}
    schemas[reference]["properties"] = properties


def _shape(schemas: dict[str, Any], shape: str) -> dict[str, Any]:
    if shape in _SCALARS:
        return _SCALARS[shape]
    if shape[0] == "[":
        return {"type": "array", "items": _shape(schemas, shape[1:-1])}
    if shape[0] == "{":
        return {"type": "object", "additionalProperties": _shape(schemas, shape[1:-1])}
    _add_schema(schemas, shape)
    return {"allOf": [{"$ref": f"#/components/schemas/{_reference(shape)}"}]}
