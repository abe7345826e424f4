"""What is wrong with the workers of a version that has a defect on purpose (`enhancer.defect`)."""

import random
from collections.abc import Callable

from enhancer.defect import Defect, size_of
from enhancer.phases import PhaseFailedError, Work, perform
from enhancer.protocol import PROTOCOL


def protocol_of(defect: Defect | None) -> int:
    """Which protocol the worker says that it is of."""
    return PROTOCOL + int(size_of(defect, "incompatible") or 0)


def performing(defect: Defect | None) -> Callable[[Work], str]:
    """How an agent does a phase, or fails at it."""
    share = size_of(defect, "fails_phases")
    if share is None:
        return perform

    def failing(work: Work) -> str:
        if random.random() < share:
            raise PhaseFailedError("this version has a defect")
        return perform(work)

    return failing
