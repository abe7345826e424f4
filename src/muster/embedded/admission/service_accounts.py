"""The ServiceAccount that a pod runs as: it must be there, and its token is mounted unless it is not wanted."""

from __future__ import annotations

import copy

from muster.embedded import status
from muster.embedded.admission.names import random_suffix
from muster.embedded.objects import Object
from muster.embedded.resources import PODS, SERVICEACCOUNTS
from muster.embedded.store import Store

DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount"
LIFETIME_S = 3607  # as the real one asks for
ROOT_CA = "kube-root-ca.crt"
_SOURCES: list[Object] = [
    {"serviceAccountToken": {"expirationSeconds": LIFETIME_S, "path": "token"}},
    {"configMap": {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {
        "downwardAPI": {
            "items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]
        }
    },
]


class ServiceAccountAdmission:
    """What is done to each new pod, once its defaults are there."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, pod: Object) -> None:
        """Complete a pod by its account. Raises `StatusError` 403 where there is no such account."""
        spec, meta = pod["spec"], pod["metadata"]
        account = self._account(meta.get("namespace") or "", spec["serviceAccountName"], meta.get("name") or "")
        if _mounts_token(spec, account):
            _mount_token(spec)
        if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
            spec["imagePullSecrets"] = copy.deepcopy(account["imagePullSecrets"])

    def _account(self, namespace: str, name: str, pod: str) -> Object:
        found = self._store.peek(SERVICEACCOUNTS, namespace, name)
        if found is None:
            why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
            raise status.forbidden(PODS, pod, why)
        return found


def _mounts_token(spec: Object, account: Object) -> bool:
    for wish in (spec.get("automountServiceAccountToken"), account.get("automountServiceAccountToken")):
        if wish is not None:
            return bool(wish)
    return True


def _mount_token(spec: Object) -> None:
    """Add the volume, and a mount of it to every container that has nothing of its own in that place."""
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    without = [
        one for one in containers if not any(m.get("mountPath") == DIRECTORY for m in one.get("volumeMounts") or ())
    ]
    if not without:
        return
    name = f"kube-api-access-{random_suffix()}"
    for container in without:
        mount = {"name": name, "readOnly": True, "mountPath": DIRECTORY}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    volume = {"name": name, "projected": {"sources": copy.deepcopy(_SOURCES), "defaultMode": 420}}
    spec["volumes"] = [*(spec.get("volumes") or ()), volume]
