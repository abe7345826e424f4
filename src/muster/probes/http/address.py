"""Where clients reach the system under drill."""

from __future__ import annotations

from typing import Any

from muster.base.errors import ClusterError, UsageError
from muster.kube.client import Cluster
from muster.system.definition import SystemDefinition
from muster.system.schema import resolved_address


def service_url(cluster: Cluster, system: SystemDefinition, namespace: str | None = None) -> str:
    """The base URL of the system's service, without a slash at its end.

    On the embedded cluster always its cluster address, which is local: a `service.url` belongs to another cluster's
    system. On a real cluster `service.url`, else the address of its load balancer; never a port-forward, which pins one
    pod and dies with it.

    Raises:
        UsageError: clients outside the cluster have no way to it, or the environment does not hold its address.
        ClusterError: the cluster has no such Service, or does not answer.
    """
    service, namespace = system.service, namespace or system.namespace
    if service.url and not cluster.embedded:
        return resolved_address(service.url, "service.url")
    found = cluster.find("Service", service.name, namespace)
    if found is None:
        raise ClusterError(f"there is no Service '{service.name}' in namespace '{namespace}' of '{cluster.context}'")
    host = found["spec"]["clusterIP"] if cluster.embedded else _ingress(found)
    if not host:
        raise UsageError(
            f"Service '{service.name}' has no address outside cluster '{cluster.context}'; say in system.yaml, at "
            f"service.url, where clients reach it"
        )
    return _url(host, service.port)


def service_address(cluster: Cluster, namespace: str, service: str, port: int) -> str:
    """The base URL of a Service for whoever knows nothing of its system: its load balancer's, else its cluster address.

    Raises:
        ClusterError: the cluster has no such Service, or does not answer.
    """
    found = cluster.get("Service", service, namespace)
    host = _ingress(found) or found["spec"]["clusterIP"]
    return _url(host, port)


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _ingress(service: dict[str, Any]) -> str | None:
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    address: str | None = ingress[0].get("hostname") or ingress[0].get("ip")
    return address
