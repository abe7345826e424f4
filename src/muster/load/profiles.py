"""Load profiles: Locust files by name, a project's own first, and those that came with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from muster.base.errors import UsageError
from muster.base.packaged import LOADS, own_first


def profiles(directory: Path) -> Mapping[str, Path]:
    """The profiles that drills of a project can name, sorted: `steady` for `steady.py` in its directory, and the
    package's others."""
    found = own_first(directory, LOADS, "*.py")
    return {name: path for name, path in found.items() if not name.startswith(("_", "conftest", "test_"))}


def find_profile(directory: Path, name: str) -> Path:
    """The Locust file of a profile: in a project's directory, or else the package's own.

    Raises:
        UsageError: there is no such profile (the message lists those that there are), or its file is not Python.
    """
    there = profiles(directory)
    if name not in there:
        listed = ", ".join(there) or "none"
        raise UsageError(f"load profile '{name}' not found in {directory.name}/ (there are: {listed})")
    path = there[name]
    try:
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise UsageError(f"load profile '{name}': {path}, line {error.lineno}: not Python: {error.msg}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"load profile '{name}': {path} cannot be read: {error}") from None
    return path
