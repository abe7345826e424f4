"""A session's guardian takes its faults back when the session cannot, and only then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.safety.recorded import on_record

from muster.base.clock import utc_iso
from muster.base.process import INJECTION_VARIABLE, wait_gone
from muster.base.timeline import Event, Timeline, read_timeline
from muster.base.waiting import wait_for
from muster.guardian import Guardian, GuardianError, levers
from muster.kube import Cluster, EmbeddedCluster, connect
from muster.monitoring.testing import LocalMonitoring
from muster.safety import Entry, Held, find_record
from muster.safety.limits import Condition
from muster.safety.limits.conditions import ServiceCondition
from muster.safety.locks import DrillLock

RATE = Entry("ConfigMap", "settings", ("data", "rate"), "100", "fast")


@pytest.fixture
def struck(cluster: Cluster, namespace: str, tmp_path: Path) -> Path:
    """A ConfigMap whose field a fault took to "fast", on record as injection `i-1`; returns a drill's timeline."""
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"rate": "fast"}}
    cluster.create(item, namespace)
    on_record(cluster, namespace, RATE)
    Timeline.start(tmp_path / "drill.jsonl", run="run-1", drill="drill").close()
    return tmp_path / "drill.jsonl"


def rate(cluster: Cluster, namespace: str) -> str:
    return str(cluster.get("ConfigMap", "settings", namespace)["data"]["rate"])


def told(timeline: Path) -> dict[str, Event]:
    """What the guardian wrote on the timeline, by state."""
    return {event["state"]: event for event in read_timeline(timeline) if event["kind"] == "guard"}


def soon(text: float) -> str:
    return utc_iso(after_s=text)


@contextmanager
def watched(
    cluster: Cluster, namespace: str, timeline: Path, deadline: str, conditions: Sequence[Condition] = ()
) -> Iterator[Guardian]:
    with Guardian(cluster, timeline.parent, timeline.parent / ".muster") as guardian:
        guardian.watch("drill", namespace=namespace, holder="drill", timeline=timeline, conditions=conditions)
        guardian.arm("i-1", deadline)
        yield guardian


def test_it_keeps_still_while_all_is_well_and_takes_back_what_a_drill_leaves(
    cluster: Cluster, namespace: str, struck: Path
) -> None:
    with watched(cluster, namespace, struck, soon(600)) as guardian:
        assert guardian.look() == ""
        assert rate(cluster, namespace) == "fast"
        assert guardian.rest() == ""
        assert rate(cluster, namespace) == "100"
        pid = guardian.pid
    assert wait_gone(pid, within=30)
    assert find_record(cluster, namespace, "flood") is None
    assert "tripped" not in told(struck)


def test_a_fault_that_lasts_longer_than_it_may_is_taken_back(cluster: Cluster, namespace: str, struck: Path) -> None:
    with watched(cluster, namespace, struck, soon(0.5)) as guardian:
        wait_for(guardian.look, within=60, reason="the guardian to trip")
        wait_for(lambda: find_record(cluster, namespace, "flood") is None, within=60, reason="the record to go")
        assert guardian.tripped == "the fault has lasted as long as it may"
    assert rate(cluster, namespace) == "100"
    said = told(struck)
    assert said["tripped"]["rule"] == "deadline"
    assert said["undone"]["undone"] == ["ConfigMap settings data.rate: 'fast' put back to '100'"]
    assert said["undone"]["took_s"] >= 0


def has_ended(pid: int) -> bool:
    """Whether a child of ours has ended, which stays for whoever started it to collect."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


@contextmanager
def striking() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the injection `i-1`, as an experiment's is."""
    with subprocess.Popen(["sleep", "1000"], env={**os.environ, INJECTION_VARIABLE: "i-1"}) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def everywhere(cluster: Cluster) -> Iterator[str]:
    """The namespace whose lever forbids drills in the whole cluster."""
    name = levers.CLUSTER_NAMESPACE
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.delete("Namespace", name)
    wait_for(lambda: cluster.find("Namespace", name) is None, within=60, reason="the namespace to be gone")


@pytest.mark.parametrize("lever", ["file", "namespace", "cluster"])
def test_a_lever_stops_a_drill(cluster: Cluster, namespace: str, everywhere: str, struck: Path, lever: str) -> None:
    with striking() as strikes, watched(cluster, namespace, struck, soon(600)) as guardian:
        if lever == "file":
            levers.pull_file(struck.parent / ".muster", "the shop is on fire")
        else:
            levers.pull(cluster, namespace if lever == "namespace" else everywhere, "the shop is on fire")
        wait_for(guardian.look, within=60, reason="the guardian to trip")
        assert guardian.tripped.endswith(": the shop is on fire")
        wait_for(lambda: rate(cluster, namespace) == "100", within=60, reason="the fault to be undone")
        assert strikes.wait(10) == -signal.SIGKILL, "who strikes may strike again"
    assert told(struck)["tripped"]["rule"] == "lever"


def test_a_service_beside_the_drill_stops_it_from_the_strike_on(cluster: Cluster, namespace: str, struck: Path) -> None:
    with LocalMonitoring() as neighbour:
        neighbour.answer = (503, "text/plain", "ill")
        condition = ServiceCondition(http=f"{neighbour.url}/health", error_rate="20%", over_s=1)
        many = [condition.model_copy(update={"http": f"{condition.http}?{str(n) * 500}"}) for n in range(10)]
        with watched(cluster, namespace, struck, soon(600), many) as guardian:  # longer than a pipe takes at once
            wait_for(lambda: "answered 503" in guardian.unwell(), within=60, reason="it to be told")
            assert guardian.look() == "", "what was bad before the strike keeps from striking, and stops nothing"
            neighbour.answer = (200, "text/plain", "well")
            wait_for(lambda: not guardian.unwell(), within=60, reason="a baseline")
            assert len(guardian.seen) == len(many)
            guardian.strike()
            neighbour.answer = (503, "text/plain", "ill")
            wait_for(guardian.look, within=60, reason="the guardian to trip")
            assert "looks failed (answered 503) in 1 s, and 0.2 of them may" in guardian.tripped
            wait_for(lambda: rate(cluster, namespace) == "100", within=60, reason="the fault to be undone")
            wait_for(lambda: "undone" in told(struck), within=60, reason="that to be told")
    said = told(struck)
    assert said["tripped"]["rule"] == "service"
    assert said["undone"]["took_s"] >= 0
    assert "0 of " in said["watching"]["seen"][0]


def test_what_another_changed_since_is_kept(cluster: Cluster, namespace: str, struck: Path) -> None:
    cluster.patch("ConfigMap", "settings", namespace, {"data": {"rate": "7"}})
    with watched(cluster, namespace, struck, soon(600)) as guardian:
        assert guardian.rest() == ""
    assert rate(cluster, namespace) == "7"
    assert find_record(cluster, namespace, "flood") is None


def test_what_another_injection_recorded_is_not_its_own(cluster: Cluster, namespace: str, struck: Path) -> None:
    on_record(cluster, namespace, RATE, experiment="drought", injection="i-2")
    with watched(cluster, namespace, struck, soon(600)) as guardian:
        assert guardian.rest() == ""
    assert find_record(cluster, namespace, "drought") is not None


# A session that strikes and goes no further: it holds the namespace, its guardian is armed, a child of it lives.
SESSION = """
    import os, subprocess, sys, time
    from pathlib import Path
    from muster.guardian import Guardian
    from muster.kube import connect
    from muster.safety.hooks import Hooks
    from muster.safety.locks import DrillLock

    kubeconfig, namespace, timeline, deadline = sys.argv[1:]
    with connect(Path(kubeconfig)) as cluster, Guardian(cluster, Path(timeline).parent, Path(".muster")) as guardian:
        with DrillLock(cluster, namespace, "drill", run="run-1"):
            said = ["sh -c 'echo $MUSTER_VERDICT $MUSTER_DRILL'"]
            after = Hooks.of("after", said, directory=Path("."), within_s=30, drill="drill", target="t")
            guardian.watch("drill", namespace=namespace, holder="drill", timeline=Path(timeline), after=after)
            guardian.arm("i-1", deadline)
            child = subprocess.Popen(["sleep", "1000"], env={**os.environ, "MUSTER_INJECTION": "i-1"})
            print(guardian.pid, child.pid, flush=True)
            time.sleep(1000)
"""


@contextmanager
def session(
    cluster: Cluster, namespace: str, timeline: Path, text: str = SESSION, *, kubeconfig: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """The session's process, its guardian's and its child's process ids."""
    program = timeline.parent / "session.py"
    program.write_text(textwrap.dedent(text))
    arguments = [str(kubeconfig or cluster.kubeconfig), namespace, str(timeline), soon(600)]
    process = subprocess.Popen(
        [sys.executable, str(program), *arguments],
        cwd=timeline.parent,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    guardian, child = map(int, process.stdout.readline().split())
    try:
        yield process, guardian, child
    finally:
        with process:
            os.killpg(process.pid, signal.SIGKILL)


def test_when_its_session_is_killed_it_takes_the_faults_back_and_ends_what_struck(
    cluster: Cluster, namespace: str, struck: Path
) -> None:
    with session(cluster, namespace, struck) as (process, guardian, child):
        process.kill()
        assert wait_gone(guardian, within=60)
        assert wait_gone(child, within=1)
    assert rate(cluster, namespace) == "100"
    assert find_record(cluster, namespace, "flood") is None
    assert cluster.find("Lease", "muster-drill", namespace) is None
    said = told(struck)
    assert said["tripped"]["why"] == "the session is gone: its process has ended"
    hooks = [event for event in read_timeline(struck) if event["kind"] == "hook"]
    assert [event["line"] for event in hooks if event["state"] == "output"] == ["unknown drill"], "what comes after"
    audit = [json.loads(line) for line in (struck.parent / "audit.jsonl").read_text().splitlines()]
    assert [(line["act"], line["by"]) for line in audit] == [("undo", "guardian")]


def test_a_session_that_hangs_is_taken_for_gone(cluster: Cluster, namespace: str, struck: Path) -> None:
    with session(cluster, namespace, struck) as (process, _, child):
        process.send_signal(signal.SIGSTOP)
        wait_for(lambda: find_record(cluster, namespace, "flood") is None, within=60, reason="the record to go")
        with pytest.raises(ProcessLookupError):
            Held.by(child, "nothing")
        process.send_signal(signal.SIGCONT)
    assert rate(cluster, namespace) == "100"
    assert told(struck)["tripped"]["rule"] == "heartbeat"


def test_a_guardian_that_is_gone_stops_the_drill(cluster: Cluster, namespace: str, struck: Path) -> None:
    with watched(cluster, namespace, struck, soon(600)) as guardian:
        os.kill(guardian.pid, signal.SIGKILL)
        wait_for(lambda: has_ended(guardian.pid), within=60, reason="the guardian to end")
        with pytest.raises(GuardianError, match="the guardian of this session is gone"):
            guardian.look()


def test_who_ends_the_guardian_ends_the_drill_and_its_fault_is_taken_back_first(
    cluster: Cluster, namespace: str, struck: Path
) -> None:
    with watched(cluster, namespace, struck, soon(600)) as guardian:
        os.kill(guardian.pid, signal.SIGTERM)
        wait_for(lambda: has_ended(guardian.pid), within=60, reason="the guardian to end")
        assert guardian.look() == "the guardian was told to end (SIGTERM)"
        assert rate(cluster, namespace) == "100"
        with pytest.raises(GuardianError, match=r"is gone: the guardian was told to end \(SIGTERM\)"):
            guardian.arm("i-2", soon(600))
    assert told(struck)["tripped"]["rule"] == "ended"
    assert told(struck)["undone"]["undone"] == ["ConfigMap settings data.rate: 'fast' put back to '100'"]


def test_what_a_session_forked_off_does_not_pass_for_it(cluster: Cluster, namespace: str, struck: Path) -> None:
    """Such a process holds the streams open by which the guardian hears the session."""
    forking = SESSION.replace("print(guardian.pid", "os.fork() or time.sleep(1000)\n            print(guardian.pid")
    with session(cluster, namespace, struck, forking) as (process, guardian, _):
        process.kill()
        assert wait_gone(guardian, within=60)
    assert told(struck)["tripped"]["rule"] == "gone"
    assert rate(cluster, namespace) == "100"


def test_it_ends_where_the_cluster_is_gone_for_good_and_tells_what_is_left(tmp_path: Path) -> None:
    """Not its session's own cluster, which might come back; until it is told to end, it tries."""
    with EmbeddedCluster.start() as embedded, connect(embedded.kubeconfig, embedded=True) as cluster:
        on_record(cluster, "default", RATE)
        Timeline.start(tmp_path / "drill.jsonl", run="run-1", drill="drill").close()
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_bytes(embedded.kubeconfig.read_bytes())
        with session(cluster, "default", tmp_path / "drill.jsonl", kubeconfig=kubeconfig) as (process, guardian, _):
            embedded.stop()
            process.kill()
            wait_for(lambda: "tripped" in told(tmp_path / "drill.jsonl"), within=60, reason="the guardian to trip")
            os.kill(guardian, signal.SIGTERM)
            assert wait_gone(guardian, within=60)
    said = told(tmp_path / "drill.jsonl")
    assert (said["gave_up"]["why"], said["gave_up"]["left"]) == ("it was told to end", ["the fault of injection i-1"])
    log = next(tmp_path.glob("guardian-*.log")).read_text()
    assert "undo it: muster undo --kube-context embedded --namespace default" in log
    audit = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [(line["act"], line["outcome"], line["by"]) for line in audit] == [("undo", "failed", "guardian")]


SHORT = "import sys; from muster.guardian import watch, __main__; watch.SILENT_FOR_S = 0.3; sys.exit(__main__.main())"


def test_a_session_that_hangs_is_not_waited_for_for_ever(cluster: Cluster, tmp_path: Path) -> None:
    about = ["--token", "t", "--session", str(os.getpid()), "--home", str(tmp_path)]
    command = [sys.executable, "-c", SHORT, *about, "--kubeconfig", str(cluster.kubeconfig)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as guardian:
        assert guardian.wait(60) == 0
        assert guardian.stderr is not None
        assert b"the session gave no sign for 0.3 s" in guardian.stderr.read()


def test_a_drill_that_was_taken_for_dead_learns_of_it(cluster: Cluster, namespace: str) -> None:
    with DrillLock(cluster, namespace, "first") as lock:
        cluster.patch("Lease", "muster-drill", namespace, {"spec": {"holderIdentity": "second"}})
        wait_for(lambda: lock.lost, within=60, reason="the holder to learn of it")
        assert "was taken over by second" in lock.lost
    assert cluster.get("Lease", "muster-drill", namespace)["spec"]["holderIdentity"] == "second"
