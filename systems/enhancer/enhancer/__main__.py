"""`python -m enhancer api`, `python -m enhancer agents` and `python -m enhancer purge PREFIX...`."""

import importlib
import logging
import os
import sys

from enhancer.defect import Defect, crash
from enhancer.settings import SettingsError

PROGRAMS = ("agents", "api")
PURGE = "purge"


def main() -> int:
    """Run the program named on the command line; 2 if it was started wrongly, with one sentence on stderr."""
    if sys.argv[1:2] == [PURGE]:
        return int(importlib.import_module("enhancer.purge").run(sys.argv[2:]))
    if len(sys.argv) != 2 or sys.argv[1] not in PROGRAMS:
        sys.stderr.write(f"usage: python -m enhancer {'|'.join(PROGRAMS)}, or python -m enhancer {PURGE} PREFIX...\n")
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    program = importlib.import_module(f"enhancer.{sys.argv[1]}.program")
    try:
        defect = Defect.from_environment(os.environ)
        crash(defect)
        program.run(defect)
    except SettingsError as error:
        sys.stderr.write(f"enhancer: refusing to start: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
