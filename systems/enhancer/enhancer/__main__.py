"""`python -m enhancer api` and `python -m enhancer agents`."""

import importlib
import logging
import sys

from enhancer.settings import SettingsError

PROGRAMS = ("agents", "api")


def main() -> int:
    """Run the program named on the command line; 2 if it was started wrongly, with one sentence on stderr."""
    if len(sys.argv) != 2 or sys.argv[1] not in PROGRAMS:
        sys.stderr.write(f"usage: python -m enhancer {'|'.join(PROGRAMS)}\n")
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    program = importlib.import_module(f"enhancer.{sys.argv[1]}.program")
    try:
        program.run()
    except SettingsError as error:
        sys.stderr.write(f"enhancer: refusing to start: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
