"""The files that machines read, as JSON Schema: one file each beside this one, made from the models of `generate`.

`python -m muster.schemas` writes them again. What reads and writes the files themselves belongs elsewhere: a schema is
what others may rely on, and stands at the top of the layers because it describes what all of them leave.
"""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent
