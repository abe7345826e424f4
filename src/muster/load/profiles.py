"""Load profiles: the Locust files of a project, by name."""

from __future__ import annotations

from pathlib import Path

from muster.base.errors import UsageError


def profiles(directory: Path) -> list[str]:
    """The names of the profiles in a directory, sorted: `steady` for `steady.py`."""
    return sorted(path.stem for path in directory.glob("*.py") if not path.stem.startswith(("_", "conftest", "test_")))


def find_profile(directory: Path, name: str) -> Path:
    """The Locust file of a profile.

    Raises:
        UsageError: there is no such profile (the message lists those that there are), or its file is not Python.
    """
    there = profiles(directory)
    if name not in there:
        listed = ", ".join(there) or "none"
        raise UsageError(f"load profile '{name}' not found in {directory.name}/ (there are: {listed})")
    path = directory / f"{name}.py"
    try:
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise UsageError(f"load profile '{name}': {path}, line {error.lineno}: not Python: {error.msg}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"load profile '{name}': {path} cannot be read: {error}") from None
    return path
