"""What a pod finds in /etc/hosts: the names that a cluster's DNS would answer for."""

from __future__ import annotations

from collections.abc import Iterable

from muster.embedded.objects import Object, is_condition_true, is_terminating, labels_of

DOMAIN = "cluster.local"
Row = tuple[str, str, tuple[str, ...]]  # address, namespace, names without the namespace


def table(services: Iterable[Object], pods: Iterable[Object]) -> list[Row]:
    """Rows for every Service and every named pod behind one."""
    rows: list[Row] = []
    pods = list(pods)
    for service in services:
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        spec = service.get("spec") or {}
        address = spec.get("clusterIP")
        if address and address != "None":
            rows.append((address, namespace, (name,)))
        elif address == "None":
            rows += _headless(service, [pod for pod in pods if pod["metadata"]["namespace"] == namespace])
    return rows


def _headless(service: Object, pods: Iterable[Object]) -> Iterable[Row]:
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    spec = service["spec"]
    selector = spec.get("selector") or {}
    for pod in pods:
        address = (pod.get("status") or {}).get("podIP")
        if not address or not selector or not selector.items() <= labels_of(pod).items():
            continue
        ready = is_condition_true(pod, "Ready") and not is_terminating(pod)
        if not ready and not spec.get("publishNotReadyAddresses"):
            continue
        host = pod["spec"].get("hostname")
        own = (f"{host}.{name}",) if host and pod["spec"].get("subdomain") == name else ()
        yield address, namespace, (*own, name)


def render(rows: Iterable[Row], namespace: str, address: str, hostname: str) -> str:
    """The file for a pod of `namespace`; names of its own namespace are there without the namespace as well."""
    lines = ["127.0.0.1\tlocalhost", f"{address}\t{hostname}"]
    for target, home, names in rows:
        forms = []
        for name in names:
            forms += [name] if home == namespace else []
            forms += [f"{name}.{home}", f"{name}.{home}.svc", f"{name}.{home}.svc.{DOMAIN}"]
        lines.append(f"{target}\t{' '.join(forms)}")
    return "\n".join(lines) + "\n"
