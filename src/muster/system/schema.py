"""What the parts of `system.yaml` are made of: names, seconds, dotted paths, addresses."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
DottedPath = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$")]


class Strict(BaseModel):
    """What is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def base_url(url: str, *, before: str = "the paths") -> str:
    """Check what paths are appended to, and return it without a slash at its end.

    Raises:
        ValueError: it is no address over HTTP, or says more than that.
    """
    parts = urlsplit(url)
    parts.port  # noqa: B018  (looking at it raises where it is none)
    if "@" in parts.netloc:
        raise ValueError("a secret does not belong into an address")  # and not into a message either
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"right would be what stands before {before}, such as https://shop.example:8443, not '{url}'")
    return url.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(base_url)]
