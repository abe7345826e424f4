"""Systems to be watched, in a directory of their own."""

from __future__ import annotations

from pathlib import Path

from muster.alerting.series import Watched
from muster.system import read_system

ROOT = Path(__file__).resolve().parents[2]
ENHANCER = ROOT / "systems/enhancer"

SHOP = """
schema: muster/system/v1
name: shop
namespace: shop
service: {name: shop, port: 8080}
read: {request: {path: /items.json}, check: {items: {at_least: 1}}}
"""
METRICS = """
metrics:
  targets: {web: {port: 9000, path: /stats, serves: true}, queue: {port: 9001}}
  requests: http_requests_total
  errors: http_requests_total{code=~"5.."}
  seconds: http_seconds{path="/"}
"""
# One of either type of metric, one with alerts of its own, one that nobody can watch.
SLO = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: answered, displayName: Answers}
spec:
  indicator:
    metadata: {name: answered}
    spec:
      ratioMetric:
        good: {metricSource: {type: muster, spec: {measure: successes}}}
        total: {metricSource: {type: muster, spec: {measure: requests}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
  alertPolicies:
    - kind: AlertPolicy
      metadata: {name: quick}
      spec:
        alertWhenBreaching: true
        conditions:
          - kind: AlertCondition
            metadata: {name: quick, annotations: {muster.dev/short-window: 5m}}
            spec:
              severity: P2
              condition: {kind: burnrate, op: gte, threshold: 10, lookbackWindow: 2h, alertAfter: 3m}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: quick-answers}
spec:
  indicator:
    metadata: {name: quick-answers}
    spec: {thresholdMetric: {metricSource: {type: muster, spec: {measure: latency, unit: ms}}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{op: lte, value: 500, target: 0.9}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: queue-short}
spec:
  indicator:
    metadata: {name: queue}
    spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: max(queue_length)}}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{op: lte, value: 100, target: 0.99}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: elsewhere}
spec:
  indicator:
    metadata: {name: elsewhere}
    spec: {thresholdMetric: {metricSource: {type: Datadog, spec: {query: x}}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{op: lte, value: 1, target: 0.99}]
"""
CHECKS = """
monitoring: {prometheus: {url: http://127.0.0.1:9090}}
checks:
  queue: {promql: max(queue_length), at_most: 500, severity: P2, summary: orders wait, levels: {P1: {at_most: 2000}}}
"""
ALERTING = """
alerting:
  channels:
    pager: {kind: pagerduty, secret_file: pagerduty}
    chat: {kind: slack, secret_file: slack, to: "#shop"}
    mail: {kind: email, to: a@example.com, from: b@example.com, server: "mail.example.com:25", user: b, secret_file: pw}
    hook: {kind: webhook, url: "http://127.0.0.1:1/"}
  P1: [pager, chat]
  P2: [chat, mail]
  escalation: [pager]
  heartbeat: [hook]
  drills: [{days: [monday], since: "02:00", until: "04:00"}]
"""


def shop(directory: Path, more: str = "", slo: str = "") -> Path:
    """A shop in a directory; returns its system.yaml."""
    (directory / "manifests").mkdir(parents=True, exist_ok=True)
    if slo:
        (directory / "slo.yaml").write_text(slo)
        more += "\nobjectives: {openslo: slo.yaml}\n"
    path = directory / "system.yaml"
    path.write_text(SHOP + more)
    return path


def watched(path: Path) -> Watched:
    return Watched(read_system(path))
