"""Releases of a small service by accounts of their own: what these ask of the API server is what a releaser needs.

Of each way of sharing traffic three: a good one with all that a release may bring, whose coordinator dies and which
another one goes on with; one that is rolled back by itself; one that a person takes back.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from tests.release import shop
from torture.releasing import Load, Stage, staged

from muster.base.clock import SYSTEM_CLOCK
from muster.base.errors import UsageError
from muster.kube import Call, read_calls
from muster.release.backing_up import TAKES, VERIFIES
from muster.release.contents import Altered, Contents, Rolled
from muster.release.needs import USE, needs, needs_to_compare
from muster.safety.rights import Right, rights
from muster.system import read_system
from rbac.roles import Role, role, used
from rbac.stage import admit

WAYS = ("httproute", "replicas")
BAKE_S = 1
LOOK_EVERY_S = 0.05
# What no release insists on, and uses where it is given.
OPTIONAL: dict[Right, str] = {
    Right("list", "events"): "why something does not start",
    Right("get", "pods", "", "log"): "the last words of a Job that failed",
    USE: "how much memory and processor both versions use; insisted on where that is a trigger",
}
# Taken by no release that is made here: the embedded cluster has no NetworkPolicies to be copied, and no Job fails.
UNTAKEN = rights("create delete", "NetworkPolicy") | rights("get", "Pod", sub="log")
OF_WAYS = "bringing a release out, going on with it and taking it back; traffic is shared by {}"
DATABASE = "muster-release-database"
BACKUP = "muster-release-backup"
OF_BACKUP = "the backup before a release, where system.yaml has a database and a store, and restoring it once"
OF_DATABASE = "the Job of a release that changes the database, beside the Role of how it shares traffic"
WORKER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: clerk, labels: {app: clerk}}
spec:
  replicas: 2
  selector: {matchLabels: {app: clerk}}
  template:
    metadata: {labels: {app: clerk}, annotations: {works: "for nobody"}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: clerk, image: "shop:1", command: [sleep, infinity]}]
"""
# What a release may bring beside that, and its Job.
NEW = """
apiVersion: v1
kind: ConfigMap
metadata: {name: notices}
data: {today: none}
"""
CHANGES = tuple(map(yaml.safe_load, (WORKER, NEW, shop.MIGRATION)))
# How each release is to end, by what the commands say.
ENDS = ("release 2 of shop: released", "ROLLED BACK", "the new version is removed")


@dataclass(frozen=True)
class Made:
    """The releases of one way: what the commands printed, whether each ended as it was to, and what was asked."""

    output: str
    complete: bool
    calls: list[Call]


@dataclass(frozen=True)
class Releaser:
    """A cluster with the shop on it, and its log; releases are made there one way after the other."""

    stage: Stage
    log: Path

    @property
    def namespace(self) -> str:
        return self.stage.system.namespace

    def make(self, way: str, roles: Sequence[Role] = ()) -> Made:
        """Make releases as an account that has these Roles, or that may do everything."""
        self.stage.put_back()
        with self.by(way, roles) as account, Load(self.stage.url):
            said = [self._cut(self._full(way)), self._back_by_itself(), self._back_by_hand()]
        user = f"system:serviceaccount:{self.namespace}:{account}"
        calls = [call for call in read_calls(self.log) if call.user == user]
        complete = all(end in text for end, text in zip(ENDS, said, strict=True))
        return Made("\n".join(said), complete, calls)

    @contextmanager
    def by(self, way: str, roles: Sequence[Role]) -> Iterator[str]:
        """Have commands be given by a new account that has these Roles, or may do everything; its name."""
        stage = self.stage
        self._take(way)
        account = f"releaser-{way}-{sum(1 for _ in stage.root.glob('*.kubeconfig'))}"
        kept = stage.kubeconfig, stage.context
        stage.kubeconfig = admit(stage.cluster, self.namespace, account, roles, stage.root)
        stage.context = account
        try:
            yield account
        finally:
            stage.kubeconfig, stage.context = kept

    def _cut(self, release: str) -> str:
        """Bring a release out, whose coordinator dies; another one goes on with it."""
        with self.stage.begun("deploy", release) as coordinator:
            while coordinator.poll() is None and not self._bakes():
                SYSTEM_CLOCK.sleep(LOOK_EVERY_S)
            coordinator.send_signal(signal.SIGKILL)
            coordinator.wait()
        return self.stage.ended(coordinator).stdout + self.stage.muster("deploy", "--continue").stdout

    def _bakes(self) -> bool:
        release = self.stage.release
        return release is not None and (release.state, release.phase) == ("baking", "canary")

    def _back_by_itself(self) -> str:
        return self.stage.muster("deploy", self.stage.new("shop:1", SHOP_DEFECT="unfit")).stdout

    def _back_by_hand(self) -> str:
        """Bring a release out as far as traffic is shared, and take it back with a command of its own."""
        begun = self.stage.muster("deploy", self.stage.new("shop:1"), "canary").stdout
        return begun + self.stage.muster("rollback", "-f", "-r", "it is to be taken back").stdout

    def _take(self, way: str) -> None:
        """Have traffic be shared in this way from here on."""
        path = self.stage.root / "systems" / "shop" / "system.yaml"
        content = yaml.safe_load(path.read_text())
        content["release"]["traffic"] = {"way": way}
        for phase in content["release"]["phases"]:
            phase["bake_s"] = BAKE_S
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    def _full(self, way: str) -> str:
        """A release that brings all that one may: it changes what both versions share, a configuration, a worker and
        the database, and makes what is not there."""
        release = self.stage.new("shop:2")
        directory = self.stage.root / release
        text = (directory / "shop.yaml").read_text()
        for before, after in (
            ("currency: EUR", "currency: USD"),
            ("metadata: {name: web}", f"metadata: {{name: web, annotations: {{shared-by: {way}}}}}"),
        ):
            if before not in text:
                raise UsageError(f"{shop.__file__} has no '{before}' any more, which a release changes here")
            text = text.replace(before, after, 1)
        (directory / "shop.yaml").write_text(text)
        (directory / "clerk.yaml").write_text(WORKER.replace("for nobody", f"beside {way}"))
        (directory / "new.yaml").write_text(NEW.replace("notices", f"notices-{way}"))
        shop.migrating(directory, backward_compatible=True)
        return release


@contextmanager
def releasing() -> Iterator[Releaser]:
    """A cluster that keeps a log, with the shop on it; it goes when the block ends.

    Raises:
        ClusterError, TimeoutExceededError: the cluster or the shop does not come up.
    """
    scratch = Path(tempfile.mkdtemp(prefix="muster-rbac-"))
    try:
        log = scratch / "audit.jsonl"
        (scratch / "project").mkdir()
        with staged(scratch / "project", WAYS[0], audit=log) as stage:
            stage.cluster.create(yaml.safe_load(WORKER), stage.system.namespace)
            yield Releaser(stage, log)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def way_role(way: str) -> str:
    """What the Role of who releases is called, by how traffic is shared."""
    return f"muster-release-{way}"


def asked(way: str) -> frozenset[Right]:
    """What the releases that are made here ask to be allowed before they begin."""
    with tempfile.TemporaryDirectory() as directory:
        system = read_system(shop.write(Path(directory), way))
    objects = [*yaml.safe_load_all(shop.MANIFEST), *CHANGES]
    web, clerk = ({"kind": "Deployment", "metadata": {"name": name}} for name in ("web", "clerk"))
    service, first, job = ({"kind": kind} for kind in ("Service", "ConfigMap", "Job"))
    contents = Contents(
        rolled=(Rolled(web, web, serves=True), Rolled(clerk, clerk, serves=False)),
        configurations=(),
        first=(first,),
        last=(Altered(service, service),),
        migration=job,
    )
    return needs_to_compare(objects) | needs(contents, system, way, system.release.analysis.names())


def of_way(way: str, calls: Iterable[Call], namespace: str) -> Role:
    """The Role of who made these releases, but for the Job by which one of them changed the database."""
    found = used(calls, namespace) | asked(way)
    return role(way_role(way), found - of_jobs(found), OF_WAYS.format(way))


def of_database(found: Iterable[Right]) -> Role:
    """The Role of who changes the database beside."""
    return role(DATABASE, of_jobs(found) | rights("get", "Pod", sub="log"), OF_DATABASE)


def of_backup() -> Role:
    """The Role of who takes a backup first; tests/release/test_backed_up.py does with it alone."""
    return role(BACKUP, TAKES | VERIFIES, OF_BACKUP)


def of_jobs(found: Iterable[Right]) -> frozenset[Right]:
    """Those of the rights that are about Jobs."""
    return frozenset(right for right in found if right.resource == "jobs")
