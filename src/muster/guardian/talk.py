"""How a session and its guardian talk: a JSON object a line, down the guardian's standard input and up its output."""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Iterator
from typing import Any

from muster.base.clock import now

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
SAY_WITHIN_S = 2.0


def say(descriptor: int, what: str, **fields: Any) -> bool:
    """Say something; whether there is anybody who may hear it."""
    with contextlib.suppress(OSError):
        os.write(descriptor, json.dumps({"what": what, **fields}).encode() + b"\n")
        return True
    return False


class Mouth:
    """Says things to somebody who may hang: what is not taken in time is not said, nor is anything after its half."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._cut = descriptor, False
        os.set_blocking(descriptor, False)

    def say(self, what: str, **fields: Any) -> None:
        """Say something, if anybody takes it within SAY_WITHIN_S."""
        whole = left = json.dumps({"what": what, **fields}).encode() + b"\n"
        deadline = now() + SAY_WITHIN_S
        while left and not self._cut:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                if not select.select([], [self._descriptor], [], max(deadline - now(), 0.0))[1]:
                    self._cut = left != whole
                    return
            except OSError:  # nobody is there any more
                return


class Ear:
    """Takes a stream of bytes apart into messages."""

    def __init__(self) -> None:
        self._heard = b""

    def hear(self, data: bytes) -> Iterator[Message]:
        """The messages that are whole now; what follows the last newline waits for more."""
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            yield json.loads(line)
