"""Where drills are held to see what they ask: a cluster that keeps a log, met as a real one, by accounts of its own.

The system stands before anybody comes, as on a real cluster: deploying it takes rights that no drill is to have.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from muster.backup.keys import KEY_VARIABLE, RECIPIENTS_VARIABLE, make_key
from muster.backup.store import STORE_VARIABLE
from muster.base.timeline import Event, read_timeline
from muster.base.waiting import wait_for
from muster.history.plan import Planned
from muster.kube import Call, Cluster, EmbeddedCluster, connect, read_calls
from muster.system import SystemDefinition, SystemState, deploy, read_system

ROOT = Path(__file__).resolve().parents[1]
EVERYTHING: dict[str, Any] = {"kind": "ClusterRole", "name": "cluster-admin"}
HELD_WITHIN_S = 400.0
_NEEDED = ("drills", "experiments", "loadtests", "systems")
_ROLES = "/apis/rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Held:
    """A session that ran to its end: what it printed, the drill's timeline, and the calls that its account made."""

    output: str
    events: list[Event]
    calls: list[Call]

    @property
    def complete(self) -> bool:
        """Whether the fault landed, every procedure that was called for ended well and the fault was undone. How long
        it all took is no question of rights.
        """
        told = {event["kind"] for event in self.events}
        landed = any(event["observed"] for event in self.events if event["kind"] == "fault.effect")
        ended = all(event["ok"] for event in self.events if event["kind"] == "recovery.ended")
        return landed and ended and "fault.undone" in told and ("recovery.began" in told) == ("recovery.ended" in told)


@dataclass(frozen=True)
class Stage:
    """A project in a directory of its own, its system on a cluster, and the cluster's log."""

    project: Path
    cluster: Cluster
    system: SystemDefinition
    log: Path
    backups: Mapping[str, str]  # where they lie, and who opens them: on a cluster of one's own that is named

    @property
    def namespace(self) -> str:
        return self.system.namespace

    def hold(self, drill: Planned, roles: Sequence[dict[str, Any]] = ()) -> Held:
        """Hold a drill as an account that has these Roles, or that may do everything."""
        account = f"drill-{sum(1 for _ in self.project.glob('*.kubeconfig'))}"
        config = self.admit(account, roles)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", drill.nodeid, "--kube-context", account]
        done = subprocess.run(
            command,
            cwd=self.project,
            env=self.environment(config),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HELD_WITHIN_S,
            check=False,
        )
        user = f"system:serviceaccount:{self.namespace}:{account}"
        timeline = self.project / f"reports/latest/{drill.name}.jsonl"
        events = read_timeline(timeline) if timeline.exists() else []
        return Held(done.stdout, events, [call for call in read_calls(self.log) if call.user == user])

    def environment(self, config: Path) -> dict[str, str]:
        """The environment of a process that is started here, with a kubeconfig of its own."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MUSTER_", "PYTEST_"))}
        return {**kept, **self.backups, "HOME": str(self.project), "KUBECONFIG": str(config)}

    def admit(self, account: str, roles: Sequence[dict[str, Any]] = ()) -> Path:
        """Make an account with these Roles, or one that may do all; its kubeconfig, whose context has its name."""
        return admit(self.cluster, self.namespace, account, roles, self.project)


def admit(cluster: Cluster, namespace: str, account: str, roles: Sequence[dict[str, Any]], into: Path) -> Path:
    """Make an account with these Roles, or without any one that may do all; its kubeconfig in the directory `into`,
    whose context has its name.

    Raises:
        ClusterError: the cluster does not answer, or refuses it.
    """
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    cluster.request("POST", accounts, body={"metadata": {"name": account}})
    here = f"{_ROLES}/namespaces/{namespace}"
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}

    def bind(reference: dict[str, Any], path: str) -> None:
        metadata = {"name": f"{account}-{reference['name']}"}
        cluster.request("POST", path, body={"metadata": metadata, "subjects": [subject], "roleRef": reference})

    for role in roles:
        own = {**role, "metadata": {"name": f"{account}-{role['metadata']['name']}"}}  # others may have it in part
        cluster.request("POST", f"{here}/roles", body=own)
        bind({"kind": "Role", "name": own["metadata"]["name"]}, f"{here}/rolebindings")
    if not roles:
        bind(EVERYTHING, f"{_ROLES}/clusterrolebindings")
    answer = cluster.request("POST", f"{accounts}/{account}/token", body={"spec": {"expirationSeconds": 7200}})
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    content["contexts"][0]["name"] = content["current-context"] = account
    content["users"][0]["user"] = {"token": answer.json()["status"]["token"]}
    path = into / f"{account}.kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path


@contextmanager
def staged(change: Callable[[Path], object] = lambda _: None) -> Iterator[Stage]:
    """A stage with the reference system of this project, ready; it goes when the block ends. `change` is given the copy
    of the project before anything of it is deployed.

    Raises:
        ClusterError, TimeoutExceededError: the cluster or the system does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="muster-rbac-") as scratch:
        project, log = Path(scratch) / "project", Path(scratch) / "audit.jsonl"
        for name in _NEEDED:
            shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        (project / "pytest.ini").write_text("[pytest]\n")
        change(project)
        (file,) = (project / "systems").glob("*/system.yaml")
        system = read_system(file)
        images = Path(scratch) / "images.yaml"
        images.write_text(yaml.safe_dump(system.image_table()))
        with (
            EmbeddedCluster.start(images=images, audit=log) as embedded,
            connect(embedded.kubeconfig, embedded=True) as cluster,
        ):
            deploy(cluster, system)
            state = SystemState(cluster, system)
            wait_for(
                lambda: not state.unready(),
                within=system.ready_within_s,
                reason=f"system {system.name} to be ready",
                latest=lambda: "; ".join(state.unready()),
            )
            _name_address(file, cluster, system)
            yield Stage(project, cluster, system, log, _backups(project))


def _backups(project: Path) -> dict[str, str]:
    """The environment by which drills that need backups find a store and a key."""
    recipient = make_key(project / "backup.key")
    named = {STORE_VARIABLE: project / "backups", KEY_VARIABLE: project / "backup.key", RECIPIENTS_VARIABLE: recipient}
    return {name: str(value) for name, value in named.items()}


def _name_address(file: Path, cluster: Cluster, system: SystemDefinition) -> None:
    """Write where clients reach the service, which on a real cluster a load balancer or the user says; and that no
    release takes a backup."""
    found = cluster.get("Service", system.service.name, system.namespace)
    content = yaml.safe_load(file.read_text())
    content["service"]["url"] = f"http://{found['spec']['clusterIP']}:{system.service.port}"
    content["release"]["backup"] = False  # what that takes is in a Role of its own
    file.write_text(yaml.safe_dump(content, sort_keys=False))
