"""The scorecard of 500 runs as a reader's browser shows it: light, dark, on a phone, to a keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.history import fill
from click.testing import CliRunner
from tests.browsing.axe import axe, complaints
from tests.browsing.chromium import Page, browse, chromium_or_skip
from tests.released.made import RETURNED, release, rolled_back, watched

from muster.cli.main import commands
from muster.released import Releases

LOADED = "document.readyState === 'complete' && document.querySelector('#main') !== null"
SCREENS = {"light": (1200, 1000, "light"), "dark": (1200, 1000, "dark"), "phone": (390, 844, "light")}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 500 generated runs, with an open incident."""
    where = tmp_path_factory.mktemp("scorecard")
    history, plan, out = where / "history.sqlite", where / "plan.json", where / "scorecard.html"
    fill(history, runs=500, drills=13)
    with Releases.open(str(history), where) as kept:
        kept.keep(release(1, "released", ended="2026-03-01T13:00:00Z"), "staging", looks=watched())
        kept.keep(rolled_back(2), "staging", returned=RETURNED, looks=watched(bad_from=20))
        kept.keep(release(3), "staging")
    drills = [{"name": "never_held", "severity": "P1", "cadence": "monthly", "fault": "pods-lost", "recovery": None}]
    plan.write_text(json.dumps({"drills": drills}))
    said = ["scorecard", "--history", str(history), "--plan", str(plan), "--since", "3y", "--out", str(out)]
    done = CliRunner().invoke(commands, said)
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def page(written: Path) -> Iterator[Page]:
    with browse(chromium_or_skip()) as opened:
        opened.open(written.as_uri())
        opened.wait(LOADED)
        yield opened


def show(page: Page, written: Path, screen: str) -> None:
    width, height, scheme = SCREENS[screen]
    page.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=screen == "phone"
    )
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.open(written.as_uri())
    page.wait(LOADED)


@pytest.mark.parametrize("screen", SCREENS)
def press(page: Page, key: str, code: int, **typed: str) -> None:
    named = {"key": key, "code": key, "windowsVirtualKeyCode": code}
    page.call("Input.dispatchKeyEvent", type="keyDown", **named, **typed)
    page.call("Input.dispatchKeyEvent", type="keyUp", **named)


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_and_nothing_runs_over_the_edge(page: Page, written: Path, screen: str) -> None:
    show(page, written, screen)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert json.loads(complaints(page, axe())) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page never scrolls sideways"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark is (screen == "dark")


def test_it_says_what_became_of_the_runs_and_asks_nobody(page: Page, written: Path) -> None:
    show(page, written, "light")
    text = page.evaluate("document.body.innerText")
    for words in ("were never held", "never_held: monthly, never held", "The latest 10 of 500 runs"):
        assert words in text
    assert page.evaluate("document.querySelectorAll('svg.chart:not(.release)').length") == 13
    assert page.evaluate("document.querySelectorAll('svg.release').length") == 2
    assert page.complaints == []
    assert [address for address in page.asked if not address.startswith(("file:", "data:", "about:"))] == []


def test_who_has_a_keyboard_alone_comes_to_all_that_can_be_opened_and_scrolled(page: Page, written: Path) -> None:
    show(page, written, "light")
    press(page, "Tab", 9)
    press(page, "Enter", 13, text="\r")
    assert page.evaluate("location.hash") == "#main", "the first stop leads past the navigation"
    named = "one => one.tabIndex === 0 && one.getAttribute('aria-labelledby')"
    assert page.evaluate(f"[...document.querySelectorAll('.wide')].every({named})")
    there = "one => document.querySelector(one.getAttribute('href')) !== null"
    assert page.evaluate(f"[...document.querySelectorAll('nav a')].every({there})"), "each section is where it says"
