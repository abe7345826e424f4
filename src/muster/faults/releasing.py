"""A release as a fault: a new version is brought out, as by `muster deploy`, good or with a defect on purpose.

Whoever looks after it is a process of its own, as in earnest. The record has that process and the release: whatever
dies on the way, the release is rolled back where it is under way still.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from muster.base.errors import RefusedError, UsageError
from muster.base.process import Child
from muster.base.waiting import wait_for
from muster.faults import session
from muster.faults.activity import or_exit
from muster.faults.channel import PROGRESS_VARIABLE, URL_VARIABLE
from muster.faults.ending import ENDING
from muster.faults.session import Session
from muster.safety import Rollout
from muster.safety.rollouts import find_rollout, releasing_command
from muster.system import find_system
from muster.system.definition import SYSTEM_VARIABLE

BROUGHT_OUT = "brought out"  # told to the drill, with the process that looks after it
OUTPUT = "release.jsonl"


@or_exit
def bring_out(
    release: str,
    environment: str | Mapping[str, str] = "",
    time_scale: float = 60.0,
    phase: str = "",
    within_s: float = 60.0,
) -> str:
    """Bring out a release, and go on once it has begun or, where a phase is named, once its bake has.

    `release` is a directory or an image, as for `muster deploy`; `environment` are variables (a mapping, or JSON) that
    the containers of its Deployments have besides, and `time_scale` is by how much its bakes are shorter.

    Raises:
        SystemExit: it cannot begin, or does not come so far within `within_s` seconds.
    """
    here = session.current()
    if (before := find_rollout(here.cluster, here.namespace)) is not None and not before.is_over:
        raise RefusedError(
            f"refused: a release is under way in namespace '{here.namespace}' already, {before.state} at phase "
            f"{before.phase}; end it first, with 'muster deploy --continue' or 'muster rollback'"
        )
    said = os.environ.get(SYSTEM_VARIABLE)
    system = Path(said) if said else find_system(Path.cwd())
    variables = _variables(environment) if environment else {}
    made = _with_environment(Path(release), variables) if variables else None
    rollout = Rollout.of_here(str(made or release), system)
    try:
        here.remember_rollout(rollout)
        here.strike(f"bring out {release}")
        child = _begun(here, rollout, system, time_scale, [] if made is None else [made.parent])
    except BaseException:
        if made is not None:
            shutil.rmtree(made.parent, ignore_errors=True)
        raise
    here.channel.report(BROUGHT_OUT, by=child.pid, id=rollout.id)
    here.hold(f"release {Path(release).name}", child.stop, by=child.pid)

    def come() -> str:
        ENDING.check()
        at = find_rollout(here.cluster, here.namespace)
        if at is None or at.id != rollout.id:
            if child.poll() is not None:
                raise RefusedError(f"the release did not begin: {_last_words(here)}")
            return ""
        if phase in {"", at.phase} and (not phase or at.state == "baking"):
            return f"{release} is brought out: {at.state} at phase {at.phase}"
        if at.is_over:
            raise UsageError(f"the release has ended before phase {phase}: {at.state}, {at.why or 'nobody says why'}")
        return ""

    return wait_for(come, within=within_s, every=0.1, reason=f"the release to come to {phase or 'its beginning'}")


def _begun(here: Session, rollout: Rollout, system: Path, time_scale: float, remove: list[Path]) -> Child:
    """Whoever looks after the release; `remove` are directories that go with that process."""
    command = releasing_command(Path(os.environ["KUBECONFIG"]), system, embedded=here.cluster.embedded)
    command += ["--url", url] if (url := os.environ.get(URL_VARIABLE)) else []
    command += ["--time-scale", f"{time_scale:g}", "--id", rollout.id, rollout.release]
    with _output().open("ab") as output:
        return Child(command, stdout=output, stderr=output, remove=remove)


def _output() -> Path:
    """Where it is kept what a release says: beside what the experiment tells its drill, by hand nowhere."""
    progress = os.environ.get(PROGRESS_VARIABLE)
    return Path(progress).parent / OUTPUT if progress else Path(os.devnull)


def _last_words(here: Session) -> str:
    """Why a release did not begin."""
    if here.channel.by_hand:
        return "see 'muster deploy' with the same release"
    lines = _output().read_text(errors="replace").splitlines()
    told = [line for line in lines if line.startswith('{"failed"')]
    if told:
        return str(json.loads(told[-1])["failed"])
    return lines[-1] if lines else "it says nothing"


def _variables(said: str | Mapping[str, str]) -> dict[str, str]:
    try:
        found: Any = json.loads(said) if isinstance(said, str) else said
    except ValueError:
        found = None
    if not isinstance(found, Mapping) or not all(isinstance(one, str) for one in (*found, *found.values())):
        raise UsageError(f"the environment of a release is {said!r}; right would be names with texts, as JSON")
    return dict(found)


def _with_environment(release: Path, variables: Mapping[str, str]) -> Path:
    """A copy of a release's directory, of the same name, whose Deployments' containers have these variables besides."""
    if not release.is_dir():
        raise UsageError(f"{release} is no directory of manifests, so nothing can be added to its environment")
    into = Path(tempfile.mkdtemp(prefix="muster-release-")) / release.name
    try:
        _copy(release, into, variables)
    except BaseException:
        shutil.rmtree(into.parent, ignore_errors=True)
        raise
    return into


def _copy(release: Path, into: Path, variables: Mapping[str, str]) -> None:
    into.mkdir()
    for path in sorted(release.iterdir()):
        if not path.is_file():
            continue
        if path.suffix not in {".yaml", ".yml"}:
            (into / path.name).write_bytes(path.read_bytes())
            continue
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        for one in documents:
            if isinstance(one, dict) and one.get("kind") == "Deployment":
                for container in one["spec"]["template"]["spec"]["containers"]:
                    kept = [each for each in container.get("env") or [] if each.get("name") not in variables]
                    container["env"] = kept + [{"name": name, "value": value} for name, value in variables.items()]
        (into / path.name).write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
