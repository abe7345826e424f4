"""One line of a text is changed, recorded before, and put back; what is not as it was thought to be is not struck."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.faults.texts import with_line
from muster.safety import find_record

from .conftest import EXPERIMENTS, Target
from .test_by_hand import chaos

SETTINGS = "rate: 100  # requests/s\nrate_burst: 1\nhide: 0\n"
BREAK = {
    "kind": "ConfigMap",
    "name": "settings",
    "path": 'data["settings.yaml"]',
    "begins": "rate:",
    "line": "rate: [",
}


def test_the_one_line_is_replaced_and_the_rest_stays() -> None:
    assert with_line(SETTINGS, "rate:", "rate: [", where="it") == "rate: [\nrate_burst: 1\nhide: 0\n"
    assert with_line(SETTINGS.rstrip(), "hide", "hide: 1", where="it") == SETTINGS.rstrip().replace(
        "hide: 0", "hide: 1"
    )
    assert with_line("a: 1\r\nb: 2\r\n", "a", "a: 2", where="it") == "a: 2\r\nb: 2\r\n"


@pytest.mark.parametrize(
    ("text", "begins", "why"),
    [
        (SETTINGS, "speed", "it has 0 lines that begin with 'speed'; right would be one"),
        (SETTINGS, "rate", "it has 2 lines that begin with 'rate'; right would be one"),
        (None, "rate", "it is None, in which no line can be replaced; right would be a text"),
    ],
)
def test_what_cannot_be_replaced_is_refused(text: str | None, begins: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        with_line(text, begins, "x", where="it")


@pytest.fixture
def settings(target: Target) -> Target:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    target.cluster.create({**body, "data": {"settings.yaml": SETTINGS}}, target.namespace)
    return target


def present(target: Target) -> str:
    text: str = target.cluster.get("ConfigMap", "settings", target.namespace)["data"]["settings.yaml"]
    return text


def experiment(directory: Path, **arguments: str) -> Path:
    """An experiment that does nothing but replace a line and hold."""
    content = yaml.safe_load((EXPERIMENTS / "pod-crash.yaml").read_text())
    provider = {"type": "python", "module": "muster.faults.activities", "func": "replace_line"}
    strike = {"type": "action", "name": "break it", "provider": {**provider, "arguments": {**BREAK, **arguments}}}
    content["method"] = [strike, content["method"][-1]]
    path = directory / "pod-crash.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_line_is_put_back(settings: Target, tmp_path: Path) -> None:
    with chaos(settings, tmp_path, experiment(tmp_path), MUSTER_HOLD_S="0.5") as process:
        wait_for(lambda: present(settings) != SETTINGS, within=120, reason="the fault")
        assert process.wait(120) == 0, process.communicate()[0]
    assert present(settings) == SETTINGS
    (log,) = tmp_path.glob("reports/audit.jsonl")
    assert "put back, line 1: rate: [ -> 100 # requests/s" in log.read_text()


def test_what_a_recovery_made_of_it_stays(settings: Target, tmp_path: Path) -> None:
    mended = SETTINGS.replace("100", "90")
    with chaos(settings, tmp_path, experiment(tmp_path), MUSTER_HOLD_S="3") as process:
        wait_for(lambda: present(settings) != SETTINGS, within=120, reason="the fault")
        patch = {"data": {"settings.yaml": mended}}
        settings.cluster.patch("ConfigMap", "settings", settings.namespace, patch)
        assert process.wait(120) == 0, process.communicate()[0]
    assert present(settings) == mended
    (log,) = tmp_path.glob("reports/audit.jsonl")
    assert "left, changed since, line 1: rate: [ -> 90 # requests/s" in log.read_text()


def test_a_line_that_is_not_there_strikes_nothing(settings: Target, tmp_path: Path) -> None:
    with chaos(settings, tmp_path, experiment(tmp_path, begins="speed:")) as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "has 0 lines that begin with 'speed:'; right would be one" in output
    assert present(settings) == SETTINGS
    assert find_record(settings.cluster, settings.namespace, "pod-crash") is None
