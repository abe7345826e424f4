"""What is asked for the checks of a system's own: an answer over HTTP, a value by SQL, values by PromQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from muster.base.errors import ClusterError
from muster.base.masking import masked
from muster.kube import Cluster
from muster.monitoring import Asking, check_token, values
from muster.probes.answers.instances import ask_once
from muster.probes.answers.reading import judged_expect
from muster.probes.http.address import service_url
from muster.probes.http.outcomes import Outcome
from muster.system import SystemDefinition
from muster.system.own_checks import HttpQuestion, OwnCheck
from muster.system.state import SystemState

# A value is read, and never for long, whatever the statement would do.
READ_ONLY = "PGOPTIONS=-c default_transaction_read_only=on -c statement_timeout={milliseconds}"
TRUE_OR_FALSE = {"t": 1.0, "f": 0.0}


def asked_for(cluster: Cluster | None, system: SystemDefinition) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is asked for each check that system.yaml declares, by the name of its part. Without a cluster that is what
    Prometheus knows."""
    for name, check in system.checks.items():
        if check.promql is not None:
            yield f"check {name}", lambda check=check: _by_promql(system, check)  # type: ignore[misc]
        elif cluster is not None:
            yield f"check {name}", lambda check=check: _answer(cluster, system, check)  # type: ignore[misc]


def _answer(cluster: Cluster, system: SystemDefinition, check: OwnCheck) -> dict[str, Any]:
    if check.http is not None:
        return _by_http(service_url(cluster, system), check, check.http)
    assert check.sql is not None
    return {"asked": masked(check.sql), "values": [_by_sql(cluster, system, check, check.sql)]}


def _by_promql(system: SystemDefinition, check: OwnCheck) -> dict[str, Any]:
    assert check.promql is not None
    assert system.monitoring is not None
    server = system.monitoring.server
    with Asking(server.address, limit_s=check.limit_s, token=check_token(server)) as asking:
        return {"asked": masked(check.promql), "values": values(asking, check.promql)}


def _by_http(url: str, check: OwnCheck, question: HttpQuestion) -> dict[str, Any]:
    answer = judged_expect(question, ask_once(url, question.request, limit_s=check.limit_s))
    asked = f"{question.request.method} {masked(question.request.path)}"
    if answer.outcome is Outcome.OK:
        return {"asked": asked, "trouble": ""}
    failed = "" if answer.outcome is Outcome.WRONG else f"{answer.outcome}: "
    return {"asked": asked, "trouble": masked(f"{failed}{answer.why}".rstrip(": "))}


def _by_sql(cluster: Cluster, system: SystemDefinition, check: OwnCheck, sql: str) -> float:
    """The first field of the first row that a statement answers.

    Raises:
        ClusterError: nobody answers, or with no number.
    """
    state = SystemState(cluster, system)
    instance = check.instance or next(iter(state.primaries()), None)
    if instance is None:
        raise ClusterError("no instance of the database is the primary, so that none can be asked")
    command = ["env", READ_ONLY.format(milliseconds=round(check.limit_s * 1000)), "psql", "-tAXc", sql]
    for pod in state.instance_pods(instance):
        result = cluster.execute(
            pod["metadata"]["name"],
            system.namespace,
            command,
            container=state.database.container,
            timeout=check.limit_s + 1,
        )
        if result.code != 0:
            raise ClusterError(f"{instance} answers: {masked(' '.join(result.stderr.split())[:160])}")
        said = next(iter(result.stdout.splitlines()), "").partition("|")[0].strip()
        try:
            return TRUE_OR_FALSE[said] if said in TRUE_OR_FALSE else float(said)
        except ValueError:
            raise ClusterError(f"{instance} answers '{masked(said[:40])}', which is no number") from None
    raise ClusterError(f"no pod of database instance {instance} runs")
