"""The `muster` command.

Belongs here: parsing, printing, exit codes. Each command is a few calls into the layers below. Slow imports (the
Kubernetes client) happen in the commands that need them.
"""

from muster.cli.main import main

__all__ = ["main"]
