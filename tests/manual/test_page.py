"""The manual as one page, as a reader's browser shows it: light, dark, on a phone, to a keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.browsing.axe import axe, complaints
from tests.browsing.chromium import Page, browse, chromium_or_skip

from muster.cli.main import commands
from muster.history.plan import Planned
from muster.manual import LANGUAGES, manual, page, texts
from muster.system import read_system

SYSTEM = Path(__file__).resolve().parents[2] / "systems/enhancer"
PLAN = {"db_failure": Planned("db_failure", "P1", "monthly", fault="db-failure", recovery="promote-standby")}
LOADED = "document.readyState === 'complete' && document.querySelector('#main') !== null"
SCREENS = {"light": (1200, 1000, "light"), "dark": (1200, 1000, "dark"), "phone": (390, 844, "light")}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page in each language."""
    where = tmp_path_factory.mktemp("manual")
    told = manual(read_system(SYSTEM), PLAN, set(commands.commands))
    for language in LANGUAGES:
        (where / f"{language}.html").write_text(page(told.system, texts(told, language)), "utf-8")
    return {language: where / f"{language}.html" for language in LANGUAGES}


@pytest.fixture(scope="module")
def opened(written: dict[str, Path]) -> Iterator[Page]:
    with browse(chromium_or_skip()) as tab:
        yield tab


def show(tab: Page, path: Path, screen: str) -> None:
    width, height, scheme = SCREENS[screen]
    tab.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=screen == "phone"
    )
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.open(path.as_uri())
    tab.wait(f"{LOADED} && location.pathname.endsWith('{path.name}')")


@pytest.mark.parametrize(("language", "screen"), [("en", "light"), ("en", "dark"), ("zh-CN", "phone")])
def test_axe_finds_nothing_and_nothing_runs_over_the_edge(
    opened: Page, written: dict[str, Path], language: str, screen: str
) -> None:
    show(opened, written[language], screen)
    assert json.loads(complaints(opened, axe())) == []
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it never scrolls sideways"
    dark = opened.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark is (screen == "dark")
    assert opened.evaluate("document.documentElement.lang") == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_leads_somewhere_within_it_and_nobody_is_asked(
    opened: Page, written: dict[str, Path], language: str
) -> None:
    show(opened, written[language], "light")
    lost = "[...document.querySelectorAll('a')].map(one => one.getAttribute('href'))"
    lost += ".filter(href => !href.startsWith('#') || !document.getElementById(decodeURIComponent(href.slice(1))))"
    assert opened.evaluate(f"{lost}.join(' ')") == ""
    doubled = "ids.filter((id, at) => ids.indexOf(id) !== at).join(' ')"
    ids = "[...document.querySelectorAll('[id]')].map(one => one.id)"
    assert opened.evaluate(f"(ids => {doubled})({ids})") == ""
    assert opened.complaints == []
    assert [address for address in opened.asked if not address.startswith(("file:", "data:", "about:"))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_marks_of_markdown_are_all_understood(opened: Page, written: dict[str, Path], language: str) -> None:
    show(opened, written[language], "light")
    text = opened.evaluate("document.body.innerText")
    assert [mark for mark in ("**", "](", "[ ]", "|---", "{{", "{%", "`", "<!--") if mark in text] == []


def test_a_list_is_ticked_with_the_keyboard_alone(opened: Page, written: dict[str, Path]) -> None:
    show(opened, written["en"], "phone")
    box = "document.querySelector('.task-list-item input')"
    opened.evaluate(f"{box}.focus()")
    for kind in ("keyDown", "keyUp"):
        opened.call("Input.dispatchKeyEvent", type=kind, key=" ", code="Space", windowsVirtualKeyCode=32, text=" ")
    assert opened.evaluate(f"{box}.checked")
    assert opened.evaluate("getComputedStyle(document.querySelector('td[data-of]'), '::before').content") != "none"
