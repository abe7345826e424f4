"""Pods begin one after the other."""

from __future__ import annotations

import asyncio

from muster.base.clock import now

GAP_S = 0.12


class Pace:
    """Leaves `GAP_S` seconds between the beginnings of two pods.

    A program that starts takes a whole processor for a while. Many at once would take them all from the pods that
    serve, which a real node's pods, with processors of their own, are spared.
    """

    def __init__(self) -> None:
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until the next pod may begin."""
        moment = max(now(), self._next)
        self._next = moment + GAP_S
        await asyncio.sleep(max(moment - now(), 0.0))
