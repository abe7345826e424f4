"""`muster guard`: a guardian for a cluster, which takes back the faults of sessions that are gone."""

from __future__ import annotations

from pathlib import Path

import click

from muster.base.errors import UsageError
from muster.cli.shared import CONTEXT


@click.command(short_help="Take back, in a cluster, the faults of sessions that are gone.")
@CONTEXT
@click.option("--in-cluster", is_flag=True, help="as a pod: by the account of the pod")
@click.option("--namespace", "namespaces", metavar="NAME", multiple=True, help="guard only this one (may be repeated)")
@click.option("--home", metavar="NAME", default="muster", show_default=True, help="the namespace that it lives in")
@click.option("--manifest", "as_manifest", is_flag=True, help="print what installs it as a pod, for kubectl apply -f -")
@click.option("--image", metavar="NAME", help="with --manifest: the image of the pod  [default: muster]")
def guard(
    *,
    kube_context: str | None,
    in_cluster: bool,
    namespaces: tuple[str, ...],
    home: str,
    as_manifest: bool,
    image: str | None,
) -> None:
    """Watch over the faults that are on record in a cluster, until it is told to end.

    A fault is taken back when the drill that made it has given no sign for as long as its Lease lasts, or when it has
    lasted as long as its record allows.
    """
    if as_manifest:
        if kube_context is not None or in_cluster or home != "muster":
            raise UsageError("--manifest only prints; it goes together with --namespace and --image alone")
        click.echo(_manifest(image, namespaces), nl=False)
        return
    if image is not None:
        raise UsageError("--image goes together with --manifest")
    from muster.cli.project import find_project
    from muster.guardian.post import Post
    from muster.kube import connect_context, connect_in_cluster
    from muster.safety import AuditLog

    if in_cluster == (kube_context is not None):
        raise UsageError("which cluster is to be guarded? right would be --kube-context NAME, or --in-cluster in a pod")
    with connect_in_cluster() if kube_context is None else connect_context(kube_context) as cluster:
        Post(cluster, namespaces, home, AuditLog.of_run(find_project(Path.cwd()).reports), click.echo).keep()


def _manifest(image: str | None, namespaces: tuple[str, ...]) -> str:
    import yaml

    from muster.guardian.manifest import manifest

    return str(yaml.safe_dump_all(manifest(image, namespaces), sort_keys=False, width=120))
