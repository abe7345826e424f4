"""What a store asks before it writes: fill in what was left out, refuse what breaks the rules of its type."""

from __future__ import annotations

from typing import Protocol

from muster.embedded.objects import Object
from muster.embedded.resources import Resource


class Rules(Protocol):
    """Defaults and checks of every type. Both calls may change the new object and raise `StatusError`."""

    def prepare_create(self, resource: Resource, obj: Object) -> None:
        """Make a new object complete, its name included."""

    def prepare_update(self, resource: Resource, new: Object, old: Object) -> None:
        """Make an object complete that replaces `old`; `old` is only read."""


class _NoRules:
    def prepare_create(self, resource: Resource, obj: Object) -> None:
        pass

    def prepare_update(self, resource: Resource, new: Object, old: Object) -> None:
        pass


NO_RULES: Rules = _NoRules()
