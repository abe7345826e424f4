"""Which version of the system a drill is held against: what it proves is proved of that one alone."""

from __future__ import annotations

from muster.base.errors import MusterError
from muster.drill.drill import Drill
from muster.system.version import of_cluster


def note_version(drill: Drill) -> None:
    """Tell the timeline which version is there, before anything is struck. Where that cannot be seen the drill proves
    what it proves, of an unknown version."""
    state = drill.state
    try:
        version, why = of_cluster(state.cluster, state.definition).to_json(), ""
    except MusterError as error:
        version, why = None, str(error)
    drill.timeline.append("version", version=version, why=why)
