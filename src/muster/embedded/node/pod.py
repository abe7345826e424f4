"""One pod on this node, from the moment it is bound until nothing of it is left."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muster.base.clock import now
from muster.base.errors import MusterError
from muster.embedded.access.accounts import Accounts
from muster.embedded.addresses import API_PORT, Addresses
from muster.embedded.contracts import Network
from muster.embedded.deletion import DeleteOptions
from muster.embedded.events import EventRecorder
from muster.embedded.node import environment, hosts
from muster.embedded.node.backoff import BackOff
from muster.embedded.node.container import MINIMUM_GRACE_S, ContainerRunner
from muster.embedded.node.images import Images, content_digest
from muster.embedded.node.isolation import Isolation, Surroundings
from muster.embedded.node.launcher import Command, CreateError, Running, StartError, Supervisor
from muster.embedded.node.pace import Pace, Turn
from muster.embedded.node.sources import Sources
from muster.embedded.node.state import ContainerState, pod_status
from muster.embedded.node.volumes.pod_volumes import PodVolumes, VolumeError
from muster.embedded.objects import Key, Object, key_of
from muster.embedded.resources import PODS, SERVICES
from muster.embedded.status import StatusError
from muster.embedded.store import Store

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 2.0
NETWORK_ENDS_S = 0.12  # after the pod's last program, as recorded on a real cluster


@dataclass(frozen=True, slots=True)
class Host:
    """What all pods of a node share."""

    store: Store
    images: Images
    state: Path
    addresses: Addresses
    recorder: EventRecorder
    run_id: str
    isolation: Isolation
    accounts: Accounts | None = None
    network: Network | None = None
    pace: Pace = field(default_factory=Pace)

    def api_server(self) -> Object:
        """The API server as if it were the Service `kubernetes`, which pods are told of whatever else they are."""
        ports = [{"name": "https", "port": API_PORT, "protocol": "TCP"}]
        return {"metadata": {"name": "kubernetes"}, "spec": {"clusterIP": self.addresses.api_server, "ports": ports}}

    def names(self) -> list[hosts.Row]:
        """What the cluster's names stand for at present."""
        services = (stored.shared for stored in self.store.scan(SERVICES))
        return hosts.table(services, (stored.shared for stored in self.store.scan(PODS)))


class PodWorker:
    """Runs one pod. `gone` is set when none of its processes is left and its directory is removed."""

    def __init__(self, pod: Object, host: Host, predecessor: PodWorker | None) -> None:
        """`predecessor` is a pod of the same name that may still be ending: two never run at the same time."""
        self.key: Key = key_of(pod)
        self.uid: str = pod["metadata"]["uid"]
        self.spec: Object = pod["spec"]
        self.address = ""
        self.directory = host.state / "pods" / self.uid
        self.gone = asyncio.Event()
        self.supervisor = Supervisor(self.directory, host.run_id)
        self.volumes = PodVolumes(pod, host.store, host.state, self.directory / "volumes", host.accounts)
        self.containers = [ContainerRunner(self, ContainerState(c)) for c in self.spec.get("containers") or ()]
        self.inits = [
            ContainerRunner(self, ContainerState(c, init=True)) for c in self.spec.get("initContainers") or ()
        ]
        for runner in self.containers if self.inits else ():
            runner.state.state = {"waiting": {"reason": "PodInitializing"}}
        self._pod = pod
        self._host = host
        self._predecessor = predecessor
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._grace = float("inf")
        self._ready_to_run = False  # the pod's directories are there
        self._turn: Turn | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def runners(self) -> list[ContainerRunner]:
        """All containers, init containers first."""
        return [*self.inits, *self.containers]

    @property
    def grace(self) -> float:
        """Seconds that the manifest grants the pod's programs to end."""
        return float(self.spec.get("terminationGracePeriodSeconds", 30))

    def start(self) -> None:
        self.spawn(self._live())

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work` beside the pod."""
        task = asyncio.create_task(work, name=f"{self.key.namespace}/{self.key.name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def update(self, pod: Object) -> None:
        """The object in the API is another; where it is marked for deletion the pod begins to end."""
        self._pod = pod
        if pod["metadata"].get("deletionTimestamp"):
            self.end(float(pod["metadata"].get("deletionGracePeriodSeconds") or 0))

    def end(self, grace: float, *, least: float = MINIMUM_GRACE_S) -> None:
        """Begin to end the pod: its programs have `grace` seconds, at least `least`. A second call can only hurry."""
        grace = max(grace, least)
        if grace >= self._grace:
            return
        self._grace = grace
        self._stopping.set()
        for runner in self.runners:
            self.spawn(runner.stop(grace, least=least))

    def uses_claim(self, claim: Key) -> bool:
        """Whether the pod mounts this PersistentVolumeClaim."""
        return claim.namespace == self.key.namespace and claim.name in self.volumes.claims()

    def refresh(self) -> None:
        """ConfigMaps, Secrets or claims have changed."""
        if not self._stopping.is_set():
            self.volumes.refresh()
        self._changed.set()
        self._changed = asyncio.Event()

    def write_hosts(self, rows: Sequence[hosts.Row]) -> None:
        """Bring /etc/hosts up to date."""
        directory = self.directory / "etc"
        if self._ready_to_run and directory.is_dir():
            text = hosts.render(rows, self.key.namespace, self.address, environment.hostname(self._pod))
            file = directory / "hosts"
            if not file.exists() or file.read_text() != text:
                fresh = directory / ".hosts"
                fresh.write_text(text)
                fresh.replace(file)

    def publish(self) -> None:
        """Write the pod's status, if the pod still exists."""
        current = self._host.store.find(PODS, *self.key)
        if current is None or current["metadata"]["uid"] != self.uid:
            return
        current["status"] = pod_status(
            current.get("status") or {},
            self.spec,
            [runner.state for runner in self.containers],
            [runner.state for runner in self.inits],
            generation=current["metadata"].get("generation", 1),
            host_ip=self._host.addresses.node,
            pod_ip=self.address or None,
        )
        with suppress(StatusError):
            self._host.store.update_status(PODS, current)

    def program_ended(self) -> None:
        """A container's program has ended, and listens no more."""
        if self._host.network is not None:
            self._host.network.ended(self.address)

    def record(self, reason: str, message: str, field: str = "") -> None:
        """An event about the pod."""
        self._host.recorder.normal(self._pod, reason, message, field_path=field)

    def warn(self, reason: str, message: str, field: str = "") -> None:
        """An event about something that went wrong with the pod."""
        self._host.recorder.warning(self._pod, reason, message, field_path=field)

    def command_of(self, container: Object) -> Command:
        """What is to be started for a container.

        Raises:
            UnknownImageError, MissingSourceError, VolumeError, CreateError: it cannot be told (yet).
        """
        image = self._host.images.find(container["image"])
        services = environment.service_variables([*self._services(), self._host.api_server()])
        sources = Sources(self._host.store, self.key.namespace)
        pod = {**self._pod, "status": {**(self._pod.get("status") or {}), **self._addresses()}}
        values = environment.build(pod, container, image, services=services, sources=sources, run_id=self._host.run_id)
        self.volumes.mounts(container, values)
        words = environment.command(container, image, values, self.address)
        if not words:
            raise CreateError(
                f"no command specified: image '{image.name}' has none of its own, so the manifest must say it"
            )
        command = Command(words, values, container.get("workingDir") or image.workdir)
        command.check()
        return command

    async def digest_of(self, container: Object) -> str | None:
        """The digest of what a container's image stands for now; None where it cannot be told."""
        return await asyncio.to_thread(content_digest, self._host.images.find(container["image"]))

    async def start_program(self, container: Object, command: Command, log_path: Path) -> tuple[Running, Surroundings]:
        """Start a container's program.

        Raises:
            StartError: it cannot be started.
        """
        image = self._host.images.find(container["image"])
        try:
            mounts = self.volumes.mounts(container, dict(command.env))
        except VolumeError as error:
            raise StartError(str(error)) from error
        around = await self._host.isolation.surroundings(
            self._pod, container, image, command, directory=self.directory, mounts=mounts
        )
        if not self.supervisor.alive:
            self.supervisor.launch()
        running = await self.supervisor.start(around.command(command.argv), jail=around.jail, log=log_path)
        if self._turn is not None and self._turn.pid is None:
            self._turn.pid = running.pid
        return running, around

    async def sources_changed(self, within: float, stop: asyncio.Event) -> None:
        """Wait until a ConfigMap, Secret or claim has changed, or `within` seconds, or until `stop`."""
        changed = asyncio.ensure_future(self._changed.wait())
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((changed, stopped), timeout=within, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
        stopped.cancel()

    async def _live(self) -> None:
        try:
            try:
                await self._run()
            except Exception as error:  # a pod that ended for it would be replaced by one that fails alike, for ever
                log.exception("pod %s/%s does not go on", self.key.namespace, self.key.name)
                self.warn("FailedSync", f"error syncing pod: unexpected {type(error).__name__}")
            await self._stopping.wait()
        finally:
            await self._tear_down()

    async def _run(self) -> None:
        """The pod's life until it is to end or nothing of it will run again."""
        if self._predecessor is not None:
            await self._predecessor.gone.wait()
            self._predecessor = None
        self._turn = await self._host.pace.turn(unless=self._stopping)
        await self._set_up_or_retry()
        if self.volumes.renewed_in() is not None:
            self.spawn(self._renew_tokens())
        if not self._stopping.is_set():
            await self._run_containers()
        if not self._stopping.is_set():
            await self.supervisor.close()

    async def _set_up_or_retry(self) -> None:
        """Set the pod up; where that fails, tell it and try again, later each time."""
        attempts = BackOff(LOOK_AGAIN_S)
        while not self._stopping.is_set():
            try:
                await self._set_up()
            except (OSError, MusterError) as error:
                self.warn("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
            except Exception as error:  # whatever it is, it must be seen where one looks
                log.exception("pod %s/%s cannot be set up", self.key.namespace, self.key.name)
                self.warn("FailedCreatePodSandBox", f"Failed to create pod sandbox: unexpected {type(error).__name__}")
            else:
                return
            attempts.restarted()
            await self.sources_changed(attempts.wait_after(now()), self._stopping)

    async def _set_up(self) -> None:
        if not self.address:
            self.address = self._host.addresses.take_pod()
        for name in ("etc", "logs", "volumes", "root", "tmp"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self._ready_to_run = True
        if not self.supervisor.alive:
            self.supervisor.launch()
        self.write_hosts(self._host.names())
        self.publish()
        while not self._stopping.is_set():
            try:
                self.volumes.prepare()
            except VolumeError as error:
                self.warn("FailedMount", str(error))
                await self.sources_changed(LOOK_AGAIN_S, self._stopping)
            else:
                return

    async def _renew_tokens(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(max(self.volumes.renewed_in() or 0.0, LOOK_AGAIN_S)):
                    await self._stopping.wait()
            if not self._stopping.is_set():
                self.volumes.refresh()

    async def _run_containers(self) -> None:
        """Init containers one after the other, then the others together; returns when none will run again."""
        for runner in self.inits:
            if runner.state.sidecar:
                self.spawn(runner.run())
                await runner.settled.wait()
                continue
            await runner.run()
            ended = runner.state.terminated
            if self._stopping.is_set() or (ended and ended["exitCode"]):
                self.publish()
                return
        await asyncio.gather(*(runner.run() for runner in self.containers))
        for runner in self.inits:  # sidecars end with what they serve
            await runner.stop(self.grace)

    async def _tear_down(self) -> None:
        await asyncio.gather(*(runner.stop(min(self._grace, self.grace)) for runner in self.runners))
        self._ready_to_run = False
        await self.supervisor.close()
        if self.address:
            if self._host.network is not None:
                asyncio.get_running_loop().call_later(NETWORK_ENDS_S, self._host.network.gone, self.address)
            self.publish()
            self._host.addresses.give_back_pod(self.address)
        await asyncio.to_thread(shutil.rmtree, self.directory, True)
        with suppress(StatusError):
            self._host.store.delete(PODS, *self.key, DeleteOptions(grace_seconds=0, uid=self.uid))
        self.gone.set()

    def _services(self) -> list[Object]:
        if self.spec.get("enableServiceLinks") is False:
            return []
        return [s.shared for s in self._host.store.scan(SERVICES, self.key.namespace)]

    def _addresses(self) -> Object:
        return {"podIP": self.address, "podIPs": [{"ip": self.address}], "hostIP": self._host.addresses.node}

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("pod %s/%s: %s", self.key.namespace, self.key.name, task.get_name(), exc_info=task.exception())
