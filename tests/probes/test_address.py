"""Where the service is found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.probes.service import Service, system_of

from muster.base.errors import ClusterError, UsageError
from muster.kube import Cluster, access_to
from muster.probes.http.address import service_url
from muster.system.definition import SystemDefinition
from muster.system.parts import ServiceAddress

PATH = "/api/v1/namespaces/items/services/items"
OUTSIDE = "https://items.example/api/"


@pytest.fixture
def api() -> Iterator[Service]:
    with Service() as service:
        yield service


def cluster(api: Service, *, embedded: bool) -> Cluster:
    return Cluster(access_to(api.url), content={"current-context": "test"}, kubeconfig=None, embedded=embedded)


def system(url: str | None = None) -> SystemDefinition:
    plain = system_of()
    return plain.model_copy(update={"service": ServiceAddress(**{**plain.service.model_dump(), "url": url})})


def ingress(**entry: str) -> dict[str, Any]:
    return {"spec": {"clusterIP": "10.0.0.7"}, "status": {"loadBalancer": {"ingress": [entry] if entry else []}}}


@pytest.mark.parametrize("url", [None, OUTSIDE])
def test_the_embedded_cluster_is_met_at_its_own_address_whatever_url_says(api: Service, url: str | None) -> None:
    api.pages[PATH] = {"spec": {"clusterIP": "127.80.0.7"}}
    with cluster(api, embedded=True) as here:
        assert service_url(here, system(url)) == "http://127.80.0.7:8080"


def test_a_real_cluster_is_met_where_url_says(api: Service) -> None:
    with cluster(api, embedded=False) as there:
        assert service_url(there, system(OUTSIDE)) == "https://items.example/api"


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ({"ip": "192.0.2.7"}, "http://192.0.2.7:8080"),
        ({"hostname": "lb.example"}, "http://lb.example:8080"),
        ({"ip": "2001:db8::7"}, "http://[2001:db8::7]:8080"),
    ],
)
def test_a_real_cluster_without_url_is_met_at_its_load_balancer(api: Service, entry: dict[str, str], url: str) -> None:
    api.pages[PATH] = ingress(**entry)
    with cluster(api, embedded=False) as there:
        assert service_url(there, system()) == url


def test_a_service_without_an_address_outside_asks_for_url(api: Service) -> None:
    api.pages[PATH] = ingress()
    with cluster(api, embedded=False) as there, pytest.raises(UsageError, match=r"service\.url"):
        service_url(there, system())


def test_a_missing_service_is_told(api: Service) -> None:
    api.behaviour = 404
    with cluster(api, embedded=True) as here, pytest.raises(ClusterError, match="no Service 'items'"):
        service_url(here, system())
