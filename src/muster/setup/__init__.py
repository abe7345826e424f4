"""Everything that must stand before an emergency: looked at, made where it can be, and tried once."""

from muster.setup.run import SetupReport, report_of, set_up
from muster.setup.subject import Subject

__all__ = ["SetupReport", "Subject", "report_of", "set_up"]
