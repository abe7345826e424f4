"""The files that are written for what was found, and writing them: never over one that is there."""

from __future__ import annotations

import configparser
import tomllib
from dataclasses import dataclass
from pathlib import Path

from muster.base.errors import UsageError
from muster.base.files import write_atomically
from muster.onboarding.drills_file import drills_file, load_file
from muster.onboarding.finding import Found
from muster.onboarding.pipeline_file import WHERE, guessed, pipeline_file
from muster.onboarding.system_file import system_file

LOAD = "visitors"
PYTEST_INI = """\
# So that pytest and muster find this folder from any below it. Muster's plugin needs no conftest.py.
[pytest]
testpaths = drills
"""


@dataclass(frozen=True)
class File:
    """A file of the project: its path in it, its text, what it is for, and whether one is there already."""

    path: Path
    text: str
    what: str
    there: bool


def files_for(  # noqa: PLR0917
    root: Path, found: Found, name: str, namespace: str, manifests: str, exported: str | None, pipeline: str | None
) -> list[File]:
    """The files for a system in a project's folder. `manifests` is where its manifests are, as seen from system.yaml;
    `exported` is their text where they are to be written; `pipeline` is `github`, `gitlab`, `none`, or None to guess.
    """
    system = Path("systems", name)
    pipeline = pipeline or guessed(root)
    files = [
        (system / "system.yaml", system_file(found, name=name, namespace=namespace, manifests=manifests), "the system"),
        (Path("loadtests", f"{LOAD}.py"), load_file(found, name=name, load=LOAD), "who uses it meanwhile"),
        (Path("drills", f"test_{name.replace('-', '_')}.py"), drills_file(found, name=name, load=LOAD), "the drills"),
    ]
    if exported is not None:
        files.insert(1, (system / "manifests" / "exported.yaml", exported, "its objects as they were found"))
    if pipeline in WHERE:
        files.append((WHERE[pipeline], pipeline_file(pipeline, name=name), "when drills are held"))
    if not _configures_pytest(root):
        files.append((Path("pytest.ini"), PYTEST_INI, "where the project is"))
    return [File(path, text, what, (root / path).exists()) for path, text, what in files]


def write(root: Path, files: list[File]) -> None:
    """Write the files that are not there.

    Raises:
        UsageError: one cannot be written.
    """
    for file in files:
        if file.there:
            continue
        path = root / file.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, file.text)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _configures_pytest(root: Path) -> bool:
    """Whether a file in the folder makes it pytest's root."""
    if any((root / name).is_file() for name in ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")):
        return True
    try:
        if "pytest" in tomllib.loads((root / "pyproject.toml").read_text()).get("tool", {}):
            return True
    except (OSError, ValueError):
        pass
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(root / name)
        except configparser.Error:
            continue
        if parser.has_section(section):
            return True
    return False
