"""One run: its id, its directory below reports/, its summary."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from muster.base import clock
from muster.base.asked import LATEST, RECEIPT_VARIABLE, supersede
from muster.base.errors import UsageError
from muster.base.process import RUN_ID_VARIABLE
from muster.plugin.options import Options
from muster.plugin.repeat import gathered

if TYPE_CHECKING:
    from muster.report import Summary

SKIPPED = "skipped as a whole"
ENDED_BY_ITSELF = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


@dataclass
class Run:
    """A run of drills. The controller (or the only process) owns its summary; xdist workers write beside it.

    `receipt` takes the run's directory, for whoever asked for the session and wants this run's verdict and no other's.
    `each_worker`: every worker is to run every test (`--dist each`). By node id, `entries` are the summary's, and
    `collected` the names of the drills that are to be held; `not_run` says of others, by name, why they were not, and
    `not_collected` of files. `told` are lines about what drills left, for the end. `guarded` says who would take faults
    back should this machine be lost, where drills are held on a cluster of the user's own.
    """

    id: str
    directory: Path
    options: Options
    system: str
    worker: str | None = None
    each_worker: bool = False
    summary: Summary | None = None
    receipt: Path | None = None
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    collected: dict[str, str] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    not_collected: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    told: dict[str, None] = field(default_factory=dict)
    guarded: str = ""

    @classmethod
    def plan(cls, options: Options, system: str) -> Run:
        """A run with a new id. Nothing is done yet: most sessions of an environment hold no drill."""
        run_id = secrets.token_hex(6)
        stamp = clock.utc().strftime("%Y%m%dT%H%M%SZ")
        # Taken away: a session within this one is not the one that was asked for.
        receipt = os.environ.pop(RECEIPT_VARIABLE, None)
        directory = options.reports / f"{stamp}-{run_id}"
        return cls(run_id, directory, options, system, receipt=Path(receipt) if receipt else None)

    @classmethod
    def join(cls, options: Options, told: dict[str, str]) -> Run:
        """The controller's run, seen from an xdist worker."""
        return cls(
            told["id"],
            Path(told["directory"]),
            options,
            told["system"],
            worker=told["worker"],
            each_worker=told["dist"] == "each",
        )

    @property
    def cluster_name(self) -> str:
        return self.options.kube_context or "embedded"

    @property
    def evidence(self) -> str:
        return "cluster" if self.options.kube_context else "rehearsal"

    @property
    def target(self) -> str:
        """What is drilled, as the audit log names it."""
        return f"{self.cluster_name}/{self.system}"

    @property
    def audit_log(self) -> Path:
        """The project's audit log, which all of its runs share."""
        from muster.safety.audit import FILE_NAME

        return (self.options.reports / FILE_NAME).absolute()

    def begin(self) -> None:
        """Make the run's directory and, where this process owns it, its summary. May be called again.

        Every process that is started from here on has the run's id in its environment.

        Raises:
            UsageError: the directory cannot be had.
        """
        from muster.report import Summary
        from muster.safety.audit import AUDIT_VARIABLE, AuditLog

        os.environ[RUN_ID_VARIABLE] = self.id
        # Experiments and procedures write the project's audit log, whichever process they run in.
        os.environ[AUDIT_VARIABLE] = str(self.audit_log)
        owner_begins = self.worker is None and self.summary is None
        try:
            if owner_begins:
                # First of all, as it needs no room: where no summary can be written no older green stands for this run.
                (self.options.reports / LATEST).unlink(missing_ok=True)
            self.directory.mkdir(parents=True, exist_ok=True)
            if owner_begins:
                self.summary = Summary(
                    self.directory,
                    system=self.system,
                    cluster=self.cluster_name,
                    evidence=self.evidence,
                    claim=self.options.claim,
                )
                _point(self.options.reports / LATEST, self.directory)
                supersede(self.options.reports)
                if self.receipt is not None:
                    self.receipt.write_text(str(self.directory))
                AuditLog(self.audit_log).record("run", target=self.target, outcome="begun", report=self.directory.name)
        except OSError as error:
            raise UsageError(f"directory {self.directory} cannot be had for the report: {error.strerror}") from error

    def record(self, entry: dict[str, Any]) -> None:
        """Put a drill's entry into the summary; of several of one drill the worst stays, here as there.

        Raises:
            MusterError: it cannot be written.
        """
        from muster.verdict import DrillVerdict

        self.begin()
        assert self.summary is not None
        kept = self.summary.update(DrillVerdict.model_validate(entry))
        self.entries[kept.nodeid or kept.name] = kept.to_json()

    def left_out(self, not_run: Mapping[str, str]) -> dict[str, str]:
        """What did not run and why, repetitions of one drill in one line."""
        return gathered(not_run, self.options.repeat)

    def finish(self, exit_status: int) -> None:
        """Close the summary, if there is one; a session that did not come to its own end concludes nothing."""
        if self.summary is None:
            return
        reached = {entry["name"] for entry in self.entries.values()}
        missing = {name: "not reached" for name in self.collected.values() if name not in reached}
        for name, why in self.left_out({**missing, **self.not_run}).items():
            self.summary.not_run(name, why)
        if exit_status in ENDED_BY_ITSELF:
            self.summary.finish()
        elif exit_status == pytest.ExitCode.INTERRUPTED:
            self.summary.interrupt("the session was interrupted")
        else:
            self.summary.interrupt(f"the session ended with pytest's exit code {int(exit_status)}")


def _point(link: Path, target: Path) -> None:
    """Let `link` point to `target`, in one step."""
    temporary = link.with_name(f".latest-{target.name}")
    temporary.symlink_to(target.name)
    temporary.replace(link)


RUN = pytest.StashKey[Run]()
