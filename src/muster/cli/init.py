"""`muster init`: from a namespace, or a directory of manifests, to a first set of drills in the present folder."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.base.errors import UsageError
from muster.cli.shared import CONTEXT

if TYPE_CHECKING:
    from muster.onboarding import File, Found

NO_NAME = re.compile(r"[^a-z0-9]+")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@click.command(short_help="Write a first set of drills for your system.")
@click.argument("manifests", type=click.Path(path_type=Path), required=False)
@CONTEXT
@click.option("--namespace", metavar="NAME", help="the namespace that the system lives in")
@click.option("--name", metavar="NAME", help="what to call the system (default: its namespace)")
@click.option("--service", metavar="NAME", help="the Service that clients ask, where that cannot be told")
@click.option("--pipeline", type=click.Choice(["github", "gitlab", "none"]), help="default: what the project uses")
@click.option("--plan", is_flag=True, help="only say what would be written")
@click.option("--json", "as_json", is_flag=True, help="for machines")
def init(  # noqa: PLR0917 - one for each option
    manifests: Path | None,
    kube_context: str | None,
    namespace: str | None,
    name: str | None,
    service: str | None,
    pipeline: str | None,
    plan: bool,
    as_json: bool,
) -> None:
    """Look at a directory of MANIFESTS, or at a namespace (--kube-context, --namespace), and write system.yaml, a load,
    drills for what was found, and a pipeline, into the present folder. Nothing that is there is overwritten.
    """
    from muster.onboarding import export, files_for, find, write

    root = Path.cwd()
    if (manifests is None) == (kube_context is None):
        raise UsageError(
            "name a directory of manifests, or a namespace by --kube-context and --namespace; right would be: "
            "muster init deploy/, or: muster init --kube-context staging --namespace shop"
        )
    exported = None
    if manifests is not None:
        objects, namespace = _of_directory(manifests, namespace)
    else:
        assert kube_context is not None
        objects, namespace = _of_namespace(kube_context, namespace)
        exported = export(objects)
    name = name or namespace or (NO_NAME.sub("-", root.name.lower()).strip("-") or "system")
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name of a system: small letters, digits and '-'; say one with --name")
    found = find(objects, service)
    place = "manifests" if manifests is None else os.path.relpath(manifests.absolute(), root / "systems" / name)
    files = files_for(root, found, name, namespace or name, place, exported, pipeline)
    if not plan:
        write(root, files)
    _tell(found, name, namespace or name, files, plan=plan, as_json=as_json)


def _of_directory(directory: Path, namespace: str | None) -> tuple[list[dict[str, Any]], str | None]:
    from muster.onboarding import objects_of_directory

    objects, own = objects_of_directory(directory)
    if namespace and own and namespace != own:
        raise UsageError(f"the manifests of {directory} are of namespace '{own}', and --namespace says '{namespace}'")
    return objects, namespace or own


def _of_namespace(kube_context: str, namespace: str | None) -> tuple[list[dict[str, Any]], str]:
    from muster.kube import connect_context
    from muster.onboarding import objects_of_namespace

    if namespace is None:
        raise UsageError("--kube-context needs --namespace: the one that the system lives in")
    with connect_context(kube_context) as cluster:
        return objects_of_namespace(cluster, namespace), namespace


def _tell(found: Found, name: str, namespace: str, files: list[File], *, plan: bool, as_json: bool) -> None:
    from muster.onboarding.drills_file import planned

    drills = planned(found)
    if as_json:
        said = {
            "schema": "muster/init/v1", "system": name, "namespace": namespace, "written": not plan,
            "found": {
                "service": found.service, "port": found.port, "serving": found.serving, "read": found.read_path,
                "workloads": found.workloads, "databases": found.databases, "configuration": found.configuration,
            },
            "files": [{"path": str(file.path), "action": "keep" if file.there else "write"} for file in files],
            "drills": [{"name": drill.name, **drill.marker()} for drill in drills],
            "notes": found.notes,
        }  # fmt: skip
        click.echo(json.dumps(said, indent=2))
        return
    click.echo(
        f"{name}: clients ask Service {found.service}:{found.port}{found.read_path}, served by {_and(found.serving)}"
    )
    for stage, workloads in found.stages:
        click.echo(f"  {stage}: {_and(workloads)}")
    for drill in drills:
        by = f", mended by {drill.recovery}" if drill.recovery else ""
        click.echo(f"  drill {drill.name}: {drill.fault}{by}")
    for file in files:
        action = "is there, left as it is" if file.there else "would be written" if plan else "written"
        click.echo(f"{action}: {file.path} ({file.what})")
    for note in found.notes:
        click.echo(f"note: {note}")
    if not plan:
        click.echo("next: read systems/*/system.yaml, then: pytest drills --collect-only, and: muster run drills")


def _and(names: list[str]) -> str:
    return ", ".join(names) or "nobody"
