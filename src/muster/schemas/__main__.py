"""`python -m muster.schemas`: write the schemas again, and say where they are."""

from __future__ import annotations

import sys

from muster.schemas import DIRECTORY
from muster.schemas.generate import as_text, schemas


def main() -> int:
    """Write every schema beside this file; exit status 0."""
    for name, schema in schemas().items():
        (DIRECTORY / name).write_text(as_text(schema))
        sys.stdout.write(f"{DIRECTORY / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
