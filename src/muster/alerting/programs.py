"""A Prometheus and an Alertmanager of one's own on loopback, with a system's files: for drills and for tests.

    with Programs.start(Watched(definition), cluster) as programs:
        programs.alertmanager        # its address
        programs.told                # what its receivers were told, by name

They are configured as `muster monitoring write` has it, with three things changed: ports, where targets are found, and
whom receivers tell, which is nobody outside. Targets are given by a file with the labels that Prometheus' own discovery
of Kubernetes would give them, as Debian builds it without.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import yaml

from muster.alerting.routing import alertmanager
from muster.alerting.rules import rules
from muster.alerting.scraping import prometheus
from muster.alerting.series import Watched
from muster.base.background import Background
from muster.base.errors import ClusterError, MissingProgramError
from muster.base.files import write_atomically
from muster.base.private import private_directory
from muster.base.process import Child
from muster.base.waiting import wait_for
from muster.kube import Cluster

# As they are called where they come from, and in Debian.
NAMES = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "amtool": ("amtool",),
}
_READY_S = 30.0
_TARGETS_EVERY_S = 0.5


def find_program(name: str) -> str:
    """The path of one of Prometheus' programs.

    Raises:
        MissingProgramError: it is not installed.
    """
    found = next((path for one in NAMES[name] if (path := shutil.which(one))), None)
    if found is None:
        right = "apt-get install prometheus prometheus-alertmanager"
        raise MissingProgramError(f"program '{name}' is not installed; right would be: {right}")
    return found


class Programs:
    """Both programs while they run. `told` holds each message of the Alertmanager by the name of the receiver."""

    def __init__(self, prometheus_url: str, alertmanager_url: str, told: dict[str, list[dict[str, Any]]]) -> None:
        self.prometheus = prometheus_url
        self.alertmanager = alertmanager_url
        self.told = told

    @classmethod
    @contextmanager
    def start(
        cls,
        watched: Watched,
        cluster: Cluster | None = None,
        *,
        change: Callable[[dict[str, Any]], None] = lambda _: None,
        log: Path | None = None,
    ) -> Iterator[Programs]:
        """Start them; `change` may alter the rules first. Without a cluster nothing of it is scraped.

        Raises:
            MissingProgramError: one is not installed.
            TimeoutExceededError: one does not come up.
        """
        paths = {name: find_program(name) for name in ("prometheus", "alertmanager")}
        with ExitStack() as stack:
            folder = stack.enter_context(private_directory())
            out = stack.enter_context((log or folder / "log").open("ab"))
            told = dict[str, list[dict[str, Any]]]()
            sink = stack.enter_context(_sink(told))
            ports = _free_ports(2)
            urls = [f"http://127.0.0.1:{port}" for port in ports]
            content = rules(watched)
            change(content)
            _write(folder / "rules.yaml", content)
            _write(folder / "alertmanager.yaml", _told_to(alertmanager(watched), sink))
            _write(
                folder / "prometheus.yaml",
                _placed(prometheus(watched), folder / "targets.json", f"127.0.0.1:{ports[1]}"),
            )
            _targets(folder / "targets.json", [])
            if cluster is not None:
                stack.enter_context(_Following(cluster, watched.system.namespace, folder / "targets.json"))
            for command in (
                [paths["alertmanager"], f"--config.file={folder}/alertmanager.yaml", f"--storage.path={folder}/alerts",
                 f"--web.listen-address=127.0.0.1:{ports[1]}", "--cluster.listen-address="],
                [paths["prometheus"], f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/series",
                 f"--web.listen-address=127.0.0.1:{ports[0]}", "--storage.tsdb.retention.time=1d", "--log.level=warn"],
            ):  # fmt: skip
                stack.enter_context(Child(command, cwd=folder, stdout=out, stderr=out))
            for url in urls:
                wait_for(lambda url=url: _ready(url), within=_READY_S, reason=f"{url} to be ready")  # type: ignore[misc]
            yield cls(urls[0], urls[1], told)


class _Following(Background):
    """Keeps a file of targets as the pods of a namespace are."""

    def __init__(self, cluster: Cluster, namespace: str, path: Path) -> None:
        super().__init__(self._run, name="muster-targets")
        self._cluster, self._namespace, self._path = cluster, namespace, path
        self._written: list[dict[str, Any]] = []

    def _run(self) -> None:
        while not self.pause(_TARGETS_EVERY_S):
            try:
                pods = self._cluster.list("Pod", self._namespace)
            except ClusterError:
                continue  # as Prometheus itself does, it goes on with those that it knows
            found = [target for pod in pods if (target := _target(pod))]
            if found != self._written:
                _targets(self._path, found)
                self._written = found


def _target(pod: Mapping[str, Any]) -> dict[str, Any] | None:
    """A pod as Prometheus' own discovery gives it, as far as the configuration asks; None without an address."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    address = status.get("podIP")
    if not address:
        return None
    owner: Mapping[str, Any] = next((one for one in metadata.get("ownerReferences") or [] if one.get("controller")), {})
    meta = "__meta_kubernetes_pod"
    return {
        "targets": [address],
        "labels": {
            "__meta_kubernetes_namespace": metadata["namespace"],
            f"{meta}_name": metadata["name"],
            f"{meta}_ip": address,
            f"{meta}_phase": str(status.get("phase") or "Unknown"),
            f"{meta}_controller_kind": str(owner.get("kind") or ""),
            f"{meta}_controller_name": str(owner.get("name") or ""),
            **{f"{meta}_label_{_spelt(name)}": value for name, value in (metadata.get("labels") or {}).items()},
        },
    }


def _spelt(label: str) -> str:
    """A label of Kubernetes as Prometheus spells it."""
    return re.sub("[^a-zA-Z0-9_]", "_", label)


def _targets(path: Path, found: list[dict[str, Any]]) -> None:
    write_atomically(path, json.dumps(found))


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_atomically(path, yaml.safe_dump(dict(content), sort_keys=False))


def _placed(content: dict[str, Any], targets: Path, alertmanager_address: str) -> dict[str, Any]:
    """The configuration of Prometheus with targets from a file, and this Alertmanager."""
    content["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager_address]
    for job in content["scrape_configs"]:
        if job.pop("kubernetes_sd_configs", None):
            job["file_sd_configs"] = [{"files": [str(targets)], "refresh_interval": "1s"}]
    return content


def _told_to(content: dict[str, Any], sink: str) -> dict[str, Any]:
    """The configuration of Alertmanager with the same routes, every receiver of which tells this process alone."""
    names = [receiver["name"] for receiver in content["receivers"]]
    content["receivers"] = [
        {"name": name, "webhook_configs": [{"url": f"{sink}/{name.replace(' ', '-')}", "send_resolved": True}]}
        for name in names
    ]
    return content


@contextmanager
def _sink(told: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """A webhook that keeps what it is told, by the last part of the path."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.setdefault(self.path.rpartition("/")[2], []).append(content)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody wants to read it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now. Neither program tells which one it took, were it told to take any."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
