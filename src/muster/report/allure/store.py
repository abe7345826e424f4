"""Results on disk: one directory per run, so that no run's results mix with another's."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Attachment as Kept
from allure_commons.model2 import TestResult

from muster.report.allure.attachments import Attachment

RESULTS = "allure-results"


class Store:
    """A directory of results, in Allure's format; files appear whole or not at all. For several processes."""

    def __init__(self, directory: Path) -> None:
        """Keep results in `directory`, which is made.

        Raises:
            OSError: it cannot be.
        """
        self.directory = directory
        self._files = AllureFileLogger(str(directory))

    def keep(self, attachment: Attachment) -> Kept:
        """Write an attachment's file and return the reference to it."""
        name = f"{uuid4()}-attachment{attachment.suffix}"
        self._files.report_attached_data(attachment.content, name)
        return Kept(name=attachment.name, source=name, type=attachment.media)

    def add(self, result: TestResult) -> None:
        """Write a result."""
        self._files.report_result(result)


def point(link: Path, target: Path) -> None:
    """Let `link` lead to `target` (relative to it), in one step. A directory of results in its place is removed: older
    versions of muster mixed the results of all runs in one.

    Raises:
        OSError: the link cannot be made.
    """
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    temporary = link.with_name(f".{link.name}-{uuid4()}")
    temporary.symlink_to(target)
    temporary.replace(link)
