"""What reports and notices may do: nothing to a verdict, whatever goes wrong with them and whatever the user's
configuration makes of warnings (`filterwarnings = error` makes errors of them)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unfiltered() -> Iterator[None]:
    """Have warnings shown and never raised: what computes and tells a verdict is no code of the user's."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        yield


@contextmanager
def harmless(what: str) -> Iterator[None]:
    """Make a warning of whatever fails here; `what` says in a few words what is not to be had then."""
    with unfiltered():
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a report that fails, for whatever reason, changes no verdict
            warnings.warn(f"{what}: {type(error).__name__}: {error}", stacklevel=3)
