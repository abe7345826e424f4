"""What axe-core finds wrong with a page for who uses a keyboard or a screen reader, or sees little."""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

from tests.browsing.chromium import Page

from muster.report.html.generator import LOCK_FILE, install_locked

LOCKED = Path(__file__).parent / "npm"
HOME = Path(sys.prefix) / "share" / "muster" / "axe"  # with the environment it comes and goes
PROGRAM = HOME / "node_modules" / "axe-core" / "axe.min.js"
FOUND = """axe.run(document, {resultTypes: ['violations', 'incomplete']}).then(found => JSON.stringify(
    found.violations.map(one => one.id + ': ' + one.help + ': ' + one.nodes[0].html.slice(0, 200))))"""


def axe() -> str:
    """The program, which is installed where it is missing or of another version."""
    HOME.parent.mkdir(parents=True, exist_ok=True)
    with HOME.with_suffix(".lock").open("w") as turn:  # other workers want it at the same moment
        fcntl.flock(turn, fcntl.LOCK_EX)
        installed = HOME / LOCK_FILE
        if not installed.is_file() or installed.read_bytes() != (LOCKED / LOCK_FILE).read_bytes():
            install_locked(LOCKED, HOME)
        return PROGRAM.read_text()


def complaints(page: Page, program: str) -> str:
    """What is wrong with the page that is open, as a JSON list of sentences."""
    page.evaluate(program + ";0")
    return str(page.evaluate(FOUND))
