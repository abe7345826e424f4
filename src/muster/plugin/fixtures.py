"""The chain of fixtures. Each step can be overridden by a project's conftest.py or a test module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from muster.base.errors import MusterError
from muster.base.files import write_atomically
from muster.plugin.declare import declare, drill_name, is_drill, marked, recovery_of
from muster.plugin.run import RUN, Run
from muster.plugin.terminal import announce
from muster.plugin.turns import turn

if TYPE_CHECKING:
    from muster.drill import (
        BackupsView,
        Drill,
        InjectView,
        LoadView,
        ManagedSystem,
        ObjectivesView,
        RecoverView,
        ReleaseView,
        SystemView,
    )
    from muster.guardian import Guardian
    from muster.kube import Cluster
    from muster.system import SystemDefinition

DRILL = pytest.StashKey["Drill"]()
TOLD = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The cluster under drill: an embedded one of this session's own, or the context named by --kube-context."""
    from muster.base.private import private_directory
    from muster.kube import EmbeddedCluster, connect
    from muster.safety import check_target

    run = request.config.stash[RUN]
    definition = _definition(request)
    run.begin()
    # Credentials, and the environment of images, which may hold one, never lie among what is kept of the run.
    with private_directory() as private:
        if run.options.kube_context:
            with _connected(run.options.kube_context, private / "kubeconfig") as found:
                check_target(found, definition.namespace)
                yield found
            return
        images = private / "images.yaml"
        write_atomically(images, yaml.safe_dump(definition.image_table()))
        log = run.directory / f"cluster{'-' + run.worker if run.worker else ''}.log"
        with (
            EmbeddedCluster.start(images=images, log=log) as embedded,
            connect(embedded.kubeconfig, embedded=True) as made,
        ):
            yield made


def _connected(context: str, kubeconfig: Path) -> Cluster:
    """A context, by a file for experiments. What is wrong is told without a traceback, which may show a credential."""
    from muster.kube import connect, isolated_kubeconfig

    try:
        return connect(isolated_kubeconfig(context, kubeconfig))
    except MusterError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def managed_system(request: pytest.FixtureRequest, cluster: Cluster) -> ManagedSystem:
    """The system of the session, shared by its drills and reset where one left it spoilt."""
    from muster.drill import ManagedSystem

    return ManagedSystem(cluster, _definition(request))


@pytest.fixture(scope="session")
def guardian(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Guardian]:
    """The process that takes back a fault when this one cannot any more."""
    from muster.drill import Project
    from muster.guardian import Guardian

    run = request.config.stash[RUN]
    with Guardian(cluster, run.directory, Project(request.config.rootpath).home) as guardian:
        yield guardian


@pytest.fixture
def drill(request: pytest.FixtureRequest, managed_system: ManagedSystem, guardian: Guardian) -> Iterator[Drill]:
    """This test's drill; it owns the timeline and the verdict."""
    item = request.node
    if not is_drill(item):
        pytest.fail("a test that uses muster's fixtures must be marked with @pytest.mark.drill(...)", pytrace=False)
    run = request.config.stash[RUN]
    if problem := run.problems.get(item.nodeid):
        pytest.fail(problem, pytrace=False)
    run.begin()
    announce(item, drill_name(item), system=managed_system.definition.name)
    with turn(item, run):
        yield from _held(item, run, managed_system, guardian)


def _held(item: pytest.Item, run: Run, managed_system: ManagedSystem, guardian: Guardian) -> Iterator[Drill]:
    from muster.drill import Drill, Project
    from muster.faults.aim import Aim
    from muster.probes.http.address import service_url

    managed_system.prepare()
    said, root = marked(item), item.config.rootpath
    own = recovery_of(said, managed_system.definition, root) if isinstance(said.get("recovery"), dict) else None
    drill = Drill(
        declaration=declare(item, run, managed_system.definition),
        project=Project(root),
        state=managed_system.state,
        kubeconfig=managed_system.cluster.kubeconfig,
        url=service_url(managed_system.cluster, managed_system.definition),
        directory=run.directory,
        run=run.id,
        seed=run.options.seed,
        guardian=guardian,
        aim=Aim.of_marker(said),
        own_procedure=own,
    )
    # Until the verdict says otherwise: a drill that is cut short leaves nobody knows what.
    managed_system.spoilt()
    try:
        with drill:
            item.stash[DRILL] = drill
            yield drill
    finally:
        item.stash[TOLD] = drill.told
    # Repetitions are to be alike: none finds what another one left, however well it went.
    managed_system.pristine = drill.left_whole and run.options.repeat is None
    del item.stash[DRILL]


@pytest.fixture
def system(drill: Drill) -> SystemView:
    """The system under drill: `wait_steady`, `ledger`, `wait_good`, `primaries`."""
    from muster.drill import SystemView

    return SystemView(drill)


@pytest.fixture
def load(drill: Drill) -> LoadView:
    """Load on the system: `with load(rate=200): ...`."""
    from muster.drill import LoadView

    return LoadView(drill)


@pytest.fixture
def inject(drill: Drill) -> InjectView:
    """The drill's fault: `with inject() as fault: ...`."""
    from muster.drill import InjectView

    return InjectView(drill)


@pytest.fixture
def recover(drill: Drill) -> RecoverView:
    """The drill's recovery procedure: `done = recover()`."""
    from muster.drill import RecoverView

    return RecoverView(drill)


@pytest.fixture
def release(drill: Drill) -> ReleaseView:
    """The release that the drill's fault brings out: `release.wait("canary")`, `release.wait_over()`."""
    from muster.drill import ReleaseView

    return ReleaseView(drill)


@pytest.fixture
def backups(drill: Drill) -> BackupsView:
    """Backups of the system, for drills that lose its data: `with backups() as kept: ...`."""
    from muster.drill import BackupsView

    return BackupsView(drill)


@pytest.fixture
def objectives(drill: Drill) -> ObjectivesView:
    """What the drill is held to: `objectives.rto`, and `objectives.judge(...)`, which every drill must call."""
    from muster.drill import ObjectivesView

    return ObjectivesView(drill)


def _definition(request: pytest.FixtureRequest) -> SystemDefinition:
    from muster.system import find_system, read_system

    options = request.config.stash[RUN].options
    try:
        return read_system(options.system or find_system(request.config.rootpath))
    except MusterError as error:
        pytest.fail(str(error), pytrace=False)
