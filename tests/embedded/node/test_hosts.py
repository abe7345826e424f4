from __future__ import annotations

from muster.embedded.node import hosts


def service(name: str, address: str, namespace: str = "a", **spec: object) -> dict:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": address, **spec}}


def pod(name: str, address: str, *, ready: bool, subdomain: str = "db") -> dict:
    return {
        "metadata": {"name": name, "namespace": "a", "labels": {"app": "db"}},
        "spec": {"hostname": name, "subdomain": subdomain},
        "status": {"podIP": address, "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


def names(text: str) -> dict[str, set[str]]:
    """Addresses by name."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        address, *rest = line.split()
        for name in rest:
            found.setdefault(name, set()).add(address)
    return found


def test_a_service_has_its_short_name_only_in_its_own_namespace() -> None:
    rows = hosts.table([service("web", "127.0.8.1"), service("web", "127.0.8.2", "b")], [])
    found = names(hosts.render(rows, "b", "127.0.64.1", "me"))
    assert found["web"] == {"127.0.8.2"}
    assert found["web.a"] == found["web.a.svc"] == found["web.a.svc.cluster.local"] == {"127.0.8.1"}
    assert found["me"] == {"127.0.64.1"}


def test_a_headless_service_names_its_ready_pods() -> None:
    headless = service("db", "None", selector={"app": "db"})
    rows = hosts.table([headless], [pod("db-0", "127.0.64.1", ready=True), pod("db-1", "127.0.64.2", ready=False)])
    found = names(hosts.render(rows, "a", "127.0.64.9", "me"))
    assert found["db"] == found["db-0.db"] == found["db-0.db.a.svc.cluster.local"] == {"127.0.64.1"}
    assert "db-1.db" not in found


def test_unready_pods_are_named_where_the_service_says_so() -> None:
    headless = service("db", "None", selector={"app": "db"}, publishNotReadyAddresses=True)
    pods = [pod("db-0", "127.0.64.1", ready=True), pod("db-1", "127.0.64.2", ready=False)]
    found = names(hosts.render(hosts.table([headless], pods), "a", "127.0.64.9", "me"))
    assert found["db"] == {"127.0.64.1", "127.0.64.2"}
    assert found["db-1.db"] == {"127.0.64.2"}


def test_a_pod_of_another_subdomain_has_no_name_there() -> None:
    headless = service("db", "None", selector={"app": "db"})
    rows = hosts.table([headless], [pod("db-0", "127.0.64.1", ready=True, subdomain="other")])
    assert "db-0.db" not in names(hosts.render(rows, "a", "127.0.64.9", "me"))
