"""The controls of every experiment: guard it, keep it waiting for the drill, stop it when anything goes wrong.

Named by an experiment as

    controls:
      - name: muster
        provider: {type: python, module: muster.faults.controls}

Chaos Toolkit swallows whatever a control raises, InterruptExecution apart, and goes on to inject; it also goes on to
the next activity when one has failed. Both are turned into an end of the experiment here, with its rollbacks.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec

from chaosk8s import create_k8s_api_client
from chaoslib.exceptions import InterruptExecution
from chaoslib.hypothesis import within_tolerance
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from muster.base.errors import MusterError, RefusedError
from muster.faults import session
from muster.faults.activity_fitness import ACTIVITIES
from muster.faults.channel import GO, report_failure
from muster.faults.ending import ENDING
from muster.faults.session import Session
from muster.safety.guards import undo_command

P = ParamSpec("P")
Activity = Mapping[str, Any]

logger = logging.getLogger("chaostoolkit")


def _or_interrupt(control: Callable[P, None]) -> Callable[P, None]:
    """Let a control that fails end the experiment."""

    @wraps(control)
    def guarded(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            control(*arguments, **named)
        except Exception as error:
            # Broad on purpose: whatever else left here, Chaos Toolkit would drop it and inject the fault.
            _tell(error)
            if isinstance(error, InterruptExecution):
                raise
            raise InterruptExecution(str(error) or repr(error)) from error

    return guarded


@_or_interrupt
def before_experiment_control(context: Activity, configuration: Mapping[str, Any] | None = None) -> None:
    """Pass the guard."""
    ENDING.begin()
    try:
        session.begin(context, configuration)
        ENDING.check()
    except BaseException:
        cleanup_control()
        raise


@_or_interrupt
def before_method_control(context: Activity) -> None:
    """Wait until the drill says go; by hand, go at once."""
    here = session.current()
    if here.channel.by_hand:
        return
    _warm_up(here.namespace)
    here.channel.report("waiting")
    if not here.channel.wait_for(GO):
        raise RefusedError(f"the drill ended before '{context.get('title')}' had injected anything")


@_or_interrupt
def before_activity_control(context: Activity) -> None:
    """Announce every activity of others, as what it calls itself says nothing; muster's own announce their strikes."""
    ENDING.check()
    if (context.get("provider") or {}).get("module") != ACTIVITIES:
        session.current().strike(str(context.get("name")))
    ENDING.let_interrupt()


@_or_interrupt
def after_activity_control(
    context: Activity, state: Mapping[str, Any] | None = None, configuration: Mapping[str, Any] | None = None
) -> None:
    """End the experiment after an activity that failed, or a probe whose answer is not within its tolerance.

    In a method Chaos Toolkit does not look at a tolerance. That a pod to be deleted is gone already is no failure. Not
    while the fault is undone: what comes after a failed rollback is not left out.
    """
    ENDING.keep_whole()
    ENDING.check()
    if ENDING.undoing or not state:
        return
    if state.get("status") == "failed" and not _gone_already(context, state):
        session.doubt()  # what it has sent may be carried out all the same
        raise InterruptExecution(f"activity '{context.get('name')}' failed: {_why(state)}")
    tolerance, answer = context.get("tolerance"), state.get("output")
    if tolerance is not None and not _is_within(tolerance, answer, configuration):
        raise InterruptExecution(
            f"probe '{context.get('name')}' answered {answer!r}, which is not within its tolerance {tolerance!r}"
        )


def before_rollback_control(context: Activity) -> None:  # noqa: ARG001  (the name is Chaos Toolkit's)
    """From here on the fault is undone, and nothing keeps it from that."""
    ENDING.undo_begins()


def after_experiment_control(context: Activity, state: Mapping[str, Any] | None = None) -> None:  # noqa: ARG001
    """Undo what no rollback has undone, for whatever reason, and log how it ended."""
    here = session.guarded()
    if here is None:
        return
    _undo_the_rest(here)
    outcome = str((state or {}).get("status", "unknown"))
    here.audit.record("experiment", target=here.target, outcome=outcome, experiment=here.experiment)
    session.end()


def cleanup_control() -> None:
    """The last thing that Chaos Toolkit calls, also where it breaks: leave nothing in force, give everything back."""
    try:
        here = session.guarded()
        if here is not None:
            _undo_the_rest(here)
            session.end()
    finally:
        ENDING.end()


def _undo_the_rest(here: Session) -> None:
    ENDING.undo_begins()
    try:
        here.undo()
    except MusterError as error:
        logger.error("the fault is still in force (%s); undo it: %s", error, undo_command(here.cluster, here.namespace))  # noqa: TRY400


def _tell(error: Exception) -> None:
    """Tell the drill why the experiment ends; where even that fails the drill reads it from the log."""
    with contextlib.suppress(MusterError, OSError):
        report_failure(str(error) or repr(error), refused=isinstance(error, RefusedError))


def _warm_up(namespace: str) -> None:
    """Let the client that `chaosk8s` uses build what it builds at its first calls, some 0.3 s, before the strike.

    Reads only; where reading is not allowed the strike is merely slower.
    """
    api = create_k8s_api_client()
    with contextlib.suppress(ApiException):
        client.CoreV1Api(api).list_namespaced_pod(namespace, limit=1)
        client.AppsV1Api(api).list_namespaced_stateful_set(namespace, limit=1)
        client.AppsV1Api(api).list_namespaced_deployment(namespace, limit=1)


def _is_within(tolerance: Any, answer: Any, configuration: Mapping[str, Any] | None) -> bool:
    """Whether an answer is as wanted; one that cannot even be compared is not."""
    try:
        return bool(within_tolerance(tolerance, answer, configuration, None))
    except (TypeError, ValueError, AttributeError):
        return False


def _gone_already(context: Activity, state: Mapping[str, Any]) -> bool:
    function = (context.get("provider") or {}).get("func")
    return function == "terminate_pods" and "(404)" in "".join(state.get("exception") or [])


def _why(state: Mapping[str, Any]) -> str:
    """The last line of an activity's exception that says something, without the name of Chaos Toolkit's wrapper."""
    lines = [line.strip() for line in "".join(state.get("exception") or []).splitlines() if line.strip()]
    wrapped = next((line for line in lines if line.startswith("chaoslib.exceptions.ActivityFailed: ")), None)
    said = wrapped or (lines[-1] if lines else "no reason given")
    return said.removeprefix("chaoslib.exceptions.ActivityFailed: ")
