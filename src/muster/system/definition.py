"""`system.yaml`: what muster must know of a system. Its schema is this package; docs/system-yaml.md explains it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, PrivateAttr, ValidationError

from muster.base.errors import UsageError
from muster.base.lines import line_of, named_twice
from muster.system.ledger import AnyLedger, LedgerSpec, PythonLedgerSpec
from muster.system.monitoring import Monitoring
from muster.system.objectives import ObjectiveTargets
from muster.system.operations import Operations
from muster.system.parts import (
    Database,
    ExpectProbe,
    Image,
    ProberLimits,
    ReadProbe,
    ServiceAddress,
    SeverityTargets,
)
from muster.system.requests import Request
from muster.system.schema import Name, Seconds, Strict

__all__ = [
    "Database",
    "ExpectProbe",
    "LedgerSpec",
    "PythonLedgerSpec",
    "ReadProbe",
    "Request",
    "SystemDefinition",
    "find_system",
    "read_system",
]

SCHEMA = "muster/system/v1"


class SystemDefinition(Strict):
    """Everything `system.yaml` says."""

    schema_: Literal["muster/system/v1"] = Field(alias="schema")
    name: Name
    namespace: Name
    manifests: str = "manifests"
    service: ServiceAddress
    images: dict[str, Image] = {}
    read: ReadProbe
    ledger: AnyLedger
    probes: list[ExpectProbe] = []
    prober: ProberLimits = ProberLimits()
    database: Database | None = None
    operations: Operations = Operations()
    monitoring: Monitoring | None = None
    objectives: ObjectiveTargets = ObjectiveTargets()
    severities: dict[str, SeverityTargets] = {}
    max_requests_per_s: Annotated[float, Field(gt=0)] = 5000.0
    ready_within_s: Seconds = 120.0

    _directory: Path = PrivateAttr(default=Path())

    @property
    def directory(self) -> Path:
        """The directory that holds system.yaml; what it names is relative to it."""
        return self._directory

    def further_probe(self, name: str) -> ExpectProbe:
        """The probe of that name among `probes`.

        Raises:
            UsageError: there is none; the message lists those that there are.
        """
        found = next((probe for probe in self.probes if probe.name == name), None)
        if found is None:
            there = ", ".join(["read", "write", *(probe.name for probe in self.probes)])
            raise UsageError(f"probe '{name}' is not in the system.yaml of {self.name} (there are: {there})")
        return found

    @property
    def base_requests_per_s(self) -> float:
        """What all probes ask together while they are answered, a write counting as two (it is read back)."""
        return 1 / self.read.every_s + 2 / self.ledger.every_s + sum(1 / probe.every_s for probe in self.probes)

    @property
    def openslo(self) -> Path | None:
        """The OpenSLO file of the system's service levels, or None."""
        return None if self.objectives.openslo is None else self._directory / self.objectives.openslo

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
    for key, line in named_twice(root):
        raise UsageError(f"{path}, line {line}: '{key}' stands here for the second time")
    if not isinstance(content, dict):
        raise UsageError(f"{path}, line 1: a system definition is a mapping that begins with 'schema: {SCHEMA}'")
    try:
        system = SystemDefinition.model_validate(content)
    except ValidationError as error:
        raise UsageError(_explain(path, root, error)) from None
    system._directory = path.parent.absolute()  # noqa: SLF001
    if not system.manifest_directory.is_dir():
        line = line_of(root, ("manifests",))
        raise UsageError(f"{path}, line {line}: 'manifests': there is no directory {system.manifest_directory}")
    _refuse_too_much(system, f"{path}, line {line_of(root, ('prober', 'max_requests_per_s'))}")
    _refuse_too_slow(system, f"{path}, line {line_of(root, ('prober', 'edge_every_s'))}")
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


def _refuse_too_much(system: SystemDefinition, where: str) -> None:
    asked, most = system.base_requests_per_s, system.prober.max_requests_per_s
    if asked > most * (1 + 1e-9):
        raise UsageError(
            f"{where}: the probes ask {asked:.4g} requests/s together (a write counts as two), more than "
            f"'prober.max_requests_per_s' of {most:g}: make 'every_s' of a probe longer, or allow more"
        )


def _refuse_too_slow(system: SystemDefinition, where: str) -> None:
    quickest = system.prober.edge_every_s
    slowest = max(probe.every_s for probe in (system.read, system.ledger, *system.probes))
    if quickest is not None and quickest >= slowest:
        raise UsageError(
            f"{where}: 'prober.edge_every_s' of {quickest:g} quickens no probe, as none asks less often than every "
            f"{slowest:g} s: make it shorter, or leave it out"
        )


def _explain(path: Path, root: yaml.Node | None, error: ValidationError) -> str:
    """The first problem in one sentence; how many more there are at its end."""
    problems = error.errors()
    first = problems[0]
    # pydantic puts the names of union members into locations; only keys and indices of the document are of use.
    key = ".".join(str(part) for part in first["loc"]) or "(document)"
    said = first["msg"][:1].lower() + first["msg"][1:]
    wrong = {
        "missing": "is missing",
        "extra_forbidden": "is not a key that is known here",
        "value_error": f"is wrong: {first['msg'].removeprefix('Value error, ')}",  # a sentence of our own
    }.get(first["type"], f"is wrong: {said}, not {first['input']!r}")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{path}, line {line_of(root, first['loc'])}: '{key}' {wrong}{more}"
