"""What the service, the databases and the monitoring answer: all that system.yaml says how to ask for."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from muster.base.clock import SYSTEM_CLOCK, now
from muster.base.errors import ClusterError
from muster.base.masking import masked
from muster.kube import Cluster
from muster.monitoring import check_token
from muster.monitoring.asking import Asking
from muster.probes.answers.content import MISSING, parse, unexpected, values_at
from muster.probes.answers.instances import ask_instances, ask_once
from muster.probes.answers.reading import judged_expect, judged_read
from muster.probes.http.address import service_url
from muster.probes.http.outcomes import Outcome
from muster.snapshot.certificates import not_after
from muster.snapshot.databases import ask_database
from muster.snapshot.levels import levels_asked
from muster.snapshot.questions import asked_for
from muster.system import SystemDefinition
from muster.system.known_good import Content, changes, known_good
from muster.system.schema import resolved_address
from muster.wire.names import RELEASE_RECORD_LABEL

LOOKS = 3
STATUS_LOOKS = 9
LIMIT_S = 2.0
# Of a release's record: what goes back needs, and what the analysis keeps from look to look, which may be very long.
RELEASE_BULK = ("way", "events")
BAKE_BULK = ("analysis", "counters", "readings")
APART_S = 1.0  # between two looks for work that stands still

Get = Callable[[], Any]


def parts_of(cluster: Cluster | None, system: SystemDefinition, deadline: float) -> Iterator[tuple[str, Get]]:
    """What is asked, by its name, until the deadline (CLOCK_MONOTONIC seconds). Without a cluster what needs one is
    named all the same, so that it is missing."""
    yield from asked_for(cluster, system)
    yield from levels_asked(system)
    yield "service", lambda: _service(_url(cluster, system), system)
    if system.operations.status is not None:
        yield "status", lambda: _status(_url(cluster, system), system)
    if system.operations.workflows is not None:
        yield "workflows", lambda: _stuck(_url(cluster, system), system)
    for probe in system.probes:
        yield f"probe {probe.name}", lambda probe=probe: _probe(_url(cluster, system), probe)  # type: ignore[misc]
    yield "release", lambda: _release(_there(cluster), system)
    if system.database is not None:
        yield "database", lambda: ask_database(_there(cluster), system, deadline)
    if system.operations.configuration:
        yield "known good", lambda: _known_good(_there(cluster), system)
    if system.monitoring is not None and system.monitoring.server.is_there:
        yield "monitoring", lambda: _alerts(system)


def _there(cluster: Cluster | None) -> Cluster:
    if cluster is None:
        raise ClusterError("the cluster does not answer")
    return cluster


def _url(cluster: Cluster | None, system: SystemDefinition) -> str:
    """Where clients reach the service; by its own address also where the cluster does not answer."""
    if cluster is None and (url := system.service.url) is not None:
        return resolved_address(url, "service.url")
    return service_url(_there(cluster), system)


def _service(url: str, system: SystemDefinition) -> dict[str, Any]:
    """What the read of system.yaml is answered: how often of how many it was not as it should be, and in which way;
    `hides` is whether an answer that is right in itself lacked what must be there once something was written."""
    troubles, slowest, hides = list[str](), 0.0, 0
    for _ in range(LOOKS):
        began = now()
        answer = ask_once(url, system.read.request, limit_s=system.read.limit_s)
        slowest = max(slowest, now() - began)
        judged = judged_read(system.read, answer)
        if judged.outcome is not Outcome.OK:
            troubles.append(f"{judged.outcome}: {judged.why}".rstrip(": "))
        else:
            hides += judged_read(system.read, answer, written=True).outcome is not Outcome.OK
    said = {
        "url": masked(url),
        "asked": LOOKS,
        "troubles": [masked(text) for text in troubles],
        "slowest_s": round(slowest, 3),
        "hides": hides > 0,
    }
    return said | ({"not_after": until} if (until := _certificate(url)) else {})


def _certificate(url: str) -> str | None:
    """Until when the certificate of an https address holds, whether it is trusted or not."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), timeout=LIMIT_S) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            der = secure.getpeercert(binary_form=True)
    except OSError:
        return None  # that it does not answer is told by the read
    return not_after(ssl.DER_cert_to_PEM_cert(der)) if der else None


def _status(url: str, system: SystemDefinition) -> dict[str, Any]:
    assert system.operations.status is not None
    told = ask_instances(url, system.operations.status, looks=STATUS_LOOKS, limit_s=LIMIT_S)
    documents = [document for document in told.documents if isinstance(document, dict)]
    agents = system.operations.agents
    lacking = next((said for document in documents if agents and (said := unexpected(document, agents.whole))), "")
    return {
        "documents": _told(documents, system),
        "failed": told.failed,
        "why": masked(told.first_failure),
        "incomplete": lacking,
    }


def _told(documents: list[dict[str, Any]], system: SystemDefinition) -> list[dict[str, Any]]:
    """What the instances say of themselves, without texts that nobody asked for."""
    paths = [path for one in system.operations.configuration for path in (one.version, one.error) if path]
    kept = []
    for document in documents:
        plain = {
            key: value for key, value in document.items() if isinstance(value, bool | int | float) or value is None
        }
        plain |= {path: (values_at(document, path) or [None])[0] for path in paths}
        kept.append({key: masked(value) if isinstance(value, str) else value for key, value in plain.items()})
    return kept


def _stuck(url: str, system: SystemDefinition) -> dict[str, Any]:
    """The ids of what is stuck in both of two looks: what is so for a moment goes on by itself."""
    spec = system.operations.workflows
    assert spec is not None
    looks = list[set[str]]()
    for look in range(2):
        if look:
            SYSTEM_CLOCK.sleep(APART_S)
        answer = ask_once(url, spec.stuck, limit_s=LIMIT_S)
        document = parse(answer.body) if answer.outcome is Outcome.OK else MISSING
        lists = values_at(document, spec.items)
        if len(lists) != 1 or not isinstance(lists[0], list):
            raise ClusterError(
                f"{spec.stuck.path} does not list what is stuck ({answer.outcome} {answer.why})".rstrip()
            )
        looks.append({str(value) for item in lists[0] for value in values_at(item, spec.id)})
        if not looks[-1]:
            break
    stuck = sorted(set.intersection(*looks))
    return {"stuck": len(stuck), "some": stuck[:5]}


def _probe(url: str, probe: Any) -> dict[str, Any]:
    """What a further probe of system.yaml is answered, where that is not as it should be."""
    answer = judged_expect(probe, ask_once(url, probe.request, limit_s=probe.limit_s))
    return {"trouble": "" if answer.outcome is Outcome.OK else masked(f"{answer.outcome}: {answer.why}")}


def _known_good(cluster: Cluster, system: SystemDefinition) -> dict[str, Any]:
    """How each configuration differs from the last known good one; only of those of which one was kept."""
    said: dict[str, Any] = {}
    for one in system.operations.configuration:
        kept = known_good(cluster, system.namespace, one.config_map)
        if not kept:
            continue
        found = cluster.find("ConfigMap", one.config_map, system.namespace)
        differs = ["it is gone"] if found is None else changes(kept[0].content, Content.of(found))
        said[one.config_map] = {
            "kept": kept[0].kept,
            "stored": kept[0].stored,
            "changes": [masked(text) for text in differs[:5]],
        }
    return said


def _release(cluster: Cluster, system: SystemDefinition) -> dict[str, Any]:
    """The release of the system's namespace, as its record says, without what only whoever looks after it needs; empty
    where there was none."""
    # Listed, since whoever looks may list ConfigMaps already, and needs no further right.
    found = cluster.list("ConfigMap", system.namespace, labels=f"{RELEASE_RECORD_LABEL}=true")
    if not found:
        return {}
    try:
        record = json.loads(found[0]["data"]["release.json"])
        told = {key: value for key, value in record.items() if key not in RELEASE_BULK}
        bake = told.get("bake")
        if bake is not None:
            told["bake"] = {key: value for key, value in bake.items() if key not in BAKE_BULK}
        told["why"] = masked(str(told.get("why") or ""))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise ClusterError(
            f"the record of the release, ConfigMap {found[0]['metadata']['name']}, cannot be understood"
        ) from None
    return told


def _alerts(system: SystemDefinition) -> dict[str, Any]:
    """The alerts that fire, by their names."""
    monitoring = system.monitoring
    assert monitoring is not None
    server, path = monitoring.server, "/api/v1/alerts" if monitoring.kind == "prometheus" else "/api/v2/alerts"
    with Asking(server.address, limit_s=server.limit_s, token=check_token(server)) as asking:
        content = asking.get(path)
    found = content.get("data", {}).get("alerts", []) if isinstance(content, dict) else content
    firing = [
        one
        for one in found
        if (
            one.get("state") == "firing"
            if monitoring.kind == "prometheus"
            else (one.get("status") or {}).get("state") == "active"
        )
    ]
    return {
        "firing": [
            {
                "name": str((one.get("labels") or {}).get("alertname")),
                "since": one.get("activeAt") or one.get("startsAt"),
                "severity": (one.get("labels") or {}).get("severity"),
            }
            for one in firing
        ]
    }
