"""A session from its first second to its last: the run, its workers, and what keeps a drill from being started."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from muster.base.errors import MusterError, RefusedError
from muster.plugin.checking import Checker, check_session
from muster.plugin.declare import clashes, drill_name, has_lost_its_marker, is_drill, problems_of
from muster.plugin.guard import runs_nothing
from muster.plugin.harmless import notices
from muster.plugin.keeping import HistoryKeeper
from muster.plugin.options import announced, read_options
from muster.plugin.plan import check_cadences, insist, keep_cadence, write_plan
from muster.plugin.preview import Previewer
from muster.plugin.recorder import Recorder
from muster.plugin.results import finish_results, keep_results, seal, send_spans
from muster.plugin.run import RUN, SKIPPED, Run
from muster.plugin.signals import heed_sigterm
from muster.plugin.terminal import Watch
from muster.plugin.turns import forget_turns
from muster.plugin.workers import die_with_the_controller, forget_collected, tell_collected

T = TypeVar("T")
EACH = "--dist each would hold each drill in every worker at once; right would be --repeat N, or another --dist"
HISTORY_KEEPER = "muster-history"
UNGUARDED = "no muster guard runs there: should this machine be lost, a fault stays until muster undo"
MARKER = (
    "drill(severity, fault, load, recovery, cadence, budget_s, ...): a rehearsal of an emergency; declares what will "
    "happen, so that a plan can be made without running it"
)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    options = _usage(lambda: read_options(config))
    told = getattr(config, "workerinput", {}).get("muster")
    if told:
        config.stash[RUN] = Run.join(options, told)
        die_with_the_controller(told["controller"])
        # Set only now: the controller knows where, once it is configured itself.
        config.option.allure_report_dir = told["allure"]
        return
    run = Run.plan(options, system=_system_name(config))
    config.stash[RUN] = run
    if config.getoption("previewed"):
        config.pluginmanager.register(Previewer(config), "muster-previewer")
    if config.getoption("checked"):
        config.pluginmanager.register(Checker(config), "muster-checker")
    config.pluginmanager.register(Recorder(config), "muster-recorder")
    config.pluginmanager.register(HistoryKeeper(config), HISTORY_KEEPER)
    config.pluginmanager.register(Watch(config), "muster-terminal")
    config.option.collectonly = config.option.collectonly or options.plan is not None
    if _asks_for_drills(config):
        _usage(run.begin)  # first of all: what is refused from here on leaves no older run's verdict as the latest
        if config.getoption("dist", None) == "each":
            raise pytest.UsageError(EACH)
        _usage(lambda: check_target(run, config.rootpath))
        keep_results(config)
    _usage(lambda: check_cadences(options.cadences))
    if not runs_nothing(config.option):
        _usage(lambda: insist(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse what cannot be run before anything is struck, and leave out what is not due."""
    run = config.stash[RUN]
    if run.each_worker:
        run.problems.update((item.nodeid, f"{item.nodeid}: {EACH}") for item in filter(is_drill, items))
    run.problems.update(problems_of(items, run))
    run.problems.update(clashes(items))
    if run.problems and run.worker is None:
        raise pytest.UsageError("\n".join(dict.fromkeys(run.problems.values())))
    if run.options.plan is not None:
        skipped = [name for name, why in run.not_collected.items() if why == SKIPPED]
        write_plan(run.options.plan, items, skipped, run.options.repeat)
    keep_cadence(config, items)


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        if is_drill(item):
            item.config.stash[RUN].not_run[drill_name(item)] = "deselected"


def pytest_collection_finish(session: pytest.Session) -> None:
    run = session.config.stash[RUN]
    run.collected = {item.nodeid: drill_name(item) for item in session.items if is_drill(item)}
    unmarked = [item.nodeid for item in session.items if has_lost_its_marker(item)]
    run.not_run.update(dict.fromkeys(unmarked, "it uses muster's fixtures and is not marked as a drill"))
    if session.config.option.collectonly or not (run.collected or unmarked):
        return
    if run.worker is not None:
        tell_collected(run)
        check_session(session)
        return
    _usage(run.begin)
    heed_sigterm(session.config)
    if not _asks_for_drills(session.config):  # else it was done before they were collected
        _usage(lambda: check_target(run, session.config.rootpath))
    _usage(lambda: check_session(session))


def pytest_report_header(config: pytest.Config) -> list[str]:
    run = config.stash[RUN]
    if run.summary is None:
        return []
    head = f"muster: {run.system} on {run.cluster_name} (evidence: {run.evidence})"
    guard = [f"guard: {run.guarded}"] if run.guarded else []
    return [head, *guard, *announced(run.options), f"report: {_shown(run, config)}"]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    run = session.config.stash[RUN]
    if run.worker is not None:
        session.config.workeroutput["muster"] = run.not_run  # type: ignore[attr-defined]
        return
    if exitstatus == pytest.ExitCode.OK and any(entry["verdict"] != "met" for entry in run.entries.values()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED  # whatever another plugin made of a drill's report
    # What the workers did not run is known only when the last of them is gone.
    keeper = session.config.pluginmanager.get_plugin(HISTORY_KEEPER)
    session.config.add_cleanup(notices()(lambda: _finish(run, exitstatus, keeper, session.config.rootpath)))


def _finish(run: Run, exit_status: int, keeper: HistoryKeeper | None, root: Path) -> None:
    try:
        run.finish(exit_status)
        finish_results(run)
        forget_turns(run)
        forget_collected(run)
        seal(run)
        if keeper is not None:
            keeper.finish()
        send_spans(run, root)
    except MusterError as error:
        print(f"muster: {error}", file=sys.stderr)


def check_target(run: Run, root: Path) -> None:
    """Make sure that a real cluster answers, that its namespace is meant to be struck, and now, and that nothing is
    open there.

    Raises:
        UsageError, ClusterError, RefusedError: it is not; the message says what would be right.
    """
    if run.options.kube_context is None:
        return
    from muster.guardian.post import HOME as GUARD_HOME
    from muster.guardian.post import who_guards
    from muster.kube import CHECK, connect_context
    from muster.safety import AuditLog, check_nothing_open
    from muster.safety import check_target as check_namespace
    from muster.safety.limits import find_limits
    from muster.system import read_system

    definition = read_system(_system_path(run.options.system, root))
    namespace = definition.namespace
    with connect_context(run.options.kube_context) as cluster:
        try:
            find_limits(cluster, namespace, root=root).check_target(cluster.context, cluster.server, namespace)
            check_namespace(cluster, namespace)
            check_nothing_open(cluster, namespace)
            holder = who_guards(cluster.asking_as(CHECK), GUARD_HOME)
            run.guarded = f"muster guard on {holder}" if holder else UNGUARDED
        except RefusedError as error:
            AuditLog(run.audit_log).record("run", target=run.target, outcome="refused", why=str(error))
            raise


def _system_path(named: Path | None, root: Path) -> Path:
    from muster.system import find_system

    return named or find_system(root)


def _system_name(config: pytest.Config) -> str:
    options = read_options(config)
    path = options.system
    if path is None:
        found = sorted(config.rootpath.glob("systems/*/system.yaml"))
        return found[0].parent.name if len(found) == 1 else "unknown"
    return path.parent.name if path.is_file() else path.name


def _asks_for_drills(config: pytest.Config) -> bool:
    """Whether the command line names a place called drills. Drills elsewhere are noticed once they are collected."""
    if runs_nothing(config.option):
        return False
    return any("drills" in Path(str(argument).split("::", 1)[0]).resolve().parts for argument in config.args)


def _usage(action: Callable[[], T]) -> T:
    """Turn a user's mistake into pytest's own error for that: one sentence, exit code 4."""
    try:
        return action()
    except MusterError as error:
        raise pytest.UsageError(str(error)) from error


def _shown(run: Run, config: pytest.Config) -> str:
    return os.path.relpath(run.directory, config.invocation_params.dir)
