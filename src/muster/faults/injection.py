"""One fault in one drill: the experiment's process from its start to its undo."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from muster.base.errors import MusterError, RefusedError, TimeoutExceededError
from muster.base.process import Child
from muster.base.signals import held_back
from muster.base.timeline import Timeline
from muster.base.waiting import wait_for
from muster.faults.channel import GO, RELEASE, URL_VARIABLE, DrillSide, lock_holder
from muster.faults.effects import build_observer
from muster.faults.experiments import Experiment
from muster.faults.watching import EffectWatch
from muster.kube import Cluster
from muster.safety import AuditLog, Record, find_record, undo
from muster.safety.audit import AUDIT_VARIABLE
from muster.safety.guards import undo_command
from muster.safety.locks import release as release_lock
from muster.safety.targets import HOME_VARIABLE
from muster.system import SystemDefinition

# Importing chaosk8s takes about two seconds on an idle machine.
START_WITHIN_S = 60.0
STRIKE_WITHIN_S = 60.0  # besides what its activities say that they wait for
SETTLE_S = 1.0  # how long what a process has sent that was killed may be carried out after it
# Colour and time before a line of Chaos Toolkit's log.
LOG_PREFIX = re.compile(r"(\x1b\[[0-9;]*m)*(\[[^]]*\] )?")
# On loopback there is no proxy; chaosk8s takes the variables even for addresses that no_proxy names.
NO_PROXY = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"), "")


NOTHING: Mapping[str, str] = MappingProxyType({})


class FaultError(MusterError):
    """The experiment refused to strike, failed, or could not be undone."""


class Injection:
    """An experiment under the drill's control. A context manager: within its block the fault is in force.

    Entering returns once the method has struck; leaving, in whatever way, undoes what is still the fault's.
    """

    def __init__(  # noqa: PLR0917
        self,
        experiment: Experiment,
        cluster: Cluster,
        kubeconfig: Path,
        namespace: str,
        timeline: Timeline,
        directory: Path,
        url: str,
        environment: Mapping[str, str] = NOTHING,
        system: SystemDefinition | None = None,
    ) -> None:
        """`kubeconfig` has a single context, `cluster`'s; what the experiment writes goes below `directory`; `url` is
        where clients reach the system; `environment` is what else the experiment must find in its own; `system` is
        asked for the database and the monitoring that an effect may need."""
        self.experiment = experiment
        self.sent_at: float | None = None  # CLOCK_MONOTONIC seconds
        self.undone: list[str] = []
        self.left: list[str] = []
        self._cluster, self._kubeconfig, self._namespace = cluster, kubeconfig, namespace
        self._url, self._environment, self._system = url, environment, system
        self._audit = AuditLog.of_run(timeline.path.parent)
        self._timeline, self._above, self._directory = timeline, directory, directory
        self._channel: DrillSide | None = None
        self._child: Child | None = None
        self._watch: EffectWatch | None = None

    @property
    def injection(self) -> str:
        """Its id, which the record of its fault has; it is prepared."""
        assert self._channel is not None
        return self._channel.injection

    @property
    def landed_at(self) -> float | None:
        """When the effect was first observed (CLOCK_MONOTONIC seconds), if it was."""
        return self._watch.landed_at if self._watch else None

    @property
    def evidence(self) -> str:
        """What shows the effect, or what is seen instead of it, in one line."""
        if self._watch is None:
            return "not injected"
        return self._watch.evidence or self._watch.latest.evidence

    def prepare(self) -> None:
        """Start the experiment's process, which passes its guard and then waits. Returns at once; may be called again.

        Called early it hides the process's start-up, so that the strike comes milliseconds after entering the block.
        Whoever calls it must see to it that the block is entered or `release` called.

        Raises:
            FaultError: its directory cannot be had.
        """
        if self._child is not None:
            return
        self._directory = _own(self._above, f"fault-{self.experiment.name}")
        try:
            self._directory.mkdir(parents=True)
            self._channel = DrillSide(self._directory)
            output = (self._directory / "chaos.log").open("wb")
        except OSError as error:
            raise FaultError(f"directory {self._directory} cannot be had: {error.strerror}") from error
        environment = {
            **self.experiment.environment,
            **self._environment,
            **self._channel.environment(self._timeline.path, self._namespace),
        }
        environment[URL_VARIABLE] = self._url
        environment["KUBECONFIG"] = str(self._kubeconfig.absolute())
        environment[AUDIT_VARIABLE] = str(self._audit.path.absolute())
        if self._cluster.embedded:
            environment |= NO_PROXY | {HOME_VARIABLE: ""}
        with output:
            # If this process dies the grace is time enough to undo, and short enough to leave nothing behind.
            self._child = Child(self._command(), env=environment, stdout=output, stderr=output, grace=3.0)

    def __enter__(self) -> Self:
        """Strike.

        Raises:
            RefusedError: the guard refused; nothing was injected.
            FaultError: an activity failed; what was done so far is undone.
        """
        try:
            self.prepare()
            self._wait_until("waiting", "to pass its guard", START_WITHIN_S)
            assert self._channel is not None
            effect = self.experiment.effect
            observer = build_observer(effect, self._cluster, self._namespace, self._url, self._system)
            self._watch = EffectWatch(observer, self._timeline, self.experiment.name)
            self._channel.order(GO)
            self._watch.start()
            self._wait_until("struck", "to strike", STRIKE_WITHIN_S + self.experiment.longest_s)
            self._note_sent()
            self._timeline.append("fault.done", experiment=self.experiment.name, ok=True, why="")
        except BaseException as error:
            why = str(error) or type(error).__name__
            self._timeline.append("fault.done", experiment=self.experiment.name, ok=False, why=why)
            self.release()
            raise
        return self

    def told(self, kind: str) -> Mapping[str, Any] | None:
        """The last thing of a kind that the experiment's process told of its progress, if it did."""
        return None if self._channel is None else self._channel.seen(kind)

    def wait_landed(self, seconds: float) -> bool:
        """Whether the declared effect is observed within so many seconds from now."""
        assert self._watch is not None, "wait_landed belongs into the block of the injection"
        return self._watch.wait_landed(seconds)

    def release(self) -> None:
        """Undo the fault and wait until that is done. May be called again, and before anything was injected.

        A second Ctrl-C does not cut it: it takes effect when the fault is undone.

        Raises:
            FaultError: it could not be undone; the message says how to.
        """
        with held_back():
            self._release()

    def _release(self) -> None:
        child, channel = self._child, self._channel
        try:
            if self._watch is not None:
                self._watch.stop()  # what goes away from here on is not the recovery's doing
            if child is not None and channel is not None:
                self._note_sent()
                channel.order(RELEASE)
                channel.close()
                child.wait(within=self.experiment.undo_s, reason=f"experiment {self.experiment.name} to undo its fault")
        except TimeoutExceededError:
            pass  # ended by force below, and undone from its record
        finally:
            self._child = self._channel = None
            self._finish(child, channel)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _finish(self, child: Child | None, channel: DrillSide | None) -> None:
        if self._watch is not None:
            self._watch.stop()
        if channel is not None:
            channel.close()
            said = channel.seen("undone")
            if said is not None:
                self.undone, self.left = list(said["undone"]), list(said["left"])
        if child is not None:
            child.stop()
        if channel is not None:
            self._undo_what_is_left(channel.injection, passed=channel.seen("waiting") is not None)

    def _undo_what_is_left(self, injection: str, *, passed: bool) -> None:
        """Undo from the record what the experiment's process did not live to undo, and give back a lock of its own.

        `passed` says whether that process passed its guard; before that it has no record.
        """
        try:
            release_lock(self._cluster, self._namespace, lock_holder(self.experiment.name, injection))
            if not passed:
                return  # a record of this name, if there is one, is another's
            record = find_record(self._cluster, self._namespace, self.experiment.name)
            if record is not None and record.injection == injection:
                self._undo_from(record)
        except MusterError as error:
            raise FaultError(
                f"the fault '{self.experiment.name}' may still be in force in namespace '{self._namespace}' of context "
                f"'{self._cluster.context}' ({error}); undo it: {undo_command(self._cluster, self._namespace)}"
            ) from error

    def _undo_from(self, record: Record) -> None:
        outcome = undo(self._cluster, record, settle_s=SETTLE_S)
        self.undone, self.left = list(outcome.undone), list(outcome.left)
        target = f"{self._cluster.context}/{self._namespace}"
        said = {"objects": record.objects, "undone": self.undone, "left": self.left}
        self._audit.record("undo", target=target, outcome="done", **said)
        self._timeline.append(
            "fault.undone", experiment=self.experiment.name, undone=self.undone, left=self.left, by="record"
        )

    def _wait_until(self, kind: str, what: str, within: float) -> None:
        assert self._channel is not None
        channel = self._channel
        wait_for(lambda: self._reached(channel, kind), within=within, every=0.01, reason=f"{self._what()} {what}")

    def _reached(self, channel: DrillSide, kind: str) -> bool:
        assert self._child is not None
        ended = self._child.poll() is not None  # asked before the progress, which may be written right before the end
        failed = channel.seen("failed")
        if failed is not None:
            raise (RefusedError if failed["refused"] else FaultError)(f"{self._what()}: {failed['why']}")
        if channel.seen(kind) is not None:
            return True
        if ended:
            raise FaultError(f"{self._what()} ended before its time: {self._reason()}")
        return False

    def _what(self) -> str:
        return f"experiment '{self.experiment.name}'"

    def _note_sent(self) -> None:
        sent = self._channel.seen("sent") if self._channel else None
        if sent is not None:
            self.sent_at = float(sent["t"])

    def _command(self) -> list[str]:
        settings = self._directory / "settings.yaml"
        settings.write_text("{}\n")  # not the user's own, which may hold controls and notifications
        log = ["--log-file", str(self._directory / "chaostoolkit.log"), "--settings", str(settings)]
        run = ["run", "--rollback-strategy", "always", "--journal-path", str(self._directory / "journal.json")]
        program = [sys.executable, "-m", "chaostoolkit", "--no-version-check"]
        return [*program, *log, *run, str(self.experiment.path.absolute())]

    def _reason(self) -> str:
        """Why the experiment ended: its journal's last failure, else the last line that it said."""
        try:
            journal: dict[str, Any] = json.loads((self._directory / "journal.json").read_text())
            failed = [run for run in journal.get("run") or [] if run.get("status") == "failed"]
            if failed:
                said = "".join(failed[-1].get("exception") or []).strip().splitlines()
                return f"activity '{failed[-1]['activity']['name']}' failed: {said[-1] if said else 'no reason given'}"
        except (OSError, ValueError):
            pass
        try:
            lines = (self._directory / "chaos.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return LOG_PREFIX.sub("", lines[-1]) if lines else "it said nothing"


def _own(directory: Path, name: str) -> Path:
    """A directory below `directory` that no other injection has."""
    names = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    return next(path for path in (directory / one for one in names) if not path.exists())
