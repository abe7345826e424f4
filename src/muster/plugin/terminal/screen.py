"""The terminal, shared by pytest, which writes lines, and a panel below them, which comes and goes.

Stands in for the file that pytest's terminal reporter writes to. Whatever pytest writes first takes the panel away, so
neither garbles the other. Everything else writes where pytest captures it.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from typing import TextIO

from rich.cells import cell_len

from muster.plugin.terminal.words import ESCAPE

CLEAR_LINE, CLEAR_BELOW = "\x1b[K", "\x1b[J"


class Screen:
    """A file for pytest, and a place for a panel. Safe to use from several threads."""

    def __init__(self, file: TextIO, column: int = 0) -> None:
        """Take over `file`; the cursor is `column` cells into its line."""
        self.file = file
        self._lock = threading.RLock()
        self._column = column
        self._below = 0  # how many lines below pytest's own the panel ends
        self._drawn = False
        # Of its own, since pytest puts another file in place of descriptor 1 while a test runs.
        self._descriptor = _duplicate(file)

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)

    def write(self, text: str) -> int:
        """Write for pytest."""
        with self._lock:
            self.erase()
            written = self.file.write(text)
            self.file.flush()
            self._move(text)
            return written

    def flush(self) -> None:
        self.file.flush()

    def say(self, text: str) -> None:
        """Write lines of muster's own, beginning on a fresh line."""
        with self._lock:
            self.erase()
            self._put(("\n" if self._column else "") + text + "\n")
            self._column = 0

    def draw(self, lines: list[str]) -> None:
        """Show a panel, in place of the one that is there."""
        with self._lock:
            begin = (self._home() if self._drawn else "") + ("\n" if self._column else "")
            self._put(begin + f"{CLEAR_LINE}\n".join(lines) + CLEAR_LINE + CLEAR_BELOW + "\r")
            self._below = len(lines) - (0 if self._column else 1)
            self._drawn = True

    def erase(self) -> None:
        """Take the panel away, and the cursor back to where pytest left it."""
        with self._lock:
            if self._drawn:
                self._put(self._home() + f"\x1b[{self._cell()}G{CLEAR_BELOW}")
            self._drawn = False

    def close(self) -> None:
        """Take the panel away for good."""
        with self._lock:
            self.erase()
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _home(self) -> str:
        """To the beginning of the line on which pytest's cursor is."""
        return "\r" + (f"\x1b[{self._below}A" if self._below else "")

    def _cell(self) -> int:
        """Pytest's column as terminals count, from 1; a line that was wrapped goes on where it was broken."""
        return self._column % self.size[0] + 1

    @property
    def size(self) -> tuple[int, int]:
        """(columns, lines) now."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                found = os.get_terminal_size(self._descriptor)
                return found.columns or 80, found.lines or 24
        return 80, 24

    def _move(self, text: str) -> None:
        """Keep account of the column in which `text` leaves the cursor."""
        plain = ESCAPE.sub("", text)
        begin = max(plain.rfind("\n"), plain.rfind("\r")) + 1
        self._column = cell_len(plain[begin:]) + (0 if begin else self._column)

    def _put(self, text: str) -> None:
        if self._descriptor is None:
            self.file.write(text)
            self.file.flush()
            return
        data = text.encode(getattr(self.file, "encoding", None) or "utf-8", errors="replace")
        while data:
            data = data[os.write(self._descriptor, data) :]


def _duplicate(file: TextIO) -> int | None:
    try:
        return os.dup(file.fileno())
    except (AttributeError, io.UnsupportedOperation, OSError):
        return None
