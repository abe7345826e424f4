"""What a procedure keeps in the cluster, beside its record, to go on with where it is cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from muster.base.errors import MusterError

LIMIT = 500_000  # bytes of JSON; a ConfigMap holds 1 MiB


class Progress:
    """Values by name, anything that JSON can say. `resumed` is whether an earlier execution acted and has not ended
    well, `failed` whether that one came to an end of its own, and so is tried again rather than gone on with.

    What is kept while a step acts is in the cluster before `keep` returns; what is kept earlier is, before the first
    step that acts does.
    """

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        resumed: bool = False,
        failed: bool = False,
        write: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        """`write` keeps the values, where there is somewhere to keep them."""
        self._values, self._write = dict(values or {}), write
        self.resumed, self.failed = resumed, failed
        self._earlier = frozenset(self._values) if failed else frozenset()

    @property
    def values(self) -> Mapping[str, Any]:
        """All that is kept."""
        return dict(self._values)

    def get(self, name: str, otherwise: Any = None) -> Any:
        """What was kept under a name, by this execution or by the one that it goes on with."""
        return self._values.get(name, otherwise)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What was kept under a name, so that what it stands for is done once however often it is cut; where nothing
        was, or that execution has failed, what `make` returns, kept before it is returned.

        Raises:
            MusterError, ClusterError: as `keep`.
        """
        if name not in self._values or name in self._earlier:
            self._earlier -= {name}
            self.keep(**{name: make()})
        return self._values[name]

    def keep(self, **values: Any) -> None:
        """Keep values, each in the place of an earlier one of its name.

        Raises:
            MusterError: together they are more than a record holds.
            ClusterError: they cannot be kept; then what they are for must not be done.
        """
        kept = {**self._values, **values}
        if (size := len(json.dumps(kept))) > LIMIT:
            raise MusterError(f"what is to be kept of the procedure is {size} bytes, a record holds {LIMIT}")
        if self._write:
            self._write(kept)
        self._values = kept
