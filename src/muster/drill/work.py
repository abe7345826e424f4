"""Whether the work behind the service goes on: what is stuck, and whether those who do it are all there.

Clients may be answered rightly by a system whose every agent hangs, and its pods are ready, too. A fault that failed
half-way, or a drill that ended before its recovery, leaves it so; a drill that began on it would blame its own fault.
"""

from __future__ import annotations

from muster.base.errors import ClusterError
from muster.recovery.stages import Service
from muster.recovery.workflows import StuckWork, name_some
from muster.steps import Context


class WorkCheck:
    """Looks at what `operations.workflows` and `operations.agents` of system.yaml name; without them it finds nothing.

    Work that is stuck for a moment, while more comes in than is done, goes on by itself: what is stuck counts while one
    of those that were seen stuck at first still is.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._stuck: set[str] | None = None  # at each look so far

    def trouble(self) -> str:
        """What does not go on, a phrase; empty where all does."""
        operations = self._context.system.operations
        if operations.workflows is not None and (said := self._standing_still()):
            return said
        if operations.agents is not None and (said := Service(self._context).incomplete()):
            return f"not all agents are at work: {said} (muster recover repair-agent-coordination)"
        return ""

    def _standing_still(self) -> str:
        try:
            stuck = StuckWork(self._context).stuck()
        except ClusterError as error:
            return f"it cannot be told what work is stuck: {error}"
        self._stuck = set(stuck) if self._stuck is None else self._stuck.intersection(stuck)
        if not self._stuck:
            return ""
        return f"work stands still, stuck are {name_some(stuck)} (muster recover reset-workflow-state)"
