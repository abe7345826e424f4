"""What is checked: a system, the drills that are meant, and the cluster that would be struck, if there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from muster.drill.preview import raised_to
from muster.faults.experiments import Experiment
from muster.faults.reach import content_of
from muster.kube import Cluster
from muster.objectives import Declaration
from muster.probes.http.address import service_url
from muster.safety import AuditLog
from muster.safety.limits import Limits, find_limits
from muster.steps import Context, Procedure
from muster.system import SystemDefinition


@dataclass(frozen=True)
class PlannedDrill:
    """A drill that is meant. `rates` are those of its loads (requests/s) that its body says; its experiment and its
    procedure are looked for where a check asks for them, as reading them takes a while."""

    declared: Declaration
    rates: tuple[float, ...]
    find_experiment: Callable[[], Experiment]
    find_procedure: Callable[[], Procedure | None]

    @cached_property
    def experiment(self) -> Experiment:
        """What strikes."""
        return self.find_experiment()

    @cached_property
    def procedure(self) -> Procedure | None:
        """The recovery procedure, where it has one."""
        return self.find_procedure()

    @cached_property
    def raised(self) -> float | None:
        """The rate (requests/s) that its fault raises the load to, if it does."""
        return raised_to(content_of(self.experiment))

    @property
    def nodeid(self) -> str:
        """By what pytest knows it."""
        return self.declared.nodeid

    @property
    def name(self) -> str:
        """By what people know it."""
        return self.declared.name


@dataclass(frozen=True)
class Subject:
    """Everything that checks look at. `cluster` is None where none is to be asked, and `absent` says why; `root` is the
    project's, `audit` its log."""

    root: Path
    system: SystemDefinition
    drills: tuple[PlannedDrill, ...]
    cluster: Cluster | None
    absent: str
    audit: Path

    @property
    def home(self) -> Path:
        """The project's `.muster/`."""
        return self.root / ".muster"

    @property
    def namespace(self) -> str:
        """The system's namespace."""
        return self.system.namespace

    @property
    def there(self) -> Cluster:
        """The cluster, for checks that are made only where there is one."""
        assert self.cluster is not None, "checks that ask a cluster are not made without one"
        return self.cluster

    @cached_property
    def url(self) -> str:
        """Where clients reach the system.

        Raises:
            UsageError, ClusterError: they cannot, or nobody can say where.
        """
        return service_url(self.there, self.system)

    @cached_property
    def limits(self) -> Limits:
        """Every limit that holds.

        Raises:
            UsageError, RefusedError: one cannot be read or understood.
        """
        return find_limits(self.cluster, self.namespace, root=self.root)

    def context(self, cluster: Cluster) -> Context:
        """The system as its procedures see it."""
        return Context(cluster, self.system, self.namespace, None, AuditLog(self.audit))
