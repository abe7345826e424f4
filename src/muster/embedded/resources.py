"""The table of resource types that the embedded cluster serves.

One row a type: where it lives (group, version, plural), what it is called, and which parts of the API
it takes part in. Discovery, routing, storage and printing all read this table and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Subresource:
    """A part of an object with an address of its own, such as `pods/log`."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str = ""  # of the kind, where it is another than the parent's
    version: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One resource type. Compared and hashed by identity: there is one object per type."""

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    generation: bool = False  # metadata.generation counts changes of spec
    idle: bool = False  # objects are kept and given back, and nobody acts on them
    managed: bool = False  # who owns which field is kept from the first write on
    custom: bool = False  # no part of Kubernetes itself: no protobuf, and no strategic merge patch

    @property
    def api_version(self) -> str:
        """`v1` for the core group, else `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The plural as error messages name it: `configmaps`, `leases.coordination.k8s.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def has_status(self) -> bool:
        """Whether status is written through its own subresource."""
        return any(sub.name == "status" for sub in self.subresources)

    def __repr__(self) -> str:
        return f"<Resource {self.qualified}>"


def _status(kind: str) -> Subresource:
    return Subresource("status", kind, ("get", "patch", "update"))


_PROXIED = ("create", "delete", "get", "patch", "update")
_SCALE = Subresource("scale", "Scale", ("get", "patch", "update"), "autoscaling", "v1")

PODS = Resource(
    "", "v1", "pods", "pod", "Pod",
    short_names=("po",), categories=("all",), generation=True,
    subresources=(
        Subresource("eviction", "Eviction", ("create",), "policy", "v1"),
        Subresource("exec", "PodExecOptions", ("create", "get")),
        Subresource("log", "Pod", ("get",)),
        Subresource("portforward", "PodPortForwardOptions", ("create", "get")),
        Subresource("proxy", "PodProxyOptions", _PROXIED),
        _status("Pod"),
    ),
)  # fmt: skip
SERVICES = Resource(
    "", "v1", "services", "service", "Service",
    short_names=("svc",), categories=("all",),
    subresources=(Subresource("proxy", "ServiceProxyOptions", _PROXIED), _status("Service")),
)  # fmt: skip
CONFIGMAPS = Resource("", "v1", "configmaps", "configmap", "ConfigMap", short_names=("cm",), managed=True)
SECRETS = Resource("", "v1", "secrets", "secret", "Secret")
SERVICEACCOUNTS = Resource(
    "", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", short_names=("sa",),
    subresources=(Subresource("token", "TokenRequest", ("create",), "authentication.k8s.io", "v1"),),
)  # fmt: skip
NAMESPACES = Resource(
    "", "v1", "namespaces", "namespace", "Namespace", namespaced=False, short_names=("ns",),
    subresources=(Subresource("finalize", "Namespace", ("update",)), _status("Namespace")),
    verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
)  # fmt: skip
NODES = Resource(
    "", "v1", "nodes", "node", "Node", namespaced=False, short_names=("no",), subresources=(_status("Node"),),
)  # fmt: skip
EVENTS = Resource("", "v1", "events", "event", "Event", short_names=("ev",))
ENDPOINTS = Resource("", "v1", "endpoints", "endpoints", "Endpoints", short_names=("ep",))
PERSISTENTVOLUMECLAIMS = Resource(
    "", "v1", "persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim",
    short_names=("pvc",), subresources=(_status("PersistentVolumeClaim"),),
)  # fmt: skip
DEPLOYMENTS = Resource(
    "apps", "v1", "deployments", "deployment", "Deployment", generation=True,
    short_names=("deploy",), categories=("all",), subresources=(_SCALE, _status("Deployment")),
)  # fmt: skip
REPLICASETS = Resource(
    "apps", "v1", "replicasets", "replicaset", "ReplicaSet", generation=True,
    short_names=("rs",), categories=("all",), subresources=(_SCALE, _status("ReplicaSet")),
)  # fmt: skip
STATEFULSETS = Resource(
    "apps", "v1", "statefulsets", "statefulset", "StatefulSet", generation=True,
    short_names=("sts",), categories=("all",), subresources=(_SCALE, _status("StatefulSet")),
)  # fmt: skip
CONTROLLERREVISIONS = Resource("apps", "v1", "controllerrevisions", "controllerrevision", "ControllerRevision")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "lease", "Lease")
ENDPOINTSLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "endpointslice", "EndpointSlice")
PODDISRUPTIONBUDGETS = Resource(
    "policy", "v1", "poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget", generation=True,
    short_names=("pdb",), subresources=(_status("PodDisruptionBudget"),),
)  # fmt: skip
JOBS = Resource(
    "batch", "v1", "jobs", "job", "Job", generation=True,
    categories=("all",), subresources=(_status("Job"),),
)  # fmt: skip
INGRESSES = Resource(
    "networking.k8s.io", "v1", "ingresses", "ingress", "Ingress", generation=True, idle=True,
    short_names=("ing",), subresources=(_status("Ingress"),),
)  # fmt: skip
HORIZONTALPODAUTOSCALERS = Resource(
    "autoscaling", "v2", "horizontalpodautoscalers", "horizontalpodautoscaler", "HorizontalPodAutoscaler", idle=True,
    short_names=("hpa",), categories=("all",), subresources=(_status("HorizontalPodAutoscaler"),),
)  # fmt: skip
_RBAC = "rbac.authorization.k8s.io"
ROLES = Resource(_RBAC, "v1", "roles", "role", "Role")
ROLEBINDINGS = Resource(_RBAC, "v1", "rolebindings", "rolebinding", "RoleBinding")
CLUSTERROLES = Resource(_RBAC, "v1", "clusterroles", "clusterrole", "ClusterRole", namespaced=False)
CLUSTERROLEBINDINGS = Resource(
    _RBAC, "v1", "clusterrolebindings", "clusterrolebinding", "ClusterRoleBinding", namespaced=False,
)  # fmt: skip


def _gateway_api(plural: str, singular: str, kind: str, short_name: str = "", *, namespaced: bool = True) -> Resource:
    return Resource(
        "gateway.networking.k8s.io", "v1", plural, singular, kind, namespaced=namespaced, generation=True,
        short_names=(short_name,) if short_name else (), categories=("gateway-api",), subresources=(_status(kind),),
        managed=True, custom=True,
    )  # fmt: skip


GATEWAYCLASSES = _gateway_api("gatewayclasses", "gatewayclass", "GatewayClass", "gc", namespaced=False)
GATEWAYS = _gateway_api("gateways", "gateway", "Gateway", "gtw")
HTTPROUTES = _gateway_api("httproutes", "httproute", "HTTPRoute")

RESOURCES: tuple[Resource, ...] = (
    NAMESPACES, NODES, PODS, SERVICES, CONFIGMAPS, SECRETS, SERVICEACCOUNTS, EVENTS, ENDPOINTS,
    PERSISTENTVOLUMECLAIMS, DEPLOYMENTS, REPLICASETS, STATEFULSETS, CONTROLLERREVISIONS,
    LEASES, ENDPOINTSLICES, PODDISRUPTIONBUDGETS, JOBS, INGRESSES, HORIZONTALPODAUTOSCALERS,
    ROLES, ROLEBINDINGS, CLUSTERROLES, CLUSTERROLEBINDINGS, GATEWAYCLASSES, GATEWAYS, HTTPROUTES,
)  # fmt: skip


def _review(group: str, singular: str, kind: str, *, namespaced: bool = False) -> Resource:
    return Resource(group, "v1", f"{singular}s", singular, kind, namespaced=namespaced, verbs=("create",))


# What can be asked, and is stored nowhere.
ACCESS_REVIEWS = _review("authorization.k8s.io", "subjectaccessreview", "SubjectAccessReview")
LOCAL_ACCESS_REVIEWS = _review(
    "authorization.k8s.io", "localsubjectaccessreview", "LocalSubjectAccessReview", namespaced=True
)
OWN_ACCESS_REVIEWS = _review("authorization.k8s.io", "selfsubjectaccessreview", "SelfSubjectAccessReview")
OWN_RULES_REVIEWS = _review("authorization.k8s.io", "selfsubjectrulesreview", "SelfSubjectRulesReview")
OWN_REVIEWS = _review("authentication.k8s.io", "selfsubjectreview", "SelfSubjectReview")
TOKEN_REVIEWS = _review("authentication.k8s.io", "tokenreview", "TokenReview")
REVIEWS: tuple[Resource, ...] = (
    LOCAL_ACCESS_REVIEWS, OWN_ACCESS_REVIEWS, OWN_RULES_REVIEWS, ACCESS_REVIEWS, OWN_REVIEWS, TOKEN_REVIEWS,
)  # fmt: skip

_BY_PATH = {(r.group, r.version, r.plural): r for r in RESOURCES}
_BY_KIND = {(r.api_version, r.kind): r for r in RESOURCES}


def by_path(group: str, version: str, plural: str) -> Resource | None:
    """The type served at `/apis/<group>/<version>/<plural>`, or None."""
    return _BY_PATH.get((group, version, plural))


def by_kind(api_version: str, kind: str) -> Resource | None:
    """The type of an object that says `apiVersion` and `kind`, or None."""
    return _BY_KIND.get((api_version, kind))


def groups() -> Iterable[str]:
    """Names of the API groups other than the core one, in order of first appearance."""
    return dict.fromkeys(r.group for r in RESOURCES if r.group)


def version_of(group: str) -> str:
    """The one version at which a group is served."""
    return next(r.version for r in RESOURCES if r.group == group)
