"""Whether a fault keeps to every limit, asked of the cluster before it strikes: by its drill and its own process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from muster.base.errors import ClusterError, RefusedError
from muster.base.quick_yaml import loaded
from muster.faults.channel import NAMESPACE_VARIABLE
from muster.faults.experiments import Experiment
from muster.faults.fitness import Content, check_fit
from muster.faults.touched import configured, plain, read_state, touched
from muster.kube import Cluster
from muster.safety.limits import Strike, check_radius, find_limits

NOTHING: Mapping[str, str] = MappingProxyType({})


def check_reach(
    fault: str,
    content: Content,
    cluster: Cluster,
    namespace: str,
    *,
    configuration: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = NOTHING,
    root: Path | None = None,
) -> tuple[Strike, ...]:
    """Let pass a fault that keeps to every limit, and return what it may touch. Only reads.

    `configuration` holds the values of the experiment's, where they were read already; else they are read in the
    environment with `environment` added, as its process will find it. `root` is the project's.

    Raises:
        RefusedError: the namespace is protected, this is no hour for drills, the fault may hit more than is allowed, or
            that cannot be told.
        UsageError: safety.yaml cannot be read or understood.
    """
    surroundings = environment_of(namespace, environment)
    limits = find_limits(cluster, namespace, root=root)
    limits.check_target(cluster.context, cluster.server, namespace)
    try:
        values = plain(content, surroundings) if configuration is None else configuration
        state = read_state(cluster, namespace, content, values)
    except ClusterError as error:
        raise RefusedError(
            f"refused: what fault '{fault}' would hit in namespace '{namespace}' cannot be told: {error}"
        ) from error
    known = configured(content, surroundings, state) if configuration is None else configuration
    strikes = touched(content, known, state)
    check_radius(fault, strikes, state, limits)
    return strikes


def content_of(experiment: Experiment) -> Content:
    """What the file of an experiment that was found fit says."""
    return check_fit(loaded(experiment.path.read_text(encoding="utf-8")))


def environment_of(namespace: str, names: Mapping[str, str]) -> dict[str, str]:
    """The environment in which an experiment's configuration is read under a drill; `names` are the system's own."""
    return {**os.environ, **names, NAMESPACE_VARIABLE: namespace}
