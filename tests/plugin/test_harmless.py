"""What reports and notices do when they fail: a warning, which stays one whatever a project makes of warnings."""

from __future__ import annotations

import errno
import warnings
from pathlib import Path

import pytest
from allure_commons.logger import AllureFileLogger

from muster.plugin.harmless import harmless, notices
from muster.report.allure import forgive_full_disks


def test_what_fails_is_told_and_goes_no_further(recwarn: pytest.WarningsRecorder) -> None:
    warnings.simplefilter("error")
    with harmless("the picture cannot be drawn"):
        raise LookupError("no such colour")
    (told,) = recwarn
    assert str(told.message) == "the picture cannot be drawn: LookupError: no such colour"
    assert told.filename == __file__


def test_a_warning_of_what_tells_a_verdict_is_no_error(recwarn: pytest.WarningsRecorder) -> None:
    warnings.simplefilter("error")
    with notices():
        warnings.warn("a library of the report's is getting old", DeprecationWarning, stacklevel=1)
    assert [str(told.message) for told in recwarn] == ["a library of the report's is getting old"]
    with pytest.raises(DeprecationWarning):
        warnings.warn("the project's own are errors again", DeprecationWarning, stacklevel=1)


def test_what_a_project_does_not_want_to_see_it_does_not_see(recwarn: pytest.WarningsRecorder) -> None:
    warnings.resetwarnings()
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", message="known .*", category=UserWarning, module="tests")
    with notices():
        warnings.warn("known for years", stacklevel=1)
        warnings.warn("not known", stacklevel=1)
    assert [str(told.message) for told in recwarn] == ["not known"]


def test_an_end_of_the_session_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt), harmless("the picture cannot be drawn"):
        raise KeyboardInterrupt


def test_a_full_disk_is_no_error_for_allure_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    forgive_full_disks()
    warnings.simplefilter("error")
    logger = AllureFileLogger(str(tmp_path))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("allure_commons.logger.open", full, raising=False)
    logger.report_attached_data(b"content", "name")
    assert [str(told.message) for told in recwarn] == ["Allure's results cannot be written: No space left on device"]
