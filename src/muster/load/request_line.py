"""What a task asks for, put so that it can stand in a request."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from muster.base.errors import UsageError
from muster.load.destination import Destination

# What may stand in a path and its query; a '%' is kept, as it may begin what is encoded already.
_KEPT = "!$%&'()*+,-./:;=?@[]_~"


def encoded(path: str) -> str:
    """A path and its query with what cannot stand in a request encoded, as Locust does; what follows a '#' is left out.

    Raises:
        UsageError: it is no path on the service.
    """
    if not path.startswith("/") or path.startswith("//"):
        raise UsageError(
            f"'{path}' is no path on the service that --host names; right would be one that begins with '/'"
        )
    return quote(path.partition("#")[0], safe=_KEPT)


def check_headers(headers: Mapping[str, str], to: Destination) -> None:
    """Whether headers can be sent, and lead to nobody else than the service.

    Raises:
        UsageError: not so.
    """
    for name, value in headers.items():
        if any(ord(sign) < 32 for sign in f"{name}{value}"):
            raise UsageError(f"header {name.strip()!r} holds a line break or the like; right would be one line")
        if name.lower() == "host" and value.lower() != to.name.lower():
            raise UsageError(
                f"the header 'Host: {value}' asks for another service than {to.name}, where the load goes; "
                "right would be to leave it out"
            )
