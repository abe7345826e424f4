"""A small service of which releases are made: quick to start, with metrics, a version in each answer, and defects."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BOUNDS = (0.01, 0.1, 0.5, 1.0, 2.5)

SYSTEM = """
schema: muster/system/v1
name: shop
namespace: shop
service: {name: web, port: 8080}
images:
  shop:1: {python_path: [app], env: {SHOP_VERSION: "1"}}
  shop:2: {python_path: [app], env: {SHOP_VERSION: "2"}}
read:
  request: {path: /items}
  check: {items: {at_least: 1}}
probes:
  - {name: fit, request: {path: /status}, expect: {fit: true}}
metrics:
  targets: {web: {port: 8080, serves: true}}
  requests: shop_requests_total{route=~"/items.*"}
  errors: shop_requests_total{route=~"/items.*", status=~"5.."}
  seconds: shop_seconds{route=~"/items.*"}
release:
  version: {header: x-version}
  traffic: {way: WAY}
  verify: [fit]
  phases:
    - {name: canary, share: 0.05, bake_s: 4}
    - {name: grow, share: 0.2, bake_s: 4}
    - {name: half, share: 0.5, bake_s: 4}
    - {name: switch, share: 1, bake_s: 3}
  analysis:
    every_s: 1
    hold_s: 6
    memory: null
    cpu: null
    error_rate: {least: 10}
    latency: {least: 10}
    failed_agents: null
    workflow_errors: null
ready_within_s: 30
"""

MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 8080, targetPort: http}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prices}
data: {currency: EUR}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: web
          image: shop:1
          command: [python3, -m, shop]
          env:
            - name: POD_IP
              valueFrom: {fieldRef: {fieldPath: status.podIP}}
            - name: CURRENCY
              valueFrom: {configMapKeyRef: {name: prices, key: currency}}
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 1, failureThreshold: 2}
"""

MIGRATION = """
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: "shop:2", command: [sh, -c, "COMMAND"]}]
"""


def write(root: Path, way: str = "auto") -> Path:
    """The system in a project's folder; its directory."""
    home = root / "systems" / "shop"
    (home / "manifests").mkdir(parents=True)
    (home / "app").mkdir()
    (home / "app" / "shop.py").write_text(Path(__file__).read_text())
    (home / "system.yaml").write_text(SYSTEM.replace("WAY", way))
    (home / "manifests" / "shop.yaml").write_text(MANIFEST)
    return home


def release(into: Path, image: str = "shop:2", **environment: str) -> Path:
    """A directory of manifests of a new version, with more in its environment."""
    into.mkdir(parents=True)
    more = "".join(f'\n            - {{name: {name}, value: "{value}"}}' for name, value in environment.items())
    text = MANIFEST.replace("image: shop:1", f"image: {image}").replace("env:\n", f"env:{more}\n", 1)
    (into / "shop.yaml").write_text(text)
    return into


def migrating(release: Path, command: str = "true", *, backward_compatible: bool) -> None:
    """Have a release change the database first: by a Job that runs a command of the shell, and what it says of that."""
    (release / "migrate.yaml").write_text(MIGRATION.replace("COMMAND", command))
    told = f"{{migration: migrate, backward_compatible: {str(backward_compatible).lower()}}}"
    (release / "release.yaml").write_text(f"schema: muster/release/v1\ndatabase: {told}\n")


class Metrics:
    """What it has answered, in Prometheus' words."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._buckets: Counter[tuple[str, float]] = Counter()
        self._sums: Counter[str] = Counter()

    def note(self, route: str, status: int, took: float) -> None:
        with self._lock:
            self._counts[route, str(status)] += 1
            self._sums[route] += 1
            for bound in BOUNDS:
                self._buckets[route, bound] += took <= bound

    def text(self) -> str:
        with self._lock:
            lines = ["# TYPE shop_requests_total counter"]
            lines += [f'shop_requests_total{{route="{r}",status="{s}"}} {n}' for (r, s), n in self._counts.items()]
            lines += ["# TYPE shop_seconds histogram"]
            for route, total in self._sums.items():
                for bound in BOUNDS:
                    lines.append(f'shop_seconds_bucket{{route="{route}",le="{bound}"}} {self._buckets[route, bound]}')
                lines.append(f'shop_seconds_bucket{{route="{route}",le="+Inf"}} {total}')
                lines.append(f'shop_seconds_count{{route="{route}"}} {total}')
                lines.append(f'shop_seconds_sum{{route="{route}"}} 0')
        return "\n".join(lines) + "\n"


METRICS = Metrics()
DEFECT = os.environ.get("SHOP_DEFECT", "")
VERSION = os.environ.get("SHOP_VERSION", "0")


class Handler(BaseHTTPRequestHandler):
    """Answers on kept connections."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        began = time.perf_counter()
        route = self.path.partition("?")[0]
        if route == "/metrics":
            gone = DEFECT == "mute"
            self._say(404 if gone else 200, METRICS.text().encode())
            return
        if route == "/status":
            self._say(200, json.dumps({"fit": DEFECT != "unfit"}).encode())
            return
        if route != "/items":
            self._say(200, b"{}")
            return
        if DEFECT == "slow":
            time.sleep(1.5)
        status = 500 if DEFECT == "errs" and METRICS._counts.total() % 5 == 0 else 200
        METRICS.note(route, status, time.perf_counter() - began)
        self._say(status, json.dumps({"items": [1], "currency": os.environ.get("CURRENCY")}).encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", VERSION)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Has room for many connections at once."""

    request_queue_size = 128
    daemon_threads = True


if __name__ == "__main__":
    if DEFECT == "crashes":
        sys.exit("it crashes at its start")
    Server((os.environ["POD_IP"], 8080), Handler).serve_forever()
