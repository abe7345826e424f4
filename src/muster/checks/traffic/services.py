"""Services that lead nowhere, and Ingresses that lead to none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from muster.checks.check import Finding, Harm, Unknown
from muster.checks.pods.trouble import last_event, one_line, unready_since
from muster.checks.seen import Seen, condition, containers_of, event_time, is_ready, matches, written
from muster.checks.workloads.creating import is_refused
from muster.checks.workloads.running import trouble_of
from muster.snapshot import Object, Ref, ref_of

STARTING_S = 30.0
ON_THEIR_WAY_S = 600.0  # of pods that begin, as long as a Deployment may take to come forward
BETWEEN_S = 120.0  # of a workload that has just lost its pods, until it has made others
UNADDRESSED_S = 1800.0  # the controller tries again every five minutes
_LISTENS = re.compile(r"\b(?:listen|serv|start|runn|bound|ready)\w*\b.*?(?:\bport[ =:]+|:)(\d{2,5})\b", re.IGNORECASE)


def services(seen: Seen) -> Iterator[Finding | Unknown]:
    """Services without a pod, without a ready one, or with a port that their pods have not."""
    if seen.is_part("Pod"):
        yield Unknown("check services", "not all pods were read, and one that was not may be a Service's")
        return
    for service in seen.of("Service"):
        if "deletionTimestamp" in service["metadata"]:
            continue
        spec = service.get("spec") or {}
        if spec.get("type") == "ExternalName":
            finding = _external(seen, service)
        elif not spec.get("selector"):
            finding = _by_hand(seen, service)
        else:
            finding = _selecting(seen, service, spec)
        if finding := finding or _unaddressed(seen, service):
            yield finding


def _unaddressed(seen: Seen, service: Object) -> Finding | None:
    """A Service for which the cloud makes no load balancer."""
    ref, event = ref_of(service), last_event(seen, service, "SyncLoadBalancerFailed")
    there = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    if (service.get("spec") or {}).get("type") != "LoadBalancer" or there or event is None:
        return None
    if seen.age(event_time(event)) > UNADDRESSED_S:
        return None
    said = one_line(str(event.get("message") or ""))
    why = one_line(said.removeprefix("Error syncing load balancer: "), 160)
    return Finding(ref, f"gets no external address: {why}", Harm.WHOLE, str(event.get("firstTimestamp") or ""), (said,))


def _selecting(seen: Seen, service: Object, spec: Object) -> Finding | None:
    ref = ref_of(service)
    selector = {str(key): str(value) for key, value in spec["selector"].items()}
    pods = [pod for pod in seen.selected(ref.namespace, selector) if "deletionTimestamp" not in pod["metadata"]]
    if not pods:
        return _without_pods(seen, ref, selector)
    if wrong := _wrong_port(seen, service, pods):
        return Finding(ref, wrong, Harm.WHOLE, written(service), (_declared(pods),))
    ready = [pod for pod in pods if is_ready(pod)]
    makers = tuple(dict.fromkeys(seen.workload(pod) for pod in pods))
    if not ready and not spec.get("publishNotReadyAddresses"):
        started = any((pod.get("status") or {}).get("phase") == "Running" for pod in pods)
        what = "has no ready endpoints" if started else "has no endpoints"
        since = max(map(unready_since, pods))
        if seen.age(since) < ON_THEIR_WAY_S and not any(trouble_of(seen, seen.workload(pod), pod) for pod in pods):
            return None  # they begin, and nothing is against it
        return Finding(ref, what, Harm.WHOLE, since, (f"none of its {len(pods)} pods is ready",), makers)
    if (
        ready
        and seen.knows("EndpointSlice")
        and not any(_addresses(seen, ref))
        and min(seen.age(condition(pod, "Ready").get("lastTransitionTime")) for pod in ready) > STARTING_S
    ):
        return Finding(
            ref,
            f"has no endpoints, though {len(ready)} of its pods are ready",
            Harm.WHOLE,
            evidence=("nobody writes its EndpointSlice",),
        )
    return None


def _without_pods(seen: Seen, ref: Ref, selector: dict[str, str]) -> Finding | None:
    shown = ",".join(f"{key}={value}" for key, value in selector.items())
    makers = [
        item
        for item, template in seen.templates(ref.namespace)
        if selector.items() <= ((template.get("metadata") or {}).get("labels") or {}).items()
    ]
    if not makers:
        since = written(service) if (service := seen.find(ref)) else ""
        return Finding(ref, f"its selector {shown} matches no pod", Harm.WHOLE, since, _near(seen, ref, selector))
    if all(_rests(item) or _is_between(seen, item) for item in makers):
        return None  # scaled to 0 on purpose, or others are about to be made
    return Finding(
        ref,
        "has no endpoints",
        Harm.WHOLE,
        evidence=(f"{ref_of(makers[0])} has no pods",),
        relies_on=tuple(map(ref_of, makers)),
    )


def _rests(item: Object) -> bool:
    spec = item.get("spec") or {}
    if item["kind"] in ("Job", "CronJob"):
        return True  # pods come and go
    return bool(item["kind"] != "DaemonSet" and spec.get("replicas", 1) == 0)


def _is_between(seen: Seen, item: Object) -> bool:
    """Whether a workload has just lost its pods, as one does that replaces all at once."""
    if is_refused(seen, ref_of(item)):
        return False
    at = [str(condition(item, "Available").get("lastTransitionTime") or "")]
    at += [event_time(event) for event in seen.events(ref_of(item), "SuccessfulDelete", "ScalingReplicaSet")]
    return any(seen.age(time) < BETWEEN_S for time in at if time)


def _near(seen: Seen, ref: Ref, selector: dict[str, str]) -> tuple[str, ...]:
    """Which labels pods of the namespace have in place of those that are selected."""
    found = set[str]()
    for item, template in seen.templates(ref.namespace):
        said = (template.get("metadata") or {}).get("labels") or {}
        if said and selector.keys() & said.keys():
            found.add(f"{ref_of(item)} has {', '.join(f'{key}={said[key]}' for key in selector if key in said)}")
    return tuple(sorted(found))[:3]


def _wrong_port(seen: Seen, service: Object, pods: Sequence[Object]) -> str:
    """A target port that none of the pods has: a name that no container gives, or a number that is certainly wrong."""
    for port in (service.get("spec") or {}).get("ports") or []:
        target = port.get("targetPort", port.get("port"))
        if isinstance(target, str) and not target.isdigit():
            if not any(target == declared.get("name") for pod in pods for declared in _ports(pod)):
                return f"target port {target} is no port of the pods"
        elif _is_undeclared(port, pods) and (_fails(seen, service) or _listen_elsewhere(seen, int(target), pods)):
            return f"target port {target} is no port of the pods"
    return ""


def undeclared(seen: Seen, service: Object, port: int) -> str:
    """The number that a port of a Service leads to where its pods declare others; empty where they may well have it.
    That is no proof: a program may listen where its container declares nothing."""
    spec = service.get("spec") or {}
    pods = seen.selected(str(service["metadata"].get("namespace") or ""), spec.get("selector") or {})
    for one in spec.get("ports") or []:
        if one.get("port") == port and pods and _is_undeclared(one, pods):
            return str(one.get("targetPort", one.get("port")))
    return ""


def _is_undeclared(port: dict[str, Any], pods: Sequence[Object]) -> bool:
    """Whether pods declare ports and none is the target, nor stands in a probe or in what programs are told."""
    target = port.get("targetPort", port.get("port"))
    if port.get("protocol", "TCP") != "TCP" or not str(target).isdigit():
        return False
    for pod in pods:
        declared = [str(one.get("containerPort")) for one in _ports(pod)]
        if not declared or str(target) in declared:
            return False
        for container in containers_of(pod.get("spec") or {}):
            told = [container.get(key) for key in ("livenessProbe", "readinessProbe", "startupProbe")]
            if str(target) in str([*told, *(container.get(key) for key in ("command", "args", "env"))]):
                return False
    return True


def _fails(seen: Seen, service: Object) -> bool:
    """Whether clients of the system come in by this Service, and are not answered."""
    said = seen.snapshot.answers.get("service") or {}
    own = seen.system.get("namespace"), (seen.system.get("service") or {}).get("name")
    troubles = said.get("troubles") or []
    return own == (ref_of(service).namespace, ref_of(service).name) and len(troubles) == said.get("asked")


def _listen_elsewhere(seen: Seen, target: int, pods: Sequence[Object]) -> bool:
    """Whether programs say where they listen, and never there."""
    said = {
        int(found[1])
        for pod in pods
        for container in (pod.get("spec") or {}).get("containers") or []
        for line in seen.log(pod, container["name"])
        if (found := _LISTENS.search(line))
    }
    return bool(said) and target not in said


def _ports(pod: Object) -> Iterator[dict[str, Any]]:
    for container in containers_of(pod.get("spec") or {}):
        yield from container.get("ports") or []


def _declared(pods: Sequence[Object]) -> str:
    found = sorted(
        {f"{one.get('name') or 'unnamed'} ({one.get('containerPort')})" for pod in pods for one in _ports(pod)}
    )
    return f"its pods have {', '.join(found)}" if found else "its pods declare no port"


def _addresses(seen: Seen, ref: Ref) -> Iterator[str]:
    """The addresses that a Service leads to, ready ones or of a Service without slices any."""
    for piece in seen.of("EndpointSlice", ref.namespace):
        if (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == ref.name:
            for endpoint in piece.get("endpoints") or []:
                if (endpoint.get("conditions") or {}).get("ready") is not False:
                    yield from endpoint.get("addresses") or []
    found = seen.find(Ref("Endpoints", ref.namespace, ref.name)) or {}
    for subset in found.get("subsets") or []:
        yield from (one["ip"] for one in subset.get("addresses") or [])


def addresses(seen: Seen, ref: Ref) -> list[str]:
    """The addresses that a Service leads to."""
    return sorted(set(_addresses(seen, ref)))


def _by_hand(seen: Seen, service: Object) -> Finding | None:
    """A Service whose endpoints somebody keeps by hand."""
    ref = ref_of(service)
    if ref.name == "kubernetes" or not (seen.knows("EndpointSlice") or seen.knows("Endpoints")):
        return None
    if not addresses(seen, ref):
        if seen.made(service) < STARTING_S:
            return None
        return Finding(
            ref,
            "has neither a selector nor endpoints",
            Harm.WHOLE,
            str(service["metadata"].get("creationTimestamp") or ""),
        )
    return _dead(seen, ref)


def _dead(seen: Seen, ref: Ref) -> Finding | None:
    """Endpoints that name pods which are not there."""
    gone = set[str]()
    for piece in seen.of("EndpointSlice", ref.namespace):
        if (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == ref.name:
            targets = [endpoint.get("targetRef") or {} for endpoint in piece.get("endpoints") or []]
            names = [one["name"] for one in targets if one.get("kind") == "Pod"]
            if len(names) < len(targets) or not names:
                return None
            gone |= {name for name in names if seen.find(Ref("Pod", ref.namespace, name)) is None}
            if len(gone) < len(names):
                return None
    return (
        Finding(ref, f"leads to pods that are gone ({', '.join(sorted(gone)[:2])})", Harm.WHOLE)
        if gone and seen.knows("Pod")
        else None
    )


def _external(seen: Seen, service: Object) -> Finding | None:
    """A Service that is another name for one of the cluster's, where that is not there."""
    ref, name = ref_of(service), str((service.get("spec") or {}).get("externalName") or "")
    parts = name.rstrip(".").split(".")
    if len(parts) >= 3 and parts[2] == "svc" and (parts[1] in seen.namespaces):
        aim = Ref("Service", parts[1], parts[0])
        if seen.find(aim) is None:
            return Finding(ref, f"stands for {name}, which does not exist", Harm.WHOLE)
    return None


def ingresses(seen: Seen) -> Iterator[Finding]:
    """Ingresses whose Service or certificate is not there."""
    for item in seen.of("Ingress"):
        ref = ref_of(item)
        for backend in _backends(item):
            named = backend.get("service") or {}
            aim = Ref("Service", ref.namespace, str(named.get("name")))
            if not named:
                continue
            found = seen.find(aim)
            if found is None:
                if seen.knows("Service"):
                    yield Finding(ref, f"leads to Service {aim.name}, which does not exist", Harm.WHOLE)
                    break
                continue
            port = named.get("port") or {}
            ports = (found.get("spec") or {}).get("ports") or []
            if port and not any(
                port.get("number") == one.get("port") or (port.get("name") and port.get("name") == one.get("name"))
                for one in ports
            ):
                yield Finding(
                    ref,
                    f"leads to port {port.get('number') or port.get('name')} of Service {aim.name}, which has it not",
                    Harm.WHOLE,
                )
                break
        spec = item.get("spec") or {}
        name = spec.get("ingressClassName")
        if name and seen.knows("IngressClass") and seen.find(Ref("IngressClass", "", name)) is None:
            yield Finding(ref, f"ingress class {name} does not exist", Harm.WHOLE)
        for tls in spec.get("tls") or []:
            secret = Ref("Secret", ref.namespace, str(tls.get("secretName") or ""))
            if secret.name and seen.knows("Secret") and seen.find(secret) is None:
                yield Finding(secret, f"is missing, {ref} takes its certificate from it", Harm.PART)


def _backends(item: Object) -> Iterator[dict[str, Any]]:
    spec = item.get("spec") or {}
    if spec.get("defaultBackend"):
        yield spec["defaultBackend"]
    for rule in spec.get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            yield path.get("backend") or {}


def workloads_behind(seen: Seen, ref: Ref) -> list[Ref]:
    """The workloads whose pods a Service leads to, those without pods among them."""
    service = seen.find(ref)
    selector = ((service or {}).get("spec") or {}).get("selector") or {}
    found = [seen.workload(pod) for pod in seen.selected(ref.namespace, selector)]
    for item, template in seen.templates(ref.namespace) if selector else ():
        if matches({"metadata": template.get("metadata") or {}}, selector):
            found.append(ref_of(item))
    return list(dict.fromkeys(found))


def services_behind(item: Object) -> list[Ref]:
    """The Services that an Ingress leads to."""
    space = str(item["metadata"].get("namespace") or "")
    return [Ref("Service", space, str(one["service"]["name"])) for one in _backends(item) if one.get("service")]
