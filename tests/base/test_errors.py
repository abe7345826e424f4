"""Of several errors that broke out at once a person is told the first."""

from __future__ import annotations

from muster.base.errors import UsageError, first_of


def test_the_first_of_a_group_is_found_however_deep() -> None:
    sought = UsageError("the ledger's class cannot be used")
    assert first_of(sought) is sought
    inner = ExceptionGroup("probes", [sought, OSError(24, "too many open files")])
    assert first_of(BaseExceptionGroup("all", [inner, KeyboardInterrupt()])) is sought
