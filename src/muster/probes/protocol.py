"""A ledger of your own: how writes are made and found again in what does not speak HTTP (a queue, a database).

Name a class in system.yaml as `ledger: {python: "package.module:Class"}`; docs/ledger.md has complete examples. Nothing
need be inherited: a class with these methods will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


class NotStored(Exception):  # noqa: N818 - it reads as what it says of a write
    """Raised by `Ledger.write`: this write was certainly not made, and never will be. Its text says why."""


class Ledger(Protocol):
    """Writes, and finds what was written: one client of the system, with a connection of its own.

    An instance is made, used and closed by one thread. It is used for several calls, one at a time, until one of them
    raises or takes longer than `limit_s` of system.yaml; every other call is made by a new instance, as an outage may
    show in new connections only, or in kept ones only. So a driver's time limits are no concern of the class, and it
    must neither pool connections nor try again by itself.
    """

    def __init__(self, url: str, options: Mapping[str, Any], /) -> None:
        """Connect. `url` is the base URL of the system's service, `options` are those of system.yaml.

        What it raises means that the service cannot be reached: nothing was written.
        """

    def write(self, id: str, content: str, /) -> None:  # noqa: A002 - as it is called in system.yaml
        """Write, and return when the system has acknowledged it: whoever returns has promised that it is there.

        `id` begins with `muster-`; keep it with what is written, so that a person can find it. An exception other than
        `NotStored` leaves open whether it was written.

        Raises:
            NotStored: it was certainly not written.
        """

    def read(self, id: str, /) -> list[str]:  # noqa: A002
        """The contents that are there under an id: none if it is not there, several if it is there more than once.

        An exception leaves open what is there.
        """

    def close(self) -> None:
        """Let go of the connection, even after a call that raised."""


@runtime_checkable
class Removing(Protocol):
    """What a `Ledger` may have besides, where its writes can be removed."""

    def remove(self, id: str, /) -> None:  # noqa: A002
        """Remove what was written under an id; to find nothing there is no error."""
