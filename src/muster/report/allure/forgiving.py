"""What allure-pytest cannot write is missing in its report and ends nothing: it changes no verdict."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from allure_commons.logger import AllureFileLogger

WRITING = ("report_result", "report_container", "report_attached_file", "report_attached_data")


def forgive_full_disks() -> None:
    """Have Allure's own writer warn where it cannot write. To be called before it is registered; again is no harm."""
    for name in WRITING:
        write = getattr(AllureFileLogger, name)
        if not hasattr(write, "__wrapped__"):
            setattr(AllureFileLogger, name, _forgiven(write))


def _forgiven(write: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(write)  # with what marks it as a hook
    def written(*arguments: Any, **named: Any) -> None:
        try:
            write(*arguments, **named)
        except OSError as error:
            with warnings.catch_warnings():  # a project may have made errors of them
                warnings.simplefilter("default")
                warnings.warn(f"Allure's results cannot be written: {error.strerror}", stacklevel=2)

    return written
