"""The dashboard through its real screen: sizes, keys, the question before each, and what hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.dashboard.made import glance_of, measured, picture, release, seen
from textual.pilot import Pilot

from muster.base.clock import now
from muster.base.errors import ClusterError
from muster.dashboard.looking import Looked, looking
from muster.dashboard.picture import Board, ReleaseSeen
from muster.dashboard.screen.app import Dashboard
from muster.dashboard.sight import Sight
from muster.release.record import DatabaseAt, Release

Steps = Callable[[Pilot[None], Dashboard], Awaitable[None]]


@dataclass
class Desk:
    """Notes what is asked of it; `hangs` keeps it from answering, `fails` is why it cannot."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)
    hangs: threading.Event | None = None
    fails: str = ""

    def ask(self, named: Release, command: str, why: str) -> str:
        return self._did(named, command, why, lambda _: None)

    def roll_back(self, named: Release, why: str, told: Callable[[str], None], *, decided: float) -> str:
        assert decided <= now()
        return self._did(named, "rollback", why, told)

    def _did(self, named: Release, command: str, why: str, told: Callable[[str], None]) -> str:
        self.asked.append((named.id, command, why))
        told("half way")
        if self.hangs is not None:
            self.hangs.wait(20)
        if self.fails:
            raise ClusterError(self.fails)
        return f"{command} is done"


def board(**changes: Any) -> Board:
    at = now()
    present = {
        "glance": Sight(glance_of(), at),
        "release": Sight(seen(), at),
        "measured": Sight(measured(), at),
        "incidents": Sight((), at),
    }
    return Board(picture(**{**present, **changes}))


def text(app: Dashboard) -> str:
    """What stands on the screen."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def run(steps: Steps, on: Board | None = None, desk: Desk | None = None, size: tuple[int, int] = (80, 24)) -> Dashboard:
    app = Dashboard(on or board(), desk or Desk())  # type: ignore[arg-type]

    async def held() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await steps(pilot, app)

    asyncio.run(held())
    return app


async def until(pilot: Pilot[None], holds: Callable[[], bool], what: str) -> None:
    """Wait for a thread's doing to be seen."""
    for _ in range(200):
        if holds():
            return
        await pilot.pause(0.05)
    raise AssertionError(f"{what} did not come")


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (120, 40)])
def test_in_each_size_the_release_what_is_next_and_the_keys_stand_on_the_screen(size: tuple[int, int]) -> None:
    async def steps(_: Pilot[None], app: Dashboard) -> None:
        said = text(app)
        for wanted in ("BAKING", "▶GROW", "Next, by itself", "phase half", "error rate", "stable 5.1", "p pause"):
            assert wanted in said
        assert size == (60, 24) or "── System" in said
        assert "q quit" in said.splitlines()[-1]

    run(steps, size=size)


def test_it_follows_the_size_and_says_when_it_is_too_small() -> None:
    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.resize_terminal(50, 24)
        await until(pilot, lambda: "too small: 60 columns and 12 rows are needed, here" in text(app), "the sentence")
        await pilot.resize_terminal(120, 40)
        beside = lambda: any("Release" in line and "System" in line for line in text(app).splitlines())  # noqa: E731
        await until(pilot, beside, "two columns")

    run(steps)


def test_what_does_not_fit_is_scrolled_to() -> None:
    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        assert "── Events" not in text(app)
        await pilot.press("end")
        await until(pilot, lambda: "── Events" in text(app), "the end")

    run(steps)


@pytest.mark.parametrize(
    ("key", "command"), [("p", "pause"), ("c", "continue"), ("m", "promote"), ("f", "freeze"), ("a", "abort")]
)
def test_a_key_asks_names_the_release_and_acts_only_then(key: str, command: str) -> None:
    desk = Desk()

    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press(key)
        said = " ".join(text(app).split())
        assert f"{command} release 5.2 of enhancer?" in said
        assert "20% of traffic, baking at phase grow" in said
        assert not desk.asked
        await pilot.press(*"too late", "enter")
        await until(pilot, lambda: f"{command} is done" in text(app), "the answer")

    run(steps, desk=desk)
    assert desk.asked == [(release().id, command, "too late")]


def test_escape_leaves_the_question_and_nothing_is_done() -> None:
    desk = Desk()

    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("a", "x", "escape")
        await pilot.pause()
        assert "abort: nothing was done" in text(app)

    run(steps, desk=desk)
    assert not desk.asked


def test_a_rollback_needs_a_reason_and_shows_how_it_goes() -> None:
    desk = Desk(hangs=threading.Event())

    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("r", "enter")
        await pilot.pause()
        assert "a reason is needed" in text(app)
        assert not desk.asked
        await pilot.press(*"slow", "enter")
        await until(pilot, lambda: "rollback: half way" in text(app), "its progress")
        await pilot.press("p")
        await pilot.pause()
        assert "pause: not before what is being done here has ended" in text(app)
        assert desk.hangs is not None
        desk.hangs.set()
        await until(pilot, lambda: "rollback is done" in text(app), "its end")

    run(steps, desk=desk)
    assert desk.asked == [(release().id, "rollback", "slow")]


def test_while_it_acts_it_is_left_only_when_asked_twice() -> None:
    desk = Desk(hangs=threading.Event())

    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("r", *"slow", "enter")
        await until(pilot, lambda: bool(desk.asked), "the rollback")
        await pilot.press("q")
        await pilot.pause()
        assert app.is_running
        assert "q again leaves it" in " ".join(text(app).split())
        await pilot.press("q")  # and the thread that hangs does not keep it

    run(steps, desk=desk)
    assert desk.hangs is not None
    desk.hangs.set()


def test_what_failed_is_said_with_its_reason() -> None:
    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("p", "enter")
        await until(pilot, lambda: "pause: it hangs" in text(app), "the reason")
        assert "✗" in next(line for line in text(app).splitlines() if "it hangs" in line)

    run(steps, desk=Desk(fails="it hangs"))


def test_a_database_that_was_changed_for_good_is_not_rolled_back_by_a_key() -> None:
    changed = DatabaseAt(migration="migrate", backward_compatible=False, begun=True)
    desk = Desk()

    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("r")
        await pilot.pause()
        said = " ".join(text(app).split())
        assert "has changed the database" in said
        assert "muster rollback -f" in said
        assert "why (needed)" not in said

    run(steps, board(release=Sight(seen(database=changed), now())), desk)
    assert not desk.asked


@pytest.mark.parametrize("nothing", [Sight(ReleaseSeen(None, None), 0.0), Sight().lost("it hangs")])
def test_without_a_release_a_key_says_so(nothing: Sight[ReleaseSeen]) -> None:
    desk = Desk()

    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("r")
        await pilot.pause()
        said = " ".join(text(app).split())
        assert "rollback: no release is under way" in said
        assert ("nothing is known of one: it hangs" in said) is bool(nothing.trouble)

    run(steps, board(release=nothing), desk)
    assert not desk.asked


def test_a_server_that_hangs_freezes_no_key_and_its_age_grows() -> None:
    hangs, on, desk = threading.Event(), board(release=Sight(seen(), now() - 30)), Desk()
    looked = Looked("release", lambda: hangs.wait(20), lambda _: None, on.lose)

    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        await until(pilot, lambda: "no answer in time" in text(app), "the reason")
        assert "? as it was 3" in text(app)  # thirty-some seconds ago
        await pilot.press("p")
        assert "pause release 5.2 of enhancer?" in " ".join(text(app).split())

    with looking([looked], every_s=1, within_s=0.1):
        run(steps, on, desk)
    hangs.set()
    assert on.picture.release is not None
    assert on.picture.release.value is not None  # what was seen stays


def test_q_leaves() -> None:
    async def steps(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running, "the end")

    run(steps)
