"""Where limits stand: in the project's safety.yaml, in the target namespace, and in a namespace for the whole cluster.

A person can run an experiment from anywhere, without the project's file. What an owner wants to hold in any case stands
in the cluster: a ConfigMap `muster-safety` whose key `safety.yaml` is such a file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from muster.base.clock import utc
from muster.base.errors import ClusterError, RefusedError, UsageError
from muster.kube import ApiError, Cluster
from muster.safety.limits.conditions import Condition
from muster.safety.limits.hours import refused_at
from muster.safety.limits.settings import SafetySettings, matching, parse_settings, read_settings

SAFETY_VARIABLE = "MUSTER_SAFETY"
FILE_NAME = "safety.yaml"
CONFIG_MAP = "muster-safety"
CLUSTER_WIDE = "muster-system"  # the namespace whose ConfigMap holds for all others
FORBIDDEN = 403
EMBEDDED_CONTEXT = "embedded"


class Source(NamedTuple):
    """Settings, and where they stand; `of_cluster` where that is the cluster itself, and not the project's file."""

    where: str
    settings: SafetySettings
    of_cluster: bool = False


@dataclass(frozen=True)
class Limits:
    """Every limit that holds for a namespace.

    On the `embedded` cluster, where nobody but the drill lives, a project's file protects nobody and knows no hours,
    and its `at_most` and `stop_when` hold unless it says `rehearsals: false`.
    """

    sources: list[Source] = field(default_factory=list)
    embedded: bool = False

    @property
    def held(self) -> list[Source]:
        """Those by which targets and hours are held."""
        return [source for source in self.sources if source.of_cluster or not self.embedded]

    @property
    def held_at_most(self) -> list[Source]:
        """Those by which a fault's reach is held, and by what it is stopped."""
        return [one for one in self.sources if one.of_cluster or not self.embedded or one.settings.rehearsals]

    @property
    def stop_when(self) -> list[Condition]:
        """What ends a drill early, each once."""
        said = [condition for source in self.held_at_most for condition in source.settings.stop_when]
        return [condition for number, condition in enumerate(said) if condition not in said[:number]]

    def check_target(self, context: str, server: str, namespace: str, *, moment: datetime | None = None) -> None:
        """Let pass a namespace of a context that nobody protects, at an hour that all allow.

        Raises:
            RefusedError: it is protected, or this is no hour for drills.
        """
        for refused in self.refusals(context, server, namespace, moment=moment or utc()):
            raise RefusedError(refused)

    def refusals(self, context: str, server: str, namespace: str, *, moment: datetime) -> list[str]:
        """Why a namespace must not be struck at a moment, a sentence each."""
        host, found = urlsplit(server).hostname or "", list[str]()
        for where, settings, _ in self.held:
            patterns = settings.protected
            if (pattern := matching(patterns.contexts, context, host)) is not None:
                found.append(
                    f"refused: context '{context}' ({host}) is protected by '{pattern}' in {where} "
                    "(protected.contexts), whatever flags say; right would be another context"
                )
            if (pattern := matching(patterns.namespaces, namespace)) is not None:
                found.append(
                    f"refused: namespace '{namespace}' is protected by '{pattern}' in {where} (protected.namespaces), "
                    "whatever flags say; right would be another namespace"
                )
            if (why := refused_at(settings.hours, moment)) is not None:
                found.append(f"refused: this is no hour for drills by {where} (hours): {why}")
        return found


def find_limits(cluster: Cluster | None, namespace: str, *, root: Path | None = None) -> Limits:
    """Every limit that holds for a namespace: of the project's safety.yaml, and of the cluster where there is one yet.

    The project's file is the one in its `root`, the nearest from the working directory upwards, and the one that
    MUSTER_SAFETY names: where these are several, all hold.

    Raises:
        UsageError: a file cannot be read or understood.
        RefusedError: what the cluster holds cannot be read or understood.
    """
    found = [Source(os.path.relpath(path), read_settings(path)) for path in _files(root)]
    if cluster is not None:
        found += [source for name in (namespace, CLUSTER_WIDE) if (source := _in_cluster(cluster, name, namespace))]
    return Limits(found, embedded=cluster is None or is_embedded(cluster))


def limits_environment(root: Path) -> dict[str, str]:
    """What tells another process where the file of a project is, wherever that process is run."""
    path = root / FILE_NAME
    return {SAFETY_VARIABLE: str(path.absolute())} if path.exists() and SAFETY_VARIABLE not in os.environ else {}


def _files(root: Path | None) -> list[Path]:
    here = Path.cwd()
    nearest = next((path for base in (here, *here.parents) if (path := base / FILE_NAME).exists()), None)
    named = os.environ.get(SAFETY_VARIABLE)
    paths = [nearest, root / FILE_NAME if root is not None else None, Path(named) if named else None]
    there = [path for path in paths if path is not None and (path.exists() or path == paths[2])]
    return list({path.resolve(): path for path in there}.values())


def is_embedded(cluster: Cluster) -> bool:
    """Whether a cluster is the embedded one, also where only its kubeconfig is known, as by hand."""
    if cluster.embedded or cluster.context != EMBEDDED_CONTEXT:
        return cluster.embedded
    try:
        return ip_address(urlsplit(cluster.server).hostname or "").is_loopback
    except ValueError:
        return False


def _in_cluster(cluster: Cluster, namespace: str, target: str) -> Source | None:
    where = f"ConfigMap {CONFIG_MAP} in namespace '{namespace}'"
    try:
        item = cluster.find("ConfigMap", CONFIG_MAP, namespace)
    except ClusterError as error:
        if namespace != target and isinstance(error, ApiError) and error.code == FORBIDDEN:
            return None  # whoever wants it to hold lets those who drill read it
        raise RefusedError(f"refused: {where} cannot be asked for limits: {error}") from error
    data = (item or {}).get("data") or {}
    if not data:
        return None
    if FILE_NAME not in data:
        raise RefusedError(f"refused: {where} has '{min(data)}'; right would be a key '{FILE_NAME}'")
    try:
        settings = parse_settings(data[FILE_NAME], FILE_NAME)
    except UsageError as error:
        raise RefusedError(f"refused: {where} cannot be understood: {error}") from error
    if asking := [condition for condition in settings.stop_when if condition.asks_environment]:
        # Whoever writes it says where that is sent.
        raise RefusedError(
            f"refused: {where}: stop condition '{asking[0]}' names a variable of the environment of whoever drills; "
            "right would be one in the project's safety.yaml"
        )
    return Source(where, settings, of_cluster=True)
