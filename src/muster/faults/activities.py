"""What experiments need beside the activities of `chaosk8s`: a record before the strike, a patch with an undo, a hold.

An activity that fails here ends the experiment at once: without its record the strike after it must not happen.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from chaoslib.exceptions import InterruptExecution

from muster.base.clock import SYSTEM_CLOCK
from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.faults import session
from muster.faults.channel import RELEASE, URL_VARIABLE, report_failure
from muster.faults.effects import Reported, Reporting, selected
from muster.kube import connect
from muster.probes.address import service_address
from muster.safety import Entry
from muster.safety.fields import ABSENT, parse_path, read_field
from muster.safety.records import apply_entry, find_record
from muster.safety.records import undo as undo_record
from muster.system.pods import troubles

__all__ = ["crashed", "current_primary", "hold", "patch_field", "remember_field", "reported", "undo"]

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("chaostoolkit")


def _or_exit(activity: Callable[P, T]) -> Callable[P, T]:
    """Turn a failure into an exit with rollbacks.

    Chaos Toolkit turns every exception of an activity, InterruptExecution and SIGTERM's included, into a failed
    activity and goes on with the next one; SystemExit ends the method.
    """

    @wraps(activity)
    def guarded(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return activity(*arguments, **named)
        except Exception as error:
            # Broad on purpose, see above.
            why = "the experiment was told to end" if isinstance(error, InterruptExecution) else str(error)
            logger.error(why)  # noqa: TRY400  (one sentence; the trace goes to the log by the exit below)
            report_failure(why, refused=isinstance(error, RefusedError))
            raise SystemExit(why) from error

    return guarded


def current_primary(service: str, key: str, configuration: Mapping[str, Any] | None = None) -> str:
    """Which instance a Service leads to now: for an experiment's `configuration`, which is read before its guard.

    Only reads. Where it fails Chaos Toolkit leaves the key out, and the experiment ends before it has struck.
    """
    kubeconfig = os.environ.get("KUBECONFIG", "")
    with connect(Path(kubeconfig)) as cluster:
        return selected(cluster, str((configuration or {}).get("namespace")), service=service, key=key)


@_or_exit
def remember_field(kind: str, name: str, path: str, after: Any) -> str:
    """Record that the next activities take a field to `after`, so that it is put back by `undo`.

    Raises:
        SystemExit: it could not be recorded, or the field is so already.
    """
    here = session.current()
    entry = _entry(kind, name, path, after)
    here.remember(entry)
    return f"{entry}: remembered"


@_or_exit
def patch_field(kind: str, name: str, path: str, after: Any = ABSENT) -> str:
    """Record a field and then set it to `after`; without `after` it is removed.

    Raises:
        SystemExit: it could not be recorded or set.
    """
    here = session.current()
    entry = _entry(kind, name, path, after)
    here.remember(entry)
    here.strike(f"patch {entry}")
    if not apply_entry(here.cluster, here.namespace, entry):
        raise RefusedError(f"{entry} was changed by another at the same moment; nothing was injected")
    return f"{entry}: patched"


@_or_exit
def crashed(label_selector: str, within_s: float = 30.0) -> str:
    """Wait until a container of the pods so labelled has crashed, and none of these pods is on its way out.

    Raises:
        SystemExit: none crashed within `within_s` seconds.
    """
    here = session.current()

    def look() -> str:
        pods = here.cluster.list("Pod", here.namespace, labels=label_selector)
        found = [trouble for pod in pods for trouble in troubles(pod)]
        leaving = any("deletionTimestamp" in pod["metadata"] for pod in pods)
        return str(found[0]) if found and not leaving else ""

    return wait_for(look, within=within_s, reason=f"a container of {label_selector} to crash")


@_or_exit
def reported(  # noqa: PLR0917
    service: str, port: int, path: str, field: str, more_than: float | None = None, within_s: float = 30.0
) -> str:
    """Wait until an instance of a Service says of itself what an effect of kind `reported` looks for: at `field` a
    number above `more_than`, or without one something that is not empty.

    Raises:
        SystemExit: none does within `within_s` seconds.
    """
    here = session.current()
    url = os.environ.get(URL_VARIABLE) or service_address(here.cluster, here.namespace, service, port)
    effect = Reported(kind="reported", path=path, field=field, more_than=more_than, present=more_than is None)
    look = Reporting(effect, url).look
    wait_for(lambda: look().observed, within=within_s, reason=f"{service} to report {field}", every=0.1)
    return look().evidence


@_or_exit
def hold(seconds: float = 20.0) -> str:
    """Keep the fault in force: under a drill until it releases it, by hand for so many seconds."""
    here = session.current()
    here.channel.report("struck")
    if here.channel.by_hand:
        logger.info("the fault is in force for %g s; Ctrl-C undoes it now", seconds)
        SYSTEM_CLOCK.sleep(seconds)
        return f"held for {seconds:g} s"
    here.channel.wait_for(RELEASE)
    return "held until it was released"


@_or_exit
def undo() -> list[str]:
    """Undo what this experiment recorded; nothing where it recorded nothing.

    Raises:
        SystemExit: it could not be undone; the record stays in the cluster.
    """
    here = session.guarded()
    if here is None or here.record is None:
        return []
    undone: list[str] = []
    left: list[str] = []
    # Read again: the record in the cluster is the one that counts.
    record = find_record(here.cluster, here.namespace, here.experiment)
    if record is not None and record.injection == here.record.injection:
        outcome = undo_record(here.cluster, record)
        undone, left = list(outcome.undone), list(outcome.left)
    here.record = None
    if here.channel.timeline:
        here.channel.timeline.append(
            "fault.undone", experiment=here.experiment, undone=undone, left=left, by="experiment"
        )
    here.channel.report("undone", undone=undone, left=left)
    here.audit.record("undo", target=here.target, outcome="done", undone=undone, left=left)
    return [*undone, *left]


def _entry(kind: str, name: str, path: str, after: Any) -> Entry:
    here = session.current()
    parsed = parse_path(path)
    before = read_field(here.cluster.get(kind, name, here.namespace), parsed)
    entry = Entry(kind, name, parsed, before, after)
    if before == after:
        raise RefusedError(f"{entry} is {after!r} already: the fault would change nothing")
    return entry
