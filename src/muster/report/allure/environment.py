"""Under which circumstances a run took place: cluster, evidence, versions, images, commit, seed."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import orjson

from muster.base.files import write_atomically

ENVIRONMENT_FILE = "environment.json"
CLUSTER_FILE = "cluster.json"  # in each drill's directory: what was seen of the cluster when it ended
PROPERTIES_FILE = "environment.properties"
GIT_WITHIN_S = 5.0
PACKAGES = ("pytest", "chaostoolkit", "locust", "kubernetes")


def describe_run(root: Path, *, cluster: str, evidence: str, system: str, seed: int) -> dict[str, str]:
    """What is known as a run begins; `root` is the project's directory."""
    facts = {
        "system": system,
        "cluster": cluster,
        "evidence": evidence,
        "muster": _version("pytest-muster"),
        "Python": platform.python_version(),
        "machine": f"{platform.system()}, {os.cpu_count()} cores",
        "commit": git_commit(root),
        "seed": str(seed),
    }
    return {**facts, **{name: _version(name) for name in PACKAGES}}


def note_run(run: Path, root: Path, facts: Mapping[str, str]) -> None:
    """Keep in the run's directory what `describe_run` found, and where the project is.

    Raises:
        OSError: the file cannot be written.
    """
    write_atomically(run / ENVIRONMENT_FILE, orjson.dumps({"facts": facts, "project": str(root)}))


def git_commit(root: Path) -> str:
    """The commit of a work tree, and whether something in it was changed since; "unknown" where there is none."""
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    if commit is None:
        return "unknown"
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{commit} (dirty)" if changed else commit


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=GIT_WITHIN_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def write_environment(results: Path, run: Path) -> None:
    """Put what is known of a run's circumstances beside its results, in the form that Allure reads.

    Raises:
        OSError: the file cannot be written.
    """
    facts = dict(_read(run / ENVIRONMENT_FILE).get("facts") or {})
    for path in sorted(run.glob(f"*.d/{CLUSTER_FILE}")):
        facts.update(_cluster_facts(_read(path)))
    lines = [f"{_escape(name, key=True)}={_escape(str(value))}" for name, value in facts.items()]
    write_atomically(results / PROPERTIES_FILE, "".join(f"{line}\n" for line in lines))


def _cluster_facts(seen: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "version" in seen:
        yield "Kubernetes", str(seen["version"])
    for name, ids in dict(seen.get("images") or {}).items():
        yield f"image {name}", ", ".join(ids) or "no digest told"


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none, which a report can do without."""
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _escape(text: str, *, key: bool = False) -> str:
    """Text as a Java properties file wants it: one line, and no separator in a key."""
    text = text.replace("\\", "\\\\").replace("\r", " ").replace("\n", " ")
    if key:
        text = "".join(f"\\{letter}" if letter in " =:" else letter for letter in text)
    return text


def source_url(path: Path, root: Path) -> str | None:
    """Where a file of the project can be read in a browser, told by the pipeline's environment; None elsewhere."""
    try:
        inside = path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return None
    told = os.environ
    if {"GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"} <= told.keys():
        return f"{told['GITHUB_SERVER_URL']}/{told['GITHUB_REPOSITORY']}/blob/{told['GITHUB_SHA']}/{inside}"
    if {"CI_PROJECT_URL", "CI_COMMIT_SHA"} <= told.keys():
        return f"{told['CI_PROJECT_URL']}/-/blob/{told['CI_COMMIT_SHA']}/{inside}"
    return None
