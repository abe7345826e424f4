"""The page as a reader's browser shows it: opened from disk, everything there, nothing failing, nobody told.

Where the machine has no Chromium these tests are skipped, unless CI or MUSTER_BROWSER=required says that one must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.browsing.chromium import Page, browse, chromium_or_skip

from muster.report.html import build
from muster.report.testing import STORIES, told_run

LEAF = "[...document.querySelectorAll('[data-testid=\"tree-leaf\"]')]"
FRAME = "document.querySelector('[data-testid=\"test-result-description-frame\"]')"
PICTURE = f"{FRAME}?.contentDocument?.querySelector('img')"
LISTED = f"document.body !== null && {LEAF}.length >= 6"  # a group in which all is well is folded up
HERE = ("file:", "data:", "blob:", "about:")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a second run, of which a session was killed in its last drill."""
    reports = tmp_path_factory.mktemp("page") / "reports"
    told_run(reports / "20200101T000000Z-a", {"met": {}, "missed_budget": {}})
    build(reports)
    told_run(reports / "20200102T000000Z-b", {**STORIES, "cut_short": {"judged": None}}, finished=False)
    return build(reports)


@pytest.fixture(scope="module")
def page(report: Path) -> Iterator[Page]:
    """A browser that has the page open, and at the end nothing to complain of."""
    with browse(chromium_or_skip()) as opened:
        opened.open(report.as_uri())
        opened.wait(LISTED)
        yield opened


def show(page: Page, report: Path, drill: str) -> None:
    """Open a drill's page from the list of all."""
    page.open(f"{report.as_uri()}?{drill}#")
    page.wait(LISTED)
    leaf = f"{LEAF}.find(leaf => leaf.innerText.includes('{drill}: '))"
    if page.evaluate(f"{leaf} === undefined"):
        titles = "[...document.querySelectorAll('[data-testid=\"tree-section-title\"]')]"
        page.evaluate(f"{titles}.find(title => title.innerText.includes('P3 medium')).click()")
        page.wait(f"{leaf} !== undefined")
    page.evaluate(f"{leaf}.click()")
    page.wait("document.querySelector('[data-testid=\"test-result-info-title\"]') !== null")


def complaints(page: Page) -> tuple[list[str], list[str]]:
    """What the console said, and who was asked beside this file."""
    page.evaluate("1")
    return page.complaints, [address for address in page.asked if not address.startswith(HERE)]


def test_the_list_says_what_became_of_each_drill(page: Page, report: Path) -> None:
    page.open(report.as_uri())
    page.wait(LISTED)
    text = page.evaluate("document.body.innerText")
    for words in ("enhancer", "P1 critical", "P3 medium", "missed_budget: RTO 6.6", "commit",
                  "cut_short: the session ended while the drill ran"):  # fmt: skip
        assert words in text
    assert complaints(page) == ([], [])


@pytest.mark.parametrize("drill", ["met", "missed_budget", "unknown_not_landed", "overloaded"])
def test_a_drill_shows_its_picture(page: Page, report: Path, drill: str) -> None:
    show(page, report, drill)
    assert page.wait(f"{PICTURE}?.complete && {PICTURE}.naturalWidth") == 1200
    assert page.evaluate(f"{PICTURE}.getBoundingClientRect().width") > 400
    assert "objective" in page.evaluate(f"{FRAME}.contentDocument.body.innerText")
    assert complaints(page) == ([], [])


def test_the_picture_is_attached_as_well_and_shown_inline(page: Page, report: Path) -> None:
    show(page, report, "missed_budget")
    header = "document.querySelector('[data-testid=\"test-result-attachment-header\"] button')"
    before = page.evaluate("document.querySelectorAll('img').length")
    page.evaluate(f"{header}.click()")
    page.wait(f"document.querySelectorAll('img').length > {before}")
    assert page.wait("[...document.querySelectorAll('img')].at(-1).naturalWidth") == 1200
    assert complaints(page) == ([], [])


@pytest.mark.parametrize(
    ("drill", "category"),
    [("missed_budget", "Missed: an objective was not met"), ("cut_short", "Unknown: nothing is proved")],
)
def test_a_drill_is_in_its_category(page: Page, report: Path, drill: str, category: str) -> None:
    show(page, report, drill)
    page.wait(f"document.body.innerText.includes({category!r})")


def test_the_trend_from_run_to_run_is_drawn(page: Page, report: Path) -> None:
    page.open(f"{report.as_uri()}?charts#charts")
    page.wait("document.body !== null && document.body.innerText.includes('Verdicts from run to run')")
    page.wait(
        "document.body.innerText.includes('Latest') && document.querySelectorAll('svg rect, svg path').length > 10"
    )
    assert complaints(page) == ([], [])
