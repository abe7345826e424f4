"""The history of runs, one line of JSON each, from which the generator draws trends.

The generator appends a line whenever it runs. A run whose report is made twice must not count twice, and the report of
an old run must not know of later ones: so it is given the lines of earlier runs only, and its new line is put in order.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from muster.base.files import write_atomically

HISTORY_FILE = "history.jsonl"
KEPT = 100  # runs
RUN_KEY = "muster_run"  # beside the generator's own keys, which it passes over


def earlier(history: Path, run: str) -> list[bytes]:
    """The lines of runs before `run`; runs are named by their time, so their names are in order."""
    return [line for name, line in _lines(history) if name < run]


def remember(history: Path, run: str, line: bytes) -> None:
    """Put the line that the generator wrote for `run` in its place, in place of an older one of the same run.

    Raises:
        OSError: the history cannot be written.
    """
    point = orjson.loads(line)
    lines = {name: old for name, old in _lines(history) if name}
    lines[run] = orjson.dumps({**point, RUN_KEY: run})
    kept = [lines[name] for name in sorted(lines)[-KEPT:]]
    write_atomically(history, b"".join(line + b"\n" for line in kept))


def _lines(history: Path) -> list[tuple[str, bytes]]:
    """(run, line) of each line that can be read; a damaged one is no reason to have no report."""
    try:
        lines = history.read_bytes().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append((str(orjson.loads(line).get(RUN_KEY, "")), line))
        except (orjson.JSONDecodeError, AttributeError):
            continue
    return found
