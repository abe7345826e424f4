"""What experiments need beside the activities of `chaosk8s`: a record before a strike, a patch with an undo, a hold."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.faults import session
from muster.faults.activity import entry_of, or_exit, strike
from muster.faults.channel import RELEASE, URL_VARIABLE
from muster.faults.effects import Reported, Reporting, selected
from muster.faults.ending import ENDING
from muster.faults.releasing import bring_out
from muster.faults.surge import raise_load
from muster.faults.texts import replace_line
from muster.faults.workloads import delete_volumes, kill_pods, renew_pods, rolled_out, stop_workloads
from muster.kube import connect
from muster.probes.http.address import service_address
from muster.safety import Command
from muster.safety.fields import ABSENT
from muster.system.pods import troubles

__all__ = [
    "bring_out",
    "crashed",
    "current_primary",
    "delete_volumes",
    "hold",
    "kill_pods",
    "patch_field",
    "raise_load",
    "remember_command",
    "remember_field",
    "renew_pods",
    "replace_line",
    "reported",
    "rolled_out",
    "stop_workloads",
    "undo",
]

logger = logging.getLogger("chaostoolkit")


def current_primary(service: str, key: str, configuration: Mapping[str, Any] | None = None) -> str:
    """Which instance a Service leads to now: for an experiment's `configuration`, which is read before its guard.

    Only reads. Where it fails Chaos Toolkit leaves the key out, and the experiment ends before it has struck.
    """
    kubeconfig = os.environ.get("KUBECONFIG", "")
    with connect(Path(kubeconfig)) as cluster:
        return selected(cluster, str((configuration or {}).get("namespace")), service=service, key=key)


@or_exit
def remember_field(kind: str, name: str, path: str, after: Any) -> str:
    """Record that the next activities take a field to `after`, so that it is put back by `undo`.

    Raises:
        SystemExit: it could not be recorded, or the field is so already.
    """
    here = session.current()
    entry = entry_of(kind, name, path, after)
    here.remember(entry)
    return f"{entry}: remembered"


@or_exit
def remember_command(
    label_selector: str, container_name: str, command: Sequence[str], what: str, outlives: bool = False
) -> str:
    """Record, of each pod so labelled, the command that takes back what the next activities do inside it; `what` says
    for people what it then was. It must do no harm where nothing has been done yet, and may be run again; it ends with
    10 where nothing is left to be taken back. What `outlives` the pod, as it lies on its volume, is taken back in
    whichever pod has its name then.

    Raises:
        SystemExit: it could not be recorded, or no pod is labelled so.
    """
    here = session.current()
    pods = [pod["metadata"] for pod in here.cluster.list("Pod", here.namespace, labels=label_selector)]
    if not pods:
        raise RefusedError(f"there is no pod labelled {label_selector}, so nothing is struck")
    for pod in pods:
        uid = "" if outlives else pod["uid"]
        here.remember_command(Command(pod["name"], uid, container_name, tuple(command), what))
    return f"{what}: remembered of {', '.join(pod['name'] for pod in pods)}"


@or_exit
def patch_field(kind: str, name: str, path: str, after: Any = ABSENT) -> str:
    """Record a field and then set it to `after`; without `after` it is removed.

    Raises:
        SystemExit: it could not be recorded or set.
    """
    entry = entry_of(kind, name, path, after)
    strike(entry)
    return f"{entry}: patched"


@or_exit
def crashed(label_selector: str, within_s: float = 30.0) -> str:
    """Wait until a container of the pods so labelled has crashed, and none of these pods is on its way out.

    Raises:
        SystemExit: none crashed within `within_s` seconds.
    """
    here = session.current()

    def look() -> str:
        ENDING.check()
        pods = here.cluster.list("Pod", here.namespace, labels=label_selector)
        found = [trouble for pod in pods for trouble in troubles(pod)]
        leaving = any("deletionTimestamp" in pod["metadata"] for pod in pods)
        return str(found[0]) if found and not leaving else ""

    return wait_for(look, within=within_s, reason=f"a container of {label_selector} to crash")


@or_exit
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
    reporting = Reporting(effect, url)

    def look() -> str:
        ENDING.check()
        seen = reporting.look()
        return seen.evidence if seen.observed else ""

    return wait_for(look, within=within_s, reason=f"{service} to report {field}", every=0.1)


@or_exit
def hold(seconds: float = 20.0) -> str:
    """Keep the fault in force: under a drill until it releases it, by hand for so many seconds."""
    here = session.current()
    here.channel.report("struck")
    if not here.channel.by_hand:
        here.channel.wait_for(RELEASE)
        return "held until it was released"
    logger.info("the fault is in force for %g s; Ctrl-C undoes it now", seconds)
    ENDING.wait_readable(None, seconds)
    ENDING.check()
    return f"held for {seconds:g} s"


@or_exit
def undo() -> list[str]:
    """Undo what this experiment recorded or holds on to; nothing where that is nothing.

    Raises:
        SystemExit: it could not be undone; the record stays in the cluster.
    """
    here = session.guarded()
    return [] if here is None else here.undo()
