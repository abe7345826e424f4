"""`muster status` on a terminal: the view that goes on, from the command to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from textual.app import App
from textual.pilot import Pilot

from muster.cli.main import commands
from muster.dashboard.screen.app import Dashboard

NOWHERE = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "staging",
    "contexts": [{"name": "staging", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "u", "user": {"token": "none"}}],
}


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts of the screen, of a terminal whose user leaves by q once something was looked at."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(NOWHERE))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setattr("muster.cli.status._on_a_terminal", lambda: True)
    found: list[str] = []

    async def leave(pilot: Pilot[Any]) -> None:
        board = pilot.app._board  # type: ignore[attr-defined]
        for _ in range(200):
            if board.picture.glance.at is not None:
                break
            await pilot.pause(0.1)
        pilot.app.draw()  # type: ignore[attr-defined]
        await pilot.pause()
        found.append("\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips()))
        await pilot.press("q")

    headless = lambda app: App.run(app, headless=True, auto_pilot=leave)  # noqa: E731
    monkeypatch.setattr(Dashboard, "run", headless)
    return found


def test_a_namespace_of_a_cluster_that_does_not_answer_is_shown_as_not_seen(seen: list[str]) -> None:
    done = CliRunner().invoke(commands, ["status", "-n", "shop", "--kube-context", "staging", "--within", "3"])
    assert (done.exit_code, done.exception) == (0, None)
    assert "on staging" in seen[0]
    assert "? pods        not seen: " in seen[0]
    assert "✓" not in seen[0]


def test_a_context_that_is_not_there_is_told(seen: list[str]) -> None:
    done = CliRunner().invoke(commands, ["status", "-n", "shop", "--kube-context", "nowhere"])
    assert done.exit_code != 0
    assert "nowhere" in str(done.exception)
    assert not seen


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "there is no system.yaml that names a namespace"),
        (("-n", "shop", "-A"), "-n and --all-namespaces contradict each other"),
        (("-n", "shop", "--within", "0"), "'--within 0' is no time for a diagnosis"),
    ],
)
def test_what_cannot_be_looked_at_is_told_before_anything_is_drawn(
    arguments: tuple[str, ...], message: str, seen: list[str]
) -> None:
    done = CliRunner().invoke(commands, ["status", "--kube-context", "staging", *arguments])
    assert message in str(done.exception)
    assert not seen
