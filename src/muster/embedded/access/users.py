"""Callers: their names and groups, as Kubernetes writes them."""

from __future__ import annotations

from dataclasses import dataclass

from muster.embedded.objects import Key, Object

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"
_ACCOUNT = "system:serviceaccount:"
_ACCOUNTS = "system:serviceaccounts"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who asks. `extra` is what else is known of them: names with their values."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def is_master(self) -> bool:
        """Whether they may do everything, whatever Roles there are."""
        return MASTERS in self.groups

    def to_object(self) -> Object:
        """The `UserInfo` of an answer or of an audit event."""
        found: Object = {"username": self.name}
        if self.uid:
            found["uid"] = self.uid
        if self.groups:
            found["groups"] = list(self.groups)
        if self.extra:
            found["extra"] = {name: list(values) for name, values in self.extra}
        return found


ADMIN = User("kubernetes-admin", groups=(MASTERS, AUTHENTICATED))
NOBODY = User(ANONYMOUS, groups=(UNAUTHENTICATED,))


def account_name(account: Key) -> str:
    """What a ServiceAccount is called as a caller."""
    return f"{_ACCOUNT}{account.namespace}:{account.name}"


def account_of(user_name: str) -> Key | None:
    """The ServiceAccount that a caller's name means, or None."""
    namespace, _, name = user_name.removeprefix(_ACCOUNT).partition(":")
    return Key(namespace, name) if user_name.startswith(_ACCOUNT) and namespace and name else None


def account_groups(account: Key) -> tuple[str, ...]:
    """The groups that a ServiceAccount is in because it is one."""
    return _ACCOUNTS, f"{_ACCOUNTS}:{account.namespace}", AUTHENTICATED
