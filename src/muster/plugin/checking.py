"""`muster check`, and the same checks at the beginning of every session: what the drills that were collected will need.

A session against a cluster of one's own makes all of them before anything is deployed, loaded or struck; on the
embedded cluster only those that cost nothing. What makes all drills impossible refuses the session, what makes some of
them impossible is their verdict: unknown, with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest

from muster.base.asked import UP_VARIABLE
from muster.base.clock import now
from muster.base.errors import MusterError, UsageError
from muster.plugin.check_text import lines, shortly
from muster.plugin.declare import DECLARED, declare, is_drill, marked, recovery_of
from muster.plugin.preview import Telling
from muster.plugin.repeat import unrepeated
from muster.plugin.run import RUN, Run

if TYPE_CHECKING:
    from muster.kube import Cluster
    from muster.preflight import Finding, PlannedDrill, Report, Subject
    from muster.system import SystemDefinition

REQUEST_WITHIN_S = 4.0  # of each request to the cluster, so that a hung one is told in time
Asked = Literal["context", "up", "none"]


class Checker(Telling):
    """Prints what was found in the place of a session."""

    def tell(self, session: pytest.Session) -> int | None:
        report = report_of(session)
        if self.config.getoption("as_json"):
            print(report.model_dump_json(by_alias=True, indent=2))
        else:
            print("\n".join(lines(report)))
        return report.exit_code


def report_of(session: pytest.Session) -> Report:
    """Everything that the drills that were collected will need, looked at.

    Raises:
        UsageError: there is no such context, or a file of the project is wrong.
    """
    from muster.preflight import Report, outcome_of

    began, run, root = now(), session.config.stash[RUN], session.config.rootpath
    system = _system(run, root)
    with _asked(run) as (cluster, asked, absent):
        subject = _subject(session, run, system, cluster, absent)
        found = _looked(subject)
    return Report(
        system=system.name,
        namespace=system.namespace,
        context=run.options.kube_context,
        asked=asked,
        drills=[one.name for one in subject.drills],
        outcome=outcome_of(found),
        took_s=round(now() - began, 3),
        checks=found,
    )


def check_session(session: pytest.Session) -> None:
    """Look at what a session will need before it begins.

    Raises:
        UsageError: something makes each of its drills impossible; the message says what, and how it is mended.
    """
    from muster.preflight import COSTLESS, run_checks

    run = session.config.stash[RUN]
    fit = [item for item in session.items if is_drill(item) and DECLARED in item.stash]
    if not fit:  # why the others cannot be held is said already
        return
    _, system = fit[0].stash[DECLARED]
    if run.options.kube_context is None:
        found = run_checks(_subject(session, run, system, None, ""), COSTLESS)
    else:
        with _asked(run) as (cluster, _, absent):
            found = _looked(_subject(session, run, system, cluster, absent))
    _say(session, found, all_of_it=run.options.kube_context is not None)
    for finding in found:
        if finding.blocks and not finding.drills:
            _refuse(session, run, finding)
        for item in session.items if finding.blocks else ():
            if unrepeated(item.nodeid, run.options.repeat) in finding.drills or item.nodeid in finding.drills:
                run.problems[item.nodeid] = finding.sentence


def _refuse(session: pytest.Session, run: Run, finding: Finding) -> None:
    """Let no drill begin; a worker says so as the setting up of each, since nobody hears it here."""
    from muster.safety import AuditLog

    if run.worker is not None:
        run.problems.update({item.nodeid: finding.sentence for item in session.items if is_drill(item)})
        return
    AuditLog(run.audit_log).record("run", target=run.target, outcome="refused", why=finding.sentence)
    raise UsageError(f"refused: {finding.sentence}")


def _say(session: pytest.Session, found: list[Finding], *, all_of_it: bool) -> None:
    """Say on the terminal what is not fine, and against a cluster of one's own that it was looked at."""
    terminal: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or not (all_of_it or any(finding.state == "failed" for finding in found)):
        return
    for line in shortly(found):
        terminal.write_line(line)


def _system(run: Run, root: Path) -> SystemDefinition:
    from muster.system import find_system, read_system

    return read_system(run.options.system or find_system(root))


@contextmanager
def _asked(run: Run) -> Iterator[tuple[Cluster | None, Asked, str]]:
    """The cluster that is asked, whose that is, and why there is none where there is none."""
    from muster.kube import CHECK, connect, connect_context

    context, up = run.options.kube_context, os.environ.get(UP_VARIABLE)
    if context is None and not up:
        yield None, "none", "no cluster was named, and none is up"
        return
    try:
        if context is not None:
            cluster = connect_context(context, timeout=REQUEST_WITHIN_S)
        else:
            cluster = connect(Path(cast("str", up)), embedded=True, timeout=REQUEST_WITHIN_S)
    except UsageError:
        raise
    except MusterError as error:
        yield None, "context" if context is not None else "up", str(error)
        return
    with cluster:
        yield cluster.asking_as(CHECK), "context" if context is not None else "up", ""


def _looked(subject: Subject) -> list[Finding]:
    from muster.preflight import checks_for, run_checks

    return run_checks(subject, checks_for(subject))


def _subject(
    session: pytest.Session, run: Run, system: SystemDefinition, cluster: Cluster | None, absent: str
) -> Subject:
    from muster.preflight import Subject

    root = session.config.rootpath
    items = {unrepeated(item.nodeid, run.options.repeat): item for item in session.items if is_drill(item)}
    drills = tuple(
        _planned(item, nodeid, run, system, root) for nodeid, item in items.items() if item.nodeid not in run.problems
    )
    return Subject(root, system, drills, cluster, absent, run.audit_log)


def _planned(item: pytest.Item, nodeid: str, run: Run, system: SystemDefinition, root: Path) -> PlannedDrill:
    from muster.drill.preview import rates_of
    from muster.faults.aim import Aim
    from muster.faults.experiments import find_experiment
    from muster.preflight import PlannedDrill

    said = marked(item)
    told = item.stash.get(DECLARED, None)
    declared = (told[0] if told is not None else declare(item, run, system)).model_copy(update={"nodeid": nodeid})
    aim = Aim.of_marker(said)
    return PlannedDrill(
        declared,
        tuple(rates_of(cast("Any", item).function)),
        lambda: find_experiment(root / "experiments", declared.fault, system, aim),
        lambda: recovery_of(said, system, root) if said.get("recovery") else None,
    )
