"""What a procedure is: named steps, each checked, done and verified, and where it makes sense taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from muster.base.timeline import Timeline
from muster.kube import Cluster
from muster.safety import AuditLog
from muster.safety.rights import Right
from muster.steps.progress import Progress
from muster.system import SystemDefinition

NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Context:
    """What a procedure works on; `timeline` is None where no drill looks on, `url` where clients reach the system,
    `told` gets each line that a command of the operator's own writes.

    `progress` is what it keeps to go on with where it is cut. `only_looks` is true while a plan is made: the cluster
    then refuses every change, and nothing may be asked of the service that changes anything.
    """

    cluster: Cluster
    system: SystemDefinition
    namespace: str
    timeline: Timeline | None
    audit: AuditLog
    url: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    told: Callable[[str], None] | None = None
    progress: Progress = field(default_factory=Progress)
    only_looks: bool = False

    def changed(self, what: str, verb: str = "ask") -> None:
        """Tell of a change that was not made through `cluster`: a request to the service itself, a command elsewhere.

        `what` is the object, as `Kind/name`. A drill believes that a procedure brought service back only where
        something that came back relies on what the procedure changed.
        """
        if self.timeline:
            self.timeline.append("recovery.change", verb=verb, object=what, fields=[], replicas=None)


@dataclass(frozen=True)
class Step:
    """One step. Any of its functions may raise a MusterError, which stops the procedure with its sentence.

    `check`, `verify` and `would` only look. `do` is written so that doing it again after it was cut does no harm: it
    keeps beforehand, by `Context.progress`, what it could not find out again.
    """

    name: str
    check: Callable[[], bool]  # whether there is anything to do; where not, the step is skipped
    do: Callable[[], str]  # does it, and says in one line what it did
    verify: Callable[[], bool]  # whether it took effect
    within_s: float = 10.0  # by when it must have
    acts: bool = True  # False for a step that only looks
    # What `verify` still waits for, one phrase; said while it is waited for, and where that is in vain.
    waits_for: Callable[[], str] | None = None
    would: Callable[[], str] | None = None  # what `do` would do now and to which objects, for a plan
    # Takes back what `do` did, by what was kept of it, and says in one line what that was.
    undo: Callable[[], str] | None = None


@dataclass(frozen=True)
class StepOutline:
    """A step as it is told before there is a cluster to look at; `what` is a line for people. `acts` and `undo` are
    whether it changes anything, and whether there is a way back."""

    name: str
    what: str
    acts: bool = True
    undo: bool = False


class Procedure(Protocol):
    """An operator's answer to one kind of emergency. Running it on a healthy system does nothing."""

    name: str
    summary: str  # one line for people who choose
    parameters: Mapping[str, str]  # what it may be told beside its name: each with a line for people

    def steps(self, context: Context, /) -> Iterable[Step]:
        """The steps in their order; later ones may depend on what earlier ones found."""


@runtime_checkable
class Entitled(Protocol):
    """A procedure that declares which rights it needs; of one that does not, what is missing shows when it is used."""

    def needs(self, context: Context, /) -> Iterable[Right]:
        """What it may have to do in the context's namespace."""


@runtime_checkable
class Outlined(Protocol):
    """A procedure that tells its steps beforehand, for whoever reads of it; of one that does not, only a plan does."""

    def outline(self, system: SystemDefinition, /) -> Sequence[StepOutline]:
        """The steps in their order, as far as system.yaml tells them; none where the system has nothing that it could
        mend. Steps that are only taken again are left out."""
