"""`stop_when` of safety.yaml: what is said wrongly is told with its line; what a cluster says reads no secret."""

from __future__ import annotations

import json

import pytest
import yaml
from tests.schemas.test_schemas import troubles

from muster.base.errors import RefusedError, UsageError
from muster.kube import Cluster
from muster.safety.limits import find_limits
from muster.safety.limits.settings import parse_settings
from muster.safety.limits.sources import Limits, Source

HEAD = "schema: muster/safety/v1\nstop_when:\n"
GOOD = """\
  - {http: "https://checkout.example/health", error_rate: 5%, latency_p95_s: 0.5, over_s: 10}
  - {alert: {severity: critical}}
  - {promql: 'sum(rate(errors[1m]))', above: 0.05}
"""


def test_each_kind_is_read_and_fits_the_schema() -> None:
    service, alert, query = parse_settings(HEAD + GOOD, "safety.yaml").stop_when
    assert (service.rule, alert.rule, query.rule) == ("service", "alert", "query")
    assert str(service) == "service https://checkout.example/health"
    assert troubles("safety-v1.json", [json.loads(json.dumps(yaml.safe_load(HEAD + GOOD)))]) == []


@pytest.mark.parametrize(
    ("said", "error_rate", "every_s"), [("5%", 0.05, 0.5), ("0.05", 0.05, 0.5), ("1 %", 0.01, 0.1), ("50%", 0.5, 0.5)]
)
def test_it_is_looked_at_as_often_as_its_share_takes(said: str, error_rate: float, every_s: float) -> None:
    (found,) = parse_settings(f"{HEAD}  - {{http: 'http://a.example/', error_rate: {said}}}\n", "safety.yaml").stop_when
    assert found.error_rate == pytest.approx(error_rate)  # type: ignore[union-attr]
    assert found.every_s == pytest.approx(every_s)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{error_rate: 5%}", "right would be one of 'http', 'alert', 'promql' in each stop condition"),
        ("{http: 'http://a.example/', alert: {a: b}, error_rate: 5%}", "right would be one of"),
        ("{http: 'http://a.example/'}", "it allows everything; right would be 'error_rate'"),
        ("{http: checkout, error_rate: 5%}", "right would be a whole address"),
        ("{http: 'http://me:s3cret@a.example/', error_rate: 5%}", "a secret does not belong into an address"),
        ("{http: 'http://a.example/', error_rate: 200%}", "right would be a share between 0 and 1"),
        ("{http: 'http://a.example/', error_rate: 0.5%}", "it takes 200 looks to tell.*'over_s' of at least 20"),
        ("{http: 'http://a.example/', latency_p95_s: 3}", "is not below 'limit_s' of 2"),
        ("{http: 'http://a.example/', eror_rate: 5%}", "'stop_when.0.eror_rate' is not a key .* 'error_rate'"),
        ("{alert: {}}", "at least 1 item"),
        ("{promql: up}", "right would be one of 'above' and 'below'"),
    ],
)
def test_a_slip_is_told(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as told:
        parse_settings(f"{HEAD}  - {text}\n", "safety.yaml")
    assert "line 3" in str(told.value)
    assert "s3cret" not in str(told.value)


def test_conditions_of_several_places_hold_together_each_once() -> None:
    settings = parse_settings(HEAD + GOOD, "safety.yaml")
    alone = parse_settings("schema: muster/safety/v1\nrehearsals: false\nstop_when: [{alert: {a: b}}]\n", "safety.yaml")
    both = Limits([Source("here", settings), Source("there", settings), Source("elsewhere", alone)])
    assert len(both.stop_when) == 4
    assert len(Limits(both.sources, embedded=True).stop_when) == 3


def test_what_stands_in_the_cluster_names_nothing_of_the_environment(cluster: Cluster, namespace: str) -> None:
    said = "{http: 'http://evil.example/', error_rate: 5%, headers: {X-Sent: {env: CLOUD_SECRET}}}"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "muster-safety"}}
    cluster.create({**body, "data": {"safety.yaml": f"{HEAD}  - {said}\n"}}, namespace)
    with pytest.raises(RefusedError, match=r"names a variable of the environment of whoever drills"):
        find_limits(cluster, namespace)
    cluster.replace({**body, "data": {"safety.yaml": HEAD + GOOD}}, namespace)
    assert len(find_limits(cluster, namespace).stop_when) == 3
