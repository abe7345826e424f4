"""What a system's objects tell of it: who serves its clients, what configures it, where it keeps what it knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from muster.base.errors import UsageError
from muster.system.names import Names, containers, pod_labels, replicas

Object = dict[str, Any]
# Known by their images: a wrong guess is a line that a person deletes.
DATABASES = re.compile(
    r"(?:^|/)(?:[\w.-]*(?:postgres|postgis|timescale|mysql|mariadb|percona|mongo|cassandra|cockroach|couchdb|clickhouse)"
    r"[\w.-]*)(?::|@|$)"
)
CACHES = re.compile(
    r"(?:^|/)[\w.-]*(?:redis|valkey|memcached|rabbitmq|kafka|nats|activemq|zookeeper|etcd)[\w.-]*(?::|@|$)"
)
WEB_PORTS = {80, 443, 3000, 5000, 8000, 8080, 8443, 8888, 9000}
WEB_NAMES = {"http", "https", "web", "http-web"}


@dataclass(frozen=True)
class Streaming:
    """PostgreSQL in several StatefulSets of one pod each, of which a Service chooses the primary by a label."""

    service: str
    instances: list[str]
    selector_key: str
    topology: str
    topology_key: str
    container: str


@dataclass(frozen=True)
class Found:
    """What was found of a system. Workloads are called by their names; `notes` are sentences for people."""

    service: str
    port: int
    serving: list[str]
    read_path: str
    guessed_path: bool
    workloads: dict[str, str]  # name -> kind
    replicas: dict[str, int]
    containers: dict[str, list[str]]
    stages: list[tuple[str, list[str]]]
    databases: list[str]
    caches: list[str]
    configuration: dict[str, list[str]]  # ConfigMap -> workloads that use it
    keys: dict[str, list[str]]  # ConfigMap -> keys
    images: list[str]
    streaming: Streaming | None = None
    cloudnativepg: str | None = None
    notes: list[str] = field(default_factory=list)


def find(objects: Sequence[Object], service: str | None = None) -> Found:
    """Look at objects; `service` is the Service that clients ask, where that cannot be told.

    Raises:
        UsageError: nothing serves clients, or more than one thing does and none was named.
    """
    names = Names(objects, "")
    if not names.workloads:
        raise UsageError("nothing was found that runs: no Deployment and no StatefulSet")
    kinds = {item["metadata"]["name"]: item["kind"] for item in names.workloads}
    databases = [name for name in kinds if _runs(names.workload(name), DATABASES)]
    caches = [name for name in kinds if name not in databases and _runs(names.workload(name), CACHES)]
    chosen = _service(objects, names, [*databases, *caches], service)
    serving = [item["metadata"]["name"] for item in names.led_to_by(chosen["metadata"]["name"])]
    path, guessed = _read_path([names.workload(name) for name in serving])
    streaming = _streaming(objects, names, databases)
    used = [(one, name) for name in kinds for one in names.config_maps(names.workload(name))]
    kept_apart = {streaming.topology} if streaming else set()
    configuration: dict[str, list[str]] = {}
    for one, name in used:
        if one not in kept_apart and name not in databases:
            configuration.setdefault(one, []).append(name)
    operator = [item["metadata"]["name"] for item in objects if item["kind"] == "Cluster"]
    return Found(
        service=chosen["metadata"]["name"],
        port=_port(chosen)["port"],
        serving=serving,
        read_path=path,
        guessed_path=guessed,
        workloads=kinds,
        replicas={name: replicas(names.workload(name)) for name in kinds},
        containers={name: [str(one["name"]) for one in containers(names.workload(name))] for name in kinds},
        stages=_stages(kinds, databases, caches, serving),
        databases=databases,
        caches=caches,
        configuration=configuration,
        keys={one: names.config_keys(one) for one in configuration},
        images=sorted({str(one.get("image")) for item in names.workloads for one in containers(item)}),
        streaming=streaming,
        cloudnativepg=operator[0] if len(operator) == 1 else None,
        notes=_notes(objects, kinds, serving, [*databases, *caches], databases, configuration),
    )


def _service(objects: Sequence[Object], names: Names, hidden: Sequence[str], named: str | None) -> Object:
    """The Service that clients ask."""
    candidates = {
        item["metadata"]["name"]: item
        for item in objects
        if item["kind"] == "Service" and names.led_to_by(item["metadata"]["name"]) and item["spec"].get("ports")
    }
    if named is not None:
        if named not in candidates:
            there = ", ".join(sorted(candidates)) or "none"
            raise UsageError(f"Service '{named}' leads to no workload that was found (Services that do: {there})")
        return candidates[named]
    outside = _from_outside(objects)

    def rank(item: Object) -> tuple[bool, bool, bool, bool]:
        led_to = [one["metadata"]["name"] for one in names.led_to_by(item["metadata"]["name"])]
        port = _port(item)
        return (
            not set(led_to) & set(hidden),
            item["metadata"]["name"] in outside,
            item["spec"].get("type") in {"LoadBalancer", "NodePort"},
            port.get("name") in WEB_NAMES or port["port"] in WEB_PORTS,
        )

    ranked = sorted(candidates.values(), key=rank, reverse=True)
    if not ranked or not rank(ranked[0])[0]:
        raise UsageError("no Service leads to a workload that clients could ask; name one with --service")
    equal = [item["metadata"]["name"] for item in ranked if rank(item) == rank(ranked[0])]
    if len(equal) > 1:
        raise UsageError(
            f"several Services may be the one that clients ask; name it with --service ({', '.join(equal)})"
        )
    return ranked[0]


def _from_outside(objects: Iterable[Object]) -> set[str]:
    """The Services that an Ingress leads to."""
    found = set[str]()
    for item in objects:
        if item["kind"] == "Ingress":
            spec = item.get("spec") or {}
            paths = [path for rule in spec.get("rules") or [] for path in (rule.get("http") or {}).get("paths") or []]
            backends = [path.get("backend") or {} for path in paths] + [spec.get("defaultBackend") or {}]
            found |= {str((backend.get("service") or {}).get("name")) for backend in backends}
    return found


def _port(service: Object) -> Object:
    ports: list[Object] = service["spec"]["ports"]
    return next((port for port in ports if port.get("name") in WEB_NAMES), ports[0])


def _read_path(serving: Sequence[Object]) -> tuple[str, bool]:
    """What can be read of those who serve, and whether that is but a guess: the path of a probe, else the root."""
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        for item in serving:
            for container in containers(item):
                if path := ((container.get(probe) or {}).get("httpGet") or {}).get("path"):
                    return str(path), False
    return "/", True


def _runs(workload: Object, images: re.Pattern[str]) -> bool:
    return any(images.search(str(one.get("image", ""))) for one in containers(workload))


def _streaming(objects: Sequence[Object], names: Names, databases: Sequence[str]) -> Streaming | None:
    """Several instances, a Service that chooses among them by a label, and a ConfigMap that names one of them."""
    instances = [name for name in databases if names.workload(name)["kind"] == "StatefulSet"]
    topologies = [
        (item["metadata"]["name"], key)
        for item in objects
        if item["kind"] == "ConfigMap"
        for key, value in (item.get("data") or {}).items()
        if value in instances
    ]
    for item in objects:
        name = item["metadata"]["name"]
        if item["kind"] != "Service" or name in instances or len(instances) < 2 or not topologies:
            continue
        selector = (item.get("spec") or {}).get("selector") or {}
        for key in selector:
            rest = {other: value for other, value in selector.items() if other != key}
            able = [one for one in instances if rest.items() <= pod_labels(names.workload(one)).items()]
            if rest and able == instances and selector[key] in instances:
                container = next(
                    str(one["name"])
                    for one in containers(names.workload(instances[0]))
                    if DATABASES.search(str(one["image"]))
                )
                return Streaming(name, instances, key, *topologies[0], container)
    return None


def _stages(
    kinds: dict[str, str], databases: Sequence[str], caches: Sequence[str], serving: Sequence[str]
) -> list[tuple[str, list[str]]]:
    """In which order workloads start: what others depend on first."""
    known = {*databases, *caches, *serving}
    stateful = [name for name, kind in kinds.items() if kind == "StatefulSet" and name not in known]
    rest = [name for name in kinds if name not in known and name not in stateful]
    stages = [
        ("databases", list(databases)),
        ("caches and queues", list(caches)),
        ("what keeps state", stateful),
        ("what serves clients", [name for name in serving if name not in {*databases, *caches}]),
        ("all else", rest),
    ]
    return [(name, workloads) for name, workloads in stages if workloads]


def _notes(  # noqa: PLR0917
    objects: Sequence[Object],
    kinds: dict[str, str],
    serving: Sequence[str],
    hidden: Sequence[str],
    databases: Sequence[str],
    configuration: dict[str, list[str]],
) -> list[str]:
    """What a person should know of what is written, a sentence each; `hidden` are databases and caches."""
    others = sorted({item["kind"] for item in objects if item["kind"] in {"DaemonSet", "Job", "CronJob"}})
    notes = [
        f"{name}: clients do not ask it, so only its crash is drilled; a probe of system.yaml can show what it does"
        for name in kinds
        if kinds[name] == "Deployment" and name not in {*serving, *hidden}
    ]
    if others:
        notes.append(f"{', '.join(others)}: no drill strikes them")
    if not any(name in serving for used in configuration.values() for name in used):
        notes.append("no ConfigMap configures what serves clients, so its drill of configuration is a broken rollout")
    if databases:
        notes.append("drills prove that nothing is lost only with a 'ledger' in system.yaml: say how a write is made")
    return notes
