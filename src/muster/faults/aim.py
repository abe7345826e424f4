"""Whom a fault strikes: the names that an experiment asks for, as system.yaml, the manifests and the marker give them.

An experiment asks by its `configuration`: `labels: {type: env, key: MUSTER_TARGET_LABELS}`. Under a drill muster sets
these variables, and only those that the experiment asks for; by hand they are what the environment holds, else the
`default` beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from muster.base.errors import UsageError
from muster.system import Database, SystemDefinition
from muster.system.databases.declared import streaming
from muster.system.names import Names, Object, containers, in_order, pod_labels, replicas, selector_text

RELEASE_TIME_SCALE = 60.0
TIME_SCALE_VARIABLE = "MUSTER_RELEASE_TIME_SCALE"
SURGE = 1.5  # times what capacity admits
DEFAULT_LOAD = "clients"  # the package's own


@dataclass(frozen=True)
class Aim:
    """What a drill's marker says of whom its fault strikes; all else comes from the system.

    `target` is a Deployment or StatefulSet, `container` one of its containers, `config_map` a ConfigMap, or `name/key`
    where it has several; `surge` is a load in requests/s. `release` is what is brought out, a directory or an image,
    `release_env` are variables that its containers have besides, `time_scale` is by how much its bakes are shorter.
    """

    target: str | None = None
    container: str | None = None
    config_map: str | None = None
    surge: float | None = None
    release: str | None = None
    release_env: Mapping[str, str] | None = None
    time_scale: float | None = None
    load: str | None = None

    @classmethod
    def of_marker(cls, said: Mapping[str, Any]) -> Aim:
        """That of a marker's arguments."""
        return cls(**{field.name: said.get(field.name) for field in fields(cls)})


NOBODY = Aim()  # in particular


class Aimed:
    """The values of the variables, for one system and one aim. Each is found when it is asked for.

    Raises:
        UsageError: from every one of them: the system has nothing of that kind, or more than one and nobody says which.
    """

    def __init__(self, system: SystemDefinition, aim: Aim) -> None:
        self._system, self._aim = system, aim

    @cached_property
    def _names(self) -> Names:
        return Names.of(self._system)

    @cached_property
    def _target(self) -> Object:
        if self._aim.target is not None:
            return self._names.workload(self._aim.target)
        serving = self._names.serving()
        if len(serving) == 1:
            return serving[0]
        service = self._system.service.name
        how = f"leads to {len(serving)} workloads" if serving else "leads to no workload"
        there = ", ".join(sorted(item["metadata"]["name"] for item in self._names.workloads)) or "none"
        raise UsageError(
            f"whom it strikes is not known: Service '{service}' {how} of the manifests; right would be target='...' in "
            f"the drill's marker (there are: {there})"
        )

    def target(self) -> str:
        """The workload that is struck."""
        return str(self._target["metadata"]["name"])

    def target_kind(self) -> str:
        """Its kind."""
        return str(self._target["kind"])

    def deployment(self) -> str:
        """The Deployment that is struck, where no other kind of workload will do."""
        if self.target_kind() != "Deployment":
            raise UsageError(
                f"it strikes a Deployment, and '{self.target()}' is a {self.target_kind()}; right would be the target "
                "of a Deployment, or another fault such as 'workload-lost'"
            )
        return self.target()

    def labels(self) -> str:
        """The label selector of its pods."""
        return selector_text(self._target["spec"].get("selector") or {"matchLabels": pod_labels(self._target)})

    def replicas(self) -> str:
        """How many pods it has by its manifest."""
        if (count := replicas(self._target)) < 1:
            raise UsageError(f"{self.target_kind()} '{self.target()}' has no replicas that could be struck")
        return str(count)

    def container(self) -> str:
        """One of its containers."""
        there = [str(one["name"]) for one in containers(self._target)]
        if self._aim.container is None:
            if len(there) == 1:
                return there[0]
            said = "has several containers and nothing says which"
        elif self._aim.container in there:
            return self._aim.container
        else:
            said = f"has no container '{self._aim.container}'"
        raise UsageError(
            f"{self.target_kind()} '{self.target()}' {said}; right would be container='...' in the drill's marker "
            f"(there are: {', '.join(there)})"
        )

    @cached_property
    def _configuration(self) -> tuple[str, str | None]:
        """The ConfigMap, and its key where the marker says it."""
        if self._aim.config_map is not None:
            name, _, key = self._aim.config_map.partition("/")
            return name, key or None
        declared = [one for one in self._system.operations.configuration if self.target() in one.used_by]
        found = [one.config_map for one in declared] or self._names.config_maps(self._target)
        if len(found) != 1:
            how = f"several ConfigMaps ({', '.join(found)})" if found else "no ConfigMap"
            raise UsageError(
                f"what configures it is not known: {self.target_kind()} '{self.target()}' uses {how}; right would be "
                "config_map='NAME' or 'NAME/KEY' in the drill's marker, or operations.configuration in system.yaml"
            )
        return found[0], None

    def config_map(self) -> str:
        """The ConfigMap that configures it."""
        return self._configuration[0]

    def config_key(self) -> str:
        """The key of that ConfigMap that is struck."""
        name, key = self._configuration
        there = self._names.config_keys(name)
        if key is not None and (key in there or not there):
            return key
        if key is None and len(there) == 1:
            return there[0]
        how = f"no key '{key}'" if key is not None else f"{len(there)} keys in the manifests"
        raise UsageError(
            f"ConfigMap '{name}' has {how}; right would be config_map='{name}/KEY' in the drill's marker "
            f"(there are: {', '.join(there) or 'none'})"
        )

    @cached_property
    def _database(self) -> Database:
        if self._system.database is None:
            raise UsageError(
                f"it strikes a database, and system '{self._system.name}' has no 'database' in system.yaml"
            )
        return streaming(self._system.database, "striking the primary of several instances")

    def database_service(self) -> str:
        """The Service that leads to the primary."""
        return self._database.service

    def database_key(self) -> str:
        """The label by which that Service chooses the primary."""
        return self._database.selector_key

    def database_labels(self) -> str:
        """The label selector of the pods of all instances: what their labels have in common."""
        own = [pod_labels(self._names.workload(name)) for name in self._database.instances]
        common = set.intersection(*(set(labels.items()) for labels in own))
        found = {key: value for key, value in sorted(common) if key != self._database.selector_key}
        if not found:
            raise UsageError(
                f"the pods of the database instances {', '.join(self._database.instances)} have no label in common, so "
                "they cannot be told from others"
            )
        return selector_text({"matchLabels": found})

    def database_container(self) -> str:
        """The container that the database runs in."""
        return self._database.container

    def database_role(self) -> str:
        """The role that its clients log in as."""
        if self._database.clients is None:
            raise UsageError(
                f"it strikes the login of a database's clients, and system '{self._system.name}' has no "
                "'database.clients' in system.yaml"
            )
        return self._database.clients.role

    def database_workloads(self) -> str:
        """All instances, `StatefulSet/name` separated by commas."""
        return ",".join(f"StatefulSet/{name}" for name in self._database.instances)

    def workloads(self) -> str:
        """All workloads, `Kind/name` separated by commas, in the order in which they start."""
        stages = [stage.workloads for stage in self._system.operations.stages]
        found = [item for item in in_order(self._names.workloads, stages) if replicas(item) > 0]
        if not found:
            raise UsageError(f"system '{self._system.name}' has no workload in its manifests")
        return ",".join(f"{item['kind']}/{item['metadata']['name']}" for item in found)

    def service(self) -> str:
        """The Service that clients ask."""
        return self._system.service.name

    def port(self) -> str:
        """Its port."""
        return str(self._system.service.port)

    def read_path(self) -> str:
        """What the read of system.yaml asks for."""
        return self._system.read.request.path

    def surge(self) -> str:
        """A load above what the system admits, in requests/s."""
        if self._aim.surge is not None:
            return f"{self._aim.surge:g}"
        capacity = self._system.operations.capacity
        if capacity is None or capacity.admits_per_s is None:
            raise UsageError(
                "how much load is too much is not known; right would be surge=REQUESTS_PER_S in the drill's marker, or "
                f"operations.capacity.admits_per_s in system.yaml, of which it asks {SURGE:g} times"
            )
        return f"{SURGE * capacity.admits_per_s:g}"

    def release(self) -> str:
        """What is brought out: a directory, from the one of system.yaml or from the working one, else an image."""
        if (said := self._aim.release) is None:
            raise UsageError("it brings out a release; right would be release='DIRECTORY' in the drill's marker")
        found = next((path for path in (self._system.directory / said, Path(said)) if path.is_dir()), None)
        if found is None and ":" not in said and "@" not in said:
            raise UsageError(
                f"release '{said}' is no directory, neither in {self._system.directory} nor in {Path.cwd()}, and no "
                "image with a tag or a digest"
            )
        return said if found is None else str(found.absolute())

    def release_env(self) -> str:
        """What its containers find in their environment besides, as JSON."""
        return json.dumps(dict(self._aim.release_env or {}), sort_keys=True)

    def release_time_scale(self) -> str:
        """By how much its bakes are shorter."""
        scale = RELEASE_TIME_SCALE if self._aim.time_scale is None else self._aim.time_scale
        if not scale > 0:
            raise UsageError(f"time_scale is {scale:g}; right would be a number above 0")
        return f"{scale:g}"

    def load(self) -> str:
        """The load profile that is raised."""
        return self._aim.load or DEFAULT_LOAD


# What an experiment may ask for, with what of the marker it then heeds.
VARIABLES: Mapping[str, Callable[[Aimed], str]] = {
    "MUSTER_TARGET": Aimed.target,
    "MUSTER_TARGET_KIND": Aimed.target_kind,
    "MUSTER_TARGET_DEPLOYMENT": Aimed.deployment,
    "MUSTER_TARGET_LABELS": Aimed.labels,
    "MUSTER_TARGET_REPLICAS": Aimed.replicas,
    "MUSTER_TARGET_CONTAINER": Aimed.container,
    "MUSTER_CONFIG_MAP": Aimed.config_map,
    "MUSTER_CONFIG_KEY": Aimed.config_key,
    "MUSTER_DATABASE_SERVICE": Aimed.database_service,
    "MUSTER_DATABASE_KEY": Aimed.database_key,
    "MUSTER_DATABASE_LABELS": Aimed.database_labels,
    "MUSTER_DATABASE_CONTAINER": Aimed.database_container,
    "MUSTER_DATABASE_ROLE": Aimed.database_role,
    "MUSTER_DATABASE_WORKLOADS": Aimed.database_workloads,
    "MUSTER_WORKLOADS": Aimed.workloads,
    "MUSTER_SERVICE": Aimed.service,
    "MUSTER_SERVICE_PORT": Aimed.port,
    "MUSTER_READ_PATH": Aimed.read_path,
    "MUSTER_SURGE": Aimed.surge,
    "MUSTER_RELEASE": Aimed.release,
    "MUSTER_RELEASE_ENV": Aimed.release_env,
    TIME_SCALE_VARIABLE: Aimed.release_time_scale,
    "MUSTER_LOAD": Aimed.load,
}
# What of system.yaml, its manifests or the marker they come from, by the first letters of a variable.
SOURCES: Mapping[str, str] = {
    "MUSTER_TARGET_CONTAINER": "container='...' in the marker, where the target has several",
    "MUSTER_TARGET": "target='...' in the marker, or one workload that the system's Service leads to",
    "MUSTER_CONFIG": "config_map='NAME/KEY' in the marker, operations.configuration, or the target's one ConfigMap",
    "MUSTER_DATABASE_ROLE": "database.clients",
    "MUSTER_DATABASE": "database",
    "MUSTER_WORKLOADS": "manifests, and the order of operations.stages",
    "MUSTER_SERVICE": "service",
    "MUSTER_READ": "read",
    "MUSTER_RELEASE": "release='DIRECTORY' or 'IMAGE' in the marker, release_env={...}, time_scale=...",
    "MUSTER_SURGE": "surge=... in the marker, or operations.capacity.admits_per_s",
}
# What of a marker is heeded only where an experiment asks for one of these.
HEEDED_BY: Mapping[str, str] = {
    "target": "MUSTER_TARGET",
    "container": "MUSTER_TARGET_CONTAINER",
    "config_map": "MUSTER_CONFIG_MAP",
    "surge": "MUSTER_SURGE",
    "release": "MUSTER_RELEASE",
    "release_env": "MUSTER_RELEASE_ENV",
    "time_scale": TIME_SCALE_VARIABLE,
}


def values_for(configuration: Mapping[str, Any], system: SystemDefinition, aim: Aim, *, name: str) -> dict[str, str]:
    """The variables that an experiment's configuration asks for, with their values.

    Raises:
        UsageError: the system does not have what is asked for, and the experiment has no default; or the aim says
            something that the experiment, called `name`, does not ask for.
    """
    asked = {
        value["key"]: "default" in value
        for value in configuration.values()
        if isinstance(value, Mapping) and value.get("type") == "env" and value.get("key") in VARIABLES
    }
    for argument, variable in HEEDED_BY.items():
        if getattr(aim, argument) is not None and not any(key.startswith(variable) for key in asked):
            raise UsageError(
                f"experiment '{name}' asks for no {variable}, so {argument}={getattr(aim, argument)!r} of the drill's "
                "marker would change nothing; right would be none"
            )
    aimed, found = Aimed(system, aim), {}
    for variable, has_default in asked.items():
        try:
            found[variable] = VARIABLES[variable](aimed)
        except UsageError:
            if not has_default or aim != Aim(load=aim.load):
                raise
    return found
