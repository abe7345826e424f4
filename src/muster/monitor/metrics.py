"""The monitor's figures for Prometheus: what the last look showed, and whether it looks at all.

Their names are those by which `muster.alerting` writes rules and dashboards.
"""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, start_http_server

from muster.base.errors import UsageError
from muster.monitor.levels import SEVERITIES
from muster.monitor.look import STATES, Look
from muster.monitor.memory import Alert


class Metrics:
    """The figures of one system."""

    def __init__(self, system: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._system = system
        self._of: dict[str, Gauge] = {
            name: Gauge(f"muster_{name}", what, ("system", *more), registry=self.registry)
            for name, what, more in (
                ("monitor_look_timestamp_seconds", "When the system was looked at last and that was remembered.", ()),
                ("monitor_look_seconds", "How long the last look took, telling included.", ()),
                ("monitor_blind", "Things that the last look could not see.", ()),
                ("monitor_untold", "Changes that somebody was not told of yet.", ()),
                ("service_up", "Whether the service answered any request of the last look rightly.", ()),
                ("faults_in_force", "Faults of drills that are in force.", ()),
                ("check", "What a check said: 0 fine, 1 finding, 2 unknown.", ("check",)),
                ("findings", "What is wrong, by severity.", ("severity",)),
                ("alerts", "Alerts that there are, by severity.", ("severity",)),
            )
        }
        self._looks = Counter(
            "muster_monitor_looks", "Looks that were remembered.", ("system",), registry=self.registry
        )
        self._asked = Counter(
            "muster_service_requests",
            "Requests made of the service as a client's.",
            ("system",),
            registry=self.registry,
        )
        self._failed = Counter(
            "muster_service_failures",
            "Of these those that were not answered rightly.",
            ("system",),
            registry=self.registry,
        )
        for counter in (self._looks, self._asked, self._failed):
            counter.labels(system)

    def looked(self, look: Look) -> None:
        """Take in what a look showed, whatever becomes of it."""
        for check, state in look.states.items():
            self._of["check"].labels(self._system, check).set(STATES.index(state))
        found = Counted(sighting.severity for sighting in look.wrong.values())
        for severity in SEVERITIES:
            self._of["findings"].labels(self._system, severity).set(found[severity])
        self._set("monitor_blind", len(look.unseen))
        self._set("faults_in_force", look.drill is not None)
        if look.asked is None or look.failed is None:
            self._of["service_up"].remove_by_labels({"system": self._system})  # nobody knows
            return
        self._asked.labels(self._system).inc(look.asked)
        self._failed.labels(self._system).inc(look.failed)
        self._set("service_up", look.failed < look.asked)

    def remembered(self, look: Look, alerts: Iterable[Alert], untold: int, took_s: float) -> None:
        """Take in where it led, once it is in the store."""
        self._looks.labels(self._system).inc()
        self._set("monitor_look_timestamp_seconds", datetime.fromisoformat(look.at).timestamp())
        self._set("monitor_look_seconds", took_s)
        self._set("monitor_untold", untold)
        there = Counted(alert.severity for alert in alerts)
        for severity in SEVERITIES:
            self._of["alerts"].labels(self._system, severity).set(there[severity])

    def _set(self, name: str, value: float) -> None:
        self._of[name].labels(self._system).set(value)


@contextmanager
def served(metrics: Metrics, host: str, port: int) -> Iterator[str]:
    """Serve the figures; yields where.

    Raises:
        UsageError: it cannot be listened there.
    """
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            f"--listen {host}:{port} cannot be listened at: {why}; right would be HOST:PORT, or none"
        ) from None
    try:
        yield f"http://{host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
