"""A drill's entry in `summary.json`, schema `muster/summary/v1` (docs/report.md).

Seconds throughout; null: not measured. A `verdict` is null where the drill did not require the objective.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from muster.base.digests import digest_of
from muster.objectives.declaration import Repetition
from muster.objectives.objective import AT_MOST
from muster.verdict.verdicts import Verdict

WORTH_TELLING_S = 0.1


class _Entry(BaseModel):
    # Keys are added as work goes on: an older muster still reads a newer summary.
    model_config = ConfigDict(extra="allow", validate_assignment=True)


class FaultEntry(_Entry):
    """Whether the fault took effect, seen by another path than the injecting call; `evidence` is one line."""

    experiment: str
    landed: bool | None = None
    evidence: str | None = None
    healed_by: str | None = None  # "platform" where the effect was gone before the recovery began


class RtoEntry(_Entry):
    """Length of the disruption, as a value within [low_s, high_s]; see `muster.verdict.objectives.rto`.

    It lasts until the procedure was through; `clients_s`, within its own bounds, is after how long clients were well.
    """

    value_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    clients_s: float | None = None
    clients_low_s: float | None = None
    clients_high_s: float | None = None
    resolution_s: float | None = None  # two turns of the slowest required probe: what is shorter may go unseen
    resolvable: bool | None = None  # whether it surely lasted for so long; null where it was not measured
    open_because: str | None = None  # why value or low is not known better, unless service just stayed down
    last_trouble: str | None = None  # probe and outcome of the last violation, where service stayed down
    since_injection_s: float | None = None
    target_s: float | None = None
    target_verdict: Verdict | None = None
    budget_s: float | None = None
    budget_verdict: Verdict | None = None
    human_response: str = "excluded"
    human_response_s: float | None = None
    verdict: Verdict | None = None

    @property
    def clients_well_first(self) -> bool:
        """Whether clients were surely well before the procedure was through, by more than a person minds."""
        if self.clients_high_s is None or self.low_s is None:
            return False
        return self.clients_high_s + WORTH_TELLING_S < self.low_s


class LostWrite(_Entry):
    """A write that was not found as it was acknowledged; `how` is lost, altered or duplicated.

    `later` is what another look found, where it was found as it was then; `by` is `load` where the load found it so.
    """

    id: str
    how: str
    later: str | None = None
    by: str | None = None
    acknowledged_s: float | None = None  # before the start of the disruption


class RpoEntry(_Entry):
    """What became of the writes; see `muster.verdict.objectives.rpo`."""

    target_s: float | None = None
    value_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    resolution_s: float | None = None
    recovery_point_s: float | None = None  # how long before the disruption the data were as they were brought back
    acknowledged_writes: int = 0
    acknowledged_last_second: int = 0
    indeterminate_writes: int = 0
    refused_writes: int = 0
    unread_writes: int = 0
    counts: bool | None = None  # whether the check counts; null where it was not wanted
    lost_writes: int = 0
    lost_by_load: int = 0  # of them, those that the load wrote and found gone or altered
    max_lost_writes: int | None = None
    lost_verdict: Verdict | None = None
    target_verdict: Verdict | None = None
    verdict: Verdict | None = None
    why: str | None = None  # why it is not judged, where that must be known


class DetectionEntry(_Entry):
    """Time from injection until the alert that was waited for fired, within [low_s, high_s]; see
    `muster.verdict.objectives.detection`. Not seen: `low_s` is how long it certainly did not fire, the others null."""

    target_s: float | None = None
    value_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    alert: str | None = None  # the one that was waited for
    by: str | None = None  # the one that fired
    why: str | None = None  # what must be known besides the figures, in one line
    verdict: Verdict | None = None


class SloEntry(_Entry):
    """One objective in one window. `value` is null where there was no sample, or where it is not measured (`why`).

    `measure` is what was counted, by default what the name says; `low` and `high` are given where the value is known no
    better. `samples_needed` is null where no number of samples is enough.
    """

    name: str
    measure: str | None = None
    window: str
    target: float
    at_most: bool | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    samples: int = 0
    samples_needed: int | None = None
    verdict: Verdict | None = None
    why: str | None = None

    @property
    def bounded_above(self) -> bool:
        """Whether the target is the most that the value may be; summaries of before did not say."""
        return self.name in (*AT_MOST, "error_budget") if self.at_most is None else self.at_most


class LatencyEntry(_Entry):
    """How latencies from the intended time were distributed in a window: good answers and timeouts, in seconds.

    `histogram` is a HdrHistogram (encoding V2, microseconds) that tools of that family read and merge.
    """

    window: str
    count: int
    min_s: float | None = None
    p50_s: float | None = None
    p90_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    p999_s: float | None = None
    max_s: float | None = None
    histogram: str


class SplitEntry(_Entry):
    """Where the time went; all but `procedure_s` count from the start of the disruption.

    `good_s` is when service was good and the procedure through, `clients_s` when clients were well, whichever way.
    """

    detected_s: float | None = None
    recovery_began_s: float | None = None
    procedure_s: float | None = None
    clients_s: float | None = None
    good_s: float | None = None


class StepEntry(_Entry):
    """One step of the recovery procedure; `began_s` counts from the start of the disruption."""

    step: str
    state: str
    began_s: float | None = None
    took_s: float | None = None
    detail: str | None = None


class DisruptionEntry(_Entry):
    """When service was disrupted, in seconds from the injection; `start_s` and `end_s` are [low, high]."""

    start_s: tuple[float, float] | None = None
    end_s: tuple[float, float] | None = None
    watched_s: float | None = None
    violations: int = 0
    shed: int = 0
    first: str | None = None


class ImageEntry(_Entry):
    """What a container of a workload (`Deployment/api`) ran: the image as its manifest names it, and the digest of its
    content; null where nobody knew it, then `why` says why not."""

    workload: str
    container: str
    image: str
    digest: str | None = None
    why: str = ""


class VersionEntry(_Entry):
    """The version of the system that was struck: what its containers ran, the digest of its `configuration` and of each
    of the `parts` of that; `lacking` is what of it could not be read. `id` is the digest of all; null where any of it
    is unknown."""

    system: str
    images: list[ImageEntry]
    configuration: str | None
    parts: dict[str, str]
    lacking: list[str]
    id: str | None

    @property
    def key(self) -> str:
        """By what it is kept: the digest of all that stands here."""
        return digest_of(self.model_dump(mode="json"))


class DrillVerdict(_Entry):
    """One element of `drills` in `summary.json`. `why` names what decided, with figures, in one line.

    `reasons` are all the things that count against a green, the deciding one first; `advice` says what to do about an
    unknown verdict.
    """

    name: str
    nodeid: str = ""
    repetition: Repetition | None = None
    severity: str | None = None
    cadence: str | None = None
    evidence: str | None = None
    verdict: Verdict = Verdict.UNKNOWN
    why: str = "not judged yet"
    advice: str | None = None
    reasons: list[str] = Field(default_factory=list)
    required: list[str] = Field(default_factory=list)
    fault: FaultEntry | None = None
    procedure: str | None = None  # as declared; who recovered it is another matter
    recovered_by: str | None = None
    version: VersionEntry | None = None  # of the system that was struck; null: nobody kept it
    rto: RtoEntry = Field(default_factory=RtoEntry)
    rpo: RpoEntry = Field(default_factory=RpoEntry)
    detection: DetectionEntry = Field(default_factory=DetectionEntry)
    slo: list[SloEntry] = Field(default_factory=list)
    latency: list[LatencyEntry] = Field(default_factory=list)
    disruption: DisruptionEntry = Field(default_factory=DisruptionEntry)
    split: SplitEntry = Field(default_factory=SplitEntry)
    recovery_steps: list[StepEntry] = Field(default_factory=list)
    lost: list[LostWrite] = Field(default_factory=list)
    timeline: str | None = None
    picture: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The entry as `summary.json` has it."""
        return self.model_dump(mode="json")
