"""Finding load profiles by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.base.packaged import LOADS
from muster.load.profiles import find_profile, profiles


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "loadtests"
    directory.mkdir()
    for name in ("steady.py", "burst.py", "_shared.py", "conftest.py", "notes.md"):
        (directory / name).touch()
    return directory


def test_a_profile_is_found_by_name(directory: Path) -> None:
    assert find_profile(directory, "steady") == directory / "steady.py"
    assert list(profiles(directory)) == ["burst", "clients", "steady"]


@pytest.mark.parametrize("name", ["heavy", "_shared", "conftest", "notes", "../loadtests/steady", ""])
def test_an_unknown_profile_is_told_with_those_that_there_are(directory: Path, name: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_profile(directory, name)
    assert str(raised.value) == f"load profile '{name}' not found in loadtests/ (there are: burst, clients, steady)"


def test_where_a_project_has_none_there_are_those_of_the_package(tmp_path: Path) -> None:
    assert find_profile(tmp_path / "loadtests", "clients") == LOADS / "clients.py"
    with pytest.raises(UsageError, match=r"\(there are: clients\)"):
        find_profile(tmp_path / "loadtests", "steady")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (b"from locust import task\n\ndef broken(:\n", "steady.py, line 3: not Python: "),
        (b"x = '\xe9'\n", "steady.py, line 1: not Python: "),
        (b"\0", "steady.py"),
    ],
)
def test_a_profile_that_is_no_python_is_told_with_its_line(tmp_path: Path, text: bytes, wrong: str) -> None:
    (tmp_path / "steady.py").write_bytes(text)
    with pytest.raises(UsageError, match=f"^load profile 'steady': .*{wrong}") as refused:
        find_profile(tmp_path, "steady")
    assert "\n" not in str(refused.value)
