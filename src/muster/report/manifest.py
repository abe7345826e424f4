"""The manifest of a run: a digest of every file that it left, so that what was changed since is noticed.

It tells a slip, a repaired report or a damaged disk; who changes a file on purpose can write its digest, too. What is
made again of a run (the page, Allure's results) and logs of the harness's own processes are no evidence, and left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import orjson

from muster.base.files import write_atomically
from muster.report.summary import FILE_NAME as SUMMARY_NAME
from muster.report.summary import SummaryError
from muster.safety.audit import Anchor

FILE_NAME = "manifest.json"
SCHEMA = "muster/manifest/v1"
_LEFT_OUT = ("allure-results", "kubeconfig*", "cluster*.log", ".*", FILE_NAME)


def write_manifest(run: Path, audit: Anchor | None = None) -> None:
    """Write the digests of a run's files beside them, last of all, and how long the project's audit log is by now.

    Raises:
        SummaryError: it cannot be written; without it the run is not believed.
    """
    try:
        files = {name: _digest(run / name) for name in _evidence(run)}
        content = {"schema": SCHEMA, "algorithm": "sha256", "files": files}
        if audit is not None:
            content["audit"] = {"entries": audit.entries, "head": audit.head}
        write_atomically(run / FILE_NAME, orjson.dumps(content, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise SummaryError(f"manifest {run / FILE_NAME} cannot be written: {error.strerror}") from error


def changed_since(run: Path) -> str | None:
    """What of a run is not as it was written, in one sentence; None where everything is.

    Raises:
        OSError: a file cannot be read.
    """
    files = _manifest(run)
    if isinstance(files, str):
        return files
    # What the verdict rests on is looked for by its name as well: a line that was taken out of the manifest is told.
    wanted = dict.fromkeys([*files, SUMMARY_NAME, *_timelines(run)])
    changes = [change for name in wanted if (change := _change(run, name, files))]
    return changes[0] + (f" (and {len(changes) - 1} more)" if len(changes) > 1 else "") if changes else None


def file_changed_since(path: Path) -> str | None:
    """The same of one file of a run. Where no manifest lies beside it nobody knows: see `has_manifest`.

    Raises:
        OSError: it cannot be read.
    """
    files = _manifest(path.parent)
    return files if isinstance(files, str) else _change(path.parent, path.name, files)


def has_manifest(run: Path) -> bool:
    """Whether the digests of a run were written: those of a run that was killed were not."""
    return (run / FILE_NAME).is_file()


def _manifest(run: Path) -> dict[str, str] | str:
    """The digests by file, or why there are none, in one sentence."""
    try:
        content = orjson.loads((run / FILE_NAME).read_bytes())
    except FileNotFoundError:
        return f"the run has no manifest ({FILE_NAME}): nobody knows whether its files are as it wrote them"
    except orjson.JSONDecodeError as error:
        return f"the manifest ({FILE_NAME}) was changed since the run wrote it: {error}"
    files = content.get("files") if isinstance(content, dict) and content.get("schema") == SCHEMA else None
    if not isinstance(files, dict):
        return f"the manifest ({FILE_NAME}) is none of schema '{SCHEMA}'"
    return {str(name): str(digest) for name, digest in files.items()}


def _timelines(run: Path) -> list[str]:
    """The timelines that a run's summary names and that lie beside it; none where it cannot be read as one."""
    try:
        drills = orjson.loads((run / SUMMARY_NAME).read_bytes())["drills"]
        named = [Path(str(entry["timeline"])).name for entry in drills if entry.get("timeline")]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []
    return [name for name in named if (run / name).is_file()]


def _change(run: Path, name: str, files: dict[str, str]) -> str | None:
    if name not in files:
        return f"{name} is none of the files that the run wrote: {FILE_NAME} does not name it"
    path = run / name
    if not path.is_file():
        return f"{name} is gone, which the run wrote"
    return None if _digest(path) == files[name] else f"{name} was changed since the run wrote it"


def _evidence(run: Path) -> Iterator[str]:
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run)
        top = Path(name.parts[0])
        if path.is_file() and not any(top.match(pattern) for pattern in _LEFT_OUT):
            yield name.as_posix()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
