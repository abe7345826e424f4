"""A release as a fault: brought out by an experiment, and rolled back with it, whatever dies on the way."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from torture.releasing import Load, Stage, staged

from muster.base.errors import RefusedError, UsageError
from muster.base.timeline import Timeline
from muster.faults import Injection
from muster.faults.aim import Aim, Aimed
from muster.faults.experiments import find_experiment
from muster.faults.releasing import _variables, _with_environment
from muster.kube import connect
from muster.safety import find_record, undo
from muster.system.definition import SYSTEM_VARIABLE

of_a_cluster = pytest.mark.long(of="release")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("shop"), "httproute") as found:
        yield found


@contextmanager
def injected(stage: Stage, directory: Path, release: str) -> Iterator[Injection]:
    """The experiment `release` as a drill has it; a directory's containers have a variable besides."""
    image = ":" in release
    said, more = (release, None) if image else (str(stage.root / release), {"SHOP_EXTRA": "1"})
    aim = Aim(release=said, release_env=more, time_scale=1)
    experiment = find_experiment(directory / "experiments", "release", stage.system, aim)
    with Timeline.start(directory / "drill.jsonl", run="run", drill="drill") as timeline:
        injection = Injection(
            experiment,
            stage.cluster,
            stage.kubeconfig,
            stage.system.namespace,
            timeline,
            directory / "fault",
            stage.url,
            {SYSTEM_VARIABLE: str(stage.system.path)},
            stage.system,
        )
        with injection:
            yield injection


@of_a_cluster
def test_it_is_rolled_back_where_it_is_under_way_when_the_fault_is_undone(stage: Stage, tmp_path: Path) -> None:
    before = stage.objects()
    with Load(stage.url), injected(stage, tmp_path, stage.new()) as injection:
        assert injection.wait_landed(20), injection.evidence
        found = stage.wait_until("baking", "canary")
        assert found.id
        pods = stage.cluster.list("Pod", "shop", labels="muster.dev/track=canary")
        names = {one["name"]: one.get("value") for pod in pods for one in pod["spec"]["containers"][0]["env"]}
        assert names["SHOP_EXTRA"] == "1"
    assert any(text.endswith(": rolled back") for text in injection.undone), (injection.undone, injection.left)
    ended = stage.release
    assert ended is not None and ended.state == "rolled back" and ended.id == found.id
    assert stage.objects() == before


def undone_by_hand(stage: Stage, _directory: Path) -> None:
    said = stage.muster("undo")
    assert said.returncode == 0, said.stdout
    assert ": rolled back" in said.stdout, said.stdout


def undone_by_a_guardian(stage: Stage, directory: Path) -> None:
    """By one whose kubeconfig went with the session that it was made for."""
    copied = directory / "kubeconfig"
    copied.write_bytes(stage.kubeconfig.read_bytes())
    with connect(copied, embedded=stage.cluster.embedded) as cluster:
        copied.unlink()
        record = find_record(cluster, "shop", "release")
        assert record is not None
        assert any(text.endswith(": rolled back") for text in undo(cluster, record).undone)


@of_a_cluster
@pytest.mark.parametrize("undone", [undone_by_hand, undone_by_a_guardian])
def test_where_all_died_undo_rolls_it_back(stage: Stage, tmp_path: Path, undone: Callable[[Stage, Path], None]) -> None:
    before = stage.objects()
    with Load(stage.url), injected(stage, tmp_path, "shop:2") as injection:
        stage.wait_until("baking", "canary")
        assert injection._child is not None
        injection._child.signal_command(signal.SIGKILL)
        injection._child.wait(within=20, reason="its lifeline to end what was below it")
        assert find_record(stage.cluster, "shop", "release") is not None
        undone(stage, tmp_path)
        assert find_record(stage.cluster, "shop", "release") is None
    ended = stage.release
    assert ended is not None and ended.state == "rolled back"
    assert stage.objects() == before


@of_a_cluster
def test_a_release_of_somebody_else_is_left_alone(stage: Stage, tmp_path: Path) -> None:
    with Load(stage.url):
        assert stage.muster("deploy", stage.new(), "canary").returncode == 0
    with pytest.raises(RefusedError, match="web-canary is there"), injected(stage, tmp_path, stage.new()):
        pass
    found = stage.release
    assert found is not None and (found.state, found.phase) == ("paused", "canary")


def test_what_its_containers_find_besides(tmp_path: Path) -> None:
    release = tmp_path / "releases/5.2"
    release.mkdir(parents=True)
    env = [{"name": "A", "value": "old"}, {"name": "KEPT", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    pods = {"spec": {"containers": [{"name": "one", "env": env}, {"name": "two"}]}}
    other = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"env": "no"}}
    (release / "all.yaml").write_text(yaml.safe_dump_all([{"kind": "Deployment", "spec": {"template": pods}}, other]))
    (release / "notes.txt").write_text("as it is")
    made = _with_environment(release, {"A": "new", "B": "1"})
    try:
        deployment, kept = yaml.safe_load_all((made / "all.yaml").read_text())
        one, two = deployment["spec"]["template"]["spec"]["containers"]
        assert [entry["name"] for entry in one["env"]] == ["KEPT", "A", "B"]
        assert two["env"] == [{"name": "A", "value": "new"}, {"name": "B", "value": "1"}]
        assert kept == other
        assert (made.name, (made / "notes.txt").read_text()) == ("5.2", "as it is")
    finally:
        for path in [*made.iterdir(), made, made.parent]:
            path.rmdir() if path.is_dir() else path.unlink()


def test_what_cannot_be_read_leaves_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "5.2").mkdir()
    (tmp_path / "5.2/broken.yaml").write_text("a: [")
    with pytest.raises(yaml.YAMLError):
        _with_environment(tmp_path / "5.2", {"A": "1"})
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("scale", [0, -1])
def test_a_time_scale_is_above_0(scale: float) -> None:
    aimed = Aimed(None, Aim(release="shop:2", time_scale=scale))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a number above 0"):
        aimed.release_time_scale()


def test_an_image_has_no_environment_to_add_to() -> None:
    with pytest.raises(UsageError, match="no directory of manifests"):
        _with_environment(Path("shop:2"), {"A": "1"})


@pytest.mark.parametrize("said", ["no json", "[1]", json.dumps({"A": 1}), {"A": None}])
def test_an_environment_is_names_with_texts(said: object) -> None:
    with pytest.raises(UsageError, match="names with texts"):
        _variables(said)  # type: ignore[arg-type]
