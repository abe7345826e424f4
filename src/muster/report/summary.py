"""`summary.json` of a run, schema `muster/summary/v1` (docs/report.md).

It exists from the first second of a session with verdict unknown and is replaced atomically, so that an old green never
stands for a crashed run (docs/measurement.md, Verdict).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from muster.base.clock import utc_iso
from muster.base.errors import MusterError
from muster.base.files import write_atomically
from muster.base.lines import key_of
from muster.verdict import DrillVerdict, Verdict, combine
from muster.verdict.many.repeated import RepeatEntry, repeats_of, success_line

AGAIN = "the drill ran more than once: the worst of its runs counts"
DESELECTED = "deselected"
_WORST_FIRST = (Verdict.MISSED, Verdict.UNKNOWN, Verdict.MET)
SCHEMA: Literal["muster/summary/v1"] = "muster/summary/v1"
FILE_NAME = "summary.json"


class SummaryError(MusterError):
    """There is no summary where one was looked for, or it cannot be understood."""


class NotRun(BaseModel):
    """A drill that did not run, and why: deselected, skipped, or not reached when the session ended."""

    model_config = ConfigDict(extra="allow")

    name: str
    why: str
    required: bool = False


class ChangeEntry(BaseModel):
    """A drill's RTO against earlier runs, see `muster.history.regression`; it informs, and is no verdict.

    `regression` is null where earlier runs are too few to tell. Seconds; `chance` is how likely a change that is none
    would look like this one.
    """

    model_config = ConfigDict(extra="allow")

    name: str
    regression: bool | None
    earlier_runs: int
    needed_runs: int
    latest_s: float | None = None
    earlier_median_s: float | None = None
    earlier_max_s: float | None = None
    chance: float | None = None
    why: str


class SummaryModel(BaseModel):
    """The content of the file. `required` names the drills that a gate wants to see run, `claim` the rate of success
    that repetitions are to prove (None: nobody asked); `doubt`, which no file holds, is why the rest is not believed.
    """

    model_config = ConfigDict(extra="allow")

    schema_: Literal["muster/summary/v1"] = Field(default=SCHEMA, alias="schema")
    system: str
    cluster: str
    evidence: Literal["rehearsal", "cluster"]
    started: str
    finished: str | None = None
    verdict: Verdict = Verdict.UNKNOWN
    why: str = "the session has not finished"
    required: list[str] = Field(default_factory=list)
    drills: list[DrillVerdict] = Field(default_factory=list)
    not_run: list[NotRun] = Field(default_factory=list)
    claim: float | None = None
    repeats: list[RepeatEntry] = Field(default_factory=list)
    changes: list[ChangeEntry] = Field(default_factory=list)
    doubt: str | None = Field(default=None, exclude=True)

    def doubted(self, why: str) -> SummaryModel:
        """The same, believed no more."""
        return self.model_copy(update={"doubt": why, "verdict": Verdict.UNKNOWN, "why": why})

    def conclude(self) -> tuple[Verdict, str]:
        """The run's verdict and its reason: missed if any drill is missed, or the claim; else unknown if any is, if
        none ran, if one did not run for any reason but that nobody selected it, if a required one did not run, or if
        the claim is not proved; else met."""
        left_out = [drill for drill in self.not_run if drill.why != DESELECTED]
        absent = self._absent()
        verdict = combine(drill.verdict for drill in self.drills)
        if verdict is Verdict.MET and (absent or left_out):
            verdict = Verdict.UNKNOWN
        for wanted in (Verdict.MISSED, Verdict.UNKNOWN):
            named = [f"{drill.name}: {drill.why}" for drill in self.drills if drill.verdict is wanted]
            if named and verdict is wanted:
                return verdict, named[0] + (f" (and {len(named) - 1} more)" if len(named) > 1 else "")
        if left_out:
            return verdict, f"not run: {', '.join(f'{drill.name} ({drill.why})' for drill in left_out)}"
        if absent:
            return verdict, f"required but not run: {', '.join(absent)}"
        if (claimed := self._claimed()) is not None:
            return combine([verdict, claimed[0]]), f"claim not proved: {claimed[1]}"
        return verdict, self._met_words() if self.drills else "no drill ran"

    def _claimed(self) -> tuple[Verdict, str] | None:
        """What is not proved of a claim, if anything: that of a drill which was not repeated never is."""
        for repeat in self.repeated():
            if repeat.success.verdict not in (None, Verdict.MET):
                return repeat.success.verdict, success_line(repeat)
        once = [drill.name for drill in self.drills if drill.repetition is None]
        if self.claim is not None and once:
            return Verdict.UNKNOWN, f"{once[0]} was held once, and is none of its repetitions"
        return None

    def _met_words(self) -> str:
        drills = {drill.repetition.of if drill.repetition else drill.name for drill in self.drills}
        times = f", {len(self.drills)} times in all" if len(drills) < len(self.drills) else ""
        return f"{len(drills)} drill{'' if len(drills) == 1 else 's'} met{times}"

    def repeated(self) -> list[RepeatEntry]:
        """What the repetitions among the drills prove. A real cluster is never reset between them."""
        return repeats_of(self.drills, claim=self.claim, reset=self.evidence == "rehearsal")

    def _absent(self) -> list[str]:
        """The drills that are required and did not run."""
        ran = {drill.name for drill in self.drills}
        ran |= {drill.repetition.of for drill in self.drills if drill.repetition}
        absent = [name for name in self.required if name not in ran]
        return absent + [drill.name for drill in self.not_run if drill.required and drill.name not in {*ran, *absent}]


class Summary:
    """The summary of a session, written at once and again at every change.

    It is kept by one process: the workers of pytest-xdist send their entries to the controller.
    """

    def __init__(
        self,
        directory: Path,
        *,
        system: str,
        cluster: str,
        evidence: str,
        required: Iterable[str] = (),
        claim: float | None = None,
    ) -> None:
        """Write a first summary with verdict unknown into `directory`, which must exist.

        Raises:
            SummaryError: the directory cannot be written.
        """
        self.path = directory / FILE_NAME
        self.model = SummaryModel.model_validate(
            {
                "system": system,
                "cluster": cluster,
                "evidence": evidence,
                "started": utc_iso(),
                "required": list(required),
                "claim": claim,
            }
        )
        self._write()

    def update(self, entry: DrillVerdict) -> DrillVerdict:
        """Add a drill's entry, and return it as it is kept: of several runs of one node id the worst stays, and says
        that there were more. The run stays unknown until `finish`.
        """
        key = entry.nodeid or entry.name
        others: list[DrillVerdict] = []
        same: list[DrillVerdict] = []
        for drill in self.model.drills:
            (same if (drill.nodeid or drill.name) == key else others).append(drill)
        # A report that is told twice (a teardown that fails repeats its drill's entry) is one run.
        if same and not any(entry == drill for drill in same):
            worst = min([entry, *same], key=lambda drill: _WORST_FIRST.index(drill.verdict))
            kept = [reason for reason in worst.reasons if reason != AGAIN]
            entry = worst.model_copy(update={"reasons": [*kept, AGAIN]})
        self.model.drills = [*others, entry]
        self.model.repeats = self.model.repeated()
        self._write()
        return entry

    def not_run(self, name: str, why: str, *, required: bool = False) -> None:
        """Say that a drill did not run; `required` where the gate asks for it."""
        self.model.not_run = [drill for drill in self.model.not_run if drill.name != name]
        self.model.not_run.append(NotRun(name=name, why=why, required=required))
        self._write()

    def compare(self, changes: Iterable[ChangeEntry]) -> None:
        """Say how drills compare with earlier runs."""
        self.model.changes = list(changes)
        self._write()

    def require(self, names: Iterable[str]) -> None:
        """Name the drills that a gate wants to see run."""
        self.model.required = list(dict.fromkeys(names))
        self._write()

    def finish(self) -> Verdict:
        """Conclude the run and write its verdict. Not to be called by a session that crashed or was interrupted."""
        self.model.finished = utc_iso()
        self.model.verdict, self.model.why = self.model.conclude()
        self._write()
        return self.model.verdict

    def interrupt(self, why: str) -> None:
        """End without a verdict: what was interrupted proves nothing about the rest. A missed drill stays missed."""
        self.model.finished = utc_iso()
        verdict, reason = self.model.conclude()
        missed = verdict is Verdict.MISSED
        self.model.verdict, self.model.why = (verdict, reason) if missed else (Verdict.UNKNOWN, why)
        self._write()

    def _write(self) -> None:
        content = orjson.dumps(self.model.model_dump(mode="json", by_alias=True), option=orjson.OPT_INDENT_2)
        try:
            write_atomically(self.path, content + b"\n")
        except OSError as error:
            raise SummaryError(f"summary {self.path} cannot be written: {error.strerror}") from error


def read_summary(path: Path) -> SummaryModel:
    """The summary in a file, or in the directory of a run such as `reports/latest`.

    Raises:
        SummaryError: there is none, or it is none of a schema known here.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        data = orjson.loads(file.read_bytes())
    except FileNotFoundError:
        raise SummaryError(
            f"no summary at {file}: hold drills first (pytest drills), or name the directory of a run"
        ) from None
    except OSError as error:
        raise SummaryError(f"summary {file} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise SummaryError(f"summary {file} is not JSON: {error}") from error
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise SummaryError(f"{file} is no summary: its schema is {schema!r}, right would be {SCHEMA!r}")
    try:
        return SummaryModel.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = key_of(first["loc"])
        raise SummaryError(f"summary {file}, {where}: {first['msg']}") from error
