"""The OpenAPI v2 document, which kubectl checks a `kind: List` with before it sends what is in it.

In JSON, and in the protobuf form that kubectl insists on (`openapi_v2.Document` of gnostic).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from aiohttp import web

from muster.embedded.api.documents import discovery
from muster.embedded.api.forms.bodies import JSON, header
from muster.embedded.resources import RESOURCES
from muster.embedded.schema import types
from muster.embedded.schema.wire import run

PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"  # asked for with `v2@v1.0`
_PREFIX = "io.k8s.api."
_SCALARS: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "double"},
    "bool": {"type": "boolean"},
    "raw": {"type": "object"},
    "time": {"type": "string", "format": "date-time"},
    "microtime": {"type": "string", "format": "date-time"},
    "duration": {"type": "string"},
    "bytes": {"type": "string", "format": "byte"},
    "quantity": {"type": "string"},
    "intstr": {"type": "string", "format": "int-or-string"},
}
_KIND = "x-kubernetes-group-version-kind"


def answer(request: web.Request) -> web.Response:
    """The document, in JSON unless the client asks for protobuf."""
    if "+protobuf" in header(request, "Accept"):
        return web.Response(body=_encoded(), headers={"Content-Type": PROTOBUF})
    return web.Response(body=orjson.dumps(document()), content_type=JSON)


@cache
def document() -> dict[str, Any]:
    """The document as JSON has it."""
    definitions = {_PREFIX + kind: _definition(kind) for kind in types()}
    for resource in RESOURCES:
        group_version_kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        definitions[_PREFIX + resource.kind][_KIND] = [group_version_kind]
    info = {"title": "Kubernetes", "version": discovery.VERSION["gitVersion"]}
    return {"swagger": "2.0", "info": info, "paths": {}, "definitions": definitions}


def _definition(kind: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: _schema(field.shape) for name, field in types()[kind].items()}}


def _schema(shape: str) -> dict[str, Any]:
    if shape in _SCALARS:
        return _SCALARS[shape]
    if shape[0] == "[":
        return {"type": "array", "items": _schema(shape[1:-1])}
    if shape[0] == "{":
        return {"type": "object", "additionalProperties": _schema(shape[1:-1])}
    return {"$ref": f"#/definitions/{_PREFIX}{shape}"}


@cache
def _encoded() -> bytes:
    found = document()
    info = run(1, found["info"]["title"].encode()) + run(2, found["info"]["version"].encode())
    definitions = b"".join(run(1, _named(name, schema)) for name, schema in found["definitions"].items())
    return run(1, found["swagger"].encode()) + run(2, info) + run(8, b"") + run(9, definitions)


def _named(name: str, schema: dict[str, Any]) -> bytes:
    return run(1, name.encode()) + run(2, _encode(schema))


def _encode(schema: dict[str, Any]) -> bytes:
    """A schema as a `Schema` message."""
    parts: list[bytes] = []
    for key, value in schema.items():
        match key:
            case "$ref":
                parts.append(run(1, value.encode()))
            case "format":
                parts.append(run(2, value.encode()))
            case "additionalProperties":
                parts.append(run(21, run(1, _encode(value))))
            case "type":
                parts.append(run(22, run(1, value.encode())))
            case "items":
                parts.append(run(23, run(1, _encode(value))))
            case "properties":
                parts.append(run(25, b"".join(run(1, _named(name, inner)) for name, inner in value.items())))
            case _:
                extension = run(1, key.encode()) + run(2, run(2, orjson.dumps(value)))  # JSON is YAML
                parts.append(run(31, extension))
    return b"".join(parts)
