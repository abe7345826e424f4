"""One reference system for all tests of a worker: deployed once, and put back as the test before left it."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from muster.base.errors import TimeoutExceededError
from muster.base.waiting import wait_for
from muster.drill import ManagedSystem
from muster.kube import Cluster, EmbeddedCluster, connect
from muster.kube.client import JSON_PATCH
from muster.probes.answers.instances import ask_once
from muster.system import Request, SystemDefinition, read_system
from muster.system.manifests import read_manifests

from .reference import ROOT, Reference

WANTED = {"ConfigMap": "data", "Service": "spec", "Deployment": "spec", "StatefulSet": "spec"}  # by kind, what it says
# What a database made of these, or how it came to be primary, is not taken back by putting them back.
OF_THE_DATABASES = {"db-topology", "db-scripts"}
PRIMARY = "db-a"
AGENTS = 61
PUT_BACK_WITHIN_S = 30.0


class Deployed:
    """The system on a cluster of its own, which is up from the first `take` until `close`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open = ExitStack()
        self._place: tuple[Cluster, SystemDefinition] | None = None
        self._as_deployed: dict[tuple[str, str], Any] = {}
        self._settings = ""

    def take(self, directory: Path, *, anew: bool = False) -> Reference:
        """The system, whole and without a trace of earlier tests that its clients, its operators or muster could see;
        `anew`: one that no test has had. What is done is logged in `directory`.

        Raises:
            TimeoutExceededError: it does not get ready.
        """
        if self._place and (anew or not self._put_back(Reference(*self._place, directory))):
            self.close()
        if self._place:
            return Reference(*self._place, directory)
        found = Reference(*self._start(), directory)
        found.wait_whole()
        self._as_deployed, self._settings = wanted(found), status(found)["settings_version"]
        return found

    def close(self) -> None:
        """Take the cluster away. The next `take` starts another."""
        self._open.close()
        self._place = None

    def _start(self) -> tuple[Cluster, SystemDefinition]:
        system = read_system(ROOT / "systems" / "enhancer").model_copy(update={"ready_within_s": 120.0})
        images = self._directory / "images.yaml"
        images.write_text(yaml.safe_dump(system.image_table()))
        embedded = self._open.enter_context(EmbeddedCluster.start(images=images))
        cluster = self._open.enter_context(connect(embedded.kubeconfig, embedded=True))
        ManagedSystem(cluster, system).prepare()
        self._place = cluster, system
        return self._place

    def _put_back(self, found: Reference) -> bool:
        """Take back what a test did; False where only another deployment would."""
        now = wanted(found)
        changed = {key: was for key, was in self._as_deployed.items() if now.get(key) != was}
        if any(key not in now or key[1] in OF_THE_DATABASES for key in changed):
            return False
        for (kind, name), was in changed.items():
            patch = [{"op": "replace", "path": f"/{WANTED[kind]}", "value": was}]
            found.cluster.patch(kind, name, found.namespace, patch, content_type=JSON_PATCH)
        try:
            wait_for(lambda: self._is_back(found), within=PUT_BACK_WITHIN_S, reason="the system to be back", every=0.2)
        except TimeoutExceededError:
            return False
        return found.state.query(PRIMARY, "truncate workflows, phases, queue") is not None

    def _is_back(self, found: Reference) -> bool:
        return (
            not found.state.unready()
            and found.state.primaries() == [PRIMARY]
            and not found.state.replication_trouble()
            and status(found).get("agents_available") == AGENTS
            and settings_told(found) == {self._settings}
        )


def wanted(reference: Reference) -> dict[tuple[str, str], Any]:
    """What the system's objects say that it is to be, by kind and name; without those that are gone."""
    found = {}
    for item in read_manifests(reference.context.system.manifest_directory):
        kind, name = item["kind"], item["metadata"]["name"]
        if kind in WANTED and (there := reference.cluster.find(kind, name, reference.namespace)):
            found[kind, name] = there[WANTED[kind]]
    return found


def status(reference: Reference) -> Any:
    """What an instance says of itself; nothing where none answers."""
    answer = reference.ask("GET", "/status")
    return json.loads(answer.body) if answer.status == 200 else {}


def settings_told(reference: Reference) -> set[str]:
    """The versions of the settings that API pods and workers say they have; "" is one that does not say."""
    pods = reference.cluster.list("Pod", reference.namespace, labels="app in (api, agents)")
    urls = [f"http://{pod['status'].get('podIP')}:8080" for pod in pods]
    told = [ask_once(url, Request(path="/metrics"), limit_s=5) for url in urls]
    found = [re.search(r'_settings_info{version="(\w+)"', answer.body.decode()) for answer in told]
    return {match[1] if match else "" for match in found}
