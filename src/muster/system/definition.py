"""`system.yaml`: what muster must know of a system. Its schema is this file; docs/system-yaml.md explains it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from muster.base.errors import UsageError

SCHEMA = "muster/system/v1"

Seconds = Annotated[float, Field(gt=0)]
Ratio = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceAddress(_Strict):
    """Where clients reach the system: the Kubernetes Service, or `url` where clients come from outside the cluster."""

    name: Name
    port: Annotated[int, Field(gt=0, lt=65536)]
    url: str | None = None


class Image(_Strict):
    """What an image stands for on the embedded cluster: this interpreter with more in its environment.

    `python_path` and `path` are directories relative to system.yaml.
    """

    python_path: list[str] = []
    path: list[str] = []
    env: dict[str, str] = {}


class Request(_Strict):
    """One HTTP request; `{id}` and `{content}` in path and body are filled in where a write is made."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Annotated[str, Field(pattern=r"^/")]
    body: Any = None
    status: list[int] = [200]


class ReadProbe(_Strict):
    """A request that must be answered rightly and in time: `contains` is a dotted path that must be in the answer."""

    request: Request
    contains: str | None = None
    every_s: Seconds = 0.05
    limit_s: Seconds = 1.0


class LedgerSpec(_Strict):
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


class Database(_Strict):
    """A replicated PostgreSQL: `instances` are StatefulSets of one pod each, `service` the Service whose selector names
    the primary by the label `selector_key`, `topology` the ConfigMap whose key `primary` is the durable fence."""

    service: Name
    instances: Annotated[list[Name], Field(min_length=1)]
    selector_key: str = "instance"
    topology: Name
    topology_key: str = "primary"
    container: str = "postgres"
    max_replication_lag_s: Seconds = 1.0


class ObjectiveTargets(_Strict):
    """Service levels that the system is held to: ratios from 0 to 1, seconds, requests/s."""

    error_rate: Ratio = 0.01
    latency_p95_s: Seconds = 1.0


class SeverityTargets(_Strict):
    """Recovery objectives of a severity in seconds; they replace muster's own table (REQUIREMENTS.md)."""

    rto_s: Seconds
    rpo_s: Seconds


class SystemDefinition(_Strict):
    """Everything `system.yaml` says."""

    schema_: Literal["muster/system/v1"] = Field(alias="schema")
    name: Name
    namespace: Name
    manifests: str = "manifests"
    service: ServiceAddress
    images: dict[str, Image] = {}
    read: ReadProbe
    ledger: LedgerSpec
    database: Database | None = None
    objectives: ObjectiveTargets = ObjectiveTargets()
    severities: dict[str, SeverityTargets] = {}
    max_requests_per_s: Annotated[float, Field(gt=0)] = 5000.0
    ready_within_s: Seconds = 120.0

    _directory: Path = PrivateAttr(default=Path())

    @property
    def directory(self) -> Path:
        """The directory that holds system.yaml; what it names is relative to it."""
        return self._directory

    @property
    def manifest_directory(self) -> Path:
        return self._directory / self.manifests

    def image_table(self) -> dict[str, dict[str, Any]]:
        """The embedded cluster's table of this system's images, with absolute directories."""
        table = {}
        for name, image in self.images.items():
            env = dict(image.env)
            if image.python_path:
                env["PYTHONPATH"] = ":".join(str((self._directory / part).resolve()) for part in image.python_path)
            path = [str((self._directory / part).resolve()) for part in image.path]
            table[name] = {"env": env, "path": path, "workdir": str(self._directory.resolve())}
        return table


def read_system(path: Path) -> SystemDefinition:
    """Read a system.yaml, or the one in a directory.

    Raises:
        UsageError: it cannot be read, or a key is missing, unknown or wrong; the message names key and line.
    """
    path = path / "system.yaml" if path.is_dir() else path
    try:
        text = path.read_text()
    except OSError as error:
        raise UsageError(f"system definition {path} cannot be read: {error.strerror}") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise UsageError(f"{path}{where}: not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}, line 1: a system definition is a mapping that begins with 'schema: {SCHEMA}'")
    try:
        system = SystemDefinition.model_validate(content)
    except ValidationError as error:
        raise UsageError(_explain(path, root, error)) from None
    system._directory = path.parent.absolute()  # noqa: SLF001
    if not system.manifest_directory.is_dir():
        line = _line(root, ("manifests",))
        raise UsageError(f"{path}, line {line}: 'manifests': there is no directory {system.manifest_directory}")
    return system


def find_system(root: Path) -> Path:
    """The one systems/*/system.yaml below a project's root.

    Raises:
        UsageError: there is none, or more than one.
    """
    found = sorted(root.glob("systems/*/system.yaml"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"no system definition found at {root}/systems/*/system.yaml; name one with --system")
    names = ", ".join(str(path.relative_to(root)) for path in found)
    raise UsageError(f"more than one system definition found ({names}); choose one with --system")


def _explain(path: Path, root: yaml.Node | None, error: ValidationError) -> str:
    """The first problem in one sentence; how many more there are at its end."""
    problems = error.errors()
    first = problems[0]
    # pydantic puts the names of union members into locations; only keys and indices of the document are of use.
    key = ".".join(str(part) for part in first["loc"]) or "(document)"
    wrong = {"missing": "is missing", "extra_forbidden": "is not a key that is known here"}.get(
        first["type"], f"is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}, not {first['input']!r}"
    )
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{path}, line {_line(root, first['loc'])}: '{key}' {wrong}{more}"


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """The line of the deepest node on the way to `location` that exists."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == part), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line
