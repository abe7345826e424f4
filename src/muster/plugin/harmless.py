"""What reports and notices may do: nothing to a verdict, whatever goes wrong with them and whatever a project makes of
warnings (`filterwarnings = error` makes errors of them)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def notices() -> Iterator[None]:
    """Have warnings stay notices: those that a project makes errors of are shown, others stay as it wants them.

    A warning that is raised leaves a drill in the middle, with its fault in force, for the sake of a library that is
    getting old, or of a socket that the garbage collector found.
    """
    with warnings.catch_warnings():
        found = list(warnings.filters)
        warnings.resetwarnings()
        for action, message, category, module, line in found:
            warnings.filterwarnings(
                "default" if action == "error" else action,  # type: ignore[arg-type]
                message=_pattern(message),
                category=category,  # type: ignore[arg-type]
                module=_pattern(module),
                lineno=line,
                append=True,
            )
        yield


def _pattern(found: object) -> str:
    return str(getattr(found, "pattern", found) or "")


@contextmanager
def harmless(what: str) -> Iterator[None]:
    """Make a warning of whatever fails here; `what` says in a few words what is not to be had then."""
    with notices():
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a report that fails, for whatever reason, changes no verdict
            warnings.warn(f"{what}: {type(error).__name__}: {error}", stacklevel=3)
