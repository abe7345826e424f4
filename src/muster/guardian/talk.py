"""How a session and its guardian talk: a JSON object a line, down the guardian's standard input and up its output."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

Message = dict[str, Any]

# What a session says.
# A drill begins: `drill`, `namespace`, `holder`, `timeline`; of stop conditions `conditions`, `monitoring`, `alert`;
# `after`: `muster.safety.hooks.Hooks`.
WATCH = "watch"
ARM = "arm"  # an injection may strike from now on: `injection`, `deadline` (ISO 8601)
ASK = "ask"  # how the stop conditions are: `well` is answered, once
STRIKE = "strike"  # from now on a stop condition that is not kept ends the drill
REST = "rest"  # the drill is over: whatever is left of its faults is taken back, then `rested` is answered
BEAT = "beat"
CLOSE = "close"
# What a guardian says.
READY = "ready"
WELL = "well"  # of the stop conditions: `unwell`, why a drill must not strike yet, empty where it may; `said`: [text]
TRIPPED = "tripped"  # `why`
UNDONE = "undone"  # `undone`, `left`: [text], `took_s`: from the trip to the last field that was put back
FAILED = "failed"  # `why`: not undone yet, and tried again
RESTED = "rested"


def say(descriptor: int, what: str, **fields: Any) -> bool:
    """Say something; whether there is anybody who may hear it."""
    with contextlib.suppress(OSError):
        os.write(descriptor, json.dumps({"what": what, **fields}).encode() + b"\n")
        return True
    return False


class Ear:
    """Takes a stream of bytes apart into messages."""

    def __init__(self) -> None:
        self._heard = b""

    def hear(self, data: bytes) -> Iterator[Message]:
        """The messages that are whole now; what follows the last newline waits for more."""
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            yield json.loads(line)
