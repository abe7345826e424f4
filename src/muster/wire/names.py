"""Labels, annotations and kinds."""

from __future__ import annotations

from typing import NamedTuple

OPT_IN_LABEL = "muster.dev/drills"
OPT_IN_VALUE = "allowed"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY_VALUE = "muster"
FAULT_RECORD_LABEL = "muster.dev/fault-record"
PROCEDURE_RECORD_LABEL = "muster.dev/procedure-record"
RUN_LABEL = "muster.dev/run"
KNOWN_GOOD_LABEL = "muster.dev/known-good"
RELEASE_RECORD = "muster-release"  # the ConfigMap that says how far the release of a namespace is
RELEASE_RECORD_LABEL = "muster.dev/release-record"
RELEASE_LABEL = "muster.dev/release"  # on all that a release makes: its id
CONFIGURATION_ANNOTATION = "muster.dev/configuration"  # on pods that a release restarted for their ConfigMaps' sake
TRACK_LABEL = "muster.dev/track"  # on the pods of a new version that is not yet everywhere
TRACK_VALUE = "canary"
KEEP_ONE_READY = "muster.dev/keep-one-ready"  # a label or an annotation, "true"
REPLICAS_BEFORE_ANNOTATION = "muster.dev/replicas-before"
# By whose label or annotation a controller says that an object is its own to keep, and what people call it.
KEEPERS = {
    "argocd.argoproj.io/instance": "Argo CD",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "meta.helm.sh/release-name": "Helm",
}
EMBEDDED_IMAGE = "muster.dev/environment/"  # how the image IDs of the embedded cluster begin


class Kind(NamedTuple):
    """Where objects of a kind live in the API."""

    name: str
    api: str  # "v1" or "group/version"
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, sub: str | None = None) -> str:
        """The request path of the collection, of one object, or of an object's subresource."""
        parts = ["/api" if "/" not in self.api else "/apis", self.api]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, sub) if part is not None]
        return "/".join(parts)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("Namespace", "v1", "namespaces", namespaced=False),
        Kind("Node", "v1", "nodes", namespaced=False),
        Kind("Pod", "v1", "pods"),
        Kind("Service", "v1", "services"),
        Kind("ConfigMap", "v1", "configmaps"),
        Kind("Secret", "v1", "secrets"),
        Kind("ServiceAccount", "v1", "serviceaccounts"),
        Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims"),
        Kind("Event", "v1", "events"),
        Kind("Endpoints", "v1", "endpoints"),
        Kind("EndpointSlice", "discovery.k8s.io/v1", "endpointslices"),
        Kind("Deployment", "apps/v1", "deployments"),
        Kind("ReplicaSet", "apps/v1", "replicasets"),
        Kind("StatefulSet", "apps/v1", "statefulsets"),
        Kind("DaemonSet", "apps/v1", "daemonsets"),
        Kind("Job", "batch/v1", "jobs"),
        Kind("CronJob", "batch/v1", "cronjobs"),
        Kind("Lease", "coordination.k8s.io/v1", "leases"),
        Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
        Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
        Kind("Ingress", "networking.k8s.io/v1", "ingresses"),
        Kind("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers"),
        Kind("Gateway", "gateway.networking.k8s.io/v1", "gateways"),
        Kind("HTTPRoute", "gateway.networking.k8s.io/v1", "httproutes"),
        Kind("VirtualService", "networking.istio.io/v1", "virtualservices"),
        Kind("Role", "rbac.authorization.k8s.io/v1", "roles"),
        Kind("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings"),
    )
}
