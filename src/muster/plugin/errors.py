"""How a drill that is not met ends its test, and which errors nobody foresaw."""

from __future__ import annotations

import pytest

from muster.base.errors import MusterError


class UnknownVerdict(Exception):  # noqa: N818
    """A drill that proved nothing. Not an AssertionError, so that Allure calls it broken, not failed."""


class HeldBefore(UnknownVerdict):
    """A drill that is to be held a second time in one session; its message is the first time's."""


class InterruptedDrillError(MusterError):
    """Somebody ended the session while the drill ran."""


FORESEEN = (MusterError, AssertionError, UnknownVerdict, pytest.fail.Exception, pytest.skip.Exception)


def unforeseen(error: BaseException | None) -> bool:
    """Whether nobody foresaw this error: no refusal of muster's, no outcome of pytest's, no assertion in the drill."""
    return error is not None and not isinstance(error, FORESEEN)
