"""Who a request comes from: the administrator's token, tokens of ServiceAccounts, and in whose name it is put."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from multidict import CIMultiDictProxy

from muster.embedded.access.accounts import ISSUER, Accounts
from muster.embedded.access.attributes import Attributes, denied
from muster.embedded.access.authorizer import Authorizer
from muster.embedded.access.users import ADMIN, ANONYMOUS, AUTHENTICATED, User, account_groups, account_of
from muster.embedded.objects import legible
from muster.embedded.status import StatusError, bad_request

Headers = CIMultiDictProxy[str]
_PREFIX = "impersonate-"
_EXTRA = "impersonate-extra-"
_AUTHENTICATION = "authentication.k8s.io"


class Authenticator:
    """Reads who asks out of a request's headers. `token` is the administrator's, who is in `system:masters`."""

    def __init__(self, token: str, accounts: Accounts, authorizer: Authorizer) -> None:
        self._admin = f"Bearer {token}".encode()
        self._accounts = accounts
        self._authorizer = authorizer

    def user_of(self, headers: Headers) -> User:
        """The caller. Raises `StatusError` 401: without a token, or with one that is not good."""
        given = headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(errors="surrogateescape"), self._admin):
            return ADMIN
        scheme, _, token = given.partition(" ")
        found = self.read(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise StatusError(401, "Unauthorized", "Unauthorized")
        return found[0]

    def read(self, token: str, audiences: Sequence[str] = ()) -> tuple[User, list[str]] | None:
        """Whose token it is, and which of the audiences (the API's own where none are named) it is for; or None."""
        if hmac.compare_digest(f"Bearer {token}".encode(errors="surrogateescape"), self._admin):
            return (ADMIN, [ISSUER]) if not audiences or ISSUER in audiences else None
        return self._accounts.user_of(token, audiences or (ISSUER,))

    def acting_as(self, user: User, headers: Headers) -> User | None:
        """In whose name the caller asks; None where it is their own.

        Raises `StatusError`: 403 they may not, 400 it is not said of whom there are groups.
        """
        said = [name for name in headers if name[: len(_PREFIX)].lower() == _PREFIX]
        if not said:
            return None
        name = legible(headers.get("Impersonate-User", ""))
        if not name:
            raise bad_request(f"requested {', '.join(sorted(set(said)))} without impersonating a user")
        wanted = _wished(name, headers)
        if not user.is_master:
            for right in _rights(wanted, headers):
                decision = self._authorizer.decide(user, right)
                if not decision.allowed:
                    raise denied(user, right, decision.reason)
        return wanted


def _wished(name: str, headers: Headers) -> User:
    groups = _groups(headers)
    account = account_of(name)
    if account and not groups:
        groups = account_groups(account)
    if name != ANONYMOUS and AUTHENTICATED not in groups:
        groups += (AUTHENTICATED,)
    extra: dict[str, tuple[str, ...]] = {}
    for header in headers:
        if header.lower().startswith(_EXTRA):
            key = unquote(legible(header).lower().removeprefix(_EXTRA))
            extra[key] = tuple(map(legible, headers.getall(header)))
    return User(name, legible(headers.get("Impersonate-Uid", "")), groups, tuple(extra.items()))


def _groups(headers: Headers) -> tuple[str, ...]:
    return tuple(map(legible, headers.getall("Impersonate-Group", ())))


def _rights(wanted: User, headers: Headers) -> Iterator[Attributes]:
    """What the caller must be allowed to: to impersonate the user, and each group and fact that is named."""
    account = account_of(wanted.name)
    if account:
        yield Attributes("impersonate", "", "v1", "serviceaccounts", "", account.namespace, account.name)
    else:
        yield Attributes("impersonate", "", "v1", "users", name=wanted.name)
    for group in _groups(headers):
        yield Attributes("impersonate", "", "v1", "groups", name=group)
    if wanted.uid:
        yield Attributes("impersonate", _AUTHENTICATION, "v1", "uids", name=wanted.uid)
    for key, values in wanted.extra:
        for value in values:
            yield Attributes("impersonate", _AUTHENTICATION, "v1", "userextras", key, name=value)
