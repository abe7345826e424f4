"""Make the page of a run."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import orjson

from muster.base.files import write_atomically
from muster.report.allure import ENVIRONMENT_FILE, RESULTS, Store, complete_results, write_environment
from muster.report.html.config import configuration
from muster.report.html.errors import ReportError
from muster.report.html.generator import generate
from muster.report.html.history import HISTORY_FILE, earlier, remember
from muster.report.summary import FILE_NAME, read_summary

PAGE = "report.html"
# The generator's page tells its makers of every opening. A report of emergencies tells nobody.
TELLTALE = re.compile(
    r"<script async src=\"https://www\.googletagmanager\.com[^<]*</script>\s*"
    r"<script>\s*window\.dataLayer\b.*?</script>",
    re.DOTALL,
)


def build(reports: Path, out: Path | None = None) -> Path:
    """Make the report of a run and return its path: one HTML file that needs nothing beside itself.

    `reports` is the directory of a run, or one of runs, of which the latest is meant. The page is `out`, or else
    `report.html` in the directory of runs. May be called again; a run counts once in the history.

    Raises:
        ReportError: the generator is missing or failed, or a file cannot be read or written.
        SummaryError: there is no run to report.
    """
    run = reports if (reports / FILE_NAME).is_file() else reports / "latest"
    summary = read_summary(run)
    run = run.resolve()
    page = out or run.parent / PAGE
    history = run.parent / HISTORY_FILE
    try:
        store = Store(run / RESULTS)
        complete_results(store, summary, run, _project(run))
        if not any(store.directory.glob("*-result.json")):
            raise ReportError(f"no drill ran in {run}: there is nothing to report, and {page} stays as it was")
        write_environment(store.directory, run)
        with tempfile.TemporaryDirectory(prefix="muster-report-") as name:
            scratch = Path(name)
            past = scratch / HISTORY_FILE
            past.write_bytes(b"".join(line + b"\n" for line in earlier(history, run.name)))
            config = scratch / "allurerc.json"
            config.write_bytes(orjson.dumps(configuration(summary, output=scratch / "page", history=past)))
            generate(store.directory, config, scratch)
            page.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(page, silenced(_page(scratch / "page")))
            remember(history, run.name, past.read_bytes().splitlines()[-1])
    except OSError as error:
        raise ReportError(f"the report of {run} cannot be made: {error.filename}: {error.strerror}") from error
    return page


def silenced(page: str) -> str:
    """The page without what would report its readers.

    Raises:
        ReportError: it is there in a form that is not known here.
    """
    page = TELLTALE.sub("", page)
    if "googletagmanager.com/gtag" in page:
        raise ReportError("the generator's page would tell others of its readers, in a way that is not known here")
    return page


def _page(directory: Path) -> str:
    found = sorted(directory.rglob("index.html"))
    if not found:
        raise ReportError("the generator ended well, and wrote no page")
    return found[0].read_text()


def _project(run: Path) -> Path:
    """The directory of the project whose drills ran, as the session noted it; else where reports/ lies in."""
    try:
        noted: dict[str, Any] = orjson.loads((run / ENVIRONMENT_FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return run.parent.parent
    return Path(noted.get("project", run.parent.parent))
