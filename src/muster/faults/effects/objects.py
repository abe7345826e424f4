"""Effects that objects of the cluster show, whatever their kind: a condition, a field, replicas, endpoints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from muster.base.errors import ClusterError, RefusedError, UsageError
from muster.faults.effects.comparison import Compared, show
from muster.faults.effects.observation import Observation, Scene, Strict, refuse_if_there
from muster.kube import ApiError, Cluster
from muster.safety.fields import ABSENT, parse_path, read_field
from muster.wire.canary import beside
from muster.wire.names import KINDS, Kind

# Where a workload's status says how many of its pods are ready.
READY_FIELDS = ("readyReplicas", "numberReady")


def place_of(text: str) -> tuple[Kind, str]:
    """Where an object lives, and its name: of `Deployment/api`, or of `group/version/plural/name` for any other kind.

    Raises:
        ValueError: it is written in another way, or of a kind that is not known by its name alone.
    """
    parts = text.split("/")
    if all(parts):
        if len(parts) == 2 and parts[0] in KINDS:
            return KINDS[parts[0]], parts[1]
        if len(parts) == 4:
            return Kind(parts[2], f"{parts[0]}/{parts[1]}", parts[2]), parts[3]
    raise ValueError(
        f"'{text}' names no object; right would be Deployment/api, or example.com/v1/widgets/one for a kind that is "
        f"none of {', '.join(sorted(KINDS))}"
    )


def _object(text: str) -> str:
    place_of(text)
    return text


def _path(text: str) -> str:
    try:
        parse_path(text)
    except UsageError as error:
        raise ValueError(str(error)) from None
    return text


ObjectName = Annotated[str, AfterValidator(_object)]
FieldPath = Annotated[str, AfterValidator(_path)]


class Condition(Strict):
    """A condition of an object, of the type `type`, has the status `status`."""

    kind: Literal["condition"]
    object: ObjectName
    type: str
    status: Literal["True", "False", "Unknown"] = "False"


class FieldValue(Compared):
    """A field of an object is as wanted."""

    kind: Literal["field"]
    object: ObjectName
    path: FieldPath


class ObjectGone(Strict):
    """An object that was there is not there any more."""

    kind: Literal["object-gone"]
    object: ObjectName


class ObjectThere(Strict):
    """An object that was not there is there now; with `canary`, the one that a release makes beside it."""

    kind: Literal["object-there"]
    object: ObjectName
    canary: bool = False

    @property
    def looked_for(self) -> str:
        """Kind and name of the object."""
        kind, _, name = self.object.rpartition("/")
        return f"{kind}/{beside(name)}" if self.canary else self.object


class ReadyBelow(Strict):
    """Fewer pods of a workload are ready than `replicas`."""

    kind: Literal["ready-below"]
    object: ObjectName
    replicas: int


class NoEndpoints(Strict):
    """A Service leads to no ready endpoint."""

    kind: Literal["no-endpoints"]
    service: str


class SeesCondition:
    """Looks for a `Condition`."""

    def __init__(self, effect: Condition, scene: Scene) -> None:
        self._effect, self._scene = effect, scene
        must_find(scene, effect.object)
        refuse_if_there(self)

    def look(self) -> Observation:
        effect = self._effect
        found = find(self._scene, effect.object)
        if found is None:
            return Observation(False, f"{effect.object} does not exist")
        conditions = (found.get("status") or {}).get("conditions") or []
        one = next((each for each in conditions if each.get("type") == effect.type), None)
        if one is None:
            return Observation(False, f"{effect.object} has no condition {effect.type}")
        why = ": ".join(str(one[key]) for key in ("reason", "message") if one.get(key))
        said = f"{effect.object} is {effect.type}={one.get('status')}{f' ({why})' if why else ''}"
        return Observation(one.get("status") == effect.status, said)


class SeesField:
    """Looks for a `FieldValue`."""

    def __init__(self, effect: FieldValue, scene: Scene) -> None:
        self._effect, self._scene = effect, scene
        self._path = parse_path(effect.path)
        self._before = read_field(must_find(scene, effect.object), self._path)
        if not effect.changed:
            refuse_if_there(self)

    def look(self) -> Observation:
        effect = self._effect
        found = find(self._scene, effect.object)
        if found is None:
            return Observation(False, f"{effect.object} does not exist")
        value = read_field(found, self._path)
        there = effect.holds(value, self._before) and (value is not ABSENT or effect.changed)
        return Observation(there, f"{effect.path} of {effect.object} is {show(value)}")


class SeesObjectGone:
    """Looks for an `ObjectGone`."""

    def __init__(self, effect: ObjectGone, scene: Scene) -> None:
        self._effect, self._scene = effect, scene
        must_find(scene, effect.object)

    def look(self) -> Observation:
        there = find(self._scene, self._effect.object) is not None
        return Observation(not there, f"{self._effect.object} is {'there' if there else 'gone'}")


class SeesObjectThere:
    """Looks for an `ObjectThere`."""

    def __init__(self, effect: ObjectThere, scene: Scene) -> None:
        self._effect, self._scene = effect, scene
        refuse_if_there(self)

    def look(self) -> Observation:
        looked_for = self._effect.looked_for
        there = find(self._scene, looked_for) is not None
        return Observation(there, f"{looked_for} is {'there' if there else 'not there'}")


class SeesReadyBelow:
    """Looks for a `ReadyBelow`."""

    def __init__(self, effect: ReadyBelow, scene: Scene) -> None:
        self._effect, self._scene = effect, scene
        must_find(scene, effect.object)
        refuse_if_there(self)

    def look(self) -> Observation:
        effect = self._effect
        found = find(self._scene, effect.object)
        if found is None:
            return Observation(True, f"{effect.object} is gone, so none of its pods is ready")
        status = found.get("status") or {}
        ready = next((int(status[key]) for key in READY_FIELDS if key in status), 0)
        said = f"{effect.object} has {ready} ready pods, the effect is fewer than {effect.replicas}"
        return Observation(ready < effect.replicas, said)


class SeesNoEndpoints:
    """Looks for a `NoEndpoints`."""

    def __init__(self, effect: NoEndpoints, scene: Scene) -> None:
        self._effect, self._scene = effect, scene
        must_find(scene, f"Service/{effect.service}")
        refuse_if_there(self)

    def look(self) -> Observation:
        labels = f"kubernetes.io/service-name={self._effect.service}"
        slices = self._scene.cluster.list("EndpointSlice", self._scene.namespace, labels=labels)
        endpoints: list[dict[str, Any]] = [one for item in slices for one in item.get("endpoints") or []]
        ready = [one for one in endpoints if (one.get("conditions") or {}).get("ready", True)]
        return Observation(not ready, f"Service {self._effect.service} leads to {len(ready)} ready endpoints")


def find(scene: Scene, text: str) -> dict[str, Any] | None:
    """An object by what an effect calls it, or None.

    Raises:
        ClusterError: the cluster cannot be asked, or answered what makes no sense.
    """
    kind, name = place_of(text)
    cluster: Cluster = scene.cluster
    try:
        found = cluster.request("GET", kind.path(scene.namespace, name)).json()
    except ApiError as error:
        if error.code == 404:
            return None
        raise
    except ValueError as error:
        raise ClusterError(f"{text} was not answered with JSON") from error
    return found if isinstance(found, dict) else None


def must_find(scene: Scene, text: str) -> dict[str, Any]:
    """The same, before anything is injected.

    Raises:
        RefusedError: there is none.
        ClusterError: the cluster cannot be asked.
    """
    found = find(scene, text)
    if found is None:
        raise RefusedError(
            f"refused: {text} does not exist in namespace '{scene.namespace}', before anything was injected"
        )
    return found
