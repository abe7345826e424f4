"""Asking the new version's own pods what system.yaml has it verified by, past any sharing of traffic."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

import orjson

from muster.base.errors import ClusterError
from muster.base.texts import one_line
from muster.kube import Answer as PodAnswer
from muster.probes.answers.reading import judged_expect
from muster.probes.http.exchange import Answer
from muster.probes.http.outcomes import Outcome, of_status
from muster.release.clients import version_of
from muster.release.work import Releasing
from muster.system.headers import resolved
from muster.system.pods import is_ready
from muster.system.requests import Request

WITHIN_S = 2.0
PLACES = 3  # so many pods are asked what they call themselves, until one says it
LONGEST = 160


def wrong_answers(work: Releasing) -> Iterator[str]:
    """What ready pods of the new version answer wrongly to the probes of release.verify, one line each.

    Raises:
        ClusterError: the cluster does not list its pods.
    """
    probes = [work.system.further_probe(name) for name in work.system.release.verify]
    serving = work.serving
    if not probes or serving is None:
        return
    port = work.pod_port()
    for pod in filter(is_ready, work.beside(serving).pods()):
        name = pod["metadata"]["name"]
        for probe in probes:
            try:
                told = ask(work, name, port, probe.request)
            except ClusterError as error:
                yield f"pod {name} of the new version cannot be asked '{probe.name}': {one_line(str(error))[:LONGEST]}"
                continue
            outcome = of_status(told.status, probe.request.status, retry_after=False)
            judged = judged_expect(probe, Answer(0.0, 0.0, outcome, "new", True, told.status, told.body))
            if judged.outcome is not Outcome.OK:
                why = one_line(judged.why or f"status {told.status}")[:LONGEST]
                yield f"pod {name} of the new version answers '{probe.name}' wrongly: {why}"


def told_version(work: Releasing) -> str:
    """What the new version's pods say in their answers that they are; empty where they do not, or none is ready.

    Raises:
        ClusterError: the cluster does not list its pods.
    """
    told, serving = work.system.release.version, work.serving
    if told is None or serving is None:
        return ""
    request = told.request or work.system.read.request
    port = work.pod_port()
    for pod in [one for one in work.beside(serving).pods() if is_ready(one)][:PLACES]:
        name = pod["metadata"]["name"]
        try:
            answer = ask(work, name, port, request)
        except ClusterError:
            continue
        headers = tuple((key.encode(), value.encode()) for key, value in answer.headers.items())
        seen = Answer(0.0, 0.0, Outcome.OK, "new", True, answer.status, answer.body, headers=headers)
        if found := version_of(seen, told):
            return found
    return ""


def ask(work: Releasing, pod: str, port: int, request: Request, *, timeout: float = WITHIN_S) -> PodAnswer:
    """What a pod answers to a request of system.yaml, with the headers that it has everywhere, within `timeout` s.

    Raises:
        ClusterError: it could not be asked.
    """
    path, _, query = request.path.partition("?")
    headers = {**resolved(work.system.headers), **resolved(request.headers)}
    if request.body is None:
        return work.cluster.ask_pod(
            pod,
            work.namespace,
            port,
            path,
            method=request.method,
            query=dict(parse_qsl(query)),
            headers=headers,
            timeout=timeout,
        )
    return work.cluster.ask_pod(
        pod,
        work.namespace,
        port,
        path,
        method=request.method,
        query=dict(parse_qsl(query)),
        headers=headers | {"Content-Type": "application/json"},
        body=orjson.dumps(request.body),
        timeout=timeout,
    )
