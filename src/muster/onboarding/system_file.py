"""The system.yaml that is written, with comments for whoever reads on."""

from __future__ import annotations

import json
from collections.abc import Iterable

from muster.onboarding.finding import Found

MOST_REPLICAS = 4  # times what its manifest says an emergency may give to what serves clients


def system_file(found: Found, *, name: str, namespace: str, manifests: str) -> str:
    """The text of a system.yaml."""
    parts = [_head(found, name, namespace, manifests), _read(found), _database(found), _operations(found), _rest()]
    return "\n".join(part for part in parts if part)


def _head(found: Found, name: str, namespace: str, manifests: str) -> str:
    images = "\n".join(f"#   {json.dumps(image)}: {{command: [...]}}" for image in found.images)
    return f"""\
# What muster must know of {name}. Written by `muster init`; yours from now on. All keys are explained in muster's
# docs/system-yaml.md; a mistake is answered with key and line by: pytest drills --collect-only
schema: muster/system/v1
name: {name}
namespace: {namespace}
manifests: {manifests}

# The Service that clients ask. Against a cluster of your own say where clients reach it, unless it has a load balancer.
service:
  name: {found.service}
  port: {found.port}
  # url: https://{name}.example.com

# On the embedded cluster images are programs of this machine: `muster images` says which there are. The others:
# images:
{images}
"""


def _read(found: Found) -> str:
    guess = (
        "# No probe of the manifests names a path, so this is the root: say what a client reads."
        if found.guessed_path
        else "# The path of a probe: say what a client reads instead, and what must hold of the answer."
    )
    return f"""\
# Sent with every request. A secret is named by the environment variable that holds it, never written down.
# headers:
#   Authorization: {{env: TOKEN, prefix: "Bearer "}}

# A read that must be answered rightly. The better it tells a right answer from a wrong one, the more a drill proves.
{guess}
read:
  request: {{path: {json.dumps(found.read_path)}}}
  # check:
  #   items: {{at_least: 1}}

# How a write is made and found again. Without it nobody sees that an acknowledged write was lost, and no RPO is judged.
# ledger:
#   create: {{method: POST, path: /items, body: {{id: "{{id}}", note: "{{content}}"}}, status: [201]}}
#   read: {{path: "/items/{{id}}"}}
#   content: note
"""


def _database(found: Found) -> str:
    if (streaming := found.streaming) is not None:
        return f"""\
# PostgreSQL in streaming replication: the Service chooses the primary by a label, a ConfigMap says durably who it is.
database:
  kind: streaming
  service: {streaming.service}
  instances: [{", ".join(streaming.instances)}]
  selector_key: {streaming.selector_key}
  topology: {streaming.topology}
  topology_key: {streaming.topology_key}
  container: {streaming.container}
"""
    if found.cloudnativepg is not None:
        return f"""\
# A Cluster of CloudNativePG.
database:
  kind: cloudnativepg
  cluster: {found.cloudnativepg}
"""
    if found.databases:
        return f"""\
# A database of one instance, it seems: {", ".join(found.databases)}. One that is replicated is described here: in
# streaming replication, under CloudNativePG or Patroni, or any other by commands of your own.
# database:
#   kind: patroni
"""
    return ""


def _operations(found: Found) -> str:
    lines = [
        "# What recovery procedures must know.",
        "operations:",
        "  # Which workloads start first; each stage waits for",
    ]
    lines[-1] += " the one before it."
    lines += ["  stages:", *(f"    - {{name: {name}, workloads: {_list(names)}}}" for name, names in found.stages)]
    if found.configuration:
        lines += ["  # What is kept as the last known good configuration, and restored.", "  configuration:"]
        lines += [f"    - {{config_map: {one}, used_by: {_list(used)}}}" for one, used in found.configuration.items()]
    if deployments := [name for name in found.serving if found.workloads[name] == "Deployment"]:
        most = max(found.replicas[deployments[0]], 1) * MOST_REPLICAS
        lines += [
            "  # How many replicas an emergency may give to what serves clients. Say how many requests/s it serves",
            "  # with the replicas of its manifest, and the fault high-load can be drilled.",
            "  capacity:",
            f"    deployment: {deployments[0]}",
            f"    max_replicas: {most}",
            "    # admits_per_s: 300",
        ]
    return "\n".join(lines) + "\n"


def _rest() -> str:
    return """\
# Commands of your own that mend the system: muster recover fail-over, or recovery="fail-over" in a drill.
# procedures:
#   fail-over: {run: ./failover.sh, check: ./is-well.sh}

# Service levels before and after a disruption, and the recovery objectives of each severity, in seconds.
objectives:
  error_rate: 0.01
  latency_p95_s: 1.0
# severities:
#   P1: {rto_s: 900, rpo_s: 300}
"""


def _list(names: Iterable[str]) -> str:
    return f"[{', '.join(names)}]"
