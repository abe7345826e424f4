"""`pytest drills --plan`: what each drill would touch, how that is undone, what it needs and sends; nothing is written.

Against a context its objects are read, and rights asked for; without one the system's manifests are read, and no
cluster is needed. Pytest's own output is left out, so that the plan is all there is on standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from muster.base.clock import utc
from muster.base.errors import ClusterError, MusterError, RefusedError
from muster.plugin.declare import declare, is_drill, marked, recovery_of
from muster.plugin.preview_text import lines
from muster.plugin.repeat import unrepeated
from muster.plugin.run import RUN, Run

if TYPE_CHECKING:
    from muster.drill.preview import DrillPreview, Preview
    from muster.faults.fitness import Content
    from muster.kube import Cluster
    from muster.safety.limits import Limits
    from muster.safety.limits.radius import ClusterState
    from muster.system import SystemDefinition

UNKNOWN = 2
TERMINAL = "terminalreporter"


class Telling:
    """Tells something of the drills that are collected in the place of a session: see `tell`."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self._troubles = config, list[str]()
        config.option.collectonly = True
        # As with `-p no:terminal`, which every plugin must bear.
        config.pluginmanager.set_blocked(TERMINAL)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            last = str(report.longrepr).strip().splitlines()[-1].removeprefix("E ").strip()
            self._troubles.append(f"{report.nodeid or 'something'} cannot be collected: {last}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        for trouble in self._troubles:
            print(f"muster: {trouble}", file=sys.stderr)
        if exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            return
        try:
            code = self.tell(session)
        except ClusterError as error:
            print(f"muster: {error}", file=sys.stderr)
            session.exitstatus = UNKNOWN
            return
        except MusterError as error:
            print(f"muster: {error}", file=sys.stderr)
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return
        if code is not None:
            session.exitstatus = code

    def tell(self, session: pytest.Session) -> int | None:
        """Print it; returns the exit code, None where pytest's own stands.

        Raises:
            MusterError: that cannot be.
        """
        raise NotImplementedError


class Previewer(Telling):
    """Prints the plan in the place of a session."""

    def tell(self, session: pytest.Session) -> int | None:
        preview = preview_of(session)
        if self.config.getoption("as_json"):
            print(preview.model_dump_json(by_alias=True, indent=2))
        else:
            print("\n".join(lines(preview)))
        return preview.exit_code if preview.drills else None  # as it is, where nothing was collected


def preview_of(session: pytest.Session) -> Preview:
    """The plan of the drills that were collected, each once.

    Raises:
        UsageError: there is no such context, or safety.yaml is wrong.
        ClusterError: the cluster does not answer.
    """
    from muster.drill.preview import Preview
    from muster.system import find_system, read_system

    run, root = session.config.stash[RUN], session.config.rootpath
    system = read_system(run.options.system or find_system(root))
    items = {unrepeated(item.nodeid, run.options.repeat): item for item in session.items if is_drill(item)}
    with _looking(run, system, root) as look:
        drills = [look.drill(item, nodeid) for nodeid, item in items.items()]
    context = run.options.kube_context
    return Preview(system=system.name, namespace=system.namespace, context=context, drills=drills)


@contextmanager
def _looking(run: Run, system: SystemDefinition, root: Path) -> Iterator[_Look]:
    from muster.kube import connect_context

    if run.options.kube_context is None:
        yield _Look(run, system, root, None)
        return
    with connect_context(run.options.kube_context) as cluster:
        yield _Look(run, system, root, cluster)


class _Look:
    """Looks at drills of one session, on a cluster or on manifests."""

    def __init__(self, run: Run, system: SystemDefinition, root: Path, cluster: Cluster | None) -> None:
        self._run, self._system, self._root, self._cluster = run, system, root, cluster
        self._limits, self._refused = self._allowed()

    def drill(self, item: pytest.Item, nodeid: str) -> DrillPreview:
        from muster.drill.needs import rights_of_drill
        from muster.drill.preview import drill_preview
        from muster.faults.aim import Aim
        from muster.faults.experiments import find_experiment
        from muster.faults.reach import content_of, environment_of
        from muster.faults.touched import configured, touched
        from muster.safety import AuditLog
        from muster.safety.limits.radius import radius_refusals
        from muster.steps import Context

        declared = declare(item, self._run, self._system)
        said = marked(item)
        experiment = find_experiment(self._root / "experiments", declared.fault, self._system, Aim.of_marker(said))
        content = content_of(experiment)
        environment = environment_of(self._system.namespace, experiment.environment)
        state = self._state(content, environment)
        strikes = touched(content, configured(content, environment, state), state)
        # What a procedure needs it says of the system alone.
        context = Context(
            cast("Cluster", self._cluster), self._system, self._system.namespace, None, AuditLog(self._run.audit_log)
        )
        recovery = recovery_of(said, self._system, self._root) if said.get("recovery") else None
        rights = rights_of_drill(context, experiment, recovery)
        missing = self._missing(rights)
        refused = [*self._refused, *radius_refusals(declared.fault, strikes, state, self._limits)]
        if missing:
            refused.append(
                f"refused: rights are missing in namespace '{state.namespace}': {', '.join(map(str, missing))}"
            )
        made = drill_preview(
            declared, experiment, content, self._system, body=cast("Any", item).function, strikes=strikes, state=state,
            rights=rights, missing=missing, refused=refused,
        )  # fmt: skip
        return made.model_copy(update={"nodeid": nodeid})

    def _allowed(self) -> tuple[Limits, list[str]]:
        """The limits that hold, and why no drill at all would be held."""
        from muster.guardian.looks import lacking
        from muster.safety import check_nothing_open, check_target
        from muster.safety.limits import Limits, find_limits

        namespace, refused = self._system.namespace, list[str]()
        try:
            limits = find_limits(self._cluster, namespace, root=self._root)
        except RefusedError as error:
            limits, refused = Limits(), [str(error)]
        if what := lacking(limits.stop_when, self._system.monitoring):
            refused.append(f"refused: {what}")
        if self._cluster is None:
            return limits, refused
        refused += limits.refusals(self._cluster.context, self._cluster.server, namespace, moment=utc())
        for check in (check_target, check_nothing_open):
            try:
                check(self._cluster, namespace)
            except RefusedError as error:
                refused.append(str(error))
        return limits, refused

    def _state(self, content: Content, environment: Mapping[str, str]) -> ClusterState:
        from muster.faults.touched import plain, read_state, state_of_manifests
        from muster.system.manifests import read_manifests

        if self._cluster is not None:
            return read_state(self._cluster, self._system.namespace, content, plain(content, environment))
        return state_of_manifests(read_manifests(self._system.manifest_directory), self._system.namespace)

    def _missing(self, rights: Any) -> list[Any]:
        from muster.safety.rights import missing_rights

        return [] if self._cluster is None else missing_rights(self._cluster, self._system.namespace, rights)
