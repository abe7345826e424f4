"""Which objects a fault touches, and how that is undone: of its experiment and of what stands in the namespace. Pure.

Known for muster's own activities and for the actions of `chaosk8s`, whose arguments say whom they strike. What is not
known counts as all pods. The guard asks this before a strike, and a plan instead of one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from string import Template
from typing import Any

from muster.faults.activity_fitness import ACTIVITIES, READING, Activity
from muster.faults.fitness import Content
from muster.kube import ApiError, Cluster
from muster.kube.selectors import selects
from muster.safety.limits.radius import WORKLOADS, ClusterState, Object, Strike, Touch
from muster.system.names import parsed
from muster.system.pods import controller_of

NOT_UNDONE = "not undone"
FROM_RECORD = "put back from the fault record, where it still holds what the fault gave it"
KIND_OF = {
    "daemon_set": "DaemonSet",
    "deployment": "Deployment",
    "ingress": "Ingress",
    "replica_set": "ReplicaSet",
    "secret": "Secret",
    "service": "Service",
    "service_endpoint": "Service",
    "statefulset": "StatefulSet",
}
BY_ROLLBACK = "rolled back where it is under way still, as by 'muster rollback'; one that is over stays"
BY_COMMAND = "by the command on record, as long as it is that very pod"
BY_LASTING_COMMAND = "by the command on record, in whichever pod has that name"
TOUCHING_NOTHING = frozenset(
    {"crashed", "hold", "raise_load", "remember_command", "remember_field", "reported", "rolled_out", "undo"}
)
CUTTING_OFF = ("allow_dns_access", "create_network_policy", "deny_all_egress", "deny_all_ingress")
WHOM = ("kind", "label_selector", "name", "name_pattern", "workloads")  # what says whom an activity strikes
_WHOLE = re.compile(r"\$\{([^}]+)\}")


def touched(content: Content, configuration: Mapping[str, Any], state: ClusterState) -> tuple[Strike, ...]:
    """What each activity of a fit experiment touches, those that touch nothing left out.

    `configuration` holds the values of the experiment's `configuration`: see `configured`.
    """
    telling = _Telling(content, configuration, state)
    strikes = (telling.strike(activity) for activity in content.method)
    return tuple(strike for strike in strikes if strike.touches)


def configured(content: Content, environment: Mapping[str, str], state: ClusterState) -> dict[str, Any]:
    """The values of an experiment's `configuration` as Chaos Toolkit will read them; one that cannot be told is left
    out."""
    values = plain(content, environment)
    probed = {key: _selected(said, values, state) for key, said in content.configuration.items() if _is_probe(said)}
    return values | {key: value for key, value in probed.items() if value is not None}


def plain(content: Content, environment: Mapping[str, str]) -> dict[str, Any]:
    """The same without what is asked of the cluster."""
    values = {key: _value_of(said, environment) for key, said in content.configuration.items() if not _is_probe(said)}
    return {key: value for key, value in values.items() if value is not None}


def _is_probe(said: Any) -> bool:
    return isinstance(said, Mapping) and said.get("type") == "probe"


def _value_of(said: Any, environment: Mapping[str, str]) -> Any:
    if not isinstance(said, Mapping) or "type" not in said:
        return said
    value = environment.get(str(said.get("key")), said.get("default"))
    if said.get("env_var_type") in {"int", "float"}:
        with suppress(TypeError, ValueError):
            return (int if said["env_var_type"] == "int" else float)(value)  # type: ignore[arg-type]
    return value


def read_state(
    cluster: Cluster, namespace: str, content: Content | None = None, values: Mapping[str, Any] | None = None
) -> ClusterState:
    """What stands in a namespace, as far as an experiment with these `plain` values asks for it; only reads.

    Raises:
        ClusterError: the cluster does not answer, or does not let it be read.
    """
    objects = [item for kind in ("Pod", "ReplicaSet", *WORKLOADS) for item in _listed(cluster, kind, namespace)]
    for name in sorted(_services_named(content, values or {})) if content else ():
        service = cluster.find("Service", name, namespace)
        objects += [] if service is None else [{"kind": "Service", **service}]
    return ClusterState(namespace, tuple(objects))


def _listed(cluster: Cluster, kind: str, namespace: str) -> list[Object]:
    try:
        return cluster.list(kind, namespace)
    except ApiError as error:
        if error.code == 404:  # this cluster has no such kind
            return []
        raise


def state_of_manifests(manifests: Iterable[Object], namespace: str) -> ClusterState:
    """What will stand in a namespace once its manifests are applied: their objects, and the pods of their workloads,
    all of them ready."""
    objects = list(manifests)
    pods = [pod for item in objects if item["kind"] in WORKLOADS for pod in _pods_of(item)]
    return ClusterState(namespace, (*objects, *pods))


def _pods_of(workload: Object) -> Iterator[Object]:
    kind, name, spec = workload["kind"], workload["metadata"]["name"], workload["spec"]
    template = spec.get("template") or {}
    owner = {"kind": kind, "name": name, "controller": True}
    replicas = spec.get("replicas")
    for number in range(replicas if isinstance(replicas, int) else 1):
        pod = f"{name}-{number}" if kind == "StatefulSet" else f"{name}-({number + 1})"
        metadata = {**(template.get("metadata") or {}), "name": pod, "ownerReferences": [owner]}
        yield {
            "kind": "Pod",
            "metadata": metadata,
            "spec": template.get("spec") or {},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        }


def _services_named(content: Content, values: Mapping[str, Any]) -> Iterator[str]:
    for said in content.configuration.values():
        if _is_probe(said) and (name := _arguments_of(said, values).get("service")):
            yield name


def _arguments_of(said: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    """The arguments of a probe, filled in; Chaos Toolkit reads what it needs before it."""
    arguments = (said.get("provider") or {}).get("arguments") or {}
    return {key: Template(value).safe_substitute(values) for key, value in arguments.items() if isinstance(value, str)}


def _selected(said: Mapping[str, Any], values: Mapping[str, Any], state: ClusterState) -> str | None:
    """Which instance a Service leads to, which is all that a configuration may ask."""
    provider, arguments = said.get("provider") or {}, _arguments_of(said, values)
    service = state.find("Service", str(arguments.get("service"))) if provider.get("func") == READING else None
    selector = ((service or {}).get("spec") or {}).get("selector") or {}
    return selector.get(str(arguments.get("key")))


class _Telling:
    """What the activities of one experiment touch."""

    def __init__(self, content: Content, configuration: Mapping[str, Any], state: ClusterState) -> None:
        self._configuration, self._state = configuration, state
        self._remembered = {
            (arguments.get("kind"), arguments.get("name"), arguments.get("path"))
            for activity in content.method
            if activity.provider.is_own("remember_field")
            for arguments in [self._arguments(activity)]
        }
        self._commanded = [
            self._arguments(activity) for activity in content.method if activity.provider.is_own("remember_command")
        ]
        self._rollbacks = {one.provider.func: one.name for one in content.rollbacks}

    def strike(self, activity: Activity) -> Strike:
        """What an activity touches; nothing where it only looks, remembers or waits."""
        provider, arguments = activity.provider, self._arguments(activity)
        own = provider.module == ACTIVITIES
        if (own and provider.func in TOUCHING_NOTHING) or not (own or provider.module.endswith(".actions")):
            return Strike(activity.name)
        if any("${" in str(arguments.get(key)) for key in WHOM):
            return self._all_pods(activity, "whom it strikes is known only when it does, so it counts as all pods")
        tell = self._teller(provider.func)
        return tell(activity, arguments) if tell else self._all_pods(activity, f"{provider.func}: counts as all pods")

    def _teller(self, func: str) -> Callable[[Activity, Mapping[str, Any]], Strike] | None:
        known = {
            "bring_out": self._brought_out,
            "patch_field": self._patched,
            "replace_line": self._patched,
            "terminate_pods": self._terminated,
            "exec_in_pods": self._entered,
            "kill_pods": self._killed,
            "renew_pods": self._renewed,
            "stop_workloads": self._stopped,
            "delete_volumes": self._emptied,
            **dict.fromkeys(CUTTING_OFF, self._cut_off),
        }
        verb, _, what = func.partition("_")
        if func in known:
            return known[func]
        if what in KIND_OF:
            of_verb = {"delete": self._deleted, "remove": self._deleted, "create": self._made}
            return of_verb.get(verb, self._changed if verb in {"scale", "rollout", "update"} else None)
        return self._made if verb == "remove" else None

    def _arguments(self, activity: Activity) -> dict[str, Any]:
        said = activity.provider.arguments
        return {key: self._value(value) for key, value in said.items()} if isinstance(said, Mapping) else {}

    def _value(self, said: Any) -> Any:
        """A value with what the configuration holds in the place of `${name}`, as Chaos Toolkit has it."""
        if isinstance(said, str):
            whole = _WHOLE.fullmatch(said)
            if whole is not None:
                return self._configuration.get(whole[1], said)
            return Template(said).safe_substitute(self._configuration)
        return {key: self._value(value) for key, value in said.items()} if isinstance(said, Mapping) else said

    # Of each kind of activity:

    def _brought_out(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        """The old version keeps its pods until the new one has carried all: see docs/releasing.md."""
        act = f"made, and given traffic phase by phase: release {arguments.get('release')}"
        return Strike(activity.name, (Touch("Deployment", "*-canary", act, BY_ROLLBACK),))

    def _patched(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        kind, name, path = (str(arguments.get(key)) for key in ("kind", "name", "path"))
        line = arguments.get("begins")
        act = f"{path} is changed" if line is None else f"{path}: the line '{line}' is replaced"
        pods, most = self._pods_by_field(kind, name, path, arguments.get("after"))
        return Strike(activity.name, (Touch(kind, name, act, FROM_RECORD),), pods, most)

    def _pods_by_field(self, kind: str, name: str, path: str, after: Any) -> tuple[frozenset[str], int]:
        """Of a workload's field the pods that it costs: all where the template changes, as they are made anew."""
        if kind not in WORKLOADS:
            return frozenset(), 0
        pods = self._state.pods_of(f"{kind}/{name}")
        if path == "spec.replicas":
            return pods, _fewer(pods, after)
        return (pods, len(pods)) if path.startswith(("spec.template", "spec.selector")) else (frozenset(), 0)

    def _renewed(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        """One after the other, so that no more than one is missing at a time."""
        pods = self._of_workloads(arguments)
        touches = tuple(
            Touch("Pod", name, "deleted, one after the other", self._made_anew(name)) for name in sorted(pods)
        )
        return Strike(activity.name, touches, pods, min(len(pods), 1))

    def _terminated(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        pods, most, order = self._picked(arguments)
        grace = arguments.get("grace_period", -1)
        act = "deleted without grace" if grace == 0 else "deleted" if grace == -1 else f"deleted, {grace} s of grace"
        touches = tuple(Touch("Pod", name, _some(act, pods, most), self._made_anew(name)) for name in sorted(pods))
        return Strike(activity.name, touches, pods, most, order)

    def _killed(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        pods = self._of_workloads(arguments)
        touches = tuple(Touch("Pod", name, "deleted without grace", self._made_anew(name)) for name in sorted(pods))
        return Strike(activity.name, touches, pods, len(pods))

    def _stopped(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        pods = self._of_workloads(arguments)
        named = parsed(str(arguments.get("workloads")))
        touches = tuple(Touch(kind, name, "spec.replicas is set to 0", FROM_RECORD) for kind, name in named)
        return Strike(activity.name, touches, pods, len(pods))

    def _emptied(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        named = [f"{kind}/{name}" for kind, name in parsed(str(arguments.get("workloads")))]
        undone = f"{NOT_UNDONE}: what it held comes back only from a backup"
        touches = tuple(
            Touch("PersistentVolumeClaim", f"*-{one.partition('/')[2]}-*", "deleted with what it holds", undone)
            for one in named
        )
        pods = self._of_workloads(arguments)
        return Strike(activity.name, touches, pods, len(pods))

    def _of_workloads(self, arguments: Mapping[str, Any]) -> frozenset[str]:
        named = parsed(str(arguments.get("workloads")))
        return frozenset().union(*(self._state.pods_of(f"{kind}/{name}") for kind, name in named))

    def _entered(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        pods, most, order = self._picked(arguments)
        act = _some("a command runs in it", pods, most)
        undone = self._taken_back(pods, arguments.get("container_name"))
        touches = tuple(Touch("Pod", name, act, undone) for name in sorted(pods))
        return Strike(activity.name, touches, pods, most, order, enters=True)

    def _taken_back(self, pods: frozenset[str], container: Any) -> str:
        """How what a command does in a container of these pods is undone."""
        for known in self._commanded:
            if known.get("container_name") == container and pods <= self._picked({**known, "all": True})[0]:
                return BY_LASTING_COMMAND if known.get("outlives") else BY_COMMAND
        return f"{NOT_UNDONE}: what it does lasts as long as its pod"

    def _changed(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        verb, _, what = activity.provider.func.partition("_")
        kind, name = KIND_OF[what], str(arguments.get("name"))
        pods = self._state.pods_of(f"{kind}/{name}")
        if verb == "scale":
            remembered = (kind, name, "spec.replicas") in self._remembered
            undone = FROM_RECORD if remembered else f"{NOT_UNDONE}: nothing remembers it (remember_field)"
            act, most = f"spec.replicas is set to {arguments.get('replicas')}", _fewer(pods, arguments.get("replicas"))
        else:
            act, most = ("restarted" if verb == "rollout" else "its spec is changed"), len(pods)
            undone = "its pods are made anew, the annotation stays" if verb == "rollout" else NOT_UNDONE
        return Strike(activity.name, (Touch(kind, name, act, undone),), pods, most)

    def _deleted(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        kind = KIND_OF[activity.provider.func.partition("_")[2]]
        name, selector = arguments.get("name"), arguments.get("label_selector")
        if name:
            names = [str(name)]
        else:
            chosen = selects(str(selector or ""))
            found = self._state.of(kind)
            names = [one["metadata"]["name"] for one in found if chosen(one["metadata"].get("labels") or {})]
        touches = tuple(Touch(kind, one, "deleted", f"{NOT_UNDONE}: apply it again") for one in names)
        pods = self._below(kind, names)
        return Strike(activity.name, touches, pods, len(pods))

    def _below(self, kind: str, names: Iterable[str]) -> frozenset[str]:
        """The pods of some objects, whether they own them themselves or through a ReplicaSet."""
        wanted = {f"{kind}/{name}" for name in names}
        direct = {
            pod["metadata"]["name"]
            for pod in self._state.pods
            if (owner := controller_of(pod)) is not None and f"{owner['kind']}/{owner['name']}" in wanted
        }
        return frozenset(direct).union(*(self._state.pods_of(one) for one in wanted))

    def _cut_off(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        """A NetworkPolicy: what it selects is cut off, all where that cannot be told."""
        func, spec = activity.provider.func, arguments.get("spec") or {}
        metadata = (spec.get("metadata") or {}) if isinstance(spec, Mapping) else {}
        named = f"chaostoolkit-{func.replace('_', '-')}"
        name = str(metadata.get("name") or "*") if func == "create_network_policy" else named
        selector = ((spec.get("spec") or {}).get("podSelector") or {}) if isinstance(spec, Mapping) else {}
        labels = arguments.get("label_selectors") or selector.get("matchLabels") or {}
        pods = frozenset(
            pod["metadata"]["name"]
            for pod in self._state.pods
            if labels.items() <= (pod["metadata"].get("labels") or {}).items()
        )
        back = "remove_network_policy" if func == "create_network_policy" else f"remove_{func}"
        touch = Touch("NetworkPolicy", name, f"created: cuts off {len(pods)} pods", self._by_rollback(back))
        return Strike(activity.name, (touch,), pods, 0 if func == "allow_dns_access" else len(pods))

    def _made(self, activity: Activity, arguments: Mapping[str, Any]) -> Strike:
        verb, _, what = activity.provider.func.partition("_")
        kind = KIND_OF.get(what, "NetworkPolicy")
        name = str(arguments.get("name") or "*")
        act = "created" if verb == "create" else "deleted"
        back = next((func for func in (f"delete_{what}", f"remove_{what}") if func in self._rollbacks), "")
        return Strike(activity.name, (Touch(kind, name, act, self._by_rollback(back)),))

    def _all_pods(self, activity: Activity, act: str) -> Strike:
        pods = frozenset(pod["metadata"]["name"] for pod in self._state.pods)
        return Strike(activity.name, (Touch("Pod", "*", act, NOT_UNDONE),), pods, len(pods), enters=True)

    def _picked(self, arguments: Mapping[str, Any]) -> tuple[frozenset[str], int, str]:
        """The pods that `chaosk8s` chooses from, how many of them it takes, and in which order, where it is fixed."""
        chosen = selects(str(arguments.get("label_selector") or ""))
        pattern = re.compile(str(arguments.get("name_pattern") or ""))
        pods = frozenset(
            pod["metadata"]["name"]
            for pod in self._state.pods
            if chosen(pod["metadata"].get("labels") or {}) and pattern.search(pod["metadata"]["name"])
        )
        if arguments.get("all"):
            return pods, len(pods), ""
        wanted: Any = arguments.get("qty", 1)
        if arguments.get("mode") == "percentage":
            wanted = math.ceil(wanted * len(pods) / 100)
        order = "" if arguments.get("rand") else str(arguments.get("order", "alphabetic"))
        return pods, min(wanted, len(pods)), order

    def _made_anew(self, pod: str) -> str:
        owner = self._state.workload_of.get(pod)
        return f"made anew by {owner}" if owner else f"{NOT_UNDONE}: nothing makes it again"

    def _by_rollback(self, func: str) -> str:
        return f"by the rollback '{self._rollbacks[func]}'" if func in self._rollbacks else NOT_UNDONE


def _fewer(pods: frozenset[str], replicas: Any) -> int:
    """How many pods go where so many replicas are wanted; all where that is no number."""
    return max(len(pods) - replicas, 0) if isinstance(replicas, int) else len(pods)


def _some(act: str, pods: frozenset[str], most: int) -> str:
    return act if most >= len(pods) else f"{act} ({most} of these {len(pods)})"
