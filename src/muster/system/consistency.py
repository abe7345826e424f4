"""Whether what a system.yaml names is there: in its manifests, and on the disk. Asked before anything is started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from muster.base.command import check_program, words_of
from muster.base.documents import Document
from muster.base.errors import UsageError
from muster.system.explaining import Place, nearest
from muster.system.manifests import WORKLOADS, read_manifests

if TYPE_CHECKING:
    from muster.system.definition import SystemDefinition

Named = tuple[Place, str, tuple[str, ...]]


def check_consistent(system: SystemDefinition, document: Document) -> None:
    """Check what a definition names against its manifests and its directory.

    Of a kind of which the manifests hold nothing at all other tools take care, and nothing can be said.

    Raises:
        UsageError: something is named that is not there, or a manifest is wrong; the message says file and line.
    """
    for place, directory in _directories(system):
        if not (system.directory / directory).is_dir():
            raise UsageError(f"{document.where(place)}: there is no directory {system.directory / directory}")
    if system.openslo is not None and not system.openslo.is_file():
        raise UsageError(f"{document.where(['objectives', 'openslo'])}: there is no file {system.openslo}")
    for place, command in _commands(system):
        try:
            check_program(words_of(command), system.directory)
        except UsageError as error:
            raise UsageError(f"{document.where(place)}: {error}") from None
    _check_answerers(system, document)
    _check_verifiers(system, document)
    if not any(system.manifest_directory.glob("*.y*ml")):
        return
    objects = read_manifests(system.manifest_directory, system.namespace)
    for place, name, kinds in _named(system):
        there = {item["metadata"]["name"] for item in objects if item["kind"] in kinds}
        if there and name not in there:
            what = " or ".join(kinds)
            raise UsageError(f"{document.where(place)}: {what} '{name}' is not in the manifests{nearest(name, there)}")
    _check_port(system, document, objects)


def _check_answerers(system: SystemDefinition, document: Document) -> None:
    """Whether there is somebody whom each check of the system's own can ask."""
    for name, check in system.checks.items():
        instances = system.streaming.instances if system.streaming else []
        what = ""
        if check.sql is not None and not instances:
            what = "asks by SQL, and there is no 'database' of kind 'streaming' in this system.yaml"
        elif check.instance is not None and check.instance not in instances:
            what = f"asks instance '{check.instance}'{nearest(check.instance, instances)}"
        elif check.promql is not None and (system.monitoring is None or system.monitoring.kind != "prometheus"):
            what = "asks by PromQL, and there is no 'monitoring.prometheus' in this system.yaml"
        if what:
            raise UsageError(f"{document.where(('checks', name, check.way))}: check '{name}' {what}")


def _check_verifiers(system: SystemDefinition, document: Document) -> None:
    """Whether what a release asks the new version's pods is known."""
    probes = {probe.name for probe in system.probes}
    for number, name in enumerate(system.release.verify):
        if name not in probes:
            where = document.where(("release", "verify", number))
            raise UsageError(f"{where}: probe '{name}' is not among 'probes'{nearest(name, probes)}")


def _directories(system: SystemDefinition) -> Iterator[tuple[Place, str]]:
    for name, image in system.images.items():
        for key, paths in (("python_path", image.python_path), ("path", image.path)):
            for number, path in enumerate(paths):
                yield ("images", name, key, number), path


def _commands(system: SystemDefinition) -> Iterator[tuple[Place, str | list[str]]]:
    for key, commands in (("before", system.hooks.before), ("after", system.hooks.after)):
        for number, command in enumerate(commands):
            yield ("hooks", key, number), command


def _named(system: SystemDefinition) -> Iterator[Named]:
    """What is named of the manifests: where, its name, and of which kinds it may be."""
    yield ("service", "name"), system.service.name, ("Service",)
    if (database := system.streaming) is not None:
        yield ("database", "service"), database.service, ("Service",)
        yield ("database", "topology"), database.topology, ("ConfigMap",)
        for number, name in enumerate(database.instances):
            yield ("database", "instances", number), name, ("StatefulSet",)
    operations = system.operations
    for number, stage in enumerate(operations.stages):
        for inner, name in enumerate(stage.workloads):
            yield ("operations", "stages", number, "workloads", inner), name, WORKLOADS
    for number, one in enumerate(operations.configuration):
        yield ("operations", "configuration", number, "config_map"), one.config_map, ("ConfigMap",)
        for inner, name in enumerate(one.used_by):
            yield ("operations", "configuration", number, "used_by", inner), name, WORKLOADS
    yield from _named_single(system)


def _named_single(system: SystemDefinition) -> Iterator[Named]:
    """The workloads that are named once."""
    operations = system.operations
    if operations.capacity is not None:
        yield ("operations", "capacity", "deployment"), operations.capacity.deployment, ("Deployment",)
    if operations.workflows is not None:
        yield ("operations", "workflows", "workers"), operations.workflows.workers, WORKLOADS
    if operations.agents is not None:
        yield ("operations", "agents", "workers"), operations.agents.workers, WORKLOADS
    if system.release.workload is not None:
        yield ("release", "workload"), system.release.workload, ("Deployment",)


def _check_port(system: SystemDefinition, document: Document, objects: list[dict[str, Any]]) -> None:
    for item in objects:
        if item["kind"] != "Service" or item["metadata"]["name"] != system.service.name:
            continue
        spec = item.get("spec")
        ports = spec.get("ports") if isinstance(spec, dict) else None
        there = [one.get("port") for one in ports or [] if isinstance(one, dict)] if isinstance(ports, list) else []
        if there and system.service.port not in there:
            listed = ", ".join(str(port) for port in there)
            raise UsageError(
                f"{document.where(['service', 'port'])}: Service '{system.service.name}' has no port "
                f"{system.service.port} in the manifests (there are: {listed})"
            )
