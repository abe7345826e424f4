"""What muster's own activities share: a failure that ends the experiment, and the record of a field.

An activity that fails here ends the experiment at once: without its record the strike after it must not happen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from muster.base.errors import RefusedError
from muster.faults import session
from muster.faults.channel import report_failure
from muster.faults.ending import ENDING
from muster.safety import Entry
from muster.safety.fields import parse_path, read_field
from muster.safety.records import apply_entry

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("chaostoolkit")


def or_exit(activity: Callable[P, T]) -> Callable[P, T]:
    """Turn a failure into an exit with rollbacks.

    Chaos Toolkit turns every exception of an activity, InterruptExecution included, into a failed activity and goes on
    with the next one; SystemExit ends the method. What records a change and makes it is not cut in between.
    """

    @wraps(activity)
    def guarded(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            with ENDING.kept_whole():
                return activity(*arguments, **named)
        except Exception as error:
            # Broad on purpose, see above.
            why = str(error) or repr(error)
            logger.error(why)  # noqa: TRY400  (one sentence; the trace goes to the log by the exit below)
            report_failure(why, refused=isinstance(error, RefusedError))
            raise SystemExit(why) from error

    return guarded


def entry_of(kind: str, name: str, path: str, after: Any) -> Entry:
    """The record of a field that a fault is about to take to `after`.

    Raises:
        UsageError: the path cannot be read.
        RefusedError: the field is `after` already.
    """
    return entry_by(kind, name, path, lambda _: after)


def entry_by(kind: str, name: str, path: str, change: Callable[[Any], Any]) -> Entry:
    """The same, where what the field is taken to depends on what it is (ABSENT where it is not there).

    Raises:
        UsageError: the path cannot be read.
        RefusedError: the field would stay as it is, or is a Secret's, or whatever `change` raises.
    """
    if kind == "Secret":
        raise RefusedError(
            f"Secret/{name} is not struck: its values would stand in the fault record and in the audit log; right "
            "would be the field of the workload that names it, or a Secret of another name"
        )
    here = session.current()
    parsed = parse_path(path)
    before = read_field(here.cluster.get(kind, name, here.namespace), parsed)
    entry = Entry(kind, name, parsed, before, change(before))
    if before == entry.after:
        raise RefusedError(f"{entry} is {before!r} already: the fault would change nothing")
    return entry


def strike(entry: Entry) -> None:
    """Record a field and then change it.

    Raises:
        RefusedError: another changed it at the same moment, or the experiment is in force already.
        ClusterError: it could not be recorded or set.
    """
    here = session.current()
    here.remember(entry)
    here.strike(f"patch {entry}", entry.object)
    if not apply_entry(here.cluster, here.namespace, entry):
        raise RefusedError(f"{entry} was changed by another at the same moment; nothing was injected")
