"""Where the files lie that come with the package: experiments and loads, to be named by drills of any project, the
manifests of the guardian of a cluster, and what notices are written from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_PACKAGED = Path(__file__).parents[1] / "packaged"
EXPERIMENTS = _PACKAGED / "experiments"
LOADS = _PACKAGED / "loads"
GUARD = _PACKAGED / "guard"
NOTICES = _PACKAGED / "notices"


def own_first(own: Path, packaged: Path, pattern: str) -> Mapping[str, Path]:
    """The files of both directories that match a pattern, by stem and sorted; a project's `own` stands before one of
    the same name that came with the package."""
    found = {path.stem: path for directory in (packaged, own) for path in directory.glob(pattern)}
    return dict(sorted(found.items()))
