"""`python -m muster.embedded --state DIR`: runs an embedded cluster until SIGTERM or SIGINT.

Prints `ready https://...` when it serves; DIR/kubeconfig is there by then. Exit status 2, with one sentence on stderr,
where it cannot start.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from muster.base.errors import MusterError


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m muster.embedded", description="Run an embedded cluster.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--state", type=Path, metavar="DIR", help="keeps kubeconfig, logs and volumes")
    what.add_argument("--list-images", action="store_true", help="print the images that there are, and end")
    what.add_argument("--digest-of", action="append", metavar="IMAGE", help="print the digests of images, and end")
    parser.add_argument("--images", type=Path, metavar="FILE", help="YAML: which environment an image name stands for")
    parser.add_argument("--audit", type=Path, metavar="FILE", help="append an audit event for each request")
    inherited = os.environ.get("MUSTER_RUN_ID", "")
    parser.add_argument("--run-id", default=inherited, metavar="ID", help="MUSTER_RUN_ID of every process of a pod")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    from muster.embedded.cluster import Cluster  # noqa: PLC0415 - usage errors need not wait for the imports
    from muster.embedded.node.images import Images  # noqa: PLC0415

    images = Images.load(options.images)
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    audit = options.audit and options.audit.resolve()
    async with Cluster(options.state.resolve(), images, options.run_id, audit) as cluster:
        print(f"ready {cluster.url}", flush=True)
        await asked_to_stop.wait()


def _list_images(options: argparse.Namespace) -> None:
    from muster.embedded.node.images import Images  # noqa: PLC0415

    for name, stands_for in Images.load(options.images).rows():
        print(f"{name}\t{stands_for}")


def _tell_digests(options: argparse.Namespace) -> None:
    from muster.embedded.node.images import Images, UnknownImageError, content_digest  # noqa: PLC0415

    images = Images.load(options.images)
    for name in options.digest_of:
        try:
            print(f"{name}\t{content_digest(images.find(name)) or ''}")
        except UnknownImageError:
            print(f"{name}\t")


def main() -> int:
    """Run; returns the exit status."""
    options = _arguments()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        import uvloop  # noqa: PLC0415 - its absence is answered in one sentence
    except ImportError:
        print("the embedded cluster needs uvloop: install pytest-muster[embedded]", file=sys.stderr)
        return 2
    try:
        if options.list_images:
            _list_images(options)
        elif options.digest_of:
            _tell_digests(options)
        else:
            uvloop.run(_serve(options))
    except MusterError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
