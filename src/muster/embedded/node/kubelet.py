"""The kubelet: takes up the pods that are bound to its node, keeps the node object, answers for logs and exec."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

from muster.embedded import status
from muster.embedded.access.accounts import Accounts
from muster.embedded.addresses import Addresses
from muster.embedded.contracts import ExecProcess, Network
from muster.embedded.events import EventRecorder
from muster.embedded.node import hosts, inside, lag, logs
from muster.embedded.node.container import ContainerRunner
from muster.embedded.node.images import Images
from muster.embedded.node.isolation import Isolation
from muster.embedded.node.launcher import StartError
from muster.embedded.node.node_object import node_object
from muster.embedded.node.pod import Host, PodWorker
from muster.embedded.node.volumes import claims
from muster.embedded.objects import Key, legible
from muster.embedded.resources import CONFIGMAPS, NODES, PERSISTENTVOLUMECLAIMS, PODS, SECRETS, SERVICES
from muster.embedded.store import Event, Store

NAME = "embedded"
STOP_GRACE_S = 1.0  # of every program when the cluster itself ends
HOSTS_DELAY_S = 0.05  # changes that come together are written once


class Kubelet:
    """The node of the cluster, as `contracts.Node` wants it."""

    def __init__(
        self,
        store: Store,
        images: Images,
        state: Path,
        addresses: Addresses,
        run_id: str,
        *,
        network: Network | None = None,
        accounts: Accounts | None = None,
    ) -> None:
        """`state` is the cluster's directory; `run_id` is passed on to every container as MUSTER_RUN_ID;
        `network` hears what becomes of the addresses of pods; `accounts` makes their tokens.
        """
        self.name = NAME
        self._store = store
        recorder = EventRecorder(store, "kubelet", NAME)
        self._host = Host(store, images, state, addresses, recorder, run_id, Isolation(), accounts, network)
        self._workers: dict[str, PodWorker] = {}  # by uid
        self._latest: dict[Key, PodWorker] = {}
        self._unsubscribe: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._hosts_due: asyncio.TimerHandle | None = None
        self._rows: list[hosts.Row] = []  # as they were written last
        self._config_lag_s = lag.from_environment(os.environ)
        self._stopping = False

    async def start(self) -> None:
        """Register the node and take up its pods.

        Raises:
            OSError: the state directory cannot be written.
        """
        pods = self._host.state / "pods"
        for left in (pods, claims.retired(self._host.state)):  # by a cluster that was killed
            await asyncio.to_thread(shutil.rmtree, left, True)
        pods.mkdir(parents=True)
        self._spawn(self._host.isolation.find_out(pods / ".probe", self._host.run_id))
        if self._store.find(NODES, "", NAME) is None:
            self._store.create(NODES, node_object(NAME, self._host.addresses.node))
        node = self._store.get(NODES, "", NAME)
        node["status"] = node_object(NAME, self._host.addresses.node)["status"]
        self._store.update_status(NODES, node)
        for resource, react in (
            (PODS, self._pod_changed),
            (CONFIGMAPS, self._sources_changed_late),
            (SECRETS, self._sources_changed_late),
            (PERSISTENTVOLUMECLAIMS, self._claim_changed),
            (SERVICES, self._hosts_changed),
        ):
            self._unsubscribe.append(self._store.subscribe(resource, react))
        for stored in self._store.scan(PODS):
            self._take_up(stored.key)

    async def stop(self) -> None:
        """End every container and wait for it."""
        self._stopping = True
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        if self._hosts_due:
            self._hosts_due.cancel()
        workers = list(self._workers.values())
        for worker in workers:
            worker.end(STOP_GRACE_S, least=STOP_GRACE_S)
        await asyncio.gather(*(worker.gone.wait() for worker in workers))
        for task in self._tasks:
            task.cancel()

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        *,
        follow: bool = False,
        previous: bool = False,
        tail_lines: int | None = None,
        since_seconds: float | None = None,
        timestamps: bool = False,
        limit_bytes: int | None = None,
    ) -> AsyncIterator[bytes]:
        """See `contracts.Node.logs`."""
        runner = self._runner(namespace, pod, container)
        name = runner.state.name
        if previous and runner.runs < 2:
            raise status.bad_request(f'previous terminated container "{name}" in pod "{pod}" not found')
        if not runner.runs:
            reason = (runner.state.state.get("waiting") or {}).get("reason", "ContainerCreating")
            raise status.bad_request(f'container "{name}" in pod "{pod}" is waiting to start: {reason}')
        selection = logs.Selection(tail_lines, since_seconds, timestamps, limit_bytes)
        run = runner.runs
        goes_on = (lambda: runner.running is not None and runner.runs == run) if follow and not previous else None
        async for piece in logs.read(runner.log_path(previous=previous), selection, follow=goes_on):
            yield piece

    async def exec(
        self, namespace: str, pod: str, container: str | None, command: list[str], *, stdin: bool, tty: bool
    ) -> ExecProcess:
        """See `contracts.Node.exec`."""
        runner = self._runner(namespace, pod, container)
        worker = self._latest[Key(namespace, pod)]
        if runner.running is None or runner.around is None:
            raise status.bad_request(f"unable to upgrade connection: container not found ({runner.state.name!r})")
        try:
            return await inside.start(
                worker.supervisor, runner.running, runner.around.command(command), stdin=stdin, tty=tty
            )
        except StartError as error:
            why = f"Internal error occurred: {legible(str(error))}"
            raise status.StatusError(500, "InternalError", why) from error

    def programs(self, namespace: str, pod: str) -> dict[str, int]:
        """See `contracts.Node.programs`."""
        worker = self._latest.get(Key(namespace, pod))
        runners = worker.runners if worker else ()
        return {runner.state.name: runner.running.pid for runner in runners if runner.running is not None}

    def _runner(self, namespace: str, pod: str, container: str | None) -> ContainerRunner:
        self._store.stored(PODS, namespace, pod)  # 404 where there is none
        worker = self._latest.get(Key(namespace, pod))
        if worker is None:
            raise status.bad_request(f"pod {pod} does not have a host assigned")
        if container is None:
            default = self._default_container(namespace, pod)
            if default is None and len(worker.containers) > 1:
                names = " ".join(runner.state.name for runner in worker.containers)
                raise status.bad_request(f"a container name must be specified for pod {pod}, choose one of: [{names}]")
            container = default or worker.containers[0].state.name
        for runner in worker.runners:
            if runner.state.name == container:
                return runner
        raise status.bad_request(f"container {container} is not valid for pod {pod}")

    def _default_container(self, namespace: str, pod: str) -> str | None:
        annotations = self._store.stored(PODS, namespace, pod).shared["metadata"].get("annotations") or {}
        return annotations.get("kubectl.kubernetes.io/default-container")

    # Changes in the API. They are told within a write, so the answer waits for the next turn of the loop.

    def _pod_changed(self, event: Event) -> None:
        self._hosts_changed(event)
        uid = event.shared["metadata"]["uid"]
        if event.type == "DELETED":
            asyncio.get_running_loop().call_soon(self._let_go, uid)
        elif event.shared["spec"].get("nodeName") == NAME:
            asyncio.get_running_loop().call_soon(self._take_up, event.key)

    def _take_up(self, key: Key) -> None:
        pod = self._store.find(PODS, *key)
        if pod is None or self._stopping or pod["spec"].get("nodeName") != NAME:
            return
        uid = pod["metadata"]["uid"]
        worker = self._workers.get(uid)
        if worker is None:
            worker = PodWorker(pod, self._host, self._latest.get(key))
            self._workers[uid] = self._latest[key] = worker
            self._spawn(self._forget_when_gone(worker))
            worker.start()
        worker.update(pod)

    def _let_go(self, uid: str) -> None:
        """The object is gone without our doing: deleted by force."""
        worker = self._workers.get(uid)
        if worker is not None:
            worker.end(0)

    async def _forget_when_gone(self, worker: PodWorker) -> None:
        await worker.gone.wait()
        del self._workers[worker.uid]
        if self._latest.get(worker.key) is worker:
            del self._latest[worker.key]

    def _sources_changed(self, event: Event) -> None:
        for worker in self._workers.values():
            if worker.key.namespace == event.key.namespace:
                asyncio.get_running_loop().call_soon(worker.refresh)

    def _sources_changed_late(self, event: Event) -> None:
        """Show each pod a change when its turn comes, as a real node does."""
        for worker in self._workers.values():
            if worker.key.namespace == event.key.namespace:
                asyncio.get_running_loop().call_later(lag.of_pod(worker.uid, self._config_lag_s), worker.refresh)

    def _claim_changed(self, event: Event) -> None:
        self._sources_changed(event)
        if event.type == "DELETED" and (directory := claims.retire(self._host.state, event.key)) is not None:
            users = [worker for worker in self._workers.values() if worker.uses_claim(event.key)]
            self._spawn(claims.remove_after(directory, [worker.gone for worker in users]))

    def _hosts_changed(self, _event: Event) -> None:
        if self._hosts_due is None:
            self._hosts_due = asyncio.get_running_loop().call_later(HOSTS_DELAY_S, self._write_hosts)

    def _write_hosts(self) -> None:
        self._hosts_due = None
        rows = self._host.names()
        if rows == self._rows:
            return
        self._rows = rows
        for worker in self._workers.values():
            worker.write_hosts(rows)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
