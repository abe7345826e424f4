"""Which rights an experiment needs: of its activities, and of whoever looks for its effect.

Known for muster's own activities and for those of `chaosk8s`, whose names say what they do; what any other needs is not
known, and shows when it acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muster.faults.activity_fitness import ACTIVITIES, Activity
from muster.faults.effects import (
    AllOf,
    Condition,
    CrashLoop,
    Effect,
    FieldValue,
    NoEndpoints,
    ObjectGone,
    ObjectThere,
    PodsGone,
    PodsReplaced,
    PrimaryGone,
    ReadyBelow,
    SqlValue,
)
from muster.faults.fitness import Content
from muster.safety.rights import EXEC, Right, rights
from muster.system.manifests import WORKLOADS
from muster.wire.names import KINDS

# By the module of `chaosk8s` and by a word of the function's name.
KIND_OF = {
    "daemonset": "DaemonSet",
    "deployment": "Deployment",
    "ingress": "Ingress",
    "network_policy": "NetworkPolicy",
    "pod": "Pod",
    "replicaset": "ReplicaSet",
    "secret": "Secret",
    "service": "Service",
    "statefulset": "StatefulSet",
}
VERBS_OF = {
    "create": "create",
    "delete": "list delete",
    "remove": "list delete",
    "rollout": "patch",
    "scale": "patch",
    "terminate": "list delete",
    "update": "patch",
}

KILLS = rights("list delete", "Pod")
# Of muster's own activities, where their arguments do not matter.
OF_OWN = {
    "bring_out": rights("get", "ConfigMap"),  # what the release takes it asks for itself, before it begins
    "crashed": rights("list", "Pod"),
    "current_primary": rights("get", "Service"),
    "remember_command": rights("list get", "Pod") | EXEC,  # for that is how it is undone
}


def rights_of_experiment(content: Content, effect: Effect) -> frozenset[Right]:
    """What must be allowed to inject it, to see its effect, and to undo it."""
    return rights_of_effect(effect).union(*(_rights_of_activity(one) for one in (*content.method, *content.rollbacks)))


def rights_of_effect(effect: Effect) -> frozenset[Right]:
    """What must be allowed to see an effect."""
    needed: frozenset[Right] = frozenset()  # for what is asked of the service, or of another server
    match effect:
        case PodsReplaced() | CrashLoop():
            needed = rights("list", "Pod")
        case PodsGone():
            needed = rights("list", "Pod") | (
                rights("get", *_kinds_of(effect.model_dump())) if effect.workloads else frozenset()
            )
        case PrimaryGone():
            needed = rights("list", "Pod") | rights("get", "Service") | EXEC
        case SqlValue(url_env=None):
            needed = rights("list", "Pod") | EXEC
        case Condition() | FieldValue() | ObjectGone() | ObjectThere() | ReadyBelow():
            needed = rights("get", effect.object.partition("/")[0])
        case NoEndpoints():
            needed = rights("get", "Service") | rights("list", "EndpointSlice")
        case AllOf():
            needed = needed.union(*(rights_of_effect(one) for one in effect.of))
    return needed


def _rights_of_activity(activity: Activity) -> frozenset[Right]:
    provider = activity.provider
    if provider.module == ACTIVITIES:
        return _rights_of_own(provider.func, provider.arguments)
    parts = provider.module.split(".")
    if parts[0] != "chaosk8s" or parts[-1] != "actions":
        return frozenset()
    if provider.func == "exec_in_pods":
        return rights("list", "Pod") | EXEC
    verbs = VERBS_OF.get(provider.func.partition("_")[0])
    kind = next((kind for word, kind in KIND_OF.items() if word in provider.func), KIND_OF.get(parts[1]))
    return rights(verbs, kind) if verbs and kind else frozenset()


def _rights_of_own(func: str, arguments: Any) -> frozenset[Right]:
    """Of an activity that changes a field, reading and patching it, for a record is undone by that."""
    if func in OF_OWN:
        return OF_OWN[func]
    if func in {"stop_workloads", "kill_pods", "renew_pods", "rolled_out"}:
        kinds = _kinds_of(arguments)
        renews = KILLS | rights("get", "Pod")
        more = {"stop_workloads": rights("patch", *kinds), "kill_pods": KILLS, "renew_pods": renews}
        return rights("get", *kinds) | more.get(func, frozenset())
    if func == "delete_volumes":
        return rights("get", *_kinds_of(arguments)) | rights("get list delete", "PersistentVolumeClaim")
    kind = arguments.get("kind") if isinstance(arguments, Mapping) else None
    return rights("get patch", kind) if kind in KINDS else frozenset()


def _kinds_of(arguments: Any) -> list[str]:
    """The kinds of the workloads that an activity names, or every one that it may name."""
    said = arguments.get("workloads") if isinstance(arguments, Mapping) else None
    found = [one.strip().partition("/")[0] for one in said.split(",")] if isinstance(said, str) else []
    return found if found and all(kind in WORKLOADS for kind in found) else list(WORKLOADS)
