"""The menu: arrow keys, Enter takes, q or Ctrl-C leaves; in the lines below the prompt, not over the whole screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from muster.cli.recovery.choosing import Choice

NAME_WIDTH = 28
KEYS = "arrow keys choose, Enter goes on, q leaves: nothing is done yet"


class Menu(App[Choice]):
    """Shows what there is to choose from; its result is the choice, None where somebody left."""

    CSS = """
    Screen { height: auto; background: transparent; }
    Screen:inline { border: none; height: auto; }
    Static { height: auto; background: transparent; text-wrap: nowrap; text-overflow: ellipsis; }
    OptionList {
        height: auto; max-height: 17; border: none; padding: 0; background: transparent; scrollbar-size: 1 1;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    OptionList:focus { border: none; }
    #more { text-wrap: wrap; height: 2; }
    """
    INLINE_PADDING = 0
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "leave", priority=True),
        Binding("ctrl+c", "leave", "leave", priority=True),
        Binding("escape", "leave", "leave", priority=True),
    ]

    def __init__(self, head: Sequence[str], offered: Sequence[Choice]) -> None:
        """`head` are lines that stand above: where this acts, and what is wrong."""
        super().__init__(ansi_color=True)
        self._head, self._offered = head, offered

    def compose(self) -> ComposeResult:
        yield Static(Text("\n".join(self._head)))
        yield OptionList(*(Option(_told(choice)) for choice in self._offered))
        yield Static(id="more")
        yield Static(Text(KEYS, style="dim"))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show in full what the line has no room for."""
        choice = self._offered[event.option_index]
        self.query_one("#more", Static).update(Text(choice.reason or choice.procedure.summary, style="italic"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.exit(self._offered[event.option_index])

    def action_leave(self) -> None:
        self.exit(None)


def choose(head: Sequence[str], offered: Sequence[Choice]) -> Choice | None:
    """What a person chooses; None where they leave."""
    return Menu(head, offered).run(inline=True)


def _told(choice: Choice) -> Text:
    """A line of the menu; one that fits what is found has a second, with what that is."""
    name = Text(f"{choice.procedure.name:<{NAME_WIDTH}} ", style="bold" if choice.reason else "")
    line = Text.assemble(name, choice.procedure.summary, no_wrap=True, overflow="ellipsis")
    if not choice.reason:
        return line
    return Text.assemble(line, "\n  ", Text(choice.reason, style="italic"), no_wrap=True, overflow="ellipsis")
