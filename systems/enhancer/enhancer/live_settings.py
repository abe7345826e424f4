"""The settings that a process works by now, following their file."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from enhancer import metrics
from enhancer.settings import Settings, SettingsError, parse, version_of

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5


class LiveSettings:
    """Settings that follow their file. A process does not start on broken ones.

    A change to something broken is refused: the last good settings stay, `error` says why, and a restart
    would fail.
    """

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        """Read the file; raises SettingsError."""
        self._path = path
        self._environment = environment
        self._listeners: list[Callable[[Settings], None]] = []
        try:
            self._seen = path.read_bytes()
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
        self.current = parse(self._seen, environment, path.name)
        self.version = version_of(self._seen)
        self.error: str | None = None
        metrics.settings(self.version, failed=False)

    @classmethod
    def from_environment(cls) -> "LiveSettings":
        """The file that ENHANCER_SETTINGS names; raises SettingsError."""
        path = os.environ.get("ENHANCER_SETTINGS")
        if not path:
            raise SettingsError("ENHANCER_SETTINGS is not set, must be the path of the settings file")
        return cls(Path(path), os.environ)

    def on_change(self, listener: Callable[[Settings], None]) -> None:
        """Have `listener` called with settings that replaced others."""
        self._listeners.append(listener)

    async def follow(self) -> None:
        """Look for changes, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Take over the file's content if it changed and is valid."""
        try:
            text = self._path.read_bytes()
        except OSError:
            return  # between two versions of a mounted ConfigMap there may be none
        if text == self._seen:
            return
        self._seen = text
        try:
            self.current = parse(text, self._environment, self._path.name)
        except SettingsError as error:
            self.error = str(error)
            metrics.settings(self.version, failed=True)
            log.error("settings not taken over, version %s stays: %s", self.version, error)  # noqa: TRY400 (a sentence)
            return
        self.error = None
        self.version = version_of(text)
        metrics.settings(self.version, failed=False)
        log.info("settings version %s taken over", self.version)
        for listener in self._listeners:
            listener(self.current)
