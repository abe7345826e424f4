"""A whole configuration of Prometheus: what it scrapes of a system, its rules, its Alertmanager."""

from __future__ import annotations

from typing import Any

from muster.alerting.series import Watched
from muster.system.metrics import Target
from muster.wire.canary import beside

ALERTMANAGER = "127.0.0.1:9093"
MONITOR = "127.0.0.1:9464"  # the port of `muster monitor` unless told otherwise
# A pod's controller is the workload, or the ReplicaSet that a Deployment made: named after it and a hash. During a
# release a second Deployment stands beside it.
_OF_WORKLOAD = "(StatefulSet|DaemonSet|Job);{name}|ReplicaSet;({name}|{canary})-[a-z0-9]+"
EVERY = "5s"
STABLE = "stable"
_TRACK = "muster_dev_track"  # the label muster.dev/track of pods, as Prometheus spells it


def prometheus(watched: Watched) -> dict[str, Any]:
    """The content of prometheus.yaml."""
    metrics = watched.system.metrics
    scraped = [] if metrics is None else [_job(watched, name, target) for name, target in metrics.targets.items()]
    monitor = {"job_name": "muster-monitor", "static_configs": [{"targets": [MONITOR]}]}
    return {
        "global": {"scrape_interval": EVERY, "scrape_timeout": "3s", "evaluation_interval": EVERY},
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [ALERTMANAGER]}]}]},
        "scrape_configs": [*scraped, monitor],
    }


def _job(watched: Watched, name: str, target: Target) -> dict[str, Any]:
    """The pods of one workload, with the labels by which the rules know them: namespace, workload, pod, and track.

    That is `canary` for those of a version that is being released, and `stable` for all others.
    """
    meta = "__meta_kubernetes_pod"
    return {
        "job_name": f"{watched.system.name}/{name}",
        "metrics_path": target.path,
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [watched.system.namespace]}}],
        "relabel_configs": [
            {
                "source_labels": [f"{meta}_controller_kind", f"{meta}_controller_name"],
                "regex": _OF_WORKLOAD.format(name=name, canary=beside(name)),
                "action": "keep",
            },
            # One target a pod, and not one for each port that it names.
            {
                "source_labels": [f"{meta}_ip"],
                "regex": "(.+)",
                "target_label": "__address__",
                "replacement": f"$1:{target.port}",
            },
            {"source_labels": [f"{meta}_phase"], "regex": "Succeeded|Failed", "action": "drop"},
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {"source_labels": [f"{meta}_name"], "target_label": "pod"},
            {"target_label": "workload", "replacement": name},
            {"target_label": "track", "replacement": STABLE},
            {"source_labels": [f"{meta}_label_{_TRACK}"], "regex": "(.+)", "target_label": "track"},
        ],
    }
