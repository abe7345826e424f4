"""NetworkPolicies: whether they let anybody come to the pods of a Service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from muster.checks.check import Finding, Harm
from muster.checks.pods.trouble import namespace_of
from muster.checks.seen import Seen, is_ready, labels, matches
from muster.snapshot import Object, Ref, ref_of


def policies(seen: Seen) -> Iterator[Finding]:
    """Services to whose pods no policy lets anybody come."""
    for service in seen.of("Service"):
        ref, spec = ref_of(service), service.get("spec") or {}
        servers = [pod for pod in seen.selected(ref.namespace, spec.get("selector") or {}) if is_ready(pod)]
        shut = [one for pod in servers if (one := _shut(seen, pod, spec.get("ports") or [])) is not None]
        if servers and len(shut) == len(servers):
            policy = ref_of(shut[0])
            since = str(shut[0]["metadata"].get("creationTimestamp") or "")
            yield Finding(policy, f"lets nobody come to the pods of {ref}", Harm.WHOLE, since)
            yield Finding(ref, f"{policy} lets nobody come to its pods", Harm.WHOLE, since, relies_on=(policy,))


def _shut(seen: Seen, pod: Object, ports: list[dict[str, Any]]) -> Object | None:
    """A policy that shuts a pod off, where none lets anybody come to one of these ports."""
    if (pod.get("spec") or {}).get("hostNetwork"):
        return None  # policies do not hold for it
    found = [one for one in seen.of("NetworkPolicy", namespace_of(pod)) if _applies(one, pod, "Ingress")]
    targets = [port.get("targetPort", port.get("port")) for port in ports]
    if any(_lets_any(policy, target) for policy in found for target in targets):
        return None
    return found[0] if found else None


def _lets_any(policy: Object, port: object) -> bool:
    return any(_on(rule, port) for rule in (policy.get("spec") or {}).get("ingress") or [])


def shutting(seen: Seen, client: Object, service: Object, port: int) -> Ref | None:
    """A NetworkPolicy that keeps a pod from those that a Service leads to."""
    space = str(service["metadata"].get("namespace") or "")
    servers = seen.selected(space, (service.get("spec") or {}).get("selector") or {})
    if not servers:
        return None
    target = {
        one.get("port"): one.get("targetPort", one.get("port"))
        for one in (service.get("spec") or {}).get("ports") or []
    }.get(port, port)
    for server, other, way in ((servers[0], client, "Ingress"), (client, servers[0], "Egress")):
        policies = [one for one in seen.of("NetworkPolicy", namespace_of(server)) if _applies(one, server, way)]
        if policies and not any(_lets(one, way, other, namespace_of(server), target) for one in policies):
            return Ref("NetworkPolicy", namespace_of(server), policies[0]["metadata"]["name"])
    return None


def _applies(policy: Object, pod: Object, way: str) -> bool:
    spec = policy.get("spec") or {}
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    return way in types and _selects(spec.get("podSelector") or {}, pod)


def _on(rule: Mapping[str, Any], port: object) -> bool:
    """Whether a rule is of a port; names are the pods' own, and not for us to look up."""
    ports = rule.get("ports") or []
    return not ports or any(_is_in(one, port) for one in ports)


def _is_in(one: Mapping[str, Any], port: object) -> bool:
    first = one.get("port")
    if isinstance(first, int) and isinstance(port, int):
        return first <= port <= int(one.get("endPort") or first)
    return True


def _lets(policy: Object, way: str, other: Object, space: str, port: object) -> bool:
    peers = "from" if way == "Ingress" else "to"
    for rule in (policy.get("spec") or {}).get(way.lower()) or []:
        if not _on(rule, port):
            continue
        named = rule.get(peers) or []
        if not named or any(_is_peer(peer, other, space) for peer in named):
            return True
    return False


def _is_peer(peer: Mapping[str, Any], pod: Object, space: str) -> bool:
    if peer.get("ipBlock"):
        return True  # not for us to say
    if "namespaceSelector" not in peer and namespace_of(pod) != space:
        return False
    if peer.get("namespaceSelector"):
        names = (peer["namespaceSelector"].get("matchLabels") or {}).get("kubernetes.io/metadata.name")
        if names and names != namespace_of(pod):
            return False
    return _selects(peer.get("podSelector") or {}, pod)


def _selects(selector: Mapping[str, Any], pod: Object) -> bool:
    wanted = selector.get("matchLabels") or {}
    if wanted and not matches(pod, wanted):
        return False
    for one in selector.get("matchExpressions") or []:
        has, values = labels(pod).get(one.get("key")), one.get("values") or []
        good = {"In": has in values, "NotIn": has not in values, "Exists": has is not None, "DoesNotExist": has is None}
        if not good.get(str(one.get("operator")), True):
            return False
    return True
