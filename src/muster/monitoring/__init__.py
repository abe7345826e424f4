"""The system's own monitoring, watched for the alert that ends a detection: what would have told a responder.

Belongs here: asking an Alertmanager or a Prometheus over its HTTP API, and putting what it says on the timeline. What
that is worth does not: see `muster.verdict.objectives.detection`. docs/detection.md tells what is resolved, and what
is not.

    asking        one HTTP request for JSON, bounded in time and size
    alertmanager  which alerts an Alertmanager passes on
    prometheus    which alerts a Prometheus has firing
    sources       the one that system.yaml names
    watch         the thread that asks while a drill runs
    testing       a local server that speaks both protocols, for tests
"""

from muster.monitoring.asking import Asking, MonitoringError, direct
from muster.monitoring.prometheus import values
from muster.monitoring.sources import check_token, firing, open_asking, open_source
from muster.monitoring.watch import AlertWatch

__all__ = [
    "AlertWatch",
    "Asking",
    "MonitoringError",
    "check_token",
    "direct",
    "firing",
    "open_asking",
    "open_source",
    "values",
]
