"""A system that muster has never heard of: a Deployment that is configured, what it depends on, and a Service."""

from __future__ import annotations

from pathlib import Path

from muster.system import SystemDefinition, read_system

SYSTEM = """\
schema: muster/system/v1
name: stranger
namespace: {namespace}
service: {{name: front, port: 8080}}
read: {{request: {{path: /hello.txt}}}}
"""
# It starts with no configuration but one that says so.
READS = 'grep -q "^mode: plain$" /etc/front/front.conf'
SERVE = READS + ' && exec python3 -m http.server --bind "$POD_IP" --directory /etc/front 8080'
MANIFESTS = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: front-conf}}
data: {{front.conf: "mode: plain\\n", hello.txt: "hello"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: front}}
spec:
  replicas: 2
  selector: {{matchLabels: {{component: front}}}}
  template:
    metadata: {{labels: {{component: front, team: blue}}}}
    spec:
      containers:
        - name: web
          image: python:3.11-slim
          command: [sh, -c, '{SERVE}']
          env: [{{name: POD_IP, valueFrom: {{fieldRef: {{fieldPath: status.podIP}}}}}}]
          readinessProbe: {{httpGet: {{path: /hello.txt, port: 8080}}, periodSeconds: 1}}
          volumeMounts: [{{name: conf, mountPath: /etc/front}}]
        - {{name: log, image: "python:3.11-slim", command: [sh, -c, "trap 'exit 0' TERM; sleep 1000 & wait"]}}
      volumes: [{{name: conf, configMap: {{name: front-conf}}}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: store}}
spec:
  serviceName: store
  selector:
    matchExpressions: [{{key: component, operator: In, values: [store]}}]
  template:
    metadata: {{labels: {{component: store}}}}
    spec:
      containers:
        - {{name: store, image: "python:3.11-slim", command: [sh, -c, "trap 'exit 0' TERM; sleep 1000 & wait"]}}
---
apiVersion: v1
kind: Service
metadata: {{name: front}}
spec: {{selector: {{component: front}}, ports: [{{port: 8080}}]}}
"""


def stranger(directory: Path, namespace: str = "stranger", more: str = "") -> SystemDefinition:
    """The system, described in a directory; `more` stands at the end of its system.yaml."""
    (directory / "manifests").mkdir(parents=True)
    (directory / "manifests" / "all.yaml").write_text(MANIFESTS)
    (directory / "system.yaml").write_text(SYSTEM.format(namespace=namespace) + more)
    return read_system(directory)
