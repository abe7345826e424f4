"""What a person sees of the monitor: a line for each change, and one whenever what is said of the whole changes."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator

from muster.base.masking import masked
from muster.monitor.monitor import Round

MARKS = {"raised": "!", "changed": "!", "over": "✓"}


class Shown:
    """Turns rounds into lines. The same is not said again."""

    def __init__(self) -> None:
        self._whole = ""
        self._troubles: frozenset[str] = frozenset()

    def lines(self, one: Round) -> Iterator[str]:
        """The lines of a round, none where nothing changed."""
        at = one.look.at[11:19]
        for change in one.changes:
            yield from _wrapped(f"{at}  {MARKS[change.what]} {change.text}")
        for told in one.told:
            if told.startswith("incident "):
                yield f"{at}    {told.partition(':')[0]}"
        for trouble in one.troubles:
            if trouble not in self._troubles:
                yield from _wrapped(f"{at}  ? {masked(trouble)}")
        self._troubles = frozenset(one.troubles)
        whole = said_of(one)
        if whole != self._whole:
            self._whole = whole
            yield from _wrapped(f"{at}  {whole}")


def said_of(one: Round) -> str:
    """A round in one line."""
    states = list(one.look.states.values())
    counts = [f"{states.count(state)} {state}" for state in ("fine", "finding", "unknown") if state in states]
    said = f"checks: {', '.join(counts)}"
    if not one.remembered:
        return f"{said}; nothing is remembered, so nobody is told"
    if one.alerts:
        severities = [str(alert.severity) for alert in one.alerts]
        told = ", ".join(f"{severities.count(name)} {name}" for name in dict.fromkeys(severities))
        return f"{said}; alerts: {told}"
    return f"{said}; no alert"


def _wrapped(line: str) -> list[str]:
    width = max(min(shutil.get_terminal_size().columns, 120), 40)
    return textwrap.wrap(line, width, subsequent_indent=" " * 12, break_long_words=False, break_on_hyphens=False)
