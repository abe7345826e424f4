"""One container of a pod: started, probed, restarted and ended as its manifest says."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from muster.base.clock import now
from muster.embedded.node import inside, probes
from muster.embedded.node.backoff import NOTICE_S, RELIST_S, BackOff
from muster.embedded.node.contracts import Pod
from muster.embedded.node.images import UnknownImageError
from muster.embedded.node.isolation import Surroundings
from muster.embedded.node.launcher import Command, CreateError, Running, StartError
from muster.embedded.node.prober import Prober
from muster.embedded.node.sources import MissingSourceError
from muster.embedded.node.state import ContainerState, exit_code, reason_of
from muster.embedded.node.volumes.pod_volumes import VolumeError

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 2.0
MINIMUM_GRACE_S = 2.0  # a kubelet leaves every program so long to end in order, whatever grace was granted
KEPT_RUNS = 2  # logs of the present run and of the one before


class ContainerRunner:
    """Runs one container until it will not run again or is told to stop."""

    def __init__(self, pod: Pod, state: ContainerState) -> None:
        self.state = state
        self.running: Running | None = None
        self.around: Surroundings | None = None
        self.settled = asyncio.Event()  # a sidecar: it has started once
        self._pod = pod
        self._stop = asyncio.Event()
        self._back_off = BackOff()
        self._killer: asyncio.TimerHandle | None = None
        self._kill_at = float("inf")
        self._ending: asyncio.Task[None] | None = None
        self._ended_on_request = False
        self._prober = Prober(self)
        self._runs = 0

    @property
    def policy(self) -> str:
        """`Always`, `OnFailure` or `Never`: when this container is started again."""
        own = self._pod.spec.get("restartPolicy", "Always")
        if self.state.init:
            return "Always" if self.state.sidecar else "Never" if own == "Never" else "OnFailure"
        return str(own)

    def log_path(self, *, previous: bool = False) -> Path:
        """The log of the present run, or of the one before."""
        run = self._runs - 1 if previous else self._runs
        path: Path = self._pod.directory / "logs" / f"{self.state.name}.{run}"
        return path

    @property
    def runs(self) -> int:
        """How often the container was started."""
        return self._runs

    async def run(self) -> None:
        """Start the container, and again after each end, as long as its restart policy says so."""
        while not self._stop.is_set():
            command = await self._prepare()
            if command is None:
                break
            code = await self._run_once(command)
            if self._stop.is_set() or self.policy == "Never" or (self.policy == "OnFailure" and code == 0):
                break
            await self._wait_to_restart()
        self.state.done = True
        self.settled.set()
        self._pod.publish()

    async def stop(self, grace: float, *, least: float = MINIMUM_GRACE_S) -> None:
        """End the container for good: hook, SIGTERM, SIGKILL after `grace` seconds, not sooner than `least` seconds
        after the SIGTERM. May be called again to hurry.
        """
        self._stop.set()
        await self.end(grace, least=least)

    async def end(self, grace: float, why: str = "", *, least: float = MINIMUM_GRACE_S) -> None:
        """End the present run, because of `why`; a new one follows unless `stop` was called."""
        running = self.running
        if running is None or running.ended.done():
            return
        self._ended_on_request = True
        if self._ending is None:
            self.record("Killing", why or f"Stopping container {self.state.name}")
            self._ending = asyncio.create_task(self._ask_to_end(running, least))
        self._kill_in(max(grace, least))
        await asyncio.wait([running.ended])

    async def capture(self, argv: Sequence[str], within: float) -> tuple[int, str]:
        """Run a program inside: (exit code, output). Raises `TimeoutError`."""
        if self.running is None or self.around is None:
            return 1, "container is not running"
        try:
            return await inside.capture(self._pod.supervisor, self.running, self.around.command(argv), within)
        except StartError as error:
            return 126, str(error)

    def target(self) -> probes.Target:
        """Where this container's probes and hooks look."""
        ports = {port["name"]: port["containerPort"] for port in self.state.spec.get("ports") or () if port.get("name")}
        return probes.Target(self._pod.address, ports, self.capture)

    def changed(self) -> None:
        """The container's state is another: let the API know."""
        self._pod.publish()

    def unhealthy(self, kind: str, why: str) -> None:
        """A probe failed."""
        self.warn("Unhealthy", f"{kind} probe failed: {why}")

    def give_up(self, kind: str, grace: float | None) -> None:
        """A startup or liveness probe failed for good: the run ends, the restart policy says what follows."""
        seconds = self._pod.grace if grace is None else grace
        why = f"Container {self.state.name} failed {kind} probe, will be restarted"
        self._pod.spawn(self.end(seconds, why))

    def record(self, reason: str, message: str) -> None:
        """An event about this container."""
        self._pod.record(reason, message, self._field)

    def warn(self, reason: str, message: str) -> None:
        """An event about something that went wrong with this container."""
        self._pod.warn(reason, message, self._field)

    @property
    def _field(self) -> str:
        return f"spec.{'initContainers' if self.state.init else 'containers'}{{{self.state.name}}}"

    async def _prepare(self) -> Command | None:
        """Wait until everything that the container needs is there; None if it is stopped before."""
        pull, creation = BackOff(), BackOff(LOOK_AGAIN_S)
        while not self._stop.is_set():
            try:
                return self._pod.command_of(self.state.spec)
            except UnknownImageError as error:
                self._wait("ErrImagePull", str(error))
                self.warn("Failed", f'Failed to pull image "{self.state.spec["image"]}": {error}')
                await self._pause(LOOK_AGAIN_S)
                self._wait("ImagePullBackOff", f'Back-off pulling image "{self.state.spec["image"]}": {error}')
                pull.restarted()
                await self._pause(pull.wait_after(now()))
            except MissingSourceError as error:
                self._wait("CreateContainerConfigError", str(error))
                self.warn("Failed", f"Error: {error}")
                await self._pod.sources_changed(LOOK_AGAIN_S, self._stop)
            except VolumeError as error:
                self._wait("CreateContainerConfigError", str(error))
                self.warn("FailedMount", str(error))
                await self._pod.sources_changed(LOOK_AGAIN_S, self._stop)
            except CreateError as error:
                await self._cannot_create(str(error), creation)
            except Exception as error:  # whatever it is, it must be seen where one looks, and end nothing else
                log.exception("container %s of %s cannot be made", self.state.name, self._pod.key)
                await self._cannot_create(_unforeseen(error), creation)
        return None

    async def _cannot_create(self, why: str, creation: BackOff) -> None:
        """Tell why, and wait until something that the container is made of changes, or longer each time."""
        self._wait("CreateContainerError", why)
        self.warn("Failed", f"Error: {why}")
        creation.restarted()
        await self._pod.sources_changed(creation.wait_after(now()), self._stop)

    async def _run_once(self, command: Command) -> int:
        """One run of the container; its exit code."""
        if self._runs:
            self.state.restarts += 1
        self._runs += 1
        self._ended_on_request = False
        self.log_path().with_name(f"{self.state.name}.{self._runs - KEPT_RUNS}").unlink(missing_ok=True)
        try:
            digest = await self._pod.digest_of(self.state.spec)
            self.running, self.around = await self._pod.start_program(self.state.spec, command, self.log_path())
        except StartError as error:
            return self._cannot_start(str(error))
        except Exception as error:  # as in `_prepare`
            log.exception("container %s of %s cannot be started", self.state.name, self._pod.key)
            return self._cannot_start(_unforeseen(error))
        self.state.run(f"muster://{self._pod.uid}/{self.state.name}/{self._runs}", digest)
        self.record("Pulled", f'Container image "{self.state.spec["image"]}" already present on machine')
        self.record("Created", "Container created")
        self.record("Started", "Container started")
        try:
            return await self._attend(self.running)
        finally:
            self.running = None

    def _cannot_start(self, why: str) -> int:
        self.warn("Failed", f"Error: {why}")
        self.state.terminate(128, "StartError", f"failed to start container: {why}")
        self.changed()
        return 128

    async def _attend(self, running: Running) -> int:
        hook = ((self.state.spec.get("lifecycle") or {}).get("postStart")) or {}
        probing = asyncio.create_task(self._prober.run(hook, self.settled))
        probing.add_done_callback(self._probing_ended)
        self.changed()
        if self._stop.is_set():
            self._pod.spawn(self.end(0))
        try:
            status = await asyncio.shield(running.ended)
            self._pod.program_ended()
        finally:
            probing.cancel()
            self._forget_end()
        code, number = exit_code(status)
        if not self._ended_on_request:
            await asyncio.sleep(NOTICE_S)
        self.state.terminate(code, reason_of(code), signal_number=number)
        self.changed()
        return code

    def _probing_ended(self, probing: asyncio.Task[None]) -> None:
        error = None if probing.cancelled() else probing.exception()
        if error is not None:
            log.error("container %s of %s is not probed any more", self.state.name, self._pod.key, exc_info=error)
            self.warn("Unhealthy", f"probing ended with an unexpected {type(error).__name__}")

    async def _wait_to_restart(self) -> None:
        ended = now()
        wait = self._back_off.wait_after(ended)
        if wait <= 0:
            await self._pause(0 if self._ended_on_request else RELIST_S - NOTICE_S)
        else:
            await self._pause(RELIST_S - NOTICE_S)
            place = f"container={self.state.name} pod={self._pod.key.name}_{self._pod.key.namespace}({self._pod.uid})"
            self._wait("CrashLoopBackOff", f"back-off {_short(wait)} restarting failed {place}")
            self.warn(
                "BackOff",
                f"Back-off restarting failed container {self.state.name} in pod {self._pod.key.name}",
            )
            await self._pause(ended + wait - now())
        self._back_off.restarted()

    async def _ask_to_end(self, running: Running, least: float) -> None:
        hook = (self.state.spec.get("lifecycle") or {}).get("preStop") or {}
        if "sleep" in hook:
            await asyncio.sleep(float(hook["sleep"].get("seconds") or 0))
        elif hook:
            good, why = await probes.look(hook, self.target(), max(self._kill_at - now(), 0.1))
            if not good:
                self.warn("FailedPreStopHook", f"PreStopHook failed: {why}")
        self._pod.supervisor.signal(running, signal.SIGTERM)
        if self._kill_at < now() + least:  # the hook has used the grace up
            self._kill_at = float("inf")
            self._kill_in(least)

    def _kill_in(self, grace: float) -> None:
        """Kill after `grace` seconds, unless it is to be done sooner."""
        at = now() + grace
        if at >= self._kill_at:
            return
        self._kill_at = at
        if self._killer:
            self._killer.cancel()
        self._killer = asyncio.get_running_loop().call_later(grace, self._kill)

    def _kill(self) -> None:
        if self.running is not None:
            self._pod.supervisor.kill(self.running)

    def _forget_end(self) -> None:
        if self._killer:
            self._killer.cancel()
        if self._ending:
            self._ending.cancel()
        self._killer = self._ending = None
        self._kill_at = float("inf")

    def _wait(self, reason: str, message: str) -> None:
        self.state.wait(reason, message)
        self.changed()

    async def _pause(self, seconds: float) -> None:
        """Wait, not longer than until the container is to stop."""
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stop.wait()


def _short(seconds: float) -> str:
    """A duration as Go prints it: 10s, 2m40s, 5m0s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _unforeseen(error: Exception) -> str:
    """An error that nobody reckoned with, without its text, which may quote a secret."""
    return f"unexpected {type(error).__name__}; the cluster's log has the details"
