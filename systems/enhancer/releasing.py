"""Releases of the enhancer with a defect on purpose, for drills and for rehearsals by hand.

    python systems/enhancer/releasing.py DIRECTORY DEFECT [SIZE]     # what defects there are: README.md

Made of the release that is good, so that nothing else differs: only its pods' environment names the defect.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

RELEASES = Path(__file__).parent / "releases"
VERSION = "5.2"
DEFECT, SIZE = "ENHANCER_DEFECT", "ENHANCER_DEFECT_SIZE"  # as in enhancer.defect


def release_with(defect: str, size: float | None, into: Path, *, version: str = VERSION) -> Path:
    """Write a RELEASE directory into `into`, which need not be there: that of `version`, with this defect.

    `size` is in the unit of the defect's kind, None for what is usual. A defect that does not exist is refused by the
    pods, which do not start. Raises FileExistsError where `into` holds files already.
    """
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise FileExistsError(f"{into} is not empty")
    for source in sorted((RELEASES / version).glob("*.yaml")):
        documents = list(yaml.safe_load_all(source.read_text()))
        for document in documents:
            if document.get("kind") == "Deployment":
                _set(document, {DEFECT: defect} | ({} if size is None else {SIZE: f"{size:g}"}))
        (into / source.name).write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return into


def _set(deployment: dict[str, Any], environment: dict[str, str]) -> None:
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        container["env"] += [{"name": name, "value": value} for name, value in environment.items()]


def main() -> int:
    """Write the directory that the command line names; 64 where that cannot be."""
    parser = argparse.ArgumentParser(description="Write a RELEASE directory with a defect on purpose.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("defect")
    parser.add_argument("size", type=float, nargs="?")
    asked = parser.parse_args()
    try:
        release_with(asked.defect, asked.size, asked.directory)
    except OSError as error:
        sys.stderr.write(f"releasing: {error}\n")
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(main())
