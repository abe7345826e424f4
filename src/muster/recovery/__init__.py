"""How a service is brought back: procedures made of named steps, each checked, done and verified.

Belongs here: what an operator does in an emergency, whether a drill or a person started it. How steps are run does not:
see `muster.steps`. What a drill does to have an emergency does not either: see `muster.faults`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muster.recovery.registry import find_procedure, procedures

__all__ = ["find_procedure", "procedures"]


def __getattr__(name: str) -> Any:
    """All procedures are imported when one is asked for: a rollback, which is in a hurry, needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from muster.recovery import registry  # noqa: PLC0415

    return getattr(registry, name)
