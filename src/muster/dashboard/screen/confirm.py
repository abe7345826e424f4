"""The question before a key acts: which release, what will be done, and why."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from muster.base.texts import one_line
from muster.release.record import Release


class Confirm(ModalScreen[str | None]):
    """Its result is the reason, empty where none is needed and none was given; None where somebody left."""

    CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical { width: 90%; max-width: 76; height: auto; border: round; padding: 0 1; }
    Confirm Static { height: auto; }
    Confirm Input { border: none; height: 1; padding: 0; margin: 1 0 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave"),
        Binding("ctrl+c", "leave", "leave", priority=True),
    ]

    def __init__(self, name: str, what: str, release: Release, *, needs_reason: bool) -> None:
        """`name` is what is asked for, `what` what that does."""
        super().__init__()
        self._name, self._what, self._release, self._needs_reason = name, what, release, needs_reason

    def compose(self) -> ComposeResult:
        release = self._release
        share = f"{release.share.possible:.0%} of traffic"
        head = Text.assemble((f"{self._name} ", "bold"), (release.target, "bold"), "?")
        how = f"It has {share}, {release.state} at phase {release.phase}."
        with Vertical():
            yield Static(head)
            yield Static(Text(f"{how}\n{self._what[:1].upper()}{self._what[1:]}."))
            needed = "needed" if self._needs_reason else "for the record; may be left empty"
            yield Input(placeholder=f"why ({needed})", id="why")
            yield Static(Text("Enter does it, Esc leaves: nothing is done yet"), id="say")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the reason; without one that is needed go on asking."""
        why = one_line(event.value)
        if self._needs_reason and not why:
            said = "a reason is needed: whoever reads the record wants to know; Esc leaves"
            self.query_one("#say", Static).update(Text(said, style="bold"))
            return
        self.dismiss(why)

    def action_leave(self) -> None:
        self.dismiss(None)
