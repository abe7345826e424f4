"""Where a project is, and where it keeps its reports: as pytest finds them, from any of its folders."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muster.base.errors import UsageError


@dataclass(frozen=True)
class Found:
    """A project: its root, the directory of its reports, and the address of its history, as pytest's options say. The
    last two are as seen from where one looked."""

    root: Path
    reports: Path
    history: str


def find_project(start: Path) -> Found:
    """The project in which `start` lies: where pytest's configuration stands, `start` itself where there is none.

    Raises:
        UsageError: pytest's configuration cannot be read, so that pytest cannot have run.
    """
    root, addopts = _configured(start)
    options = _options([*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *addopts])
    reports = Path(options.reports or os.path.relpath(root / "reports", start))
    return Found(root, reports, options.history or str(reports / "history.sqlite"))


def _configured(start: Path) -> tuple[Path, list[str]]:
    """The root of a project, and the options that its configuration gives to every session."""
    import pytest
    from _pytest.config.findpaths import locate_config  # pytest has no public way to ask

    try:
        found = locate_config(start, [start])
    except pytest.UsageError as error:
        raise UsageError(f"pytest's configuration cannot be read: {error}") from error
    root, settings = found[0], found[2]
    if root is None:
        root = next((base for base in (start, *start.parents) if (base / "setup.py").is_file()), start)
    return root, _addopts(settings)


def _addopts(settings: Mapping[str, Any]) -> list[str]:
    said = settings.get("addopts", [])
    said = getattr(said, "value", said)  # pytest 9 keeps with each value where it comes from
    return shlex.split(said) if isinstance(said, str) else [str(one) for one in said]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--reports")
    parser.add_argument("--history")
    try:
        return parser.parse_known_args(list(arguments))[0]
    except argparse.ArgumentError as error:
        raise UsageError(f"pytest's options in addopts cannot be read: {error}") from error
