"""A service of which releases are made, on a cluster of its own, under load; and the commands that make them, each in
a process of its own."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import yaml
from tests.release import shop

from muster.base.clock import SYSTEM_CLOCK, now, utc_iso
from muster.base.waiting import wait_for
from muster.drill.managed import ManagedSystem
from muster.kube import Cluster, EmbeddedCluster, connect
from muster.probes.http.address import service_url
from muster.release.kept import NAME as KEPT
from muster.release.record import NAME, Release, find_release
from muster.release.watching import looked_after
from muster.system import SystemDefinition, read_system

KINDS = ("Deployment", "Service", "ConfigMap", "HTTPRoute", "Job", "Secret", "Pod", "Lease")
SILENT_S = 20.0  # a coordinator that was killed is taken for dead after its Lease has run out
WITHIN_S = 150.0
CLIENTS = 8
EVERY_S = 0.08
LIMIT_S = 10.0
MUSTER = Path(sys.executable).with_name("muster")
Object = dict[str, Any]


@dataclass
class Stage:
    """The shop on its cluster; `root` is the project in which the commands are given, by whom `kubeconfig` has in its
    `context`, which is the cluster's own unless it is said."""

    root: Path
    cluster: Cluster
    system: SystemDefinition
    kubeconfig: Path
    url: str
    context: str = ""
    more: dict[str, str] = field(default_factory=dict)  # of the commands' environment
    _number: int = field(default=0, init=False)

    @property
    def release(self) -> Release | None:
        """The release of the shop, as its record tells."""
        return find_release(self.cluster, self.system.namespace)

    def new(self, image: str = "shop:2", **environment: str) -> str:
        """The directory of a new version, as the commands are given it; each in a directory of its own."""
        self._number += 1
        return str(shop.release(self.root / f"release-{self._number}", image, **environment).relative_to(self.root))

    def muster(self, *arguments: str, within_s: float = WITHIN_S) -> subprocess.CompletedProcess[str]:
        """Give a command and wait for its end."""
        with self.begun(*arguments) as process:
            process.wait(within_s)
        return self.ended(process)

    @contextmanager
    def begun(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Give a command; its process, which is killed where it has not ended by the end."""
        self._number += 1
        output = self.root / f".output-{self._number}"
        command = [str(MUSTER), *arguments, "--kube-context", self.context or self.cluster.context]
        with output.open("wb") as file:
            process = subprocess.Popen(
                command, cwd=self.root, env=self._environment, stdout=file, stderr=file, stdin=subprocess.DEVNULL
            )
        process.output = output  # type: ignore[attr-defined]
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()

    def ended(self, process: subprocess.Popen[bytes]) -> subprocess.CompletedProcess[str]:
        """How a command ended: its exit code, and all that it wrote."""
        output: Path = process.output  # type: ignore[attr-defined]
        return subprocess.CompletedProcess(process.args, process.returncode, output.read_text(), "")

    def wait_until(self, state: str, phase: str = "", *, within_s: float = WITHIN_S) -> Release:
        """Wait until the release is in a state, and a phase."""

        def is_there() -> bool:
            found = self.release
            return found is not None and found.state == state and phase in ("", found.phase)

        wait_for(is_there, within=within_s, every=0.05, reason=f"the release to be {state}", latest=self._told)
        found = self.release
        assert found is not None
        return found

    def wait_for_nobody(self) -> None:
        """Wait until the one who looked after the release is taken for dead."""
        space = self.system.namespace
        wait_for(lambda: looked_after(self.cluster, space) is None, within=SILENT_S, reason="a Lease to run out")

    def objects(self) -> dict[str, Any]:
        """What there is, and what it is to be; of pods how many there are, of records nothing, nor of what one that was
        killed right after it had noted its end kept for whoever might have to go on."""
        found: dict[str, Any] = {}
        release = self.release
        records = {NAME, KEPT} if release is None or release.is_over else {NAME}
        for kind in KINDS:
            for item in self.cluster.list(kind, self.system.namespace):
                name = item["metadata"]["name"]
                if "deletionTimestamp" in item["metadata"]:
                    continue  # on its way out already
                if kind == "Pod":
                    key = f"Pod of {(item['metadata'].get('labels') or {}).get('app')}"
                    found[key] = found.get(key, 0) + 1
                elif kind != "ConfigMap" or name not in records:
                    found[f"{kind}/{name}"] = {key: item.get(key) for key in ("spec", "data") if key in item}
        return {key: value for key, value in found.items() if not key.startswith("Lease/")}

    def put_back(self) -> None:
        """The shop as it was deployed at first, whatever was released."""
        for item in yaml.safe_load_all(shop.MANIFEST):
            live = self.cluster.get(item["kind"], item["metadata"]["name"], self.system.namespace)
            kept = {key: live["spec"][key] for key in ("clusterIP", "clusterIPs") if key in live.get("spec", {})}
            body = {**item, "metadata": {**item["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}}
            if "spec" in item:
                body["spec"] = {**kept, **item["spec"]}
            self.cluster.replace(body, self.system.namespace)
        wait_for(self._is_whole, within=60, every=0.1, reason="the shop to be as it was")

    def _is_whole(self) -> bool:
        live = self.cluster.get("Deployment", "web", self.system.namespace)
        told, wanted = live.get("status") or {}, live["spec"].get("replicas", 1)
        seen = told.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
        counts = [told.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")]
        return seen and counts == [wanted] * 3 and self.objects().get("Pod of web") == wanted and self._answers()

    def _answers(self) -> bool:
        """Whether clients reach it: pods may be ready before whoever leads to them knows."""
        at = urlsplit(self.url)
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=LIMIT_S)
        try:
            return not _ask(connection)[0]
        finally:
            connection.close()

    def _told(self) -> str:
        found = self.release
        return "there is none" if found is None else f"it is {found.state} at {found.phase}: {found.why}"

    @property
    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MUSTER_", "PYTEST_"))}
        return {**kept, "HOME": str(self.root), "KUBECONFIG": str(self.kubeconfig), **self.more}


@contextmanager
def staged(
    root: Path, way: str, *, audit: Path | None = None, change: Callable[[Path], object] = lambda _: None
) -> Iterator[Stage]:
    """The shop, deployed and ready; traffic is shared in this way. `audit` is a file for the server's audit log,
    `change` is given the system's directory before anything of it is deployed."""
    home = shop.write(root, way)
    change(home)
    (root / "pytest.ini").write_text("[pytest]\n")
    system = read_system(home)
    images = root / "images.yaml"
    images.write_text(yaml.safe_dump(system.image_table()))
    with ExitStack() as stack:
        embedded = stack.enter_context(EmbeddedCluster.start(images=images, audit=audit))
        cluster = stack.enter_context(connect(embedded.kubeconfig, embedded=True))
        ManagedSystem(cluster, system).prepare()
        url = service_url(cluster, system)
        told = home / "system.yaml"  # whoever comes with a kubeconfig does not know that it is this machine
        told.write_text(told.read_text().replace("port: 8080}", f"port: 8080, url: {url}}}", 1))
        stage = Stage(root, cluster, read_system(home), embedded.kubeconfig, url)
        wait_for(stage._is_whole, within=60, every=0.1, reason="the shop to be ready")  # noqa: SLF001 - its own
        yield stage


class Load:
    """Clients that ask without a break, half of them on kept connections. A context manager; `failed` has a line for
    each request that was not answered rightly.

    A kept connection that was closed while nothing was under way is no failure, as for any client.
    """

    def __init__(self, url: str) -> None:
        self.failed: list[str] = []
        self.asked = 0
        self.versions: dict[str, int] = {}
        self._at = urlsplit(url)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number % 2 == 0,)) for number in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._at.hostname or "", self._at.port, timeout=LIMIT_S)

    def _run(self, kept: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._stop.is_set():
            began = now()
            was_kept = connection is not None
            connection = connection or http.client.HTTPConnection(
                self._at.hostname or "", self._at.port, timeout=LIMIT_S
            )
            why, version, closed = _ask(connection)
            if closed and was_kept:  # it was closed before it was asked
                connection.close()
                connection = self._connection()
                why, version, closed = _ask(connection)
            with self._lock:
                self.asked += 1
                if why:
                    self.failed.append(f"{utc_iso(timespec='milliseconds')} {'kept' if was_kept else 'new'}: {why}")
                else:
                    self.versions[version] = self.versions.get(version, 0) + 1
            if why or not kept:
                connection.close()
                connection = None
            SYSTEM_CLOCK.sleep(max(EVERY_S - (now() - began), 0.0))


def _ask(connection: http.client.HTTPConnection) -> tuple[str, str, bool]:
    """What went wrong with a request, empty where nothing did; the version that answered; whether it was closed before
    anything was answered."""
    try:
        connection.request("GET", "/items")
        answer = connection.getresponse()
        answer.read()
    except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
        return type(error).__name__, "", True
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}", "", False
    return ("" if answer.status == 200 else f"status {answer.status}"), answer.getheader("X-Version", ""), False
