"""`python -m muster.report.html.install`: install the report generator into this Python environment."""

from __future__ import annotations

import sys

from muster.report.html.errors import ReportError
from muster.report.html.generator import install


def main() -> int:
    """Install it; exit code 1 and one sentence where that fails."""
    try:
        home = install()
    except ReportError as error:
        print(f"muster: {error}", file=sys.stderr)
        return 1
    print(f"report generator: {home}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
