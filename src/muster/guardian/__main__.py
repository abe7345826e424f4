"""The guardian's process: see `muster.guardian.guardian`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from muster.base.errors import MusterError
from muster.guardian.watch import Watch
from muster.kube import connect


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m muster.guardian", description="take back what a session leaves")
    parser.add_argument("--token", required=True)
    parser.add_argument("--session", type=int, required=True, metavar="PID")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--embedded", action="store_true")
    options = parser.parse_args()
    try:
        with connect(options.kubeconfig, embedded=options.embedded) as cluster:
            Watch(cluster, options.home, options.token, options.session).keep()
    except MusterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
