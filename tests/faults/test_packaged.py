"""The experiments that come with the package take their names from any system, or say what it lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from muster.base.errors import UsageError
from muster.base.packaged import EXPERIMENTS as PACKAGED
from muster.base.timeline import Timeline
from muster.base.waiting import wait_for
from muster.faults import Injection, find_experiment
from muster.faults.aim import NOBODY, VARIABLES, Aim
from muster.faults.experiments import experiment_paths
from muster.kube import Cluster
from muster.probes.http.address import service_url
from muster.safety import open_records
from muster.system import SystemDefinition, SystemState
from muster.system.manifests import read_manifests

from .stranger import stranger

NAMES = sorted(path.stem for path in PACKAGED.glob("*.yaml"))
OF_THE_REFERENCE_SYSTEM = re.compile(r"\bapi\b|\bapp=|app in|enhancer|\bdb-[ab]\b|settings\.yaml", re.IGNORECASE)
NOWHERE = Path("experiments-of-nobody")
WEB = Aim(container="web")
CAPACITY = "operations: {capacity: {deployment: front, max_replicas: 4, admits_per_s: 40}}\n"
OF_A_DATABASE = {"database-disaster", "database-unreachable", "db-failure", "password-rotated", "release-database-lost"}


@pytest.mark.parametrize("name", NAMES)
def test_none_names_a_part_of_the_reference_system(name: str) -> None:
    assert not OF_THE_REFERENCE_SYSTEM.findall((PACKAGED / f"{name}.yaml").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_each_asks_only_for_names_that_there_are(name: str) -> None:
    asked = set(re.findall(r"key: (MUSTER_\w+)", (PACKAGED / f"{name}.yaml").read_text()))
    assert asked - VARIABLES.keys() <= {"MUSTER_NAMESPACE", "MUSTER_HOLD_S"}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_A_DATABASE])
def test_each_is_fit_to_strike_a_stranger(name: str, tmp_path: Path) -> None:
    system = stranger(tmp_path / "systems", more=CAPACITY)
    aim = Aim(container="web" if name in {"pod-crash", "rollout-broken"} else None, config_map=None)
    if name == "config-broken":
        aim = Aim(config_map="front-conf/front.conf")
    if name == "release":
        aim = Aim(release="front:2")
    experiment = find_experiment(NOWHERE, name, system, aim)
    assert experiment.path == PACKAGED / f"{name}.yaml"
    assert "${" not in str(experiment.effect)
    assert all(experiment.environment.values())


def test_a_projects_own_stands_before_the_packages(tmp_path: Path) -> None:
    own = (PACKAGED / "pods-lost.yaml").read_text().replace("title: All", "title: Our own, all")
    (tmp_path / "pods-lost.yaml").write_text(own)
    system = stranger(tmp_path / "systems")
    assert find_experiment(tmp_path, "pods-lost", system).title.startswith("Our own")
    assert find_experiment(tmp_path, "workload-lost", system).path.parent == PACKAGED
    assert experiment_paths(tmp_path).keys() == set(NAMES)


def test_what_is_checked_before_the_strike_sees_the_names(tmp_path: Path) -> None:
    system = stranger(tmp_path / "systems")

    def of(name: str, aim: Aim = NOBODY) -> set[str]:
        return {str(right) for right in find_experiment(NOWHERE, name, system, aim).needs}

    assert of("workload-lost", Aim(target="store")) == {
        *("get statefulsets.apps", "patch statefulsets.apps", "list pods", "delete pods")
    }
    assert "patch deployments.apps" in of("workload-lost")
    assert {"patch deployments.apps", "patch statefulsets.apps"} <= of("full-outage")


@pytest.mark.parametrize(
    ("name", "aim", "said"),
    [
        ("db-failure", NOBODY, "it strikes a database, and system 'stranger' has no 'database'"),
        ("password-rotated", NOBODY, "it strikes a database, and system 'stranger' has no 'database'"),
        ("high-load", NOBODY, r"right would be surge=REQUESTS_PER_S .* or operations\.capacity\.admits_per_s"),
        ("pods-lost", Aim(target="frnt"), r"workload 'frnt' is not in the manifests \(there are: front, store\)"),
        ("pod-crash", Aim(target="store"), "it strikes a Deployment, and 'store' is a StatefulSet"),
        ("pod-crash", NOBODY, r"'front' has several containers .* container='\.\.\.' .* \(there are: web, log\)"),
        ("pod-crash", Aim(container="wbe"), r"'front' has no container 'wbe'; .* \(there are: web, log\)"),
        ("config-broken", NOBODY, r"has 2 keys in the manifests; right would be config_map='front-conf/KEY'"),
        ("config-broken", Aim(config_map="front-conf/x"), r"has no key 'x'; .* \(there are: front\.conf, hello\.txt\)"),
        ("config-broken", Aim(target="store"), "'store' uses no ConfigMap; right would be config_map='NAME'"),
        ("pods-lost", Aim(container="web"), "asks for no MUSTER_TARGET_CONTAINER, so container='web' .* would change"),
        ("full-outage", Aim(target="front"), "asks for no MUSTER_TARGET, so target='front'"),
    ],
)
def test_what_a_system_lacks_is_said_in_one_sentence(name: str, aim: Aim, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        find_experiment(NOWHERE, name, stranger(tmp_path / "systems"), aim)
    assert "\n" not in str(caught.value)


def test_a_system_whose_service_leads_nowhere_is_asked_for_a_target(tmp_path: Path) -> None:
    stranger(tmp_path / "systems")
    manifest = tmp_path / "systems/manifests/all.yaml"
    manifest.write_text(manifest.read_text().replace("selector: {component: front}, ports", "ports"))
    from muster.system import read_system

    with pytest.raises(UsageError, match=r"Service 'front' leads to no workload .* \(there are: front, store\)"):
        find_experiment(NOWHERE, "pods-lost", read_system(tmp_path / "systems"))


class Struck:
    """A stranger that runs on a cluster, to be struck."""

    def __init__(self, cluster: Cluster, system: SystemDefinition, directory: Path, timeline: Timeline) -> None:
        self.cluster, self.system, self.timeline, self.directory = cluster, system, timeline, directory
        self.state = SystemState(cluster, system)
        self.url = service_url(cluster, system)

    def injection(self, name: str, aim: Aim) -> Injection:
        return Injection(
            find_experiment(NOWHERE, name, self.system, aim), self.cluster, self.cluster.kubeconfig,
            self.system.namespace, self.timeline, self.directory / name, self.url, system=self.system,
        )  # fmt: skip

    def specs(self) -> dict[str, Any]:
        """What faults change: it is put back when they are undone."""
        found: dict[str, Any] = {}
        for kind, name in (("Deployment", "front"), ("StatefulSet", "store")):
            found[name] = self.cluster.get(kind, name, self.system.namespace)["spec"]
        found["data"] = self.cluster.get("ConfigMap", "front-conf", self.system.namespace)["data"]
        return found

    def wait_ready(self) -> None:
        wait_for(
            lambda: not self.state.unready(),
            within=120,
            reason="it to be ready",
            latest=lambda: str(self.state.unready()),
        )


@pytest.fixture
def struck(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Struck]:
    system = stranger(tmp_path / "systems", namespace)
    for item in read_manifests(system.manifest_directory):
        cluster.create(item, namespace)
    with Timeline.start(tmp_path / "timeline.jsonl", run="test", drill="test") as timeline:
        found = Struck(cluster, system, tmp_path / "work", timeline)
        found.wait_ready()
        yield found


FAULTS: dict[str, tuple[Aim, Callable[[Struck], bool]]] = {
    "pods-lost": (NOBODY, lambda _: True),
    "pod-crash": (WEB, lambda it: bool(it.state.unready())),
    "rollout-broken": (WEB, lambda it: bool(it.state.unready())),
    "config-broken": (Aim(config_map="front-conf/front.conf"), lambda it: bool(it.state.unready())),
    "workload-lost": (Aim(target="store"), lambda it: it.specs()["store"]["replicas"] == 0),
    "full-outage": (NOBODY, lambda it: it.cluster.list("Pod", it.system.namespace) == []),
}


def test_each_strikes_a_stranger_and_goes_without_a_trace(struck: Struck) -> None:
    before = struck.specs()
    for name, (aim, hurts) in FAULTS.items():
        with struck.injection(name, aim) as fault:
            assert fault.wait_landed(60), f"{name}: {fault.evidence}"
            assert hurts(struck), name
        assert fault.left == [], name
        assert struck.specs() == before, name
        assert open_records(struck.cluster, struck.system.namespace) == [], name
        struck.wait_ready()
