"""The dashboard on a cluster: what it asks for, and that its keys do what the commands do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.dashboard.made import definition, release
from textual.pilot import Pilot

from muster.base.errors import RefusedError
from muster.dashboard.acting import Desk
from muster.dashboard.looking import looking
from muster.dashboard.picture import Board
from muster.dashboard.screen.app import Dashboard
from muster.dashboard.sources import Sources
from muster.kube import Cluster, connect
from muster.release.record import ReleaseBook, find_release, new_release
from muster.snapshot.gather import gather
from muster.system import SystemDefinition

SEEN_WITHIN = 400  # looks at the board, a tenth of a second apart


def begun(cluster: Cluster, system: SystemDefinition) -> None:
    """A release on record that has shared no traffic yet."""
    spec = {"ports": [{"port": system.service.port}], "selector": {"app": "api"}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": system.service.name}, "spec": spec}
    cluster.create(service, system.namespace)
    fresh = new_release(release="releases/5.2", version="5.2", system=system.name, namespace=system.namespace)
    ReleaseBook(cluster, fresh).begin()


def test_it_sees_the_release_and_its_keys_act_on_it(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    system = definition().model_copy(update={"namespace": namespace, "monitoring": None})
    begun(cluster, system)
    reach = partial(connect, cluster.kubeconfig, embedded=True)
    audited: list[tuple[str, str]] = []
    desk = Desk(system, reach, lambda act, *, outcome, **_: audited.append((act, outcome)))
    store = (str(tmp_path / "none.sqlite"), tmp_path)
    sources = Sources(system, reach, partial(gather, reach, system, namespace=namespace, within=10), store, "embedded")
    board = sources.board("here", every_s=0.5)
    app = Dashboard(board, desk)

    async def held() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, board, lambda: board.picture.under_way is not None)
            await pilot.press("p", *"lunch", "enter")
            await until(pilot, board, lambda: (r := board.picture.under_way) is not None and r.wanted is not None)
            await pilot.press("r", *"too slow", "enter")
            await until(pilot, board, lambda: any("rolled back" in said.text for said in board.picture.said))
            await until(pilot, board, lambda: all(board_has(board)))

    with looking(tuple(sources.looked(board)), every_s=0.5, within_s=10):
        asyncio.run(held())
    found = find_release(cluster, namespace)
    assert found is not None
    assert (found.state, found.why) == ("rolled back", "too slow")
    assert [event.what for event in found.events][:2] == ["pause asked for: lunch", "rolls back: too slow"]
    assert audited == [("release: pause", "asked"), ("rollback", "begun"), ("rollback", "done")]
    with pytest.raises(RefusedError, match="is rolled back since"):
        desk.ask(found, "pause", "")
    with pytest.raises(RefusedError, match="is not what is under way any more"):
        desk.roll_back(release(), "x", lambda _: None)


def board_has(board: Board) -> list[bool]:
    """Whether each part was seen, those that nothing stands behind among them."""
    picture = board.picture
    sights: list[Any] = [picture.glance, picture.release, picture.measured, picture.incidents]
    return [sight is not None and sight.value is not None and not sight.trouble for sight in sights]


async def until(pilot: Pilot[None], board: Board, holds: Callable[[], bool]) -> None:
    for _ in range(SEEN_WITHIN):
        if holds():
            return
        await pilot.pause(0.1)
    raise AssertionError(f"did not come; the board: {board.picture.said}, {board_has(board)}")
