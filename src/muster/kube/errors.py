"""What an API server answers that is no success."""

from __future__ import annotations

from muster.base.errors import ClusterError


class ApiError(ClusterError):
    """The API server answered with a failure Status."""

    def __init__(self, message: str, *, code: int, reason: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
