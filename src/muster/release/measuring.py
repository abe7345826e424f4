"""One look at both versions: what their pods have counted, how much they use, and what is wrong with the new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from muster.base.clock import now
from muster.base.errors import ClusterError, MusterError
from muster.base.quantities import amount
from muster.base.texts import one_line
from muster.kube import Cluster
from muster.monitoring import Asking, MonitoringError, check_token
from muster.probes.answers.content import parse, values_at
from muster.probes.answers.instances import ask_once
from muster.probes.http.outcomes import Outcome
from muster.release.counting import Counted, Sample, Series, counted, read_text
from muster.release.record import Release
from muster.snapshot.cluster import used
from muster.system import SystemDefinition
from muster.system.metrics import Metrics
from muster.system.pods import is_ready, troubles
from muster.wire.canary import beside
from muster.wire.names import TRACK_LABEL, TRACK_VALUE

LIMIT_S = 2.0
AT_ONCE = 8
QUERY = "/api/v1/query"
Object = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """What one look shows. `seen` is the side (`stable`, `canary`) and the counts of each pod by name, `missing` by
    side why something could not be had, `memory` and `cpu` the largest share of its limit that a pod of a side uses.

    `wrong` is what is wrong with pods of the new version, `young` the pods that started after a given time.
    """

    seen: Mapping[str, tuple[str, Counted]]
    missing: Mapping[str, Mapping[str, str]]
    memory: Mapping[str, float]
    cpu: Mapping[str, float]
    failed_agents: float | None
    wrong: tuple[str, ...]
    young: frozenset[str] = field(default_factory=frozenset)


class Meter:
    """Looks at the pods of both versions of what a release changes."""

    def __init__(self, cluster: Cluster, system: SystemDefinition, release: Release, url: str) -> None:
        self._cluster, self._system, self._release, self.url = cluster, system, release, url
        self._space = release.namespace

    def look(self, since: str) -> Reading:
        """Look once; `since` is when the phase began (UTC, ISO 8601). What cannot be had is missing.

        Raises:
            ClusterError: the cluster does not even list its pods.
        """
        pods = {side: self._pods(side) for side in ("stable", "canary")}
        missing = dict[str, dict[str, str]](stable={}, canary={})
        seen = dict[str, tuple[str, Counted]]()
        for side, name, found in self._counts(pods):
            if isinstance(found, Counted):
                seen[name] = (side, found)
            else:
                missing[side].setdefault("requests", found)
        memory, cpu = self._usage(pods, missing)
        return Reading(
            seen=seen,
            missing=missing,
            memory=memory,
            cpu=cpu,
            failed_agents=self._failed_agents(missing),
            wrong=tuple(self._wrong(pods["canary"])),
            young=frozenset(
                pod["metadata"]["name"]
                for side in pods.values()
                for pod in side
                if str(pod["metadata"].get("creationTimestamp", "")) >= since[:19]
            ),
        )

    def of_canary(self) -> float | None:
        """How many requests the new version's pods have counted in all; None where one of them does not tell."""
        pods = {
            "stable": [],
            "canary": [pod for pod in self._pods("canary") if pod["workload"] == self._release.serving],
        }
        found = [counted for _, _, counted in self._counts(pods)]
        if not all(isinstance(one, Counted) and one.requests is not None for one in found):
            return None
        return sum(one.requests or 0.0 for one in found if isinstance(one, Counted))

    def _pods(self, side: str) -> list[Object]:
        """The pods of a side, those on their way out included: what they counted last matters."""
        found = []
        for name in self._release.workloads:
            deployment = self._cluster.find("Deployment", beside(name) if side == "canary" else name, self._space)
            if deployment is None:
                continue
            selected = deployment["spec"]["selector"].get("matchLabels") or {}
            labels = ",".join(f"{key}={value}" for key, value in sorted(selected.items()))
            for pod in self._cluster.list("Pod", self._space, labels=labels):
                is_new = (pod["metadata"].get("labels") or {}).get(TRACK_LABEL) == TRACK_VALUE
                if is_new is (side == "canary"):
                    found.append(pod | {"workload": name})
        return found

    def _counts(self, pods: Mapping[str, list[Object]]) -> Iterator[tuple[str, str, Counted | str]]:
        """Of each pod that serves or works its side, its name and what it counted, or why that cannot be had."""
        metrics = self._system.metrics
        if metrics is None:
            return
        wanted = [
            (side, pod)
            for side, each in pods.items()
            for pod in each
            if pod["workload"] in metrics.targets and is_ready(pod)
        ]
        monitoring = self._system.monitoring
        if monitoring is not None and monitoring.kind == "prometheus" and monitoring.server.is_there:
            yield from self._from_prometheus(wanted, metrics)
            return
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = [(side, pod, pool.submit(self._exposed, pod, metrics)) for side, pod in wanted]
            for side, pod, answer in asked:
                yield side, pod["metadata"]["name"], answer.result()

    def _exposed(self, pod: Object, metrics: Metrics) -> Counted | str:
        name, target = pod["metadata"]["name"], metrics.targets[pod["workload"]]
        try:
            answer = self._cluster.ask_pod(name, self._space, target.port, target.path, timeout=LIMIT_S)
            if answer.status != 200:
                return f"pod {name} answered {answer.status} to {target.path}"
            return counted(read_text(answer.body.decode()), metrics, self._system.release.workflow_errors)
        except (ClusterError, ValueError) as error:
            return f"pod {name} does not tell its metrics: {one_line(str(error))[:160]}"

    def _from_prometheus(
        self, wanted: list[tuple[str, Object]], metrics: Metrics
    ) -> Iterator[tuple[str, str, Counted | str]]:
        assert self._system.monitoring is not None
        server = self._system.monitoring.server
        try:
            with Asking(server.address, limit_s=server.limit_s, token=check_token(server)) as asking:
                samples = [one for query in _queries(metrics, self._system) for one in _series(asking, query)]
        except (MonitoringError, MusterError) as error:
            why = one_line(str(error))[:200]
            yield from ((side, pod["metadata"]["name"], why) for side, pod in wanted)
            return
        by_pod = dict[str, list[Sample]]()
        for one in samples:
            by_pod.setdefault(one.labels.get("pod", ""), []).append(_bare(one))
        for side, pod in wanted:
            name = pod["metadata"]["name"]
            known = by_pod.get(name)
            told = counted(known, metrics, self._system.release.workflow_errors) if known else None
            yield side, name, told or f"Prometheus knows no series of pod {name}"

    def _usage(
        self, pods: Mapping[str, list[Object]], missing: Mapping[str, dict[str, str]]
    ) -> tuple[dict[str, float], dict[str, float]]:
        try:
            listed = used(self._cluster, "pods", self._space, now() + LIMIT_S)
        except ClusterError as error:
            listed, why = None, one_line(str(error))[:160]
        else:
            why = "this cluster does not serve metrics.k8s.io"
        shares = {kind: dict[str, float]() for kind in ("memory", "cpu")}
        known = {item["metadata"]["name"]: item for item in listed or []}
        for side, each in pods.items():
            for kind, found in shares.items():
                of_side = [share for pod in each for share in _shares(pod, known.get(pod["metadata"]["name"]), kind)]
                if of_side:
                    found[side] = max(of_side)
                elif listed is None:
                    missing[side][kind] = why
        return shares["memory"], shares["cpu"]

    def _failed_agents(self, missing: Mapping[str, dict[str, str]]) -> float | None:
        told = self._system.release.failed_agents
        if told is None:
            return None
        answer = ask_once(self.url, told.request, limit_s=LIMIT_S)
        document = parse(answer.body) if answer.outcome is Outcome.OK else None
        total, available = (values_at(document, path) for path in (told.total, told.available))
        try:
            return float(total[0]) - float(available[0])
        except (IndexError, TypeError, ValueError):
            why = answer.why or f"the answer holds no numbers at {told.total} and {told.available}"
            missing["canary"]["failed_agents"] = one_line(why)[:160]
            return None

    def _wrong(self, pods: list[Object]) -> Iterator[str]:
        for pod in pods:
            for trouble in troubles(pod):
                yield str(trouble)
            name = pod["metadata"]["name"]
            for status in (pod.get("status") or {}).get("containerStatuses") or []:
                ended = (status.get("lastState") or {}).get("terminated") or {}
                if status.get("restartCount", 0) and (ended.get("exitCode") or ended.get("reason") == "OOMKilled"):
                    why = ended.get("reason") or "Error"
                    yield f"pod {name}: container {status['name']} ended with {why} (exit code {ended.get('exitCode')})"


def _queries(metrics: Metrics, system: SystemDefinition) -> Iterator[str]:
    if metrics.requests is not None:
        yield metrics.requests
    if metrics.seconds is not None:
        timed = Series(metrics.seconds).selector
        yield timed.promql("_bucket")
    if system.release.workflow_errors is not None:
        yield system.release.workflow_errors


def _series(asking: Asking, query: str) -> Iterator[Sample]:
    """The present samples of a query, with the labels that Prometheus knows them by.

    Raises:
        MonitoringError: it did not answer, or not with a vector.
    """
    content = asking.get(QUERY, [("query", query)])
    data = content.get("data") if isinstance(content, dict) and content.get("status") == "success" else None
    if not isinstance(data, dict) or data.get("resultType") != "vector":
        raise MonitoringError(f"{asking.url} answered {query} with no vector")
    for one in data["result"]:
        labels = {str(key): str(value) for key, value in one["metric"].items()}
        yield Sample(labels.get("__name__", ""), labels, float(one["value"][1]))


def _bare(sample: Sample) -> Sample:
    """A sample without the labels that say whom it was scraped of: they are no kind of request."""
    of_target = {"__name__", "pod", "instance", "job", "namespace", "workload", "node", "container", "endpoint"}
    return sample._replace(labels={key: value for key, value in sample.labels.items() if key not in of_target})


def _shares(pod: Object, usage: Object | None, kind: str) -> Iterator[float]:
    """Which share of its limit each container uses that has one."""
    limits = {
        one["name"]: amount(((one.get("resources") or {}).get("limits") or {}).get(kind))
        for one in pod["spec"].get("containers") or []
    }
    for container in (usage or {}).get("containers") or []:
        if limit := limits.get(container["name"]):
            yield amount((container.get("usage") or {}).get(kind)) / limit
