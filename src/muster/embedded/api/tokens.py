"""serviceaccounts/NAME/token: a token for the account, for so long, for these readers, bound to that object."""

from __future__ import annotations

from aiohttp import web

from muster.embedded.access.accounts import Wish
from muster.embedded.admission.names import bad_value
from muster.embedded.api.call import Call
from muster.embedded.objects import Object, timestamp
from muster.embedded.resources import SERVICEACCOUNTS
from muster.embedded.status import StatusError

SHORTEST_S, LONGEST_S = 600, 2**32
_GROUP_VERSION = "authentication.k8s.io/v1"


async def create(call: Call) -> web.Response:
    """POST of a `TokenRequest`. Raises `StatusError`: 400, 404, 409, 422."""
    body = await call.body("TokenRequest")
    spec: Object = body.get("spec") or {}
    seconds = spec.get("expirationSeconds", 3600)
    _check_lifetime(seconds)
    bound = spec.get("boundObjectRef")
    token = call.backend.accounts.issue(call.target.key, Wish(spec.get("audiences") or (), seconds, bound))
    meta = call.store.stored(SERVICEACCOUNTS, *call.target.key).shared["metadata"]
    answered = {"audiences": token.audiences, "expirationSeconds": seconds, "boundObjectRef": bound}
    return call.reply(
        {
            "kind": "TokenRequest",
            "apiVersion": _GROUP_VERSION,
            "metadata": {"name": meta["name"], "namespace": meta["namespace"], "creationTimestamp": timestamp()},
            "spec": answered,
            "status": {"token": token.text, "expirationTimestamp": timestamp(token.expires)},
        },
        201,
    )


def _check_lifetime(seconds: int) -> None:
    if SHORTEST_S <= seconds <= LONGEST_S:
        return
    why = "larger than 2^32 seconds" if seconds > LONGEST_S else "less than 10 minutes"
    wrong = bad_value("spec.expirationSeconds", seconds, f"may not specify a duration {why}")
    text = f'TokenRequest.authentication.k8s.io "" is invalid: {wrong["field"]}: {wrong["message"]}'
    details = {"group": "authentication.k8s.io", "kind": "TokenRequest", "causes": [wrong]}
    raise StatusError(422, "Invalid", text, details)
