"""`system.yaml`: what muster must know of a system. Its schema is this package; docs/system-yaml.md explains it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, PrivateAttr, ValidationError

from muster.base.documents import read_document
from muster.base.errors import UsageError
from muster.system.alerting import Alerting
from muster.system.backup import Backup
from muster.system.consistency import check_consistent
from muster.system.databases.declared import AnyDatabase, Database
from muster.system.explaining import explain
from muster.system.headers import FromEnvironment, Headers
from muster.system.ledger import AnyLedger, LedgerSpec, PythonLedgerSpec
from muster.system.manifests import read_manifests
from muster.system.metrics import Metrics
from muster.system.monitoring import Monitoring
from muster.system.notices import Notices
from muster.system.objectives import ObjectiveTargets
from muster.system.operations import Operations
from muster.system.own_checks import OwnCheck
from muster.system.parts import (
    DrillHooks,
    ExpectProbe,
    Image,
    ProberLimits,
    ReadProbe,
    ServiceAddress,
    SeverityTargets,
)
from muster.system.procedures import CommandProcedure
from muster.system.release import ReleasePlan
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
SYSTEM_VARIABLE = "MUSTER_SYSTEM"  # by which processes of a drill find the system.yaml
M = TypeVar("M", bound=BaseModel)


class SystemDefinition(Strict):
    """Everything `system.yaml` says."""

    schema_: Literal["muster/system/v1"] = Field(alias="schema")
    name: Name
    namespace: Name
    manifests: str = "manifests"
    service: ServiceAddress
    images: dict[str, Image] = {}
    headers: Headers = {}
    read: ReadProbe
    ledger: AnyLedger = None
    probes: list[ExpectProbe] = []
    checks: dict[Name, OwnCheck] = {}
    prober: ProberLimits = ProberLimits()
    database: AnyDatabase = None
    backup: Backup = Backup()
    operations: Operations = Operations()
    procedures: dict[Name, CommandProcedure] = {}
    hooks: DrillHooks = DrillHooks()
    monitoring: Monitoring | None = None
    notices: Notices = Notices()
    metrics: Metrics | None = None
    alerting: Alerting = Alerting()
    release: ReleasePlan = ReleasePlan()
    objectives: ObjectiveTargets = ObjectiveTargets()
    severities: dict[str, SeverityTargets] = {}
    max_requests_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5000.0
    ready_within_s: Seconds = 120.0

    _path: Path = PrivateAttr(default=Path("system.yaml"))

    @property
    def directory(self) -> Path:
        """The directory that holds system.yaml; what it names is relative to it."""
        return self._path.parent

    @property
    def path(self) -> Path:
        """The system.yaml itself."""
        return self._path

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """What its manifests hold, those that others refer to first, read once; none where there is no manifest.

        Raises:
            UsageError: a manifest is wrong.
        """
        there = any(self.manifest_directory.glob("*.y*ml"))
        return read_manifests(self.manifest_directory) if there else []

    @property
    def promises(self) -> dict[str, dict[str, float]]:
        """What it promises in place of muster's own table: targets in seconds, by severity."""
        return {name: targets.model_dump() for name, targets in self.severities.items()}

    @property
    def streaming(self) -> Database | None:
        """The database, where it is PostgreSQL in streaming replication that no other tool looks after."""
        return self.database if isinstance(self.database, Database) else None

    def further_probe(self, name: str) -> ExpectProbe:
        """The probe of that name among `probes`.

        Raises:
            UsageError: there is none; the message lists those that there are.
        """
        found = next((probe for probe in self.probes if probe.name == name), None)
        if found is None:
            own = ["read"] if self.ledger is None else ["read", "write"]
            there = ", ".join([*own, *(probe.name for probe in self.probes)])
            raise UsageError(f"probe '{name}' is not in the system.yaml of {self.name} (there are: {there})")
        return found

    def require_ledger(self) -> LedgerSpec | PythonLedgerSpec:
        """The ledger, for whoever writes.

        Raises:
            UsageError: there is none.
        """
        if self.ledger is None:
            raise UsageError(
                f"system '{self.name}' declares no 'ledger' in its system.yaml: it is only read, nothing is written "
                "and no RPO is judged; right would be a drill without system.ledger() and rpo=, or a ledger"
            )
        return self.ledger

    @property
    def base_requests_per_s(self) -> float:
        """What all probes ask together while they are answered, a write counting as two (it is read back)."""
        writes = 0.0 if self.ledger is None else 2 / self.ledger.every_s
        return 1 / self.read.every_s + writes + sum(1 / probe.every_s for probe in self.probes)

    @property
    def openslo(self) -> Path | None:
        """The OpenSLO file of the system's service levels, or None."""
        return None if self.objectives.openslo is None else self.directory / self.objectives.openslo

    @property
    def manifest_directory(self) -> Path:
        return self.directory / self.manifests

    def image_table(self) -> dict[str, dict[str, Any]]:
        """The embedded cluster's table of this system's images, with absolute directories."""
        table = {}
        for name, image in self.images.items():
            env = dict(image.env)
            if image.python_path:
                env["PYTHONPATH"] = ":".join(str((self.directory / part).resolve()) for part in image.python_path)
            path = [str((self.directory / part).resolve()) for part in image.path]
            table[name] = {
                "env": env,
                "path": path,
                "workdir": str(self.directory.resolve()),
                "command": image.command,
            }
        return table


def read_system(path: Path) -> SystemDefinition:
    """Read a system.yaml, or the one in a directory.

    Raises:
        UsageError: it cannot be read, or a key is missing, unknown or wrong; the message names key and line.
    """
    document = read_document(path / "system.yaml" if path.is_dir() else path, "system definition")
    content = document.content
    if not isinstance(content, dict):
        raise UsageError(f"{document.where()}: a system definition is a mapping that begins with 'schema: {SCHEMA}'")
    try:
        system = SystemDefinition.model_validate(content)
    except ValidationError as error:
        raise UsageError(explain(document, error, SystemDefinition)) from None
    system = _with_headers(system, system.headers)
    system._path = document.path.absolute()  # noqa: SLF001
    if not system.manifest_directory.is_dir():
        raise UsageError(
            f"{document.where(['manifests'])}: 'manifests': there is no directory {system.manifest_directory}"
        )
    _refuse_too_much(system, document.where(["prober", "max_requests_per_s"]))
    _refuse_too_slow(system, document.where(["prober", "edge_every_s"]))
    check_consistent(system, document)
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
    slowest = max(probe.every_s for probe in (system.read, system.ledger, *system.probes) if probe is not None)
    if quickest is not None and quickest >= slowest:
        raise UsageError(
            f"{where}: 'prober.edge_every_s' of {quickest:g} quickens no probe, as none asks less often than every "
            f"{slowest:g} s: make it shorter, or leave it out"
        )


def _with_headers(part: M, headers: Headers) -> M:
    """A part of a definition whose requests have the headers of the whole system besides their own."""
    if isinstance(part, Request):
        return part.model_copy(update={"headers": {**headers, **part.headers}})
    changed = {name: _inner_with_headers(getattr(part, name), headers) for name in type(part).model_fields}
    return part.model_copy(update=changed)


def _inner_with_headers(value: Any, headers: Headers) -> Any:
    if isinstance(value, dict):
        return {name: _inner_with_headers(one, headers) for name, one in value.items()}
    if isinstance(value, BaseModel) and not isinstance(value, FromEnvironment):
        return _with_headers(value, headers)
    return [_inner_with_headers(one, headers) for one in value] if isinstance(value, list) else value
