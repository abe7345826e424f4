"""What an image stands for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from muster.base.errors import UsageError

SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
ADDRESS = "{address}"  # in an entrypoint: the pod's


class UnknownImageError(UsageError):
    """No such image here."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a container of this image finds: environment, directories for the front of PATH, working directory; and what
    it runs where the manifest does not say: `entrypoint`, with `command` for its arguments.
    """

    name: str
    env: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    workdir: str = "/"
    user: str = "app"  # what the container's user is called
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """The image's part of a container's environment, PATH and HOME included."""
        return {"PATH": ":".join((*self.path, *SYSTEM_PATH)), "HOME": "/tmp", **self.env}  # noqa: S108 - the pod's own

    def words(self, command: Sequence[str], args: Sequence[str], address: str) -> list[str]:
        """Program and arguments of a container whose manifest says `command` and `args`, put together with the image's
        own as Kubernetes does it. Empty where neither names a program.
        """
        own = [] if command else [word.replace(ADDRESS, address) for word in self.entrypoint]
        default = () if command else self.command
        return [*own, *command, *(args or default)]

    def directories(self) -> list[str]:
        """Directories of the machine that the image's programs need to see."""
        named = [part for value in self.env.values() for part in value.split(":") if part.startswith("/")]
        return [*self.path, *named, self.workdir, sys.prefix, sys.base_prefix]
