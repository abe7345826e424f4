"""Probes that fail: what the kubelet says of them, and what they ask."""

from __future__ import annotations

import re

from muster.checks.pods.starting import bare
from muster.checks.pods.trouble import Trouble, one_line, spec_of
from muster.checks.seen import Seen, event_time, times
from muster.snapshot import Object, ref_of

FRESH_S = 120.0  # a failed probe of longer ago says nothing of now
PATIENCE_S = 30.0  # what a program may take to be ready before a refused probe is more than its start
_KILLING = re.compile(r"Container (\S+) failed (liveness|startup) probe")
_STATUS = re.compile(r"HTTP probe failed with statuscode: (\d+)")
_PORT = re.compile(r"dial tcp \[?[0-9a-fA-F.:]+\]?:(\d+)")


def killed_by_probe(seen: Seen, pod: Object, status: Object, label: str) -> Trouble | None:
    """A container that the kubelet ends again and again since a probe of it fails."""
    name = status["name"]
    killings = [
        (found[2], event)
        for event in seen.events(ref_of(pod), "Killing")
        if (found := _KILLING.search(str(event.get("message")))) and found[1] == name
    ]
    ended = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
    if ended.get("reason") == "OOMKilled":
        return None
    for which, _ in reversed(killings):
        said = _said(seen, pod, name, which.capitalize())
        what = _what(said, spec_of(pod, name).get(f"{which}Probe") or {})
        evidence = tuple(text for text in (said, f"{label} was killed for it") if text)
        return Trouble(
            f"{which} probe of {label} {what}, so it is restarted again and again", evidence, open_cause=True
        )
    probe = "liveness" if spec_of(pod, name).get("livenessProbe") else ""
    said = _said(seen, pod, name, "Liveness") if probe else ""
    if said and ended.get("exitCode") in (0, 137, 143):
        what = _what(said, spec_of(pod, name)["livenessProbe"])
        return Trouble(
            f"liveness probe of {label} {what}, so it is restarted again and again", (said,), open_cause=True
        )
    return None


def probe_failing(seen: Seen, pod: Object, status: Object, label: str) -> Trouble | None:
    """A container that runs and does not become ready, though it had time to."""
    name, spec = status["name"], spec_of(pod, status["name"])
    running = (status.get("state") or {}).get("running") or {}
    for which in ("startup", "readiness"):
        probe = spec.get(f"{which}Probe")
        if not probe or (which == "startup" and status.get("started")):
            continue
        up = seen.age(running.get("startedAt"))
        said = _said(seen, pod, name, which.capitalize())
        patience = max(PATIENCE_S, float(probe.get("initialDelaySeconds") or 0) + _span(probe))
        if up < patience:
            return None
        if said:
            return Trouble(f"{which} probe of {label} {_what(said, probe)}", (said,), firm=False, open_cause=True)
        if which == "readiness" and not seen.knows("Event"):
            return Trouble(
                f"{which} probe of {label} fails", ("it runs, and is not ready",), firm=False, open_cause=True
            )
        if which == "readiness":
            return Trouble(
                f"{label} runs and is not ready",
                (f"it runs since {running.get('startedAt')}",),
                firm=False,
                open_cause=True,
            )
    return None


def _span(probe: Object) -> float:
    return float(probe.get("periodSeconds") or 10) * float(probe.get("failureThreshold") or 3)


def _said(seen: Seen, pod: Object, container: str, which: str) -> str:
    """The latest that was said of a probe of a container."""
    for event in sorted(seen.events(ref_of(pod), "Unhealthy", "ProbeWarning"), key=event_time, reverse=True):
        message = str(event.get("message") or "")
        about = str((event.get("involvedObject") or {}).get("fieldPath") or "")
        if about and f"{{{container}}}" not in about:
            continue
        if message.startswith(f"{which} probe") and seen.age(event_time(event)) < FRESH_S + 5 * times(event):
            return one_line(message)
    return ""


def _what(said: str, probe: Object) -> str:
    """What a probe meets, from what the kubelet says."""
    if status := _STATUS.search(said):
        return f"fails ({status[1]})"
    port = _PORT.search(said)
    at = (
        port[1]
        if port
        else str((probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc") or {}).get("port", ""))
    )
    if "connection refused" in said:
        return f"is refused on port {at}" if at else "is refused"
    if "deadline exceeded" in said or "timed out" in said or "i/o timeout" in said or "Client.Timeout" in said:
        return f"is not answered in time{f' on port {at}' if at else ''}"
    if "no such host" in said or "no route to host" in said:
        return f"cannot reach its address{f' on port {at}' if at else ''}"
    if "connection reset" in said or "EOF" in said:
        return f"is cut off{f' on port {at}' if at else ''}"
    if "server gave HTTP response to HTTPS client" in said:
        return f"speaks HTTPS, and is answered with HTTP{f' on port {at}' if at else ''}"
    if shown := one_line(bare(said.partition(":")[2].strip()), 120):
        return f"fails ({shown})"
    command = " ".join(map(str, (probe.get("exec") or {}).get("command") or []))
    return f"fails (its command {one_line(command, 80)} says no)" if command else "fails"
