"""The dashboard on a terminal. It draws what is on the board and never waits: who looks and who acts are threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, cast

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from muster.base.clock import now, utc
from muster.base.errors import MusterError
from muster.dashboard.acting import Desk, check_way_back
from muster.dashboard.picture import Board
from muster.dashboard.screen.confirm import Confirm
from muster.dashboard.view.text import Line, Panel
from muster.dashboard.view.view import GAP, KEYS, Moment, view
from muster.release.record import Command, Release

DRAWN_EVERY_S = 0.5
# Of the sixteen colours that every terminal has; what they say is said by marks and words as well.
STYLES = {"plain": "", "strong": "bold", "dim": "dim", "good": "green", "bad": "bold red", "doubt": "yellow"}


class Dashboard(App[None]):
    """Shows a board; `desk` is what keys act with, None where there is no system to release."""

    CSS = """
    Screen { background: transparent; }
    #head, #said, #keys { height: auto; background: transparent; }
    #body { height: 1fr; background: transparent; scrollbar-size: 1 1; }
    #columns { height: auto; }
    #left, #right { height: auto; background: transparent; text-wrap: nowrap; }
    #left { width: auto; }
    #right { width: auto; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"ask('{name}')", name) for key, name, _ in KEYS),
        Binding("q", "leave", "quit"),
        Binding("ctrl+c", "leave", "quit", priority=True),
    ]

    def __init__(self, board: Board, desk: Desk | None, *, options: str = "") -> None:
        """`options` go with each command that is suggested."""
        super().__init__(ansi_color=True)
        self._board, self._desk, self._options = board, desk, options
        self._leaving = False

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        with VerticalScroll(id="body"), Horizontal(id="columns"):
            yield Static(id="left")
            yield Static(id="right")
        yield Static(id="said")
        yield Static(id="keys")

    def on_mount(self) -> None:
        """Draw now, and from now on."""
        self.set_interval(DRAWN_EVERY_S, self.draw)
        self.draw()
        self.query_one("#body").focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw)  # before that it has the size that it had

    def draw(self) -> None:
        """Draw what is known now."""
        shown = view(self._board.picture, Moment(now(), utc()), self.size.width, self.size.height, self._options)
        screen = self.screen_stack[0]
        if not screen.query("#head, #keys"):
            return  # it is being made, or taken down already
        screen.query_one("#head", Static).update(_text(shown.head))
        screen.query_one("#left", Static).update(_panels(shown.left))
        right = screen.query_one("#right", Static)
        right.display = bool(shown.right)
        right.styles.padding = (0, 0, 0, GAP)
        right.update(_panels(shown.right))
        said = screen.query_one("#said", Static)
        said.display = bool(shown.said)
        said.update(_text(shown.said))
        screen.query_one("#keys", Static).update(_text((shown.keys,)))

    def action_ask(self, name: str) -> None:
        """Ask whether it is to be done, and do it then."""
        picture = self._board.picture
        release = picture.under_way
        if self._desk is None or release is None:
            sight = picture.release
            why = f"nothing is known of one: {sight.trouble}" if sight is not None and sight.trouble else ""
            self._board.say(f"{name}: no release is under way{f', or {why}' if why else ''}", failed=True)
        elif picture.acting:
            self._board.say(f"{name}: not before what is being done here has ended", failed=True)
        elif not self._refused(name, release):
            what = next(does for _, command, does in KEYS if command == name)
            question = Confirm(name, what, release, needs_reason=name == "rollback")
            self.push_screen(question, partial(self._do, name, release))
        self.draw()

    def _refused(self, name: str, release: Release) -> bool:
        try:
            if name == "rollback":
                check_way_back(release)
        except MusterError as error:
            self._board.say(str(error), failed=True)
            return True
        return False

    def _do(self, name: str, release: Release, why: str | None) -> None:
        desk = self._desk
        if why is None or desk is None:
            self._board.say(f"{name}: nothing was done")
        elif name == "rollback":
            self._begin(name, partial(desk.roll_back, release, why, self._goes, decided=now()))
        else:
            self._begin(name, partial(desk.ask, release, cast("Command", name), why))
        self.draw()

    def _begin(self, name: str, act: Callable[[], str]) -> None:
        """Act in a thread of its own: one that hangs must neither freeze the keys nor keep anybody from leaving."""
        self._board.act(f"{name}: begun")
        threading.Thread(target=_acted, args=(self._board, name, act), name=name, daemon=True).start()

    def _goes(self, text: str) -> None:
        self._board.act(f"rollback: {text}")

    def action_leave(self) -> None:
        """Leave; while something is being done only when asked twice."""
        acting = self._board.picture.acting
        if acting and not self._leaving:
            self._leaving = True
            self._board.say(f"{acting}: q again leaves it in the middle; then 'muster rollback' ends it", failed=True)
            self.draw()
            return
        self.exit()


def _acted(board: Board, name: str, act: Callable[[], str]) -> None:
    try:
        said, failed = act(), False
    except MusterError as error:
        said, failed = f"{name}: {error}", True
    except Exception as error:  # noqa: BLE001 - whoever pressed the key must learn of it, whatever it is
        said, failed = f"{name}: {type(error).__name__}: {error}", True
    board.say(said, failed=failed)
    board.act("")


def _text(lines: Sequence[Line]) -> Text:
    drawn = [Text.assemble(*((piece.text, STYLES[piece.kind]) for piece in line)) for line in lines]
    return Text("\n", no_wrap=True).join(drawn)


def _panels(panels: Sequence[Panel]) -> Text:
    return _text([line for panel in panels for line in panel.lines])
