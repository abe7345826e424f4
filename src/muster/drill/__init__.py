"""One drill: puts system, load, fault and recovery on one timeline, and is judged from that.

Belongs here: the order of things and the views that a drill's author works with. How a verdict is reached does not: see
`muster.verdict`.
"""

from muster.drill.backups import BackupsView
from muster.drill.drill import Drill, Project, UnprovableError
from muster.drill.live import Live
from muster.drill.managed import ManagedSystem
from muster.drill.release import ReleaseView
from muster.drill.views import InjectView, LoadView, ObjectivesView, RecoverView, SystemView

__all__ = [
    "BackupsView",
    "Drill",
    "InjectView",
    "Live",
    "LoadView",
    "ManagedSystem",
    "ObjectivesView",
    "Project",
    "RecoverView",
    "ReleaseView",
    "SystemView",
    "UnprovableError",
]
