"""What clients of a Service see when its pods are struck: the strikes that `datapath.json` has recorded, struck here.

The recording's own way of looking: a Deployment of HTTP servers that are deaf to SIGTERM, with a grace of 2 s and a
readiness probe every second; clients ask over a new connection each time and wait for 1 s.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from embedded_support import Running

from muster.base.clock import now
from muster.base.waiting import wait_for

PORT = 8000
LIMIT_S = 1.0
GRACE_S = 2
BEFORE_S = 1.5  # for which clients ask before the strike: longer than the proxy's second, so that it writes at once
RECORDED_RATE = 100.0  # requests/s
SERVER = f"""
import http.server, os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served")
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
Server((os.environ["POD_IP"], {PORT}), Handler).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Failures of one kind in a row; seconds after the strike began."""

    kind: str
    from_s: float
    to_s: float
    n: int


class Served:
    """A Service with its Deployment, in a namespace of its own."""

    def __init__(self, cluster: Running, replicas: int) -> None:
        self._cluster = cluster
        self.namespace = f"datapath-{secrets.token_hex(3)}"
        assert cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})[0] == 201
        self.deployment = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/web"
        assert cluster.call("POST", self.deployment.removesuffix("/web"), _deployment(replicas))[0] == 201
        spec = {"selector": {"app": "web"}, "ports": [{"port": PORT}]}
        made = cluster.call("POST", f"{self.base}/services", {"metadata": {"name": "web"}, "spec": spec})
        self.address = made[1]["spec"]["clusterIP"]

    @property
    def base(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}"

    def pods(self) -> list[dict]:
        return self._cluster.call("GET", f"{self.base}/pods")[1]["items"]

    def is_ready(self) -> bool:
        status = self._cluster.call("GET", self.deployment)[1].get("status", {})
        return status.get("readyReplicas", 0) == status.get("replicas", -1)

    # The strikes

    def delete(self, pod: str, grace_s: int) -> None:
        self._cluster.call("DELETE", f"{self.base}/pods/{pod}", {"gracePeriodSeconds": grace_s})

    def restart(self) -> None:
        meta = {"annotations": {"kubectl.kubernetes.io/restartedAt": secrets.token_hex(4)}}
        self._cluster.patch(self.deployment, {"spec": {"template": {"metadata": meta}}})

    def scale_to_none(self) -> None:
        self._cluster.patch(self.deployment, {"spec": {"replicas": 0}})

    def victim(self) -> str:
        return str(self.pods()[0]["metadata"]["name"])

    def remove(self) -> None:
        for pod in self.pods():
            self.delete(pod["metadata"]["name"], grace_s=0)
        self._cluster.call("DELETE", self.base)


def _deployment(replicas: int) -> dict:
    container = {
        "name": "web",
        "image": "python:3.11-slim",
        "command": ["python3", "-c", SERVER],
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1},
    }
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": GRACE_S},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    return {"metadata": {"name": "web"}, "spec": spec}


def process_of(pod: str) -> int:
    """The pod's first process, as the machine counts."""
    marker = f"HOSTNAME={pod}".encode()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and marker in (entry / "environ").read_bytes().split(b"\0"):
                return int(entry.name)
    raise AssertionError(f"no process of {pod}")


Act = Callable[[Served, str], None]


def _delete(grace_s: int) -> Act:
    return lambda served, victim: served.delete(victim, grace_s)


def _signal(number: int) -> Act:
    return lambda _served, victim: os.kill(process_of(victim), number)


@dataclass(frozen=True, slots=True)
class Strike:
    """One case of the recording: how many replicas, what is done to one of them, what is done some seconds later."""

    replicas: int
    act: Act
    later: tuple[float, Act] | None = None


STRIKES = {
    "forced deletion of the only pod": Strike(1, _delete(0)),
    "graceful deletion of the only pod (2 s)": Strike(1, _delete(GRACE_S)),
    "SIGKILL of the only container's process": Strike(1, _signal(signal.SIGKILL)),
    "SIGSTOP of the only container's process for 3 s": Strike(
        1, _signal(signal.SIGSTOP), (3.0, _signal(signal.SIGCONT))
    ),
    "forced deletion of one pod of three": Strike(3, _delete(0)),
    "SIGKILL of one container's process of three": Strike(3, _signal(signal.SIGKILL)),
    "rollout restart of two": Strike(2, lambda served, _victim: served.restart()),
    "scale to none": Strike(2, lambda served, _victim: served.scale_to_none()),
}


@dataclass(frozen=True, slots=True)
class Watched:
    """What clients of one Service saw, and by how many seconds the watching itself was late at worst."""

    stretches: list[Stretch]
    late_s: float


def strike(cluster: Running, names: Sequence[str], *, seconds: float = 6.0, rate: float = 50.0) -> dict[str, Watched]:
    """Strike several Services at the same time, and tell what their clients saw until `seconds` after it: by default
    for as long as was recorded.
    """
    with ExitStack() as stack:
        served = {name: Served(cluster, STRIKES[name].replicas) for name in names}
        for service in served.values():
            stack.callback(service.remove)
        for service in served.values():
            wait_for(service.is_ready, within=60, every=0.2, reason="the Service's pods to be ready")
        return asyncio.run(_strike(served, seconds, rate))


async def _strike(served: dict[str, Served], seconds: float, rate: float) -> dict[str, Watched]:
    await asyncio.gather(*(_answered(service) for service in served.values()))
    began = now() + BEFORE_S
    watching = [_watch(service, STRIKES[name], began, seconds, rate) for name, service in served.items()]
    return dict(zip(served, await asyncio.gather(*watching), strict=True))


async def _watch(served: Served, strike: Strike, began: float, seconds: float, rate: float) -> Watched:
    victim = await asyncio.to_thread(served.victim)
    acting = [asyncio.create_task(_later(began, strike.act, served, victim))]
    if strike.later:
        acting.append(asyncio.create_task(_later(began + strike.later[0], strike.later[1], served, victim)))
    asking, late = [], 0.0
    for number in range(int((seconds + BEFORE_S) * rate)):
        due = began - BEFORE_S + number / rate
        await asyncio.sleep(max(due - now(), 0))
        late = max(late, now() - due)
        asking.append(asyncio.create_task(_asked(served, began)))
    await asyncio.gather(*acting)
    return Watched(stretches(await asyncio.gather(*asking)), late)


async def _later(at: float, act: Callable[[Served, str], None], served: Served, victim: str) -> None:
    await asyncio.sleep(max(at - now(), 0))
    await asyncio.to_thread(act, served, victim)


async def _answered(served: Served) -> None:
    deadline = now() + 30
    while await outcome(served.address) != "ok":
        assert now() < deadline, "the Service does not answer"
        await asyncio.sleep(0.05)


async def _asked(served: Served, began: float) -> tuple[float, str]:
    at = now() - began
    return at, await outcome(served.address)


async def outcome(address: str, port: int = PORT) -> str:
    """What becomes of one request over a new connection."""
    try:
        async with asyncio.timeout(LIMIT_S):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(b"GET / HTTP/1.0\r\n\r\n")
                answer = await reader.read()
            finally:
                writer.transport.abort()
    except TimeoutError:
        return "timeout"
    except ConnectionRefusedError:
        return "refused"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    except OSError:
        return "unreachable"
    if not answer:
        return "empty"
    return "ok" if answer.endswith(b"served") else "wrong"


def stretches(outcomes: Iterable[tuple[float, str]]) -> list[Stretch]:
    """Failures of one kind that follow each other without a success between them."""
    found = []
    for kind, rows in groupby(outcomes, key=lambda row: row[1]):
        if kind != "ok":
            times = [at for at, _ in rows]
            found.append(Stretch(kind, times[0], times[-1], len(times)))
    return found


# Comparing distributions

STRAY_S = 0.03  # failures for less than that are the machine's own
SLACK_S = 0.4  # before the earliest of five runs, in which alone the striking call took 0.1 s
BUSY_S = 0.8  # after the latest: the machine may have other work


def phases(found: Sequence[Stretch], rate: float) -> list[Stretch]:
    """The order of kinds: stretches of one kind joined, whether or not some requests succeeded between them, without
    strays and without resets of those who were under way when a program ended.
    """
    joined: list[Stretch] = []
    for stretch in found:
        kind = "refused" if stretch.kind in ("reset", "empty") else stretch.kind
        if joined and joined[-1].kind == kind:
            last = joined[-1]
            joined[-1] = Stretch(kind, last.from_s, stretch.to_s, last.n + stretch.n)
        else:
            joined.append(Stretch(kind, stretch.from_s, stretch.to_s, stretch.n))
    lasting = [phase for phase in joined if phase.n / rate >= STRAY_S]
    return lasting if len(lasting) == len(joined) else phases(lasting, rate)


def difference(seen: Sequence[Stretch], rate: float, runs: Sequence[Sequence[Stretch]]) -> str:
    """In what a run differs from the runs of a real cluster; empty where it could be one of them."""
    found, real = phases(seen, rate), [phases(run, RECORDED_RATE) for run in runs]
    alike = [run for run in real if [phase.kind for phase in run] == [phase.kind for phase in found]]
    if not alike:
        return f"order: {_kinds(found)}, on a real cluster {' or '.join(sorted(set(map(_kinds, real))))}"
    resets = sum(stretch.n for stretch in seen if stretch.kind in ("reset", "empty"))
    refused = sum(stretch.n for stretch in seen if stretch.kind == "refused")
    if resets > max(refused / 4, 3):
        return f"kinds: {resets} were reset and {refused} refused; on a real cluster one is reset at most"
    for position, phase in enumerate(found):
        if why := _delay(phase, rate, [run[position] for run in alike]):
            return why
    return ""


def _kinds(run: Sequence[Stretch]) -> str:
    return ", ".join(phase.kind for phase in run) or "nobody is hurt"


def _delay(phase: Stretch, rate: float, real: Sequence[Stretch]) -> str:
    """Whether a phase begins and ends when it does on a real cluster, and hurts no fewer."""
    for what, value, recorded in (
        ("from", phase.from_s, [run.from_s for run in real]),
        ("until", phase.to_s, [run.to_s for run in real]),
    ):
        if not min(recorded) - SLACK_S <= value <= max(recorded) + BUSY_S:
            return f"{phase.kind} {what} {value:.2f} s, on a real cluster {min(recorded):.2f} to {max(recorded):.2f} s"
    hurt, least = phase.n / rate, min(run.n for run in real) / RECORDED_RATE
    if hurt < 0.6 * least:
        return f"{phase.kind} for {hurt:.2f} s in all, on a real cluster {least:.2f} s at least: it flatters"
    return ""


def recorded(case: Iterable[dict[str, Any]]) -> list[list[Stretch]]:
    """The runs of one case of `datapath.json`."""
    return [[Stretch(**segment) for segment in run["segments"]] for run in case]
