"""What goes wrong in a drill on purpose.

`holding.py` copies this file into a project, as the conftest.py of its drills. `SABOTAGES` in the environment says
which drill is held with which sabotage: `db_failure=prober_dies,prober_hangs pod_crash=idle_procedure`. A drill so
sabotaged is called `db_failure-prober_dies`; all else of it is as it stands in drills/, but for the arguments of its
marker that a sabotage replaces, and for the time that it watches for good service.

Each sabotage strikes at a moment of the drill: `begin` (before its body), or right before or after what a body calls.
With several drills side by side it must meet its own only: processes below this one, the cluster of this one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muster.backup import Base, Store
from muster.backup.following import Follower
from muster.base import clock
from muster.base.clock import SYSTEM_CLOCK
from muster.base.dial import CEILING_VARIABLE, DIAL_VARIABLE
from muster.base.lifeline import descendants
from muster.base.waiting import wait_for
from muster.drill import BackupsView, Drill, InjectView, ObjectivesView, RecoverView, SystemView
from muster.drill.views import Fault
from muster.load.run import LoadRun
from muster.recovery import find_procedure
from muster.steps import Context, Step

WATCH_S = 1.5  # how long a drill without hope watches for good service, beside its hold; its budget is as it was
SHORT_BUDGET_S = 4
STEADY_WITHIN_S = 20.0

# What a body calls, and whether a sabotage strikes right before or right after that.
MOMENTS: dict[str, tuple[type, str, bool]] = {
    "inject": (InjectView, "__call__", False),
    "landed": (Fault, "wait_landed", True),
    "recover": (RecoverView, "__call__", False),
}


@dataclass
class Scene:
    """The drill that is sabotaged."""

    drill: Drill
    patch: pytest.MonkeyPatch
    acts: dict[str, list[Callable[[], None]]] = field(default_factory=lambda: defaultdict(list))
    released: list[Callable[[], None]] = field(default_factory=list)

    def at(self, moment: str, act: Callable[[], None]) -> None:
        """Do something at a moment to come."""
        self.acts[moment].append(act)

    def sql(self, instance: str, statement: str) -> str:
        """Have a database carry out a statement."""
        answer = self.drill.state.query(instance, statement)
        assert answer is not None, f"{instance} did not carry out: {statement}"
        return answer

    def settings(self, instance: str, **settings: str) -> None:
        """Change settings of a database that is running."""
        for name, value in settings.items():
            self.sql(instance, f"alter system set {name} = '{value}'")
        assert self.sql(instance, "select pg_reload_conf()") == "t"


Act = Callable[[Scene], None]


@dataclass(frozen=True)
class Sabotage:
    """What is done to a drill, when, and which arguments of its marker are replaced."""

    act: Act
    moment: str
    hopeless: bool  # the drill will not see good service again: it need not watch for long
    marker: dict[str, Any]


KNOWN: dict[str, Sabotage] = {}


def at(moment: str, *, hopeless: bool = False, **marker: Any) -> Callable[[Act], Act]:
    """Make a function known as a sabotage."""

    def known(act: Act) -> Act:
        KNOWN[act.__name__] = Sabotage(act, moment, hopeless, marker)
        return act

    return known


# -- nothing is sabotaged


@at("begin")
def control(scene: Scene) -> None:
    """The same drill, held in the same way, is met: what the others end with is due to their sabotage."""


# -- backups


@at("begin")
def never_verified(scene: Scene) -> None:
    """A backup is taken, and nobody tries whether it can be restored."""
    scene.patch.setattr(BackupsView, "verify", lambda *_: None)


@at("begin")
def archive_stopped(scene: Scene) -> None:
    """There is a good backup, and nothing was shipped since: for an hour."""
    verify = BackupsView.verify

    def verified(view: BackupsView, store: Store, base: Base) -> None:
        verify(view, store, base)
        earlier = (datetime.fromisoformat(base.ended) - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        store.end(replace(base, began=earlier, ended=earlier))

    scene.patch.setattr(BackupsView, "verify", verified)
    for name in ("turn", "follow"):
        scene.patch.setattr(Follower, name, lambda *_: None)


# -- recovery


@at("begin", budget_s=SHORT_BUDGET_S)
def idle_procedure(scene: Scene) -> None:
    procedure = find_procedure(scene.drill.declaration.recovery or "")
    scene.patch.setattr(type(procedure), "steps", lambda _self, _context: [])


@at("begin", fault="full-outage-heals", budget_s=120)
def idle_while_the_platform_heals(scene: Scene) -> None:
    """The procedure is begun at once and does nothing, and the platform brings everything back."""
    idle_procedure(scene)


@at("begin", fault="full-outage-heals", budget_s=120)
def placebo_while_the_platform_heals(scene: Scene) -> None:
    """The procedure has one step, which acts, is done, and annotates what comes back by itself a moment later."""
    noted = {"metadata": {"annotations": {"sabotage/placebo": "taken"}}}

    def steps(_self: Any, context: Context) -> list[Step]:
        def annotate() -> str:
            context.cluster.patch("Deployment", "api", context.namespace, noted)
            return "a placebo was given"

        return [Step("placebo", lambda: True, annotate, lambda: True)]

    scene.patch.setattr(type(find_procedure(scene.drill.declaration.recovery or "")), "steps", steps)


@at("begin")
def idle_release(scene: Scene) -> None:
    """What the drill added is not taken back, by a procedure that says all is well."""
    scene.patch.setattr(type(find_procedure("release-capacity")), "steps", lambda _self, _context: [])


@at("recover", budget_s=SHORT_BUDGET_S)
def nothing_kept(scene: Scene) -> None:
    """What the drill kept once it was steady is gone when it is needed."""
    state = scene.drill.state
    name = "muster-known-good-enhancer-settings"
    assert state.cluster.delete("ConfigMap", name, state.namespace), "the drill had kept nothing"


@at("recover", fault="full-outage-heals", budget_s=120)
def recovered_late(scene: Scene) -> None:
    """The platform brings everything back, and only then is the procedure begun."""
    state = scene.drill.state
    wait_for(
        lambda: not state.unready() and state.replication_trouble() is None,
        within=100,
        every=0.5,
        reason="the platform to bring it up",
        latest=lambda: str(state.unready()),
    )


# -- the system


@at("inject", hopeless=True)
def standby_held_back(scene: Scene) -> None:
    """Commits wait for nobody any more, and the standby receives no more of them."""
    _asynchronous(scene)
    scene.settings("db-b", primary_conninfo="")
    wait_for(
        lambda: scene.sql("db-b", "select count(*) from pg_stat_wal_receiver") == "0",
        within=10,
        reason="the standby to receive nothing",
    )


@at("begin")
def standby_lags(scene: Scene) -> None:
    """The standby confirms what it received, but is five seconds behind in applying it."""
    scene.settings("db-b", recovery_min_apply_delay="5s")


@at("inject", hopeless=True)
def acknowledges_before_writing(scene: Scene) -> None:
    """Commits are acknowledged while they are in memory only; what holds them then dies, and its volume with it."""
    _asynchronous(scene)
    scene.settings("db-a", fsync="off", synchronous_commit="off", wal_writer_delay="10s", wal_writer_flush_after="1GB")
    state, volume = scene.drill.state, "data-db-a-0"
    written = scene.sql("db-a", "select pg_current_wal_flush_lsn()")
    wait_for(
        lambda: int(float(scene.sql("db-a", f"select pg_current_wal_insert_lsn() - '{written}'"))) > 10_000,
        within=10,
        reason="commits to be acknowledged",
    )
    scene.at("landed", lambda: state.cluster.delete("PersistentVolumeClaim", volume, state.namespace))


def _asynchronous(scene: Scene) -> None:
    state = scene.drill.state
    state.cluster.patch("ConfigMap", "db-topology", state.namespace, {"data": {"replication": "asynchronous"}})
    scene.settings("db-a", synchronous_standby_names="")


@at("landed", budget_s=SHORT_BUDGET_S)
def wrong_content(scene: Scene) -> None:
    """From here on the API answers 200 with what somebody else wrote."""
    _lie(scene)


@at("begin")
def wrong_content_from_the_start(scene: Scene) -> None:
    _lie(scene)


@at("begin", budget_s=SHORT_BUDGET_S)
def refusals_without_retry_after(scene: Scene) -> None:
    _flag(scene, "no-retry-after")


def _lie(scene: Scene) -> None:
    _flag(scene, "lies")


def _flag(scene: Scene, flag: str) -> None:
    """Have the system misbehave as `holding.py` has taught it: where there is a file named after its database."""
    state = scene.drill.state
    address = state.cluster.get("Service", "db", state.namespace)["spec"]["clusterIP"]
    told = scene.drill.project.root / f"systems/enhancer/{flag}-{address}"
    told.touch()
    scene.released.append(told.unlink)


# -- the fault


@at("begin", fault="db-failure-silent")
def silent_db_failure(scene: Scene) -> None:
    """The experiment says that it struck, and did not."""


@at("begin", fault="pod-crash-silent")
def silent_pod_crash(scene: Scene) -> None:
    """The experiment says that it struck, and did not."""


@at("landed", fault="agent-failure-heals")
def heals_at_once(scene: Scene) -> None:
    """A worker cannot start, and is gone before anybody could have felt it, or begun to recover."""
    SYSTEM_CLOCK.sleep(1.0)


@at("landed")
def experiment_gives_up(scene: Scene) -> None:
    """The experiment ends before its time, and in good order: so it takes its fault back."""
    _signal("chaostoolkit", signal.SIGTERM)


@at("begin")
def load_may_not_rise(scene: Scene) -> None:
    """The system's ceiling is below what the experiment asks for."""
    _tell_experiment(scene, {CEILING_VARIABLE: "300"})


@at("begin")
def load_silently_stays(scene: Scene) -> None:
    """Whoever turns the dial turns nothing."""
    dial = scene.drill.work / "nowhere.dial"
    os.mkfifo(dial)
    reader = os.open(dial, os.O_RDONLY | os.O_NONBLOCK)
    scene.released.append(lambda: os.close(reader))
    _tell_experiment(scene, {DIAL_VARIABLE: str(dial)})


def _tell_experiment(scene: Scene, change: dict[str, str]) -> None:
    """Change what an experiment finds in its environment about the load that runs."""
    told = LoadRun.environment.fget
    assert told is not None
    scene.patch.setattr(LoadRun, "environment", property(lambda run: {**told(run), **change}))


# -- the instrument


@at("landed", hopeless=True)
def prober_dies(scene: Scene) -> None:
    _signal("muster.probes", signal.SIGKILL)


@at("landed", hopeless=True)
def prober_hangs(scene: Scene) -> None:
    _signal("muster.probes", signal.SIGSTOP)


@at("begin", load="idle")
def load_never_starts(scene: Scene) -> None:
    """Locust starts, and ends without a request."""


@at("begin", load="mute")
def load_asks_nothing(scene: Scene) -> None:
    """Locust says that it started, and asks for nothing."""
    scene.patch.setitem(LoadRun.wait_flowing.__kwdefaults__, "within", 2.0)


@at("landed", hopeless=True)
def load_dies(scene: Scene) -> None:
    _signal("locust", signal.SIGKILL)


@at("landed", hopeless=True)
def load_hangs(scene: Scene) -> None:
    _signal("locust", signal.SIGSTOP)


@at("landed", hopeless=True)
def load_stops_halfway(scene: Scene) -> None:
    """Locust ends in good order, long before the drill."""
    _signal("locust", signal.SIGTERM)


@at("landed")
def wall_clock_stepped(scene: Scene) -> None:
    """What the harness reads of the time of day jumps by an hour; the machine's clock is left alone."""
    true_time = clock.utc
    scene.patch.setattr(clock, "utc", lambda: true_time() + timedelta(hours=1))


@at("landed")
def harness_suspended(scene: Scene) -> None:
    """pytest stands still for 10 s; prober, load, cluster and system do not."""
    _suspend([os.getpid()])


@at("landed")
def everything_suspended(scene: Scene) -> None:
    """Every process of the drill stands still for 10 s, those of the system included."""
    _suspend([os.getpid(), *descendants(os.getpid())])


@at("landed", hopeless=True)
def cluster_dies(scene: Scene) -> None:
    """The small Kubernetes that everything runs on is killed, as if by the kernel for want of memory."""
    _signal("muster.embedded", signal.SIGKILL)


def _signal(module: str, number: signal.Signals) -> None:
    """Send a signal to the process of ours that runs a module, and not to its lifeline."""
    hit = [pid for pid in descendants(os.getpid()) if _module(pid) == module]
    assert hit, f"no process below this one runs {module}"
    for pid in hit:
        os.kill(pid, number)


def _module(pid: int) -> str:
    with suppress(OSError):
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if arguments[1:2] == ["-m"]:
            return arguments[2]
    return ""


_STAND_STILL = """
import os, signal, sys, time
for number in (signal.SIGSTOP, signal.SIGCONT):
    for pid in map(int, sys.argv[2:]):
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass
    if number == signal.SIGSTOP:
        time.sleep(float(sys.argv[1]))
"""


def _suspend(pids: list[int], seconds: float = 10.0) -> None:
    """Have processes stopped, this one among them, and continued after so many seconds by one that is none of them."""
    before = clock.now()
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _STAND_STILL, str(seconds), *map(str, pids)], start_new_session=True
    ) as helper:
        helper.wait()
    assert clock.now() - before >= seconds


# -- the disk


@at("landed", hopeless=True)
def disk_full(scene: Scene) -> None:
    """The disk of the reports fills up, and stays full."""
    _fill(scene.drill.directory)


@at("landed", hopeless=True)
def disk_full_for_a_while(scene: Scene) -> None:
    """The disk of the reports fills up, and somebody makes room before the drill ends."""
    filler = _fill(scene.drill.directory)
    SYSTEM_CLOCK.sleep(2.0)
    filler.unlink()


def _fill(directory: Path) -> Path:
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    return filler


# -- how they are held


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = dict(one.split("=") for one in os.environ["SABOTAGES"].split())
    names = wanted.get(metafunc.function.__name__.removeprefix("test_"))
    if names and "sabotage" in metafunc.fixturenames:
        metafunc.parametrize("sabotage", names.split(","), indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        callspec = getattr(item, "callspec", None)
        if marker := item.get_closest_marker("drill"):
            replaced = KNOWN[callspec.params["sabotage"]].marker if callspec else {}
            item.add_marker(pytest.mark.drill(**{**marker.kwargs, **replaced}), append=False)


@pytest.fixture(autouse=True)
def sabotage(request: pytest.FixtureRequest, drill: Drill, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the drill sabotaged."""
    chosen, scene = KNOWN[request.param], Scene(drill, monkeypatch)
    monkeypatch.setattr(SystemView.wait_steady, "__defaults__", (STEADY_WITHIN_S,))
    if chosen.hopeless:
        monkeypatch.setattr(ObjectivesView, "rto", WATCH_S)
    for moment, (view, method, afterwards) in MOMENTS.items():
        monkeypatch.setattr(view, method, _interrupted(scene, moment, getattr(view, method), afterwards=afterwards))
    try:
        if chosen.moment == "begin":
            chosen.act(scene)
        else:
            scene.at(chosen.moment, lambda: chosen.act(scene))
        yield
    finally:
        for release in scene.released:
            release()


def _interrupted(scene: Scene, moment: str, method: Callable[..., Any], *, afterwards: bool) -> Callable[..., Any]:
    def called(*arguments: Any, **named: Any) -> Any:
        if afterwards:
            method(*arguments, **named)
        for act in scene.acts.pop(moment, []):
            act()
        return None if afterwards else method(*arguments, **named)

    return called
