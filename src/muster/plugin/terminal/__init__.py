"""What a person sees while drills run and when they are over.

Drills run in this process or in xdist workers; each is followed by its timeline (`follow`), folded into where it is
(`progress`) and shown as a panel (`panel`, on a `screen` shared with pytest) or line by line (`lines`). The end is a
`table`. Nothing here is told by a drill or changes one, `announce` excepted.
"""

from muster.plugin.terminal.notes import announce
from muster.plugin.terminal.watch import Watch

__all__ = ["Watch", "announce"]
