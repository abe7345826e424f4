"""What is done for a release on its cluster, piece by piece: each piece may be done again after it was cut."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from muster.base.clock import SYSTEM_CLOCK, Clock, utc_iso
from muster.base.errors import ClusterError, MusterError, RefusedError, TimeoutExceededError
from muster.base.waiting import wait_for
from muster.kube import ApiError, Cluster
from muster.recovery.held_up import held_up
from muster.recovery.workloads import Workload
from muster.release.canary import (
    copies,
    deployment_beside,
    pod_labels,
    replicas_for,
    service_beside,
)
from muster.release.contents import Altered, Contents, Rolled, labels_of
from muster.release.kept import forget
from muster.release.policies import policies_beside
from muster.release.record import Release, ReleaseBook, Share, State, Way
from muster.release.traffic import Shared, TrafficWay, way_named
from muster.system import SystemDefinition
from muster.system.pods import STUCK
from muster.wire.canary import beside
from muster.wire.names import KINDS, RELEASE_LABEL, TRACK_LABEL

LOOK_EVERY_S = 0.05
IN_FORCE_WITHIN_S = 10.0
GONE_WITHIN_S = 60.0
TRIES = 6
Object = dict[str, Any]


@dataclass(frozen=True)
class Releasing:
    """A release under way: its record, what it changes, and where."""

    cluster: Cluster
    system: SystemDefinition
    book: ReleaseBook
    contents: Contents
    clock: Clock = SYSTEM_CLOCK

    @property
    def namespace(self) -> str:
        return self.book.release.namespace

    @property
    def id(self) -> str:
        return self.book.release.id

    # -- traffic

    @property
    def serving(self) -> Rolled | None:
        """What clients come in by, where the release changes it."""
        return self.contents.serving

    def shared(self, kept: Mapping[str, Any] | None = None) -> Shared:
        """What traffic is shared of."""
        serving = self.serving
        assert serving is not None
        service = self.system.service
        own = self.book.release.way.kept if kept is None else kept
        return Shared(
            cluster=self.cluster,
            namespace=self.namespace,
            release=self.id,
            service=service.name,
            port=service.port,
            beside=beside(service.name),
            serving=serving.name,
            replicas=serving.replicas,
            kept=own,
        )

    @property
    def way(self) -> TrafficWay | None:
        """How traffic is shared; None before it is chosen, and where what clients come in by is left alone."""
        if self.serving is None or not self.book.release.way.name:
            return None
        return way_named(self.book.release.way.name, self.shared())

    def take_way(self, way: TrafficWay) -> None:
        """Note how traffic is shared, and what is needed to go back.

        Raises:
            SupersededError, ClusterError: it cannot be noted.
        """
        self.book.put(way=Way(name=way.name, kept=dict(way.prepare())))

    def shift(self, share: float, wrote: Callable[[], None] = lambda: None) -> str:
        """Give the new version a share of traffic, and wait until that is in force; says in one line what it made.
        `wrote` is called when it is written.

        Whoever has been taken for dead writes nothing here: the objects are read first, then the record is written,
        which is refused by then, and the objects are changed only if they are as they were read.

        Raises:
            SupersededError: another one looks after the release.
            TimeoutExceededError: it does not come into force.
            ClusterError: the cluster does not answer.
        """
        way = self.way
        assert way is not None
        possible = way.possible(share)
        told = Share(wanted=share, possible=possible, way=way.name)
        deadline = self.clock.now() + self._patience(share)
        while True:
            split = way.read()
            if not split.objects and share > 0:
                raise RefusedError(f"what shares traffic ({way.name}) is gone: somebody deleted it")
            self.book.put(share=told)
            try:
                way.write(share, split)
            except ApiError as error:
                if error.code != 409:
                    raise
            else:
                wrote()
            if share:
                self.check_runs()
            seen, lag = way.read(), way.lag()
            if not lag and is_near(seen.share, possible):
                return _told_share(share, possible, way.name)
            if self.clock.now() >= deadline:
                if share == 0 and is_near(seen.share, 0):
                    # Who goes back does not wait for a router's word: what clients are answered is looked at next.
                    return f"{_told_share(0, 0, way.name)}, as the objects say; {lag}"
                raise TimeoutExceededError(
                    f"traffic is not shared as it is to be ({possible:.1%}): {lag or f'the objects say {seen.share}'}"
                )
            self.clock.sleep(LOOK_EVERY_S)

    def _patience(self, share: float) -> float:
        return self.system.ready_within_s if share and self.way and self.way.by_pods else IN_FORCE_WITHIN_S

    # -- the new version beside the old one

    def make_first(self) -> str:
        """Make what is not there yet, and the copies of what differs."""
        made = [*self.contents.first, *copies(self.contents, self.id)]
        for item in made:
            self._make(item)
        if (serving := self.serving) is not None and not (self.way and self.way.by_pods):
            made.append(self._service_beside(serving))
            self._make(made[-1])
        for policy in self._policies_beside():
            made.append(policy)
            self._make(policy)
        return f"made {', '.join(_named(item) for item in made) or 'nothing beside it'}"

    def start(self, share: float) -> str:
        """Start the new version with as many pods as carry a share, or scale it to that many; never to fewer."""
        said = []
        for rolled, pods in self.wanted_pods(share):
            found = self.cluster.find("Deployment", beside(rolled.name), self.namespace)
            if found is None:
                self._make(self._deployment_beside(rolled, pods))
                said.append(f"{beside(rolled.name)} with {_pods(pods)}")
            elif found["spec"].get("replicas", 1) < pods:
                self.cluster.scale("Deployment", beside(rolled.name), self.namespace, pods)
                said.append(f"{beside(rolled.name)} to {_pods(pods)}")
        return f"started {', '.join(said)}" if said else "all of it runs"

    def wanted_pods(self, share: float) -> Iterator[tuple[Rolled, int]]:
        """How many pods of each Deployment of the new version carry a share."""
        way = self.way
        for rolled in self.contents.rolled:
            if rolled.serves and way is not None and way.by_pods:
                yield rolled, 0  # traffic is given by their number
            else:
                yield rolled, replicas_for(share, rolled.replicas) if rolled.replicas else 0

    def is_short(self, share: float) -> bool:
        """Whether a pod is missing of those that carry a share."""
        for rolled, pods in self.wanted_pods(share):
            found = self.cluster.find("Deployment", beside(rolled.name), self.namespace)
            if found is None or found["spec"].get("replicas", 1) < pods:
                return True
        return False

    def unready(self) -> str:
        """What is missing until the new version runs, one phrase; empty where nothing is.

        Raises:
            MusterError: no waiting mends it.
        """
        self.check_runs()
        for rolled in self.contents.rolled:
            workload = self.beside(rolled)
            if self.cluster.find("Deployment", workload.name, self.namespace) is None:
                return f"Deployment {workload.name} is gone"
            if said := held_up(workload):
                return said
        return ""

    def check_runs(self) -> None:
        """Let pass a new version that runs, or may still come to.

        Raises:
            MusterError: a pod of it crashes, or cannot start, so that no waiting mends it.
        """
        for rolled in self.contents.rolled:
            for trouble in self.beside(rolled).troubles():
                if trouble.reason in STUCK:
                    raise MusterError(f"the new version does not run: {trouble}")

    def beside(self, rolled: Rolled) -> Workload:
        """A Deployment of the new version."""
        return Workload(self.cluster, self.namespace, "Deployment", beside(rolled.name))

    # -- the end

    def apply(self, *, back: bool = False) -> str:
        """Change what concerns both versions, and the ConfigMaps; `back` puts all of it as it was."""
        said = []
        for one in (*self.contents.configurations, *self.contents.last):
            if one.live["kind"] != "Deployment":
                self._replace(one, back=back)
                said.append(str(one))
        return f"changed {', '.join(said)}" if said else "nothing else to change"

    def roll(self, name: str, *, back: bool = False) -> str:
        """Have a Deployment make its pods as the new version's are, or `back` as they were."""
        one = next(each for each in self.deployments() if each.live["metadata"]["name"] == name)
        self._replace(one, back=back)
        return f"Deployment {name} rolls to {'its old pods' if back else 'the new version'}"

    def deployments(self) -> list[Altered]:
        """The Deployments that are to be as the release has them."""
        rolled = [Altered(one.live, one.wanted) for one in self.contents.rolled]
        known = {one.live["metadata"]["name"] for one in rolled}
        last = [one for one in self.contents.last if one.live["kind"] == "Deployment"]
        return [*rolled, *(one for one in last if one.live["metadata"]["name"] not in known)]

    def not_rolled(self, name: str) -> str:
        """What a Deployment lacks until all its pods are new and ready; empty where nothing."""
        return held_up(Workload(self.cluster, self.namespace, "Deployment", name))

    def is_rolled(self, name: str, *, back: bool = False) -> bool:
        """Whether a Deployment's pods are made as they are to be."""
        one = next(each for each in self.deployments() if each.live["metadata"]["name"] == name)
        wanted = (one.live if back else one.wanted)["spec"]["template"]
        found = self.cluster.find("Deployment", name, self.namespace)
        return found is not None and found["spec"]["template"] == wanted and not self.not_rolled(name)

    def clear(self, *, brought: bool) -> str:
        """Delete what was made for the release, and wait until it is gone; `brought` also what it brought that was not
        there before.

        Raises:
            TimeoutExceededError: something does not go.
            ClusterError: the cluster does not answer.
        """
        gone = list[str]()
        for rolled in self.contents.rolled:
            if self._remove("Deployment", beside(rolled.name)):
                gone.append(f"Deployment {beside(rolled.name)}")
        wait_for(
            lambda: not self._left(),
            within=GONE_WITHIN_S,
            every=0.1,
            reason="the new version's pods to be gone",
            latest=lambda: ", ".join(self._left()),
            clock=self.clock,
        )
        if self.serving is not None and self._remove("Service", beside(self.system.service.name)):
            gone.append(f"Service {beside(self.system.service.name)}")
        for policy in self._listed("NetworkPolicy"):
            if labels_on(policy).get(RELEASE_LABEL) == self.id:
                self.cluster.delete("NetworkPolicy", policy["metadata"]["name"], self.namespace)
                gone.append(f"NetworkPolicy {policy['metadata']['name']}")
        for item in copies(self.contents, self.id):
            if self._remove("ConfigMap", item["metadata"]["name"]):
                gone.append(_named(item))
        for item in reversed(self.contents.first) if brought else ():
            self.cluster.delete(item["kind"], item["metadata"]["name"], self.namespace)
            gone.append(_named(item))
        return f"deleted {', '.join(gone)}" if gone else "nothing was left"

    def end(self, what: str, state: State) -> Release:
        """Note how it ended, and then forget what was kept: until it is noted, whoever goes on needs that.

        Raises:
            SupersededError, ClusterError: it cannot be noted.
        """
        self.book.tell(what, state=state, phase="end", ended=utc_iso(timespec="seconds"))
        with contextlib.suppress(ClusterError):  # the next release keeps its own in that place
            forget(self.cluster, self.book.release)
        return self.book.release

    def _remove(self, kind: str, name: str) -> bool:
        """Delete what was made for this release; what another one made under that name is left to them."""
        found = self.cluster.find(kind, name, self.namespace)
        own = ((found or {}).get("metadata") or {}).get("labels") or {}
        return own.get(RELEASE_LABEL) == self.id and self.cluster.delete(kind, name, self.namespace)

    def _left(self) -> list[str]:
        pods = self.cluster.list("Pod", self.namespace, labels=f"{RELEASE_LABEL}={self.id}")
        return [f"pod {pod['metadata']['name']}" for pod in pods]

    def pod_port(self) -> int:
        """The port of its pods to which the system's Service leads."""
        service = self.cluster.get("Service", self.system.service.name, self.namespace)
        ports = service["spec"].get("ports") or []
        port = next(one for one in ports if one["port"] == self.system.service.port)
        target = port.get("targetPort", port["port"])
        if isinstance(target, int):
            return target
        serving = self.serving
        assert serving is not None
        named = [
            each["containerPort"]
            for container in serving.wanted["spec"]["template"]["spec"]["containers"]
            for each in container.get("ports") or []
            if each.get("name") == target
        ]
        return int(named[0]) if named else int(port["port"])

    # -- single objects

    def _policies_beside(self) -> Iterator[Object]:
        """Copies of the NetworkPolicies that name pods of what runs twice."""
        policies = [one for one in self._listed("NetworkPolicy") if RELEASE_LABEL not in labels_on(one)]
        for rolled in self.contents.rolled:
            new = pod_labels(rolled, self._led_by(rolled), shared=self._shares(rolled))
            yield from policies_beside(policies, labels_of(rolled.live), new, self.id)

    def _shares(self, rolled: Rolled) -> bool:
        """Whether Services lead to the new pods of a Deployment as to the old ones, so that they get requests by their
        number: where that is the way of sharing, and where only others of the system ask for it."""
        if rolled.serves:
            return self.way is not None and self.way.by_pods
        return bool(self._led_by(rolled))

    def _listed(self, kind: str) -> list[Object]:
        """The objects of a kind; none where the cluster has no such kind."""
        try:
            return self.cluster.list(kind, self.namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            return []

    def _deployment_beside(self, rolled: Rolled, pods: int) -> Object:
        return deployment_beside(rolled, self.id, pods, self._led_by(rolled), shared=self._shares(rolled))

    def _service_beside(self, serving: Rolled) -> Object:
        service = self.cluster.get("Service", self.system.service.name, self.namespace)
        return service_beside(service, pod_labels(serving, self._led_by(serving), shared=False), self.id)

    def _led_by(self, rolled: Rolled) -> Mapping[str, str]:
        """What Services select by that lead to the old version's pods: the system's own, and whatever there is."""
        labels, found = labels_of(rolled.live), dict[str, str]()
        for service in self.cluster.list("Service", self.namespace):
            selector = dict(service["spec"].get("selector") or {})
            selector.pop(TRACK_LABEL, None)  # by which it is led to the new version alone, once that has all
            if selector and selector.items() <= labels.items():
                found |= selector
        return found

    def _make(self, item: Object) -> None:
        space = self.namespace if KINDS[item["kind"]].namespaced else None
        try:
            self.cluster.create(item, space)
        except ApiError as error:
            if error.code != 409:
                raise
            found = self.cluster.get(item["kind"], item["metadata"]["name"], space)
            own = (found["metadata"].get("labels") or {}).get(RELEASE_LABEL)
            if item["metadata"].get("labels", {}).get(RELEASE_LABEL) not in (None, own):
                raise RefusedError(
                    f"refused: {_named(item)} is there already and is not this release's; delete it, or end whose it is"
                ) from error

    def _replace(self, one: Altered, *, back: bool) -> None:
        wanted = one.live if back else one.wanted
        kind, name = wanted["kind"], wanted["metadata"]["name"]
        for _ in range(TRIES):
            live = self.cluster.get(kind, name, self.namespace)
            body = copy.deepcopy(wanted)
            if (kind, name) == ("Service", self.system.service.name):  # by that traffic may be shared now
                body["spec"]["selector"] = live["spec"].get("selector")
            body["metadata"] = {
                **live["metadata"],
                **{k: v for k, v in wanted["metadata"].items() if k in ("labels", "annotations")},
            }
            if kind == "Deployment":
                body["spec"]["replicas"] = live["spec"].get("replicas", 1)
            try:
                self.cluster.replace(body, self.namespace)
            except ApiError as error:
                if error.code != 409:
                    raise
            else:
                return
        raise ClusterError(f"{kind} {name} is changed all the time by somebody else")


def labels_on(item: Object) -> Mapping[str, str]:
    """The labels of an object itself."""
    labels: Mapping[str, str] = item["metadata"].get("labels") or {}
    return labels


def is_near(share: float | None, wanted: float) -> bool:
    """Whether two shares are the same, as far as weights can say it."""
    return share is not None and abs(share - wanted) < 0.005


def _told_share(wanted: float, possible: float, way: str) -> str:
    if wanted == 0:
        return f"all traffic goes to the Service's own pods ({way})"
    if is_near(possible, wanted):
        return f"{wanted:.0%} of traffic goes to the new version ({way})"
    return f"{possible:.0%} of traffic goes to the new version: {wanted:.0%} cannot be made of so many pods ({way})"


def _named(item: Object) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def _pods(number: int) -> str:
    return "1 pod" if number == 1 else f"{number} pods"
