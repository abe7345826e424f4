"""What `muster diagnose` costs: on the reference system, and with -A on a cluster of 1,000 pods in 50 namespaces.

The latter is a small server of this machine, in a process of its own, that answers with what a real Kubernetes 1.36
recorded (tests/diagnosis/data/recorded.json), in pages, told anew under other names.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from muster.base.clock import now
from muster.snapshot.cluster import KINDS

RECORDED = Path(__file__).resolve().parents[1] / "tests" / "diagnosis" / "data" / "recorded.json"
HEALTHY, ILL = "healthy: finished and retried work, a rollout that is through", "an image that cannot be pulled"
MUSTER = str(Path(sys.executable).with_name("muster"))
NAMESPACES, A_NAMESPACE = 50, 20  # pods of each
EVENTS = 200  # further ones of each namespace
LINES = 60
MANAGED = {
    "manager": "kube-controller-manager",
    "operation": "Update",
    "apiVersion": "v1",
    "time": "2026-11-27T19:51:30Z",
    "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {f"f:field{n}": {} for n in range(40)}},
}
Object = dict[str, Any]


class Cost(NamedTuple):
    """Of one run: seconds on the wall, seconds of processors, MB at the most, findings, what could not be seen."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    findings: int
    unknown: list[str]


def diagnose_all(namespaces: int = NAMESPACES, pods: int = A_NAMESPACE) -> Cost:
    """The cost of `muster diagnose -A --json` as a person would run it."""
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as scratch, serving(namespaces, pods) as address:
        kubeconfig = Path(scratch) / "kubeconfig"
        kubeconfig.write_text(
            "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], "
            f"clusters: [{{name: c, cluster: {{server: '{address}'}}}}], users: [{{name: u, user: {{}}}}]}}"
        )
        return _measured(Path(scratch), "-A", "--kube-context", "c", KUBECONFIG=str(kubeconfig))


def diagnose_reference(system: Path, times: int) -> list[Cost]:
    """The cost of `muster diagnose --json` on a system that is well, on the embedded cluster, so many times."""
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as scratch:
        subprocess.run([MUSTER, "up", "--system", system], cwd=scratch, stdout=subprocess.DEVNULL, check=True)
        try:
            return [_measured(Path(scratch), "--system", str(system)) for _ in range(times)]
        finally:
            subprocess.run([MUSTER, "down"], cwd=scratch, stdout=subprocess.DEVNULL, check=True)


def _measured(scratch: Path, *arguments: str, **environment: str) -> Cost:
    said = scratch / "said.json"
    command = [MUSTER, "diagnose", "--json", *arguments]
    begun = now()
    with said.open("wb") as out:
        child = subprocess.Popen(command, stdout=out, cwd=scratch, env={**os.environ, **environment})
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0  # it was waited for
    taken = now() - begun
    content = json.loads(said.read_text())
    unknown = [f"{one['what']}: {one['why']}" for one in content["unknown"]]
    return Cost(taken, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, len(content["findings"]), unknown)


def objects(namespaces: int, pods: int) -> Iterator[Object]:
    """The objects of a cluster: in each namespace so many pods as recorded, in one of ten some that do not run."""
    recorded = json.loads(RECORDED.read_text())
    scenarios = {one["name"]: one for one in recorded["scenarios"]}
    yield from recorded["nodes"]
    for number in range(namespaces):
        space = f"space-{number:03}"
        yield {"kind": "Namespace", "metadata": {"name": space}, "status": {"phase": "Active"}}
        made, copies = 0, 0
        while made < pods:
            scenario = scenarios[ILL if number % 10 == 0 and not copies else HEALTHY]
            for item in _renamed(scenario, space, f"r{copies}"):
                made += item["kind"] == "Pod"
                if item["kind"] != "Pod" or made <= pods:
                    yield item
            copies += 1
        yield from (_event(space, turn) for turn in range(EVENTS))


def _renamed(scenario: Object, space: str, mark: str) -> list[Object]:
    """The objects of a scenario in another namespace and by other names, pods that are not through before others."""
    text = json.dumps(scenario["objects"]).replace(scenario["namespace"], space)
    text = re.sub(r'"(web|done|once|tried-twice)(["-])', rf'"\1-{mark}\2', text)
    found = [
        {**item, "metadata": {**item["metadata"], "managedFields": [MANAGED, MANAGED]}}
        for item in json.loads(text)
        if item["kind"] not in ("ConfigMap", "ServiceAccount") or mark == "r0"  # each namespace has these once
    ]
    return sorted(found, key=lambda item: (item.get("status") or {}).get("phase") in ("Succeeded", "Failed"))


def _event(space: str, turn: int) -> Object:
    about = {"kind": "Pod", "namespace": space, "name": f"gone-{turn}"}
    times = {"firstTimestamp": "2026-11-27T19:40:00Z", "lastTimestamp": "2026-11-27T19:41:00Z", "count": 3}
    metadata = {"name": f"gone-{turn}.1", "namespace": space, "managedFields": [MANAGED]}
    return {"kind": "Event", "metadata": metadata, "involvedObject": about, "reason": "BackOff",
            "message": "Back-off restarting failed container main", "type": "Warning", **times}  # fmt: skip


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    items: dict[str, list[bytes]]  # by the last part of a kind's path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path, query = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
        *_, last = path.path.split("/")
        if path.path == "/version":
            self._say(200, b'{"gitVersion": "v1.36.2"}')
        elif last == "log":
            self._say(200, b"2026-11-27T19:51:30Z INFO served a request in 3 ms\n" * LINES)
        elif last in self.server.items:
            self._say(200, self._page(last, query))
        else:
            self._say(404, b'{"kind": "Status", "code": 404, "message": "not found"}')

    def _page(self, kind: str, query: dict[str, list[str]]) -> bytes:
        items = self.server.items[kind]
        begin, most = int(query.get("continue", ["0"])[0]), int(query.get("limit", ["1000000"])[0])
        end = min(begin + most, len(items))
        left = {"continue": str(end), "remainingItemCount": len(items) - end} if end < len(items) else {}
        head = json.dumps({"resourceVersion": "1", **left}).encode()
        return b'{"kind": "List", "metadata": ' + head + b', "items": [' + b",".join(items[begin:end]) + b"]}"

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _serve(ready: Connection, namespaces: int, pods: int) -> None:
    paths = {kind.name: kind.api.plural for kind in KINDS}
    items: dict[str, list[bytes]] = {path: [] for path in paths.values()}
    for item in objects(namespaces, pods):
        if item["kind"] in paths:
            items[paths[item["kind"]]].append(json.dumps(item).encode())
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.items = items
        ready.send(server.server_address[1])
        server.serve_forever()


@contextmanager
def serving(namespaces: int, pods: int) -> Iterator[str]:
    """The address of a server of such a cluster, in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, namespaces, pods), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


if __name__ == "__main__":
    print(diagnose_all())
