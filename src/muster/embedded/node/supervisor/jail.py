"""A container's own view of the machine, made of a private user, mount, process, IPC and host name namespace.

The new root is a tmpfs. Each top-level directory of the machine appears in it under an overlay, so that the container
may write where its user may and nothing of it reaches the machine; mount points that the machine lacks are made in the
overlay's upper layer beforehand, which an ordinary user may do although he may not write to the lower one. A directory
that has mounts below it cannot be overlaid in a user namespace (the kernel would uncover what those mounts hide): it
is bound read-only, or, if mount points are wanted in it, mirrored entry by entry. /tmp, /run and /dev/shm are empty.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from muster.embedded.node.supervisor import linux

TYPE_CHECKING = False  # importing `typing` would take longer than all the rest
if TYPE_CHECKING:
    from typing import Any

    Spec = dict[str, Any]
"""A jail's specification:

root        an empty directory of the machine to build in
uid, gid    what this process's user and group are called inside
hostname    the host's name inside
files       {path: text}: files that take the place of the machine's
links       {path: target}: symbolic links likewise
mounts      [{"source", "target", "read_only"}]: directories or files of the machine to be seen at `target`
"""

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - each container has its own
EMPTY = ("/tmp", "/run", SHARED_MEMORY, "/proc")  # noqa: S108 - they are what is not shared
NAMESPACES = {
    "user": linux.CLONE_NEWUSER,
    "mnt": linux.CLONE_NEWNS,
    "pid": linux.CLONE_NEWPID,
    "ipc": linux.CLONE_NEWIPC,
    "uts": linux.CLONE_NEWUTS,
}


def leave(spec: Spec) -> None:
    """Step into new namespaces; the process namespace begins with the next child."""
    uid, gid = os.getuid(), os.getgid()
    flags = 0
    for flag in NAMESPACES.values():
        flags |= flag
    linux.unshare(flags)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{spec['uid']} {uid} 1")
    _write("/proc/self/gid_map", f"{spec['gid']} {gid} 1")


def join(pid: int) -> None:
    """Step into the namespaces of process `pid`; that of processes begins with the next child."""
    descriptors = [(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), flag) for name, flag in NAMESPACES.items()]
    for descriptor, flag in descriptors:
        linux.setns(descriptor, flag)
        os.close(descriptor)


def build(spec: Spec) -> None:
    """Make the new root and move there. Runs as the first process of the new process namespace.

    Raises:
        OSError: the kernel does not allow it, or a volume's source does not exist.
    """
    stage = spec["root"]
    submounts = _mount_points()
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", stage, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755")
    _Builder(stage, spec, submounts).build()
    linux.set_hostname(spec["hostname"])
    linux.pivot_root(stage + "/root")


def real_path(path: str) -> str:
    """The path with the machine's symbolic links resolved, so that a mount point does not hide one of them."""
    return os.path.realpath(path)


class _Builder:
    """Builds one new root below `stage`, which is a tmpfs of our own."""

    def __init__(self, stage: str, spec: Spec, submounts: list[str]) -> None:
        self._stage = stage
        self._root = stage + "/root"
        self._spec = spec
        self._submounts = submounts
        self._mounts = sorted(
            ({**mount, "target": real_path(mount["target"])} for mount in spec["mounts"]),
            key=lambda mount: mount["target"].count("/"),
        )
        self._placed = {**spec["files"], **spec["links"]}
        self._layers = 0

    def build(self) -> None:
        for name in ("root", "layers"):
            os.mkdir(f"{self._stage}/{name}")
        linux.mount(self._root, self._root, None, linux.MS_BIND)
        self._mirror("/")
        os.chmod(self._root + EMPTY[0], 0o1777)  # noqa: S103 - as /tmp is everywhere
        self._processes()
        for mount in self._mounts:
            self._bind_volume(mount)

    def _mirror(self, directory: str) -> None:
        """Fill the (tmpfs) directory of the new root with what the machine's has, entry by entry."""
        with os.scandir(directory) as entries:
            for entry in entries:
                path = os.path.join(directory, entry.name)
                if path in self._placed:
                    continue
                if entry.is_symlink():
                    os.symlink(os.readlink(path), self._root + path)
                elif entry.is_dir():
                    os.mkdir(self._root + path)
                    self._show_directory(path)
                else:
                    self._bind(path, self._root + path)
                    _protect(self._root + path)
        self._place(directory, self._root)
        self._make_points(directory, self._root)

    def _show_directory(self, path: str) -> None:
        target = self._root + path
        if path in EMPTY:
            return
        if path == "/dev":
            self._devices()
            return
        special = path == "/sys" or any(point.startswith(path + "/") for point in self._submounts)
        if not special and self._overlay(path, target):
            return
        wanted = [*self._placed, *(mount["target"] for mount in self._mounts)]
        if any(point.startswith(path + "/") for point in wanted):
            self._mirror(path)
            return
        linux.mount(path, target, None, linux.MS_BIND | linux.MS_REC)
        _protect(target)

    def _overlay(self, path: str, target: str) -> bool:
        """Show `path` with a writable layer over it; False where the kernel or the file system does not allow it."""
        self._layers += 1
        upper, work = (f"{self._stage}/layers/{self._layers}{suffix}" for suffix in ("", "-work"))
        os.mkdir(upper, stat.S_IMODE(os.stat(path).st_mode) | 0o700)
        os.mkdir(work)
        self._place(path, upper, strip=path)
        self._make_points(path, upper, strip=path)
        options = f"lowerdir={_escape(path)},upperdir={_escape(upper)},workdir={_escape(work)}"
        for extra in (",userxattr", ""):
            try:
                linux.mount("overlay", target, "overlay", 0, options + extra)
            except OSError:
                continue
            return True
        return False

    def _place(self, directory: str, base: str, strip: str = "") -> None:
        """Write the files and links that belong below `directory` into `base`."""
        for path, content in self._placed.items():
            if not path.startswith(directory.rstrip("/") + "/"):
                continue
            target = base + path.removeprefix(strip)
            if os.path.lexists(target) or not os.path.isdir(os.path.dirname(target)):
                continue
            if path in self._spec["links"]:
                os.symlink(content, target)
            else:
                _write(target, content)

    def _make_points(self, directory: str, base: str, strip: str = "") -> None:
        """Make the mount points wanted below `directory` in `base`, unless something shows them already."""
        for mount in self._mounts:
            point = mount["target"]
            # What is below /dev is the machine's own; only /dev/shm is ours.
            if point.startswith(directory.rstrip("/") + "/") and (base != self._root or not point.startswith("/dev/")):
                _make_point(mount["source"], base + point.removeprefix(strip))

    def _devices(self) -> None:
        linux.mount("/dev", self._root + "/dev", None, linux.MS_BIND | linux.MS_REC)
        if os.path.isdir(SHARED_MEMORY):
            linux.mount("tmpfs", self._root + SHARED_MEMORY, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=1777")

    def _processes(self) -> None:
        try:
            linux.mount("proc", self._root + "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
        except OSError:
            # Inside a container whose /proc is partly hidden the kernel refuses a new one.
            linux.mount("/proc", self._root + "/proc", None, linux.MS_BIND | linux.MS_REC)

    def _bind_volume(self, mount: dict[str, Any]) -> None:
        target = self._root + mount["target"]
        self._bind(mount["source"], target)
        if mount["read_only"]:
            flags = os.statvfs(target).f_flag & (linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
            linux.mount("none", target, None, linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | flags)

    def _bind(self, source: str, target: str) -> None:
        _make_point(source, target)
        linux.mount(source, target, None, linux.MS_BIND | linux.MS_REC)


def _protect(target: str) -> None:
    """Make what is bound from the machine read-only. Before Linux 5.12 it stays as writable as it is to our user."""
    with suppress(OSError):
        linux.make_read_only(target)


def _make_point(source: str, target: str) -> None:
    """Make the directory or empty file at `target` on which `source` can be mounted."""
    if os.path.lexists(target):
        return
    if os.path.isdir(source):
        os.makedirs(target)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _write(target, "")


def _mount_points() -> list[str]:
    with open("/proc/self/mountinfo") as table:
        return [_unescape(line.split(" ")[4]) for line in table]


def _unescape(path: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(code, character)
    return path


def _escape(path: str) -> str:
    """A path as overlay's options want it."""
    for character in ("\\", ":", ","):
        path = path.replace(character, "\\" + character)
    return path


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
