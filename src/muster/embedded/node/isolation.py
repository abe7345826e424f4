"""How a container is kept to itself: in a jail where the kernel allows one, else by translating paths.

Without namespaces (`MUSTER_NO_NAMESPACES=1` asks for that) a container sees the machine as it is: mount paths and /tmp
are replaced by the directories behind them in command, arguments, environment and working directory; names of Services
do not resolve, volumes are not read-only, and the container runs as the cluster's own user.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import muster
from muster.embedded.node import environment
from muster.embedded.node.images import Image
from muster.embedded.node.launcher import Command, StartError, Supervisor
from muster.embedded.node.state import exit_code
from muster.embedded.node.supervisor.jail import EMPTY
from muster.embedded.objects import Object

log = logging.getLogger(__name__)
SWITCH = "MUSTER_NO_NAMESPACES"
DEFAULT_ID = 1000
HOSTS = "/run/muster"  # where a jail sees the pod's hosts file; a directory, so that the file can be replaced
_TEMPORARY = "/tmp"  # noqa: S108 - each pod has its own


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a container's programs have around them. Without a jail `paths` says what stands for what."""

    env: Mapping[str, str]
    cwd: str
    jail: dict[str, Any] | None = None
    paths: Mapping[str, str] = field(default_factory=dict)

    def command(self, argv: Sequence[str]) -> Command:
        """A program to start in these surroundings."""
        if self.jail is not None:
            return Command(argv, self.env, self.cwd)
        env = {name: translate(value, self.paths) for name, value in self.env.items()}
        env["TMPDIR"] = self.paths[_TEMPORARY]
        return Command([translate(word, self.paths) for word in argv], env, translate(self.cwd, self.paths))


def translate(text: str, paths: Mapping[str, str]) -> str:
    """Replace each path of `paths`, and what lies below it, where it stands in a text as a path of its own."""
    if not paths:
        return text
    names = "|".join(re.escape(path) for path in sorted(paths, key=len, reverse=True))
    return re.sub(rf"(?<![\w./-])(?:{names})(?![\w.-])", lambda match: paths[match[0]], text)


class Isolation:
    """Finds out once whether this machine allows jails, and plans each container's surroundings."""

    def __init__(self) -> None:
        self._jailed = False
        self._known = asyncio.Event()

    async def find_out(self, directory: Path, run_id: str) -> None:
        """Try a jail; `directory` is used for that and removed."""
        if os.environ.get(SWITCH) not in (None, "", "0"):
            self._known.set()
            return
        (directory / "root").mkdir(parents=True)
        supervisor = Supervisor(directory, run_id)
        supervisor.launch()
        try:
            jail = _jail(directory, "probe", ids=(DEFAULT_ID, DEFAULT_ID), user="app", mounts=[])
            running = await supervisor.start(Command(["/bin/true"], {}), jail=jail, log=directory / "log")
            self._jailed = exit_code(await running.ended)[0] == 0
        except StartError as error:
            log.warning("containers share this machine's files and names, it allows no private ones: %s", error)
        finally:
            await supervisor.close()
            await asyncio.to_thread(shutil.rmtree, directory, True)
            self._known.set()

    async def known(self) -> bool:
        """Whether containers are jailed; waits until that has been found out."""
        await self._known.wait()
        return self._jailed

    async def surroundings(
        self,
        pod: Object,
        container: Object,
        image: Image,
        command: Command,
        *,
        directory: Path,
        mounts: list[dict[str, Any]],
    ) -> Surroundings:
        """What the container's programs are to have around them; `directory` is the pod's."""
        if not await self.known():
            paths = {path: path for path in _needed(image)} | {_TEMPORARY: str(directory / "tmp")}
            paths |= {mount["target"].rstrip("/"): mount["source"] for mount in mounts}
            return Surroundings(command.env, command.cwd, None, paths)
        needed = [{"source": path, "target": path, "read_only": True} for path in _hidden(image)]
        own = {"source": str(directory / "etc"), "target": HOSTS, "read_only": True}
        hostname = environment.hostname(pod)
        jail = _jail(directory, hostname, ids=_ids(pod, container), user=image.user, mounts=[own, *needed, *mounts])
        return Surroundings(command.env, command.cwd, jail)


def _jail(
    directory: Path, hostname: str, *, ids: tuple[int, int], user: str, mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    """A `jail.Spec`."""
    uid, gid = ids
    root = "" if uid == 0 else "root:x:0:0:root:/root:/bin/sh\n"
    name = "root" if uid == 0 else user
    users = f"{root}{name}:x:{uid}:{gid}:{name}:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
    groups = f"{'' if gid == 0 else 'root:x:0:' + chr(10)}{name}:x:{gid}:\nnogroup:x:65534:\n"
    return {
        "root": str(directory / "root"),
        "uid": uid,
        "gid": gid,
        "hostname": hostname,
        "files": {
            "/etc/passwd": users,
            "/etc/group": groups,
            "/etc/hostname": hostname + "\n",
            "/etc/host.conf": "multi on\n",
        },
        "links": {"/etc/hosts": f"{HOSTS}/hosts"},
        "mounts": mounts,
    }


def _ids(pod: Object, container: Object) -> tuple[int, int]:
    context = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    uid = context.get("runAsUser")
    uid = DEFAULT_ID if uid is None else int(uid)
    gid = context.get("runAsGroup")
    return uid, uid if gid is None else int(gid)


def _needed(image: Image) -> set[str]:
    """Directories of the machine that the image's programs need, as they are named and as they are."""
    named = {path.rstrip("/") or "/" for path in (*image.directories(), str(Path(muster.__file__).parent.parent))}
    return (named | {os.path.realpath(path) for path in named}) - {"/"}


def _hidden(image: Image) -> list[str]:
    """Directories that the image's programs need and that lie where a jail is empty."""
    hidden = sorted(
        path
        for path in _needed(image)
        if path.startswith(tuple(f"{place}/" for place in EMPTY)) and Path(path).is_dir()
    )
    return [path for path in hidden if not any(path.startswith(other + "/") for other in hidden)]
