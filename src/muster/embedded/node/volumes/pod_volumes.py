"""The volumes of one pod."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from muster.base.errors import MusterError
from muster.embedded.access.accounts import Accounts
from muster.embedded.node.environment import expand
from muster.embedded.node.sources import MissingSourceError, Sources
from muster.embedded.node.volumes import claims, payload
from muster.embedded.node.volumes.tokens import PodTokens
from muster.embedded.objects import Key, Object
from muster.embedded.resources import PERSISTENTVOLUMECLAIMS
from muster.embedded.store import Store


class VolumeError(MusterError):
    """A volume cannot be had, now or ever; the message says why."""


class PodVolumes:
    """Makes a pod's volumes on the machine, keeps them as the API says, and tells where containers see them."""

    def __init__(
        self, pod: Object, store: Store, state: Path, directory: Path, accounts: Accounts | None = None
    ) -> None:
        """`state` is the cluster's directory, `directory` the one for this pod's own volumes."""
        self._pod = pod
        self._store = store
        self._state = state
        self._directory = directory
        self._namespace = pod["metadata"]["namespace"]
        self._sources = Sources(store, self._namespace)
        self._tokens = PodTokens(pod, accounts)
        self._volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
        self._written: dict[str, payload.Payload] = {}

    def prepare(self) -> None:
        """Make all volumes.

        Raises:
            VolumeError: one of them is not to be had; may be tried again.
        """
        for name, volume in self._volumes.items():
            with _told(name):
                self._place(name).mkdir(parents=True, exist_ok=True)
            if any(kind in volume for kind in payload.KINDS):
                self._refresh(name, volume)

    def refresh(self) -> None:
        """Bring the files of volumes from the API up to date. What has vanished meanwhile stays as it was."""
        for name in self._written:
            try:
                self._refresh(name, self._volumes[name])
            except VolumeError:
                continue

    def renewed_in(self) -> float | None:
        """Seconds until a token that a volume holds is to be renewed, by `refresh`; None where none is held."""
        return self._tokens.renewed_in()

    def claims(self) -> list[str]:
        """Names of the PersistentVolumeClaims that the pod uses."""
        sources = (volume.get("persistentVolumeClaim") for volume in self._volumes.values())
        return [source["claimName"] for source in sources if source]

    def mounts(self, container: Object, values: dict[str, str]) -> list[dict[str, Any]]:
        """What the container sees where: `source`, `target`, `read_only`, as `jail.Spec` wants it.

        Raises:
            VolumeError: a volume or subPath that does not exist or leaves its volume.
        """
        found = []
        for mount in container.get("volumeMounts") or ():
            if mount["name"] not in self._volumes:
                raise VolumeError(f'volumeMount "{mount["name"]}" names no volume of the pod')
            source = self._place(mount["name"])
            sub_path = mount.get("subPath") or expand(mount.get("subPathExpr") or "", values)
            if sub_path:
                with _told(mount["name"]):
                    source = self._sub_path(source, sub_path)
            read_only = bool(mount.get("readOnly")) or mount["name"] in self._written
            found.append({"source": str(source), "target": mount["mountPath"], "read_only": read_only})
        return found

    def _place(self, name: str) -> Path:
        volume = self._volumes[name]
        if "hostPath" in volume:
            return Path(volume["hostPath"]["path"])
        if source := volume.get("persistentVolumeClaim"):
            claim = Key(self._namespace, source["claimName"])
            if self._store.find(PERSISTENTVOLUMECLAIMS, *claim) is None:
                raise VolumeError(f'persistentvolumeclaim "{claim.name}" not found')
            return claims.directory(self._state, claim)
        if "emptyDir" in volume or any(kind in volume for kind in payload.KINDS):
            return self._directory / name
        kinds = ", ".join(key for key in volume if key != "name") or "none"
        raise VolumeError(
            f'volume "{name}" is of a kind that the embedded cluster does not have ({kinds}); it has configMap, '
            "secret, emptyDir, persistentVolumeClaim, downwardAPI, projected and hostPath"
        )

    def _sub_path(self, source: Path, sub_path: str) -> Path:
        if ".." in Path(sub_path).parts or Path(sub_path).is_absolute():
            raise VolumeError(f'subPath "{sub_path}" must stay within its volume')
        target = source / sub_path
        if not target.exists():
            target.mkdir(parents=True)
        return target.resolve()

    def _refresh(self, name: str, volume: Object) -> None:
        try:
            wanted = payload.payload_of(volume, self._pod, self._sources, self._tokens)
        except MissingSourceError as error:
            raise VolumeError(f'MountVolume.SetUp failed for volume "{name}" : {error}') from error
        if wanted != self._written.get(name):
            with _told(name):
                payload.write(self._place(name), wanted)
            self._written[name] = wanted


@contextmanager
def _told(volume: str) -> Iterator[None]:
    """What the machine refuses is a `VolumeError`."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in a path
        why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else error
        raise VolumeError(f'MountVolume.SetUp failed for volume "{volume}" : {why}') from error
