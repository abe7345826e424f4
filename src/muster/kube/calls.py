"""Which requests an API server was asked, read out of its audit log (audit.k8s.io/v1, a JSON line an event).

The embedded cluster writes one where it is asked to (`EmbeddedCluster.start(audit=...)`); a real cluster's log with the
backend `log` has the same form, from level Metadata on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from muster.base.errors import UsageError

WRITES = ("create", "update", "patch", "delete", "deletecollection")


class Call(NamedTuple):
    """One request: in whose name, what was wanted of which object, and the status it was answered with.

    `path` is set where it was about no resource. `code` is 0 for a request whose client went before any answer.
    `agent` is the program that asked, as it calls itself.
    """

    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    path: str
    code: int
    agent: str = ""

    @property
    def writes(self) -> bool:
        """Whether it is of a kind that changes something: reviews, which are stored nowhere, are not."""
        return self.verb in WRITES and not self.path and not self.resource.endswith("reviews")


def read_calls(log: Path) -> list[Call]:
    """Every request of a log once, in the order in which they came; those that still last, such as a watch, too.

    Raises:
        UsageError: the log cannot be read, or a line of it is no audit event.
    """
    calls: dict[str, Call] = {}
    try:
        lines = log.read_text().splitlines()
    except OSError as error:
        raise UsageError(f"audit log {log} cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        try:
            event = json.loads(line)
            calls[event["auditID"]] = _call(event)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UsageError(f"{log}:{number}: no event of an audit log, which is JSON of kind Event") from None
    return list(calls.values())


def _call(event: dict[str, Any]) -> Call:
    about = event.get("objectRef") or {}
    user = (event.get("impersonatedUser") or event["user"]).get("username", "")
    return Call(
        user,
        event["verb"],
        about.get("apiGroup", ""),
        about.get("resource", ""),
        about.get("subresource", ""),
        about.get("namespace", ""),
        about.get("name", ""),
        "" if about else event["requestURI"].partition("?")[0],
        (event.get("responseStatus") or {}).get("code", 0),
        event.get("userAgent", ""),
    )
