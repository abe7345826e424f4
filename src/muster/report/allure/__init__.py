"""A drill as a result of Allure: labels, description, steps and attachments, made from its timeline and its entry.

Belongs here: what a reader of the Allure report finds about one drill, and the files in Allure's format. Not here: the
report's page, which `muster.report.html` makes of them. The same functions write the result of a drill that has just
ended and of one whose session was killed, from what its timeline holds.
"""

from muster.report.allure.complete import complete_results
from muster.report.allure.environment import CLUSTER_FILE, ENVIRONMENT_FILE, describe_run, note_run, write_environment
from muster.report.allure.forgiving import forgive_full_disks
from muster.report.allure.result import Cause, conclude, decorate, label
from muster.report.allure.store import RESULTS, Store, point
from muster.report.allure.tale import Tale, read_tale

__all__ = [
    "CLUSTER_FILE",
    "ENVIRONMENT_FILE",
    "RESULTS",
    "Cause",
    "Store",
    "Tale",
    "complete_results",
    "conclude",
    "decorate",
    "describe_run",
    "forgive_full_disks",
    "label",
    "note_run",
    "point",
    "read_tale",
    "write_environment",
]
